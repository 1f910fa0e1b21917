// What a writing process has promised, in a file that outlives it: the process maps it, so it is in
// the page cache however the process ends, and must lie outside of the file system under test.
// Drivers in Python read the words by their position (crash_cycle.py).
//
// Layout: words of 8 bytes. First those that are promises, each a lower bound of what must be there
// afterwards; then those that say what was begun, upper bounds of what may be gone.
//
// Thread safety: words are atomic; acknowledged[w] and the blocks are written by one thread each.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace tsdb::crash {

inline constexpr size_t kWritersMax = 64;

struct Promises {
  std::atomic<int64_t> acknowledged[kWritersMax];  // the last timestamp of each writer
  std::atomic<int64_t> blocks_appended;            // of the gardener: blocks below it
  std::atomic<int64_t> blocks_deleted;             // blocks below it are gone
};

struct CrashLedger {
  Promises promises;
  std::atomic<int64_t> clock;             // the latest that retention was told
  std::atomic<int64_t> blocks_to_delete;  // blocks below it may be gone
  std::atomic<int64_t> log_syncs;         // syncs of log files begun
  std::atomic<int64_t> refusals;          // by a full disk
  std::atomic<int64_t> reads_when_full;   // whole series read and found right between refusals
  std::atomic<int64_t> compacted_bytes;   // in all runs, up to their last Compact()
};
static_assert(sizeof(CrashLedger) == (kWritersMax + 8) * sizeof(int64_t));
static_assert(std::atomic<int64_t>::is_always_lock_free);

// Prints why, and ends the process at once with status 2.
[[noreturn]] void Die(const std::string& why);

// The ledger at `path`, made of zeros if there is none. Mapped until the process ends.
CrashLedger* MapLedger(const std::string& path);

}  // namespace tsdb::crash

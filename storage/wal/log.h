// The write-ahead log as the engine sees it: batches of bytes in an order, kept. LocalLog keeps
// them in files of a directory; a replicated log can take its place.
//
// A batch is buffered when Append returns, *written* once it survives the death of this process,
// and *durable* once it survives the loss of power. Batches become both in order, so that what
// survives is always a prefix.
//
// Invariants
//  1. Sequence numbers are 1, 2, 3, ... in the order of Append, over all openings of the log.
//  2. After the first failure nothing more becomes written or durable, and every call says so. A
//     sync that failed is never tried again: the pages it was to write may be marked clean.
//
// Thread safety: every method from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tsdb::wal {

// Bytes of one batch, at most.
inline constexpr size_t kBatchBytesMax = size_t{64} << 20;

struct LogStats {
  uint64_t batches = 0;        // appended since the log was opened
  uint64_t bytes = 0;          // of them, headers included
  uint64_t syncs = 0;          // times the disk was waited for
  uint64_t blocked_ns = 0;     // time Append waited for the disk to take what was before
  uint64_t last_appended = 0;  // sequence numbers; 0: none yet
  uint64_t last_written = 0;
  uint64_t last_durable = 0;
};

class Log {
 public:
  virtual ~Log() = default;

  // Takes a copy of the batch and returns its sequence number. Waits while too much is buffered.
  virtual absl::StatusOr<uint64_t> Append(uint8_t kind, std::span<const uint8_t> payload) = 0;
  // Wait until everything up to `sequence` is written / durable. One sync serves all who wait.
  virtual absl::Status AwaitWritten(uint64_t sequence) = 0;
  virtual absl::Status AwaitDurable(uint64_t sequence) = 0;
  // Allows batches before `sequence` to be forgotten, in whole files. One call at a time.
  virtual absl::Status TruncateBefore(uint64_t sequence) = 0;
  // Makes everything durable and ends. No other call may follow, but for Stats.
  virtual absl::Status Close() = 0;
  // Why nothing can be written just now, while there is hope: the disk is full, and what has been
  // appended waits for space. OK otherwise. Appending is still possible, and buffers without bound:
  // whoever appends takes in nothing new meanwhile. Awaiting what is not written returns this.
  virtual absl::Status Stalled() const = 0;
  virtual LogStats Stats() const = 0;
};

// A stretch of a log file that is not what was written.
struct LogDamage {
  std::string file;
  uint64_t offset = 0;
  uint64_t length = 0;
  uint64_t first_lost = 0;  // sequence numbers of the batches that were in it
  uint64_t last_lost = 0;
  std::string reason;
};

// What replaying a log found.
struct ReplayReport {
  uint64_t files = 0;
  uint64_t batches = 0;        // passed on
  uint64_t bytes = 0;          // of their payloads
  uint64_t last_sequence = 0;  // 0: the log is empty
  bool closed = true;          // nothing replayed, or a log that was closed, all of it durable
  uint64_t torn_bytes = 0;     // written, but never made durable, when the process or power went
  std::vector<LogDamage> damage;
  std::vector<std::string> foreign;  // names in the directory that are no log files
};

// Called for every intact batch that was appended, in order. An error ends the replay and is its
// result.
using ReplayVisitor =
    std::function<absl::Status(uint64_t sequence, uint8_t kind, std::span<const uint8_t> payload)>;

}  // namespace tsdb::wal

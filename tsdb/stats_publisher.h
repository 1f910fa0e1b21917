// Writes the file STATS (tsdb/published_stats.h) from a thread of its own, so that it does not wait
// for checkpoints, and nobody waits for it but whoever closes the database.
//
// The file is no data: it is put in place whole, by a rename, and not synced. A write that fails is
// counted and forgotten. The machine's own files are used, never a test's file system.
//
// Thread safety: every method from any thread; the destructor from one, after all others. No lock
// is taken while its mutex is held.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "storage/base/mutex.h"
#include "tsdb/published_stats.h"

namespace tsdb {

class StatsPublisher {
 public:
  // `text` makes what is written; it is called with no lock held, by one thread at a time.
  StatsPublisher(const std::string& directory, std::chrono::milliseconds interval,
                 std::function<std::string(DatabaseState)> text);
  ~StatsPublisher();  // finishes
  StatsPublisher(const StatsPublisher&) = delete;
  StatsPublisher& operator=(const StatsPublisher&) = delete;

  // Begins: on return the file is there, as opening, unless that failed; from then on it is written
  // every `interval`. kResourceExhausted if the system refuses a thread. REQUIRES: called once,
  // before the other methods.
  absl::Status Start();
  // From now on the database is open. Written at once, which is not waited for.
  void NoteOpened() ABSL_LOCKS_EXCLUDED(mutex_);
  // Returns once it is written that the database is closed, or that failed; nothing is written
  // afterwards. Nothing at all if it was not started.
  void Finish() ABSL_LOCKS_EXCLUDED(mutex_);
  // Writes that failed. Relaxed: a counter.
  uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }

 private:
  void Loop() ABSL_LOCKS_EXCLUDED(mutex_);
  void Publish(DatabaseState state) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Write(const std::string& text) const;

  const std::string path_;
  const std::string draft_path_;
  const std::chrono::milliseconds interval_;
  const std::function<std::string(DatabaseState)> text_;
  std::atomic<uint64_t> failures_{0};
  Mutex mutex_;
  CondVar changed_;  // the state, or whether it is finished
  DatabaseState state_ ABSL_GUARDED_BY(mutex_) = DatabaseState::kOpening;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // set by Start, if it succeeds
};

}  // namespace tsdb

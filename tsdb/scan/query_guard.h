// What ends a query before its end: limits, the deadline, a stop that was requested.
//
// Thread safety: a QueryGuard is shared by the query's threads; a Meter belongs to one.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "storage/base/mutex.h"
#include "tsdb/query.h"

namespace tsdb::scan {

class QueryGuard {
 public:
  explicit QueryGuard(const QueryOptions& options);

  // Whether to go on. Relaxed: a hint that spares work; the status is read when all threads are
  // done.
  bool Continue() const { return !ended_.load(std::memory_order_relaxed); }
  // Looks at the clock and the stop token as well. Whether to go on.
  bool Check() ABSL_LOCKS_EXCLUDED(mutex_);
  // Count towards the limits. Whether to go on.
  bool ChargeSeries(uint64_t series) ABSL_LOCKS_EXCLUDED(mutex_);
  bool ChargeSamples(uint64_t samples) ABSL_LOCKS_EXCLUDED(mutex_);
  bool ChargeMemory(uint64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  // OK, or why it ended: the first reason there was.
  absl::Status status() const ABSL_LOCKS_EXCLUDED(mutex_);

  uint64_t ElapsedNs() const;

 private:
  using Clock = std::chrono::steady_clock;
  bool End(absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_);

  const QueryOptions& options_;
  const Clock::time_point begin_;
  std::atomic<bool> ended_{false};
  // Relaxed: sums.
  std::atomic<uint64_t> samples_{0};
  std::atomic<uint64_t> memory_bytes_{0};
  mutable Mutex mutex_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

// One thread's cost, passed on to the guard now and then.
class Meter {
 public:
  explicit Meter(QueryGuard& guard) : guard_(guard) {}

  // A step of the query that took `samples` out of their leaves. Whether to go on.
  bool Step(uint64_t samples) {
    cost_.samples_decoded += samples;
    samples_ += samples;
    return Work(samples + kStepSamples);
  }
  // The same for work on `samples` that were counted before.
  bool Work(uint64_t samples) {
    work_ += samples;
    return work_ < kCheckSamples ? guard_.Continue() : Flush();
  }
  // To be called at the end, too, so that a limit that was passed is noticed.
  bool Flush() {
    const uint64_t samples = samples_;
    samples_ = work_ = 0;
    return guard_.ChargeSamples(samples) && guard_.Check();
  }
  QueryCost& cost() { return cost_; }
  QueryGuard& guard() { return guard_; }

 private:
  // A step costs as much as so many samples; the guard is asked each time so many have passed: some
  // microseconds.
  static constexpr uint64_t kStepSamples = 64;
  static constexpr uint64_t kCheckSamples = 8192;

  QueryGuard& guard_;
  QueryCost cost_;
  uint64_t samples_ = 0, work_ = 0;
};

}  // namespace tsdb::scan

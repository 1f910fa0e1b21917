// Time as something that is passed in, so that tests decide what time it is and replaying a log
// needs no clock at all.
//
// Thread safety: every method from any thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "storage/base/types.h"

namespace tsdb {

class Clock {
 public:
  virtual ~Clock() = default;

  // Nanoseconds since an arbitrary start; never goes back. For durations and deadlines.
  virtual int64_t MonotonicNs() const = 0;
  // Milliseconds since the Unix epoch, as the machine believes; may jump. For timestamps.
  virtual Timestamp WallMs() const = 0;
};

// The machine's clocks. Lives for ever.
Clock* SystemClock();

// Stands still until told otherwise.
class ManualClock : public Clock {
 public:
  explicit ManualClock(Timestamp wall_ms = 0) : wall_ms_(wall_ms) {}

  // Relaxed throughout: whoever needs an order between a reading and other data has it elsewhere.
  int64_t MonotonicNs() const override { return monotonic_ns_.load(std::memory_order_relaxed); }
  Timestamp WallMs() const override { return wall_ms_.load(std::memory_order_relaxed); }

  // Both clocks go on by `milliseconds`. REQUIRES: milliseconds >= 0.
  void Advance(int64_t milliseconds) {
    monotonic_ns_.fetch_add(milliseconds * 1'000'000, std::memory_order_relaxed);
    wall_ms_.fetch_add(milliseconds, std::memory_order_relaxed);
  }
  // Somebody sets the machine's clock, back perhaps; the monotonic one does not notice.
  void SetWallMs(Timestamp wall_ms) { wall_ms_.store(wall_ms, std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> monotonic_ns_{0};
  std::atomic<Timestamp> wall_ms_;
};

}  // namespace tsdb

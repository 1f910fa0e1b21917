#include "storage/base/clock.h"

#include <chrono>

namespace tsdb {
namespace {

class MachineClock : public Clock {
 public:
  int64_t MonotonicNs() const override {
    return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
  Timestamp WallMs() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace

Clock* SystemClock() {
  static MachineClock clock;  // has nothing to destroy
  return &clock;
}

}  // namespace tsdb

#include "benchmark/tick_clock.h"

#include <algorithm>
#include <chrono>
#include <limits>

namespace tsdb::benchmark {

TickScale MeasureTicks() {
  static const TickScale scale = [] {
    using Clock = std::chrono::steady_clock;
    TickScale measured;
    uint64_t least = std::numeric_limits<uint64_t>::max();
    const auto begin = Clock::now();
    const uint64_t first = Ticks();
    uint64_t last = first;
    auto now = begin;
    while (now - begin < std::chrono::milliseconds(10)) {
      const uint64_t before = Ticks();
      last = Ticks();
      least = std::min(least, last - before);
      now = Clock::now();
    }
    const double ns = std::chrono::duration<double, std::nano>(now - begin).count();
    measured.ns_per_tick = ns / static_cast<double>(Ticks() - first);
    measured.read_ticks = least;
    return measured;
  }();
  return scale;
}

}  // namespace tsdb::benchmark

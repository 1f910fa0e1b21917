// A clock for single lookups: some ten nanoseconds to read, waits until what came before is done.
//
// Thread safety: all functions from any thread.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#else
#include <chrono>
#endif

namespace tsdb::benchmark {

// In units of its own; a TickScale turns them into nanoseconds.
inline uint64_t Ticks() {
#if defined(__x86_64__)
  // Without the fence the processor reads the counter while the lookup before it still waits for
  // memory.
  _mm_lfence();
  return __rdtsc();
#else
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

struct TickScale {
  double ns_per_tick = 1;
  uint64_t read_ticks = 0;  // what one reading itself takes
};
// Measured once, against the steady clock; takes 10 ms the first time.
TickScale MeasureTicks();

}  // namespace tsdb::benchmark

// Which processor the calling thread runs on: a hint for handing memory back to the core in whose
// cache it is. May be wrong by the time it is used.
#pragma once

#include <sched.h>

#include <cstdint>

namespace tsdb {

// A nanosecond where the C library keeps it in the thread's restartable-sequence area (glibc 2.35).
inline uint32_t CurrentProcessor() {
  const int processor = sched_getcpu();
  return processor < 0 ? 0 : static_cast<uint32_t>(processor);
}

}  // namespace tsdb

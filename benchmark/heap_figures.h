// What the allocator of this process says of itself: the program's own, or one that is preloaded.
//
// Thread safety: from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tsdb::benchmark {

struct HeapFigures {
  std::string allocator;  // jemalloc, mimalloc or system
  // In blocks that are out. Not known of mimalloc, which keeps no count.
  std::optional<uint64_t> allocated_bytes;
  // In pages that hold such blocks; of mimalloc, what it has committed, free pages too.
  uint64_t active_bytes = 0;
};
HeapFigures ReadHeapFigures();

}  // namespace tsdb::benchmark

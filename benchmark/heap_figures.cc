#include "benchmark/heap_figures.h"

#include <dlfcn.h>
#include <malloc.h>

namespace tsdb::benchmark {
namespace {

// jemalloc.net/jemalloc.3.html
using Mallctl = int(const char* name, void* old, size_t* old_length, void* set, size_t set_length);
// microsoft.github.io/mimalloc/group__extended.html
using ProcessInfo = void(size_t* elapsed_ms, size_t* user_ms, size_t* system_ms, size_t* resident,
                         size_t* peak_resident, size_t* committed, size_t* peak_committed,
                         size_t* faults);

// Null where the allocator is another one.
template <typename Function>
Function* Find(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

uint64_t ReadJemalloc(Mallctl* mallctl, const char* name) {
  size_t value = 0, length = sizeof(value);
  return mallctl(name, &value, &length, nullptr, 0) == 0 ? value : 0;
}

}  // namespace

HeapFigures ReadHeapFigures() {
  // What is preloaded comes first, and serves the calls: so it is looked for first.
  if (auto* const info = Find<ProcessInfo>("mi_process_info")) {
    size_t committed = 0;
    info(nullptr, nullptr, nullptr, nullptr, nullptr, &committed, nullptr, nullptr);
    return {"mimalloc", std::nullopt, committed};
  }
  if (auto* const mallctl = Find<Mallctl>("mallctl")) {
    uint64_t epoch = 1;  // figures are of when it was last set
    mallctl("epoch", nullptr, nullptr, &epoch, sizeof(epoch));
    return {"jemalloc", ReadJemalloc(mallctl, "stats.allocated"),
            ReadJemalloc(mallctl, "stats.active")};
  }
  const struct mallinfo2 info = mallinfo2();
  return {"system", info.uordblks + info.hblkhd, info.arena + info.hblkhd};
}

}  // namespace tsdb::benchmark

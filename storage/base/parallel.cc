#include "storage/base/parallel.h"

#include <sched.h>

#include <algorithm>

namespace tsdb {

size_t ProcessorCount() {
  cpu_set_t processors;
  if (sched_getaffinity(0, sizeof(processors), &processors) != 0) return 1;
  return std::max(1, CPU_COUNT(&processors));
}

}  // namespace tsdb

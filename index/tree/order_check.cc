// Whether timestamps increase strictly: asked once for every run, so worth its vectors. Built for
// the baseline and for AVX-512, chosen at run time.

#include "index/tree/tree_writer.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tsdb::tree {
namespace {

bool IncreasingScalar(const Timestamp* times, size_t count) {
  // No early way out: runs are nearly always in order, and the branch-free loop is the faster one.
  bool increasing = true;
  for (size_t i = 1; i < count; ++i) increasing &= times[i - 1] < times[i];
  return increasing;
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) bool IncreasingAvx512(const Timestamp* times, size_t count) {
  size_t i = 1;
  __mmask8 broken = 0;
  for (; i + 8 <= count; i += 8) {
    broken |=
        _mm512_cmple_epi64_mask(_mm512_loadu_si512(times + i), _mm512_loadu_si512(times + i - 1));
  }
  return broken == 0 && IncreasingScalar(times + i - 1, count - (i - 1));
}
#endif

using IncreasingFunction = bool (*)(const Timestamp*, size_t);

IncreasingFunction ChooseIncreasing() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return IncreasingAvx512;
#endif
  return IncreasingScalar;
}

}  // namespace

bool StrictlyIncreasing(const Timestamp* times, size_t count) {
  static const IncreasingFunction increasing = ChooseIncreasing();
  return increasing(times, count);
}

}  // namespace tsdb::tree

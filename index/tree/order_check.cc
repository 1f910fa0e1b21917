// Whether timestamps increase strictly: asked once for every run, so worth its vectors.

#include "index/tree/tree_writer.h"
#include "storage/codec/instruction_set.h"

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
__attribute__((target("avx2"))) bool IncreasingAvx2(const Timestamp* times, size_t count) {
  size_t i = 1;
  __m256i increasing = _mm256_set1_epi64x(-1);
  for (; i + 4 <= count; i += 4) {
    const __m256i before = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(times + i - 1));
    const __m256i here = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(times + i));
    increasing = _mm256_and_si256(increasing, _mm256_cmpgt_epi64(here, before));
  }
  return _mm256_movemask_epi8(increasing) == -1 && IncreasingScalar(times + i - 1, count - (i - 1));
}

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

}  // namespace

bool StrictlyIncreasing(const Timestamp* times, size_t count) {
#if defined(__x86_64__)
  const codec::InstructionSet set = codec::ActiveInstructionSet();
  if (set == codec::InstructionSet::kAvx512) return IncreasingAvx512(times, count);
  if (set == codec::InstructionSet::kAvx2) return IncreasingAvx2(times, count);
#endif
  return IncreasingScalar(times, count);
}

}  // namespace tsdb::tree

// Summing columns: eight lanes, value i in lane i mod 8, and the lanes then added in a fixed order,
// so that the sum is the same on every instruction set.

#include <limits>

#include "index/tree/series_reader.h"
#include "storage/codec/instruction_set.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tsdb::tree {
namespace {

struct Lanes {
  double sum[8];
  double min[8];
  double max[8];
};

void AddRest(Lanes& lanes, const double* values, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const double value = values[i];
    lanes.sum[i & 7] += value;
    // A NaN compares false and leaves both alone.
    lanes.min[i & 7] = value < lanes.min[i & 7] ? value : lanes.min[i & 7];
    lanes.max[i & 7] = value > lanes.max[i & 7] ? value : lanes.max[i & 7];
  }
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) void AddAvx512(Lanes& lanes, const double* values,
                                                  size_t count) {
  __m512d sum = _mm512_loadu_pd(lanes.sum);
  __m512d min = _mm512_loadu_pd(lanes.min);
  __m512d max = _mm512_loadu_pd(lanes.max);
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m512d value = _mm512_loadu_pd(values + i);
    sum = _mm512_add_pd(sum, value);
    // Of two operands with a NaN among them these instructions return the second.
    min = _mm512_min_pd(value, min);
    max = _mm512_max_pd(value, max);
  }
  _mm512_storeu_pd(lanes.sum, sum);
  _mm512_storeu_pd(lanes.min, min);
  _mm512_storeu_pd(lanes.max, max);
  AddRest(lanes, values + i, count - i);
}

__attribute__((target("avx2"))) void AddAvx2(Lanes& lanes, const double* values, size_t count) {
  __m256d sum[2], min[2], max[2];
  for (int half = 0; half < 2; ++half) {
    sum[half] = _mm256_loadu_pd(lanes.sum + 4 * half);
    min[half] = _mm256_loadu_pd(lanes.min + 4 * half);
    max[half] = _mm256_loadu_pd(lanes.max + 4 * half);
  }
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const __m256d value = _mm256_loadu_pd(values + i + 4 * half);
      sum[half] = _mm256_add_pd(sum[half], value);
      min[half] = _mm256_min_pd(value, min[half]);
      max[half] = _mm256_max_pd(value, max[half]);
    }
  }
  for (int half = 0; half < 2; ++half) {
    _mm256_storeu_pd(lanes.sum + 4 * half, sum[half]);
    _mm256_storeu_pd(lanes.min + 4 * half, min[half]);
    _mm256_storeu_pd(lanes.max + 4 * half, max[half]);
  }
  AddRest(lanes, values + i, count - i);
}
#endif

void AddTo(Lanes& lanes, const double* values, size_t count) {
#if defined(__x86_64__)
  const codec::InstructionSet set = codec::ActiveInstructionSet();
  if (set == codec::InstructionSet::kAvx512) return AddAvx512(lanes, values, count);
  if (set == codec::InstructionSet::kAvx2) return AddAvx2(lanes, values, count);
#endif
  AddRest(lanes, values, count);
}

}  // namespace

Summary::Summary()
    : min(std::numeric_limits<double>::infinity()), max(-std::numeric_limits<double>::infinity()) {}

void Summary::Add(const double* values, size_t values_count) {
  Lanes lanes;
  for (int i = 0; i < 8; ++i) {
    lanes.sum[i] = 0;
    lanes.min[i] = min;
    lanes.max[i] = max;
  }
  AddTo(lanes, values, values_count);
  double total = 0;
  for (int i = 0; i < 8; ++i) {
    total += lanes.sum[i];
    min = lanes.min[i] < min ? lanes.min[i] : min;
    max = lanes.max[i] > max ? lanes.max[i] : max;
  }
  sum += total;
  count += values_count;
}

void Summary::Add(const codec::BlockStatistics& statistics) {
  count += statistics.count;
  sum += statistics.sum;
  min = statistics.min < min ? statistics.min : min;
  max = statistics.max > max ? statistics.max : max;
}

void Summary::Add(const Summary& other) {
  count += other.count;
  sum += other.sum;
  min = other.min < min ? other.min : min;
  max = other.max > max ? other.max : max;
}

}  // namespace tsdb::tree

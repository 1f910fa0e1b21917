// Summing columns: eight lanes, value i in lane i mod 8, and the lanes then added in a fixed order,
// so that the sum is the same on every instruction set.

#include <limits>

#include "index/tree/series_reader.h"

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
#endif

using AddFunction = void (*)(Lanes&, const double*, size_t);

AddFunction ChooseAdd() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return AddAvx512;
#endif
  return AddRest;
}

}  // namespace

Summary::Summary()
    : min(std::numeric_limits<double>::infinity()), max(-std::numeric_limits<double>::infinity()) {}

void Summary::Add(const double* values, size_t values_count) {
  static const AddFunction add = ChooseAdd();
  Lanes lanes;
  for (int i = 0; i < 8; ++i) {
    lanes.sum[i] = 0;
    lanes.min[i] = min;
    lanes.max[i] = max;
  }
  add(lanes, values, values_count);
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

#include "tsdb/scan/deviations.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tsdb::scan {
namespace {

constexpr size_t kLanes = 8;

double SumOf(const double (&lanes)[kLanes]) {
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
         ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

void AddRest(double (&lanes)[kLanes], const double* values, size_t count, double mean) {
  for (size_t i = 0; i < count; ++i) {
    const double difference = values[i] - mean;
    lanes[i % kLanes] += difference * difference;
  }
}

double Portable(const double* values, size_t count, double mean) {
  double lanes[kLanes] = {};
  AddRest(lanes, values, count, mean);
  return SumOf(lanes);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) double Avx2(const double* values, size_t count, double mean) {
  const __m256d center = _mm256_set1_pd(mean);
  __m256d low = _mm256_setzero_pd(), high = _mm256_setzero_pd();
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const __m256d a = _mm256_sub_pd(_mm256_loadu_pd(values + i), center);
    const __m256d b = _mm256_sub_pd(_mm256_loadu_pd(values + i + 4), center);
    low = _mm256_add_pd(low, _mm256_mul_pd(a, a));
    high = _mm256_add_pd(high, _mm256_mul_pd(b, b));
  }
  double lanes[kLanes];
  _mm256_storeu_pd(lanes, low);
  _mm256_storeu_pd(lanes + 4, high);
  AddRest(lanes, values + i, count - i, mean);
  return SumOf(lanes);
}

__attribute__((target("avx512f"))) double Avx512(const double* values, size_t count, double mean) {
  const __m512d center = _mm512_set1_pd(mean);
  __m512d sum = _mm512_setzero_pd();
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const __m512d a = _mm512_sub_pd(_mm512_loadu_pd(values + i), center);
    sum = _mm512_add_pd(sum, _mm512_mul_pd(a, a));
  }
  double lanes[kLanes];
  _mm512_storeu_pd(lanes, sum);
  AddRest(lanes, values + i, count - i, mean);
  return SumOf(lanes);
}
#endif

}  // namespace

double SquaredDeviationsOn(codec::InstructionSet set, const double* values, size_t count,
                           double mean) {
#if defined(__x86_64__)
  if (set == codec::InstructionSet::kAvx512) return Avx512(values, count, mean);
  if (set == codec::InstructionSet::kAvx2) return Avx2(values, count, mean);
#endif
  (void)set;
  return Portable(values, count, mean);
}

double SquaredDeviations(const double* values, size_t count, double mean) {
  return SquaredDeviationsOn(codec::ActiveInstructionSet(), values, count, mean);
}

}  // namespace tsdb::scan

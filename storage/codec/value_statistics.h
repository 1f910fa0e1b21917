// The statistics of a block's values, as five doubles, for encodings that do not imply them.
//
// Thread safety: pure functions.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "storage/codec/block_layout.h"
#include "storage/codec/kernels.h"

namespace tsdb::codec {

struct ValueStatistics {
  double sum = 0, min = 0, max = 0, first = 0, last = 0;
};
static_assert(sizeof(ValueStatistics) == 40);

// A sum that is not a number is always the same one: which operand's payload survives an addition
// differs between processors and compilers.
inline double CanonicalSum(double sum) {
  return sum != sum ? std::numeric_limits<double>::quiet_NaN() : sum;
}

inline ValueStatistics ScanStatistics(const double* values, size_t count) {
  const ValueTotals totals = Kernels().scan_values(values, count);
  return {CanonicalSum(totals.sum), totals.min, totals.max, values[0], values[count - 1]};
}

inline uint8_t* WriteStatistics(const ValueStatistics& statistics, uint8_t* out) {
  StoreAs(out, statistics);
  return out + sizeof(statistics);
}

}  // namespace tsdb::codec

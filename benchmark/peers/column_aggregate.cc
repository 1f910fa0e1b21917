#include "benchmark/peers/column_aggregate.h"

#include <limits>

#include "benchmark/vector_clones.h"

namespace tsdb::benchmark {

TSDB_VECTOR_CLONES void AggregateValues(const double* values, size_t count, Aggregate& all) {
  constexpr size_t kLanes = 8;
  double least[kLanes], greatest[kLanes], sum[kLanes];
  for (size_t lane = 0; lane < kLanes; ++lane) {
    least[lane] = std::numeric_limits<double>::infinity();
    greatest[lane] = -std::numeric_limits<double>::infinity();
    sum[lane] = 0;
  }
  const auto take = [&](size_t lane, double value) {
    least[lane] = value < least[lane] ? value : least[lane];
    greatest[lane] = value > greatest[lane] ? value : greatest[lane];
    sum[lane] += value;
  };
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) take(lane, values[i + lane]);
  }
  for (; i < count; ++i) take(0, values[i]);
  for (size_t lane = 0; lane < kLanes; ++lane) {
    all.min = least[lane] < all.min ? least[lane] : all.min;
    all.max = greatest[lane] > all.max ? greatest[lane] : all.max;
    all.sum += sum[lane];
  }
  all.count += count;
}

}  // namespace tsdb::benchmark

#include "tsdb/promql/classic_histogram.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "tsdb/promql/special_values.h"

namespace tsdb::promql {
namespace {

// Counts that differ by less, relatively, are rounding errors.
constexpr double kTolerance = 1e-12;

bool NearlyEqual(double a, double b) {
  if (a == b) return true;
  const double sum = std::fabs(a) + std::fabs(b);
  if (a == 0 || b == 0 || sum < std::numeric_limits<double>::min()) {
    return std::fabs(a - b) < kTolerance * std::numeric_limits<double>::min();
  }
  return std::fabs(a - b) / std::min(sum, std::numeric_limits<double>::max()) < kTolerance;
}

// Adds up buckets of one bound; returns how many are left. REQUIRES: sorted.
size_t Coalesce(std::span<Bucket> buckets) {
  size_t kept = 0;
  for (size_t i = 1; i < buckets.size(); ++i) {
    if (buckets[i].upper_bound == buckets[kept].upper_bound) {
      buckets[kept].count += buckets[i].count;
    } else {
      buckets[++kept] = buckets[i];
    }
  }
  return kept + 1;
}

bool EnsureMonotonic(std::span<Bucket> buckets) {
  bool forced = false;
  double before = buckets[0].count;
  for (Bucket& bucket : buckets.subspan(1)) {
    if (NearlyEqual(before, bucket.count)) {
      bucket.count = before;
    } else if (bucket.count < before) {
      bucket.count = before;
      forced = true;
    } else {
      before = bucket.count;
    }
  }
  return forced;
}

}  // namespace

BucketQuantile QuantileOfBuckets(double quantile, std::span<Bucket> buckets) {
  if (std::isnan(quantile)) return {kNan};
  if (quantile < 0) return {-kInfinity};
  if (quantile > 1) return {kInfinity};
  std::ranges::sort(buckets, {}, &Bucket::upper_bound);
  if (buckets.back().upper_bound != kInfinity) return {kNan};
  buckets = buckets.first(Coalesce(buckets));
  BucketQuantile result{kNan, EnsureMonotonic(buckets)};
  if (buckets.size() < 2) return result;
  const double observations = buckets.back().count;
  if (observations == 0) return result;
  double rank = quantile * observations;
  const std::span<Bucket> finite = buckets.first(buckets.size() - 1);
  const auto at = static_cast<size_t>(
      std::ranges::partition_point(finite, [rank](const Bucket& b) { return !(b.count >= rank); }) -
      finite.begin());
  if (at == finite.size()) {
    result.value = finite.back().upper_bound;
  } else if (at == 0 && buckets[0].upper_bound <= 0) {
    result.value = buckets[0].upper_bound;
  } else {
    double begin = 0;
    double count = buckets[at].count;
    if (at > 0) {
      begin = buckets[at - 1].upper_bound;
      count -= buckets[at - 1].count;
      rank -= buckets[at - 1].count;
    }
    result.value = begin + (buckets[at].upper_bound - begin) * (rank / count);
  }
  return result;
}

double FractionOfBuckets(double lower, double upper, std::span<Bucket> buckets) {
  std::ranges::sort(buckets, {}, &Bucket::upper_bound);
  if (buckets.back().upper_bound != kInfinity) return kNan;
  buckets = buckets.first(Coalesce(buckets));
  const double count = buckets.back().count;
  if (count == 0 || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  // How many observations there are below a value.
  const auto rank_of = [&](double value) {
    double rank = 0;
    double begin = buckets[0].upper_bound <= 0 ? -kInfinity : 0;
    for (const Bucket& bucket : buckets) {
      if (begin >= value) return rank;
      const double end = bucket.upper_bound;
      if (end > value) {
        // What an endless bucket holds lies at its finite end.
        if (std::isinf(begin) || std::isinf(end)) return rank;
        return rank + (bucket.count - rank) * (value - begin) / (end - begin);
      }
      rank = bucket.count;
      begin = end;
    }
    return count;
  };
  return (std::min(rank_of(upper), count) - std::min(rank_of(lower), count)) / count;
}

}  // namespace tsdb::promql

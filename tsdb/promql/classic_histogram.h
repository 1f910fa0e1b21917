// Classic histograms: series that count observations up to the bound in their label le.
//
// Thread safety: any thread.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "storage/base/labels.h"

namespace tsdb::promql {

struct Bucket {
  double upper_bound = 0;
  double count = 0;  // of observations at or below it
};

struct BucketQuantile {
  double value = 0;
  bool forced_monotonic = false;  // counts that fell were raised to those before them
};

// Interpolates linearly within the bucket that holds the rank. Sorts and repairs `buckets`. NaN
// without a bucket up to +Inf, or with fewer than two. REQUIRES: !buckets.empty(). Source:
// Prometheus's BucketQuantile.
BucketQuantile QuantileOfBuckets(double quantile, std::span<Bucket> buckets);

// The share of observations between the two values, linearly within buckets. NaN without a bucket
// up to +Inf or without observations; 0 if lower >= upper. Sorts `buckets`. REQUIRES:
// !buckets.empty(). Source: Prometheus's BucketFraction.
double FractionOfBuckets(double lower, double upper, std::span<Bucket> buckets);

// The series of one histogram.
struct Histogram {
  Labels labels;                                   // but le
  std::vector<std::pair<size_t, double>> buckets;  // rows and their upper bounds
};

}  // namespace tsdb::promql

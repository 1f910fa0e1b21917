// histogram_quantile of classic histograms: series with their buckets' upper bounds in the label
// le.
//
// Thread safety: any thread.
#pragma once

#include <span>

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

}  // namespace tsdb::promql

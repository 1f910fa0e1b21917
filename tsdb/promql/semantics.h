// Which of Prometheus's languages: where 2 and 3 differ in what expressions mean.
// Thread safety: a plain value.
#pragma once

namespace tsdb::promql {

// Of Prometheus 2:
// - ranges and lookback include both ends (PromqlOptions::closed_ranges);
// - the metric's name is removed by the operation that drops it, not at the end, and atan2 between
//   vectors keeps it;
// - one-to-one matches are checked among results, not among what comparisons filter out;
// - label names have letters, digits and underscores only;
// - the deviation of a single infinite value is 0, not NaN;
// - a counter is not extrapolated below zero, which is decided before how far at all.
struct Semantics {
  bool closed_ranges = false;
};

}  // namespace tsdb::promql

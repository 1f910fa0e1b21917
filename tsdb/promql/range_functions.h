// Functions of a range of samples: rate, sum_over_time and their kin, for one series at every step.
//
// Windows of neighbouring steps share most of their samples. Counts, extremes, sums, deviations and
// regressions are therefore merged out of parts that are computed once (sliding.h), so that a range
// query costs about its samples, not steps x window; quantile_over_time and holt_winters look at
// each window anew.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "storage/base/types.h"
#include "tsdb/promql/functions.h"
#include "tsdb/promql/step_matrix.h"
#include "tsdb/scan/query_guard.h"

namespace tsdb::promql {

// The window of step i is (ref - range, ref], with ref = first + i * interval; closed:
// [ref - range, ref].
struct WindowTimes {
  Timestamp first = 0;
  int64_t interval = 0;  // 0: the same window at every step
  size_t count = 0;
  int64_t range_ms = 0;
  bool closed = false;

  Timestamp ref(size_t step) const { return first + static_cast<int64_t>(step) * interval; }
  // The times of the first sample that may lie in a window, and of the last.
  Timestamp from() const { return first - range_ms + (closed ? 0 : 1); }
  Timestamp last() const { return count == 0 ? first : ref(count - 1); }
};

struct RangeCall {
  FunctionId function = FunctionId::kRate;
  WindowTimes windows;
  // The steps' own times: predict_linear's origin.
  Steps steps;
  // Ends the evaluation, some ten thousand samples after the query is to end.
  scan::QueryGuard& guard;
  // Of functions that have them: a value for each step.
  std::span<const double> first_parameter = {};
  std::span<const double> second_parameter = {};
};

class RangeFunction {
 public:
  explicit RangeFunction(const RangeCall& call) : call_(call) {}

  // Sets the value of every step that has one. `times` ascend; no sample is stale.
  void Evaluate(std::span<const Timestamp> times, std::span<const double> values,
                std::span<double> results, std::span<uint8_t> present);

 private:
  struct Window {
    size_t begin, end;
  };
  template <typename Each>
  void ForEach(size_t samples_min, Each&& each);
  template <typename State, typename Result>
  void Merged(Result&& result);
  void CutWindows();
  void EvaluateMerged();
  void FindChanges(bool resets_only);

  double Extrapolated(size_t step, bool counter, bool rate) const;
  double LastTwo(Window window, bool rate, bool* defined) const;
  size_t ChangesIn(Window window) const;
  double QuantileOf(Window window, double quantile);
  double Smoothed(Window window, double smoothing, double trend) const;

  const RangeCall& call_;
  std::span<const Timestamp> times_;
  std::span<const double> values_;
  std::span<double> results_;
  std::span<uint8_t> present_;
  std::vector<Window> windows_;  // of each step, as positions
  std::vector<size_t> changes_;  // positions whose value differs from (or is below) the one before
  std::vector<double> sorted_;   // scratch
};

// Prometheus's quantile of unsorted values, which it sorts; NaN counts as the smallest.
double Quantile(double quantile, std::vector<double>& values);

}  // namespace tsdb::promql

// What is known of the samples of one series in one interval or window, and how two neighbouring
// ones make one.
//
// Thread safety: plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "storage/codec/block.h"
#include "tsdb/query.h"
#include "tsdb/scan/window_plan.h"

namespace tsdb::scan {

// What the columns of a query ask for beyond what statistics hold.
struct Needs {
  bool numbers = false;     // anything but counts: values are looked at
  bool deviations = false;  // standard deviations
  bool values = false;      // the values themselves: quantiles
  bool statistics = true;   // whether whole leaves may be answered by theirs

  static Needs Of(const Query& query);
};

// One cache line. All but `count` say nothing while it is 0.
struct WindowState {
  uint64_t count = 0;
  double sum = 0;
  double min = std::numeric_limits<double>::infinity();  // min > max: there are only NaNs
  double max = -std::numeric_limits<double>::infinity();
  double first = 0, last = 0;
  double deviation = 0;  // sum of squared differences from the mean

  // REQUIRES: !values.empty().
  static WindowState Of(std::span<const double> values, bool deviations);
  static WindowState Of(const codec::BlockStatistics& statistics);
  // `later` comes after it in time. Without `deviations` those are left alone, which spares three
  // divisions. With them, by Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm
  // for computing sample variances", 1979.
  void Merge(const WindowState& later, bool deviations) {
    if (later.count == 0) return;
    if (count == 0) {
      *this = later;
      return;
    }
    if (deviations) MergeDeviation(later);
    count += later.count;
    sum += later.sum;
    min = later.min < min ? later.min : min;
    max = later.max > max ? later.max : max;
    last = later.last;
  }
  // Of kQuantile: NaN, which is taken from the values instead. REQUIRES: count > 0.
  double Result(WindowFunction function) const;

 private:
  void MergeDeviation(const WindowState& later);
};

// The windows' states out of the intervals'. Overlapping windows are merged from a suffix of what
// they share with those before and what is new, so each interval is merged about three times
// however many windows it lies in, and nothing is ever subtracted.
void MergeIntervals(const WindowPlan& plan, std::span<const WindowState> intervals, bool deviations,
                    std::vector<WindowState>& scratch, std::span<WindowState> windows);

// The quantile, 0 to 1, of `values`, which it reorders: linear between the two nearest ranks. NaN
// if there is one among them. REQUIRES: !values.empty().
double Quantile(std::span<double> values, double quantile);

// Which NaN an operation leaves differs between processors; results have only this one.
inline double CanonicalNan(double value) {
  return value != value ? std::numeric_limits<double>::quiet_NaN() : value;
}

}  // namespace tsdb::scan

// What is known of the samples of a part of a window, and how two neighbouring parts make one.
//
// Thread safety: plain values.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

#include "tsdb/promql/kahan.h"

namespace tsdb::promql {

// The greatest value, or with `sign` -1 the least; NaN only if there is nothing else.
template <int sign>
struct ExtremeState {
  bool any = false;
  double value = 0;

  ExtremeState() = default;
  ExtremeState(double /*seconds*/, double sample) : any(true), value(sample) {}
  void Merge(const ExtremeState& later) {
    if (!later.any) return;
    if (!any || std::isnan(value) || sign * later.value > sign * value) value = later.value;
    any = true;
  }
  double Result() const { return value; }
};

struct SumState {
  KahanSum total;

  SumState() = default;
  SumState(double /*seconds*/, double sample) { total.Add(sample); }
  void Merge(const SumState& later) { total.Merge(later.total); }
  double Result() const { return total.Total(); }
};

// By Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
// variances", 1979.
struct VarianceState {
  double count = 0, mean = 0, squares = 0;

  VarianceState() = default;
  VarianceState(double /*seconds*/, double sample)
      : count(1), mean(sample), squares(std::isfinite(sample) ? 0 : std::nan("")) {}
  void Merge(const VarianceState& later) {
    if (later.count == 0) return;
    const double total = count + later.count;
    const double delta = later.mean - mean;
    if (count > 0) squares += later.squares + delta * delta * (count * later.count / total);
    if (count == 0) squares = later.squares;
    mean = count == 0 ? later.mean : mean + delta * (later.count / total);
    count = total;
  }
  double Result() const { return squares / count; }
};

// The line of least squares, with the co-moments of the same paper.
struct RegressionState {
  double count = 0, mean_x = 0, mean_y = 0, xx = 0, xy = 0;
  double first = 0;
  bool constant = true;  // all values equal `first`

  RegressionState() = default;
  RegressionState(double seconds, double sample)
      : count(1), mean_x(seconds), mean_y(sample), first(sample) {}
  void Merge(const RegressionState& later) {
    if (later.count == 0) return;
    if (count == 0) {
      *this = later;
      return;
    }
    const double total = count + later.count;
    const double dx = later.mean_x - mean_x, dy = later.mean_y - mean_y;
    const double share = later.count / total;
    xx += later.xx + dx * dx * (count * share);
    xy += later.xy + dx * dy * (count * share);
    mean_x += dx * share;
    mean_y += dy * share;
    constant = constant && later.constant && first == later.first;
    count = total;
  }
  // Exactly 0 of a constant; NaN if any value is infinite.
  double Slope() const {
    if (!std::isfinite(mean_y)) return std::numeric_limits<double>::quiet_NaN();
    return constant ? 0 : xy / xx;
  }
  double At(double seconds) const {
    return constant && std::isfinite(first) ? first : mean_y + Slope() * (seconds - mean_x);
  }
};

}  // namespace tsdb::promql

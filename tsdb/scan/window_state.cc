#include "tsdb/scan/window_state.h"

#include <algorithm>
#include <cmath>

#include "storage/codec/kernels.h"
#include "tsdb/scan/deviations.h"

namespace tsdb::scan {

Needs Needs::Of(const Query& query) {
  Needs needs;
  needs.statistics = query.options.use_statistics;
  for (const Column& column : query.columns) {
    needs.numbers |= column.function != WindowFunction::kCount;
    needs.deviations |= column.function == WindowFunction::kStddev;
    needs.values |= column.function == WindowFunction::kQuantile;
  }
  return needs;
}

WindowState WindowState::Of(std::span<const double> values, bool deviations) {
  if (values.size() == 1) {  // short windows: as below, without the way to the kernel
    WindowState state;
    const double value = values[0];
    state.count = 1;
    state.sum += value;
    state.min = value < state.min ? value : state.min;
    state.max = value > state.max ? value : state.max;
    state.first = state.last = value;
    state.deviation = value - value;
    return state;
  }
  const codec::ValueTotals totals = codec::Kernels().scan_values(values.data(), values.size());
  WindowState state;
  state.count = values.size();
  state.sum = totals.sum;
  state.min = totals.min;
  state.max = totals.max;
  state.first = values.front();
  state.last = values.back();
  if (deviations) {
    const double mean = totals.sum / static_cast<double>(values.size());
    state.deviation = SquaredDeviations(values.data(), values.size(), mean);
  }
  return state;
}

WindowState WindowState::Of(const codec::BlockStatistics& statistics) {
  WindowState state;
  state.count = statistics.count;
  state.sum = statistics.sum;
  state.min = statistics.min;
  state.max = statistics.max;
  state.first = statistics.first;
  state.last = statistics.last;
  return state;
}

void WindowState::MergeDeviation(const WindowState& later) {
  const auto own = static_cast<double>(count), others = static_cast<double>(later.count);
  const double difference = later.sum / others - sum / own;
  deviation += later.deviation + difference * difference * (own * others / (own + others));
}

double WindowState::Result(WindowFunction function) const {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const auto samples = static_cast<double>(count);
  switch (function) {
    case WindowFunction::kCount:
      return samples;
    case WindowFunction::kSum:
      return CanonicalNan(sum);
    case WindowFunction::kAvg:
      return CanonicalNan(sum / samples);
    case WindowFunction::kMin:
      return min > max ? kNan : min;
    case WindowFunction::kMax:
      return min > max ? kNan : max;
    case WindowFunction::kFirst:
      return first;
    case WindowFunction::kLast:
      return last;
    case WindowFunction::kStddev:
      return CanonicalNan(std::sqrt(deviation / samples));
    case WindowFunction::kQuantile:
      break;
  }
  return kNan;
}

void MergeIntervals(const WindowPlan& plan, std::span<const WindowState> intervals, bool deviations,
                    std::vector<WindowState>& scratch, std::span<WindowState> windows) {
  if (!plan.overlapping) {
    for (size_t k = 0; k < plan.windows(); ++k) windows[k] = intervals[plan.begins[k]];
    return;
  }
  // scratch[i - base]: the intervals [i, middle) merged, for i from the window's begin on; `back`:
  // [middle, end).
  size_t base = 0, middle = 0, end = 0;
  WindowState back;
  for (size_t k = 0; k < plan.windows(); ++k) {
    const size_t begin = plan.begins[k];
    if (begin >= middle) {
      base = begin;
      middle = plan.ends[k];
      end = middle;
      back = WindowState();
      scratch.resize(middle - base);
      for (size_t i = middle; i-- > base;) {
        scratch[i - base] = intervals[i];
        if (i + 1 < middle) scratch[i - base].Merge(scratch[i + 1 - base], deviations);
      }
    }
    for (; end < plan.ends[k]; ++end) back.Merge(intervals[end], deviations);
    windows[k] = scratch[begin - base];
    windows[k].Merge(back, deviations);
  }
}

double Quantile(std::span<double> values, double quantile) {
  for (const double value : values) {
    if (value != value) return std::numeric_limits<double>::quiet_NaN();
  }
  const double rank = quantile * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::ptrdiff_t>(rank);
  const double weight = rank - static_cast<double>(low);
  const auto at = values.begin() + low;
  std::nth_element(values.begin(), at, values.end());
  const double lower = *at;
  if (weight == 0) return lower;
  const double upper = *std::min_element(at + 1, values.end());
  return lower == upper ? lower : CanonicalNan(lower * (1 - weight) + upper * weight);
}

}  // namespace tsdb::scan

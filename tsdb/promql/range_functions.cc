#include "tsdb/promql/range_functions.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tsdb/promql/kahan.h"
#include "tsdb/promql/range_states.h"
#include "tsdb/promql/sliding.h"
#include "tsdb/promql/special_values.h"

namespace tsdb::promql {
namespace {

// Windows are looked at one by one if that costs at most so many times the samples: the direct way
// rounds exactly as Prometheus does, and is faster then.
constexpr size_t kOverlapMax = 6;

bool SameValue(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

}  // namespace

double Quantile(double quantile, std::vector<double>& values) {
  if (values.empty() || std::isnan(quantile)) return kNan;
  if (quantile < 0) return -kInfinity;
  if (quantile > 1) return kInfinity;
  std::sort(values.begin(), values.end(),
            [](double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; });
  const auto count = static_cast<double>(values.size());
  const double rank = quantile * (count - 1);
  const double lower = std::max(0.0, std::floor(rank));
  const double upper = std::min(count - 1, lower + 1);
  const double weight = rank - std::floor(rank);
  return values[static_cast<size_t>(lower)] * (1 - weight) +
         values[static_cast<size_t>(upper)] * weight;
}

void RangeFunction::CutWindows() {
  const WindowTimes& windows = call_.windows;
  windows_.resize(windows.count);
  size_t begin = 0, end = 0;
  for (size_t step = 0; step < windows.count; ++step) {
    const Timestamp ref = windows.ref(step);
    const Timestamp from = ref - windows.range_ms;
    while (end < times_.size() && times_[end] <= ref) ++end;
    while (begin < end && (windows.closed ? times_[begin] < from : times_[begin] <= from)) ++begin;
    windows_[step] = {begin, end};
  }
}

// Calls each(step, window) for windows of enough samples and marks these steps.
template <typename Each>
void RangeFunction::ForEach(size_t samples_min, Each&& each) {
  constexpr size_t kCheckSamples = 1 << 16;  // looked at between two questions whether to go on
  size_t work = 0;
  for (size_t step = 0; step < windows_.size(); ++step) {
    const Window window = windows_[step];
    if (window.end - window.begin < samples_min) continue;
    work += window.end - window.begin;
    if (work >= kCheckSamples) {
      if (!call_.guard.Check()) return;
      work = 0;
    }
    results_[step] = each(step, window);
    present_[step] = 1;
  }
}

// result(step, state of the window), for windows of any sample.
template <typename State, typename Result>
void RangeFunction::Merged(Result&& result) {
  const auto make = [this](size_t i) { return State(Seconds(times_[i] - times_[0]), values_[i]); };
  size_t work = 0;
  for (const Window& window : windows_) work += window.end - window.begin;
  if (work <= kOverlapMax * values_.size()) {
    ForEach(1, [&](size_t step, Window window) {
      State state;
      for (size_t i = window.begin; i < window.end; ++i) state.Merge(make(i));
      return result(step, state);
    });
    return;
  }
  SlidingWindow<State, decltype(make)> sliding(make);
  ForEach(1, [&](size_t step, Window window) {
    return result(step, sliding.Of(window.begin, window.end));
  });
}

void RangeFunction::FindChanges(bool resets_only) {
  changes_.clear();
  for (size_t i = 1; i < values_.size(); ++i) {
    const bool counts =
        resets_only ? values_[i] < values_[i - 1] : !SameValue(values_[i], values_[i - 1]);
    if (counts) changes_.push_back(i);
  }
}

size_t RangeFunction::ChangesIn(Window window) const {
  const auto begin = std::upper_bound(changes_.begin(), changes_.end(), window.begin);
  return static_cast<size_t>(std::lower_bound(begin, changes_.end(), window.end) - begin);
}

// How much a gauge or counter grew in the window, extrapolated to its borders where samples come
// near enough to them; a counter not below zero. Source: Prometheus's extrapolatedRate (3: how far
// a counter may be taken back is decided after the threshold; 2: before).
double RangeFunction::Extrapolated(size_t step, bool counter, bool rate) const {
  const Window window = windows_[step];
  const size_t first = window.begin, last = window.end - 1;
  double growth = values_[last] - values_[first];
  if (counter) {
    for (auto reset = std::upper_bound(changes_.begin(), changes_.end(), first);
         reset != changes_.end() && *reset <= last; ++reset) {
      growth += values_[*reset - 1];
    }
  }
  const WindowTimes& windows = call_.windows;
  const Timestamp ref = windows.ref(step);
  double to_start = Seconds(times_[first] - (ref - windows.range_ms));
  double to_end = Seconds(ref - times_[last]);
  const double sampled = Seconds(times_[last] - times_[first]);
  const double average = sampled / static_cast<double>(last - first);
  const double threshold = average * 1.1;
  double to_zero = kInfinity;
  if (counter && growth > 0 && values_[first] >= 0) to_zero = sampled * (values_[first] / growth);
  if (windows.closed) to_start = std::min(to_start, to_zero);
  if (to_start >= threshold) to_start = average / 2;
  if (!windows.closed) to_start = std::min(to_start, to_zero);
  if (to_end >= threshold) to_end = average / 2;
  double factor = (sampled + to_start + to_end) / sampled;
  if (rate) factor /= Seconds(windows.range_ms);
  return growth * factor;
}

double RangeFunction::LastTwo(Window window, bool rate, bool* defined) const {
  const size_t last = window.end - 1;
  const Timestamp interval = times_[last] - times_[last - 1];
  *defined = interval > 0;
  double growth = values_[last] - values_[last - 1];
  if (!rate) return growth;
  if (values_[last] < values_[last - 1]) growth = values_[last];  // the counter began anew
  return growth / Seconds(interval);
}

double RangeFunction::QuantileOf(Window window, double quantile) {
  sorted_.assign(values_.begin() + static_cast<std::ptrdiff_t>(window.begin),
                 values_.begin() + static_cast<std::ptrdiff_t>(window.end));
  return Quantile(quantile, sorted_);
}

// Source: C. Holt, "Forecasting seasonals and trends by exponentially weighted moving averages",
// 1957, as in Prometheus's funcDoubleExponentialSmoothing.
double RangeFunction::Smoothed(Window window, double smoothing, double trend) const {
  double before = 0, level = values_[window.begin];
  double slope = values_[window.begin + 1] - values_[window.begin];
  for (size_t i = window.begin + 1; i < window.end; ++i) {
    if (i > window.begin + 1) slope = trend * (level - before) + (1 - trend) * slope;
    const double next = smoothing * values_[i] + (1 - smoothing) * (level + slope);
    before = level;
    level = next;
  }
  return level;
}

void RangeFunction::Evaluate(std::span<const Timestamp> times, std::span<const double> values,
                             std::span<double> results, std::span<uint8_t> present) {
  times_ = times;
  values_ = values;
  results_ = results;
  present_ = present;
  CutWindows();
  switch (call_.function) {
    case FunctionId::kRate:
    case FunctionId::kIncrease:
      FindChanges(/*resets_only=*/true);
      return ForEach(2, [&](size_t step, Window) {
        return Extrapolated(step, true, call_.function == FunctionId::kRate);
      });
    case FunctionId::kDelta:
      return ForEach(2, [&](size_t step, Window) { return Extrapolated(step, false, false); });
    case FunctionId::kIrate:
    case FunctionId::kIdelta:
      for (size_t step = 0; step < windows_.size(); ++step) {
        if (windows_[step].end - windows_[step].begin < 2) continue;
        bool defined = false;
        results[step] = LastTwo(windows_[step], call_.function == FunctionId::kIrate, &defined);
        present[step] = defined ? 1 : 0;
      }
      return;
    case FunctionId::kChanges:
    case FunctionId::kResets:
      FindChanges(call_.function == FunctionId::kResets);
      return ForEach(1, [&](size_t, Window w) { return static_cast<double>(ChangesIn(w)); });
    case FunctionId::kCountOverTime:
      return ForEach(1, [](size_t, Window w) { return static_cast<double>(w.end - w.begin); });
    case FunctionId::kPresentOverTime:
    case FunctionId::kAbsentOverTime:  // turned about when all series are known
      return ForEach(1, [](size_t, Window) { return 1.0; });
    case FunctionId::kLastOverTime:
      return ForEach(1, [&](size_t, Window w) { return values_[w.end - 1]; });
    case FunctionId::kQuantileOverTime:
      return ForEach(1,
                     [&](size_t s, Window w) { return QuantileOf(w, call_.first_parameter[s]); });
    case FunctionId::kHoltWinters:
      return ForEach(2, [&](size_t s, Window w) {
        return Smoothed(w, call_.first_parameter[s], call_.second_parameter[s]);
      });
    default:
      return EvaluateMerged();
  }
}

// Those whose windows are made of parts.
void RangeFunction::EvaluateMerged() {
  const auto plain = [](size_t, const auto& state) { return state.Result(); };
  switch (call_.function) {
    case FunctionId::kMaxOverTime:
      return Merged<ExtremeState<1>>(plain);
    case FunctionId::kMinOverTime:
      return Merged<ExtremeState<-1>>(plain);
    case FunctionId::kSumOverTime:
      return Merged<SumState>(plain);
    case FunctionId::kAvgOverTime:
      return Merged<SumState>([&](size_t step, const SumState& state) {
        const Window window = windows_[step];
        if (std::isfinite(state.total.sum)) {
          const auto count = static_cast<double>(window.end - window.begin);
          return state.total.sum / count + state.total.compensation / count;
        }
        KahanMean mean;  // which survives a sum that overflows
        for (size_t i = window.begin; i < window.end; ++i) mean.Add(values_[i]);
        return mean.Mean();
      });
    case FunctionId::kStdvarOverTime:
      return Merged<VarianceState>(plain);
    case FunctionId::kStddevOverTime:
      return Merged<VarianceState>(
          [](size_t, const VarianceState& state) { return std::sqrt(state.Result()); });
    default:
      break;
  }
  Merged<RegressionState>([&](size_t step, const RegressionState& state) {
    if (call_.function == FunctionId::kDeriv) return state.Slope();
    const Timestamp now = call_.steps.at(step);
    return state.At(Seconds(now - times_[0]) + call_.first_parameter[step]);
  });
  // A line needs two points.
  for (size_t step = 0; step < windows_.size(); ++step) {
    if (windows_[step].end - windows_[step].begin < 2) present_[step] = 0;
  }
}

}  // namespace tsdb::promql

// The part of the evaluator that gives ranges to functions: those of stored series and subqueries.
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "storage/base/parallel.h"
#include "storage/base/status_macros.h"
#include "tsdb/promql/evaluator.h"
#include "tsdb/scan/series_windows.h"
#include "tsdb/scan/window_plan.h"
#include "tsdb/scan/window_state.h"

namespace tsdb::promql {
namespace {

constexpr size_t kRowsPerTask = 4;
// Windows that overlap more are cheaper to slide over samples than to cut into intervals.
constexpr int64_t kWindowsOverlapMax = 4;

// Whether the function's windows can be made of states of intervals.
bool KnowsStates(FunctionId function) {
  switch (function) {
    case FunctionId::kAvgOverTime:
    case FunctionId::kCountOverTime:
    case FunctionId::kLastOverTime:
    case FunctionId::kMaxOverTime:
    case FunctionId::kMinOverTime:
    case FunctionId::kPresentOverTime:
    case FunctionId::kSumOverTime:
      return true;
    default:
      return false;
  }
}

// Whether a sum without compensation is as good as one with it: not if most of it cancels out.
bool WellConditioned(const scan::WindowState& state) {
  constexpr double kCancelled = 1.0 / 1024;
  if (!std::isfinite(state.sum)) return false;
  if (state.min >= 0 || state.max <= 0) return true;
  const double greatest = std::max(-state.min, state.max);
  return std::fabs(state.sum) >= static_cast<double>(state.count) * greatest * kCancelled;
}

// None if the samples must be looked at: there are NaNs, which may be staleness markers, or the sum
// would be inexact.
std::optional<double> FromState(FunctionId function, const scan::WindowState& state) {
  if (std::isnan(state.sum)) return std::nullopt;
  switch (function) {
    case FunctionId::kCountOverTime:
      return static_cast<double>(state.count);
    case FunctionId::kLastOverTime:
      return state.last;
    case FunctionId::kMaxOverTime:
      return state.max;
    case FunctionId::kMinOverTime:
      return state.min;
    case FunctionId::kPresentOverTime:
      return 1;
    default:
      break;
  }
  if (!WellConditioned(state)) return std::nullopt;
  return function == FunctionId::kSumOverTime ? state.sum
                                              : state.sum / static_cast<double>(state.count);
}

// Sets the row out of the states; false if they do not know.
bool FillFromStates(FunctionId function, const scan::SeriesWindows& windows,
                    std::span<double> results, std::span<uint8_t> present) {
  for (size_t step = 0; step < results.size(); ++step) {
    const scan::WindowState& state = windows.StateOf(step);
    if (state.count == 0) continue;
    const std::optional<double> value = FromState(function, state);
    if (!value.has_value()) return false;
    results[step] = *value;
    present[step] = 1;
  }
  return true;
}

}  // namespace

// Multiples of the subquery's step within its windows, whatever the steps outside are: so that a
// range's answer does not depend on where it starts.
Steps Evaluator::SubquerySteps(const Subquery& subquery, const WindowTimes& windows) const {
  Steps steps;
  steps.interval = subquery.step_ms > 0 ? subquery.step_ms : options_.subquery_step_ms;
  const Timestamp from = windows.first - windows.range_ms;
  steps.start = steps.interval * (from / steps.interval);  // towards zero
  if (windows.closed ? steps.start < from : steps.start <= from) steps.start += steps.interval;
  const Timestamp last = windows.last();
  steps.count =
      last < steps.start ? 0 : static_cast<size_t>((last - steps.start) / steps.interval) + 1;
  return steps;
}

absl::StatusOr<StepMatrix> Evaluator::OverSubquery(const Subquery& subquery, RangeCall& call) {
  const Steps inner = SubquerySteps(subquery, call.windows);
  StepMatrix result(call.steps.count);
  if (inner.count == 0) return result;
  TSDB_ASSIGN_OR_RETURN(const StepMatrix points, EvaluateVector(*subquery.expr, inner));
  if (!guard_.ChargeMemory(StepMatrix::BytesFor(points.rows(), call.steps.count))) {
    return guard_.status();
  }
  result.Resize(points.rows());
  ParallelFor(0, points.rows(), kRowsPerTask, options_.query.threads,
              [&](size_t begin, size_t end) {
                scan::Meter meter(guard_);
                RangeFunction function(call);
                std::vector<Timestamp> times;
                std::vector<double> values;
                for (size_t row = begin; row < end; ++row) {
                  times.clear();
                  values.clear();
                  for (size_t step = 0; step < inner.count; ++step) {
                    if (points.present(row)[step] == 0) continue;
                    times.push_back(inner.at(step));
                    values.push_back(points.values(row)[step]);
                  }
                  function.Evaluate(times, values, result.values(row), result.present(row));
                  result.SetLabels(row, points.labels(row));
                  result.SetDropName(row, points.drop_name(row));
                  if (!meter.Work(times.size() + call.steps.count)) break;
                }
                meter.Flush();
              });
  TSDB_RETURN_IF_ERROR(guard_.status());
  result.DropEmptyRows();
  return result;
}

absl::StatusOr<StepMatrix> Evaluator::OverSamples(const VectorSelector& selector,
                                                  const RangeCall& call) {
  return ReadRows(selector, call.windows.from(), call.windows.last(), call.steps.count,
                  [&call](size_t row, ColumnReader& reader, StepMatrix& rows) {
                    reader.DropStale();
                    RangeFunction(call).Evaluate(reader.times(), reader.values(), rows.values(row),
                                                 rows.present(row));
                  });
}

absl::StatusOr<StepMatrix> Evaluator::OverStatistics(const VectorSelector& selector,
                                                     const RangeCall& call) {
  const WindowTimes& windows = call.windows;
  const Timestamp from = windows.from(), last = windows.last();
  QueryLimits limits = options_.query.limits;
  limits.windows = 0;  // steps were counted before
  const int64_t width = windows.range_ms + (windows.closed ? 1 : 0);
  const Timestamp begins_end = from + static_cast<int64_t>(windows.count - 1) * windows.interval;
  TSDB_ASSIGN_OR_RETURN(const scan::WindowPlan plan,
                        windows.count == 1 ? scan::PlanWindows({from, last + 1}, 0, 0, limits)
                                           : scan::PlanWindows({from, begins_end + 1},
                                                               windows.interval, width, limits));
  TSDB_ASSIGN_OR_RETURN(SelectedRows selected, SelectRows(selector, from, last, windows.count));
  const scan::Needs needs{.numbers = true, .statistics = options_.query.use_statistics};
  const tree::Tree& tree = source_.stored().tree;
  return ReadParts(selected, [&](size_t begin, size_t end, scan::Meter& meter) {
    guard_.ChargeMemory((plan.intervals() + plan.windows()) * sizeof(scan::WindowState));
    scan::SeriesWindows states(tree, plan, needs, meter);
    ColumnReader reader(meter);
    for (size_t i = begin; i < end; ++i) {
      if (i + 1 < end) tree::PrefetchWalk(tree, selected.series[i + 1]);
      if (!states.Read(selected.series[i], options_.query.threads)) break;
      const std::span<double> values = selected.rows.values(i);
      const std::span<uint8_t> present = selected.rows.present(i);
      if (states.present() == 0 || FillFromStates(call.function, states, values, present)) continue;
      std::ranges::fill(present, uint8_t{0});
      if (!reader.Read(tree, selected.series[i], from, last)) break;
      reader.DropStale();
      RangeFunction(call).Evaluate(reader.times(), reader.values(), values, present);
    }
  });
}

absl::StatusOr<StepMatrix> Evaluator::OverRange(const Expr& range, RangeCall call) {
  const Expr& bare = Bare(range);
  if (const auto* subquery = std::get_if<Subquery>(&bare.node)) {
    call.windows = WindowsOf(subquery->shift, subquery->range_ms, call.steps);
    return OverSubquery(*subquery, call);
  }
  const auto& matrix = std::get<MatrixSelector>(bare.node);
  call.windows = WindowsOf(matrix.vector.shift, matrix.range_ms, call.steps);
  const bool apart = call.windows.count == 1 ||
                     call.windows.range_ms <= kWindowsOverlapMax * call.windows.interval;
  return apart && KnowsStates(call.function) ? OverStatistics(matrix.vector, call)
                                             : OverSamples(matrix.vector, call);
}

}  // namespace tsdb::promql

// The part of the evaluator that calls functions.
#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"
#include "tsdb/promql/evaluator.h"
#include "tsdb/promql/label_functions.h"
#include "tsdb/promql/literals.h"
#include "tsdb/promql/ranking.h"
#include "tsdb/promql/special_values.h"
#include "tsdb/promql/value_functions.h"

namespace tsdb::promql {
namespace {

// One row without labels.
StepMatrix OfNumbers(std::span<const double> numbers) {
  StepMatrix result(numbers.size());
  const size_t row = result.AddRow(Labels(), false);
  std::ranges::copy(numbers, result.values(row).begin());
  std::ranges::fill(result.present(row), uint8_t{1});
  return result;
}

template <typename Map>
void MapValues(StepMatrix& rows, Map map) {
  for (size_t row = 0; row < rows.rows(); ++row) {
    const std::span<double> values = rows.values(row);
    for (size_t step = 0; step < values.size(); ++step) values[step] = map(values[step], step);
    rows.SetDropName(row, true);
  }
}

// What is known of the labels of a series that is absent: those matched for equality, unless what
// follows asks something else of them. In the order of matchers, as in Prometheus.
Labels LabelsOfAbsent(const Expr& expr) {
  const Expr& bare = Bare(expr);
  const std::vector<Matcher>* matchers = nullptr;
  if (const auto* selector = std::get_if<VectorSelector>(&bare.node)) {
    matchers = &selector->matchers;
  } else if (const auto* matrix = std::get_if<MatrixSelector>(&bare.node)) {
    matchers = &matrix->vector.matchers;
  }
  LabelsEdit edit{Labels()};
  if (matchers == nullptr) return edit.Take();
  std::set<std::string_view> seen;
  for (const Matcher& matcher : *matchers) {
    if (matcher.name == kMetricNameLabel) continue;
    if (matcher.op == MatchOp::kEqual && seen.insert(matcher.name).second) {
      edit.Set(matcher.name, matcher.value);
    } else {
      edit.Remove(matcher.name);
    }
  }
  return edit.Take();
}

}  // namespace

absl::StatusOr<Value> Evaluator::EvaluateCall(const Expr& expr, const Call& call,
                                              const Steps& steps) {
  Value value;
  value.type = expr.type;
  switch (call.function->id) {
    case FunctionId::kPi:
      value.numbers.assign(steps.count, 3.14159265358979323846);
      return value;
    case FunctionId::kTime:
      for (size_t step = 0; step < steps.count; ++step) {
        value.numbers.push_back(Seconds(steps.at(step)));
      }
      return value;
    case FunctionId::kScalar: {
      TSDB_ASSIGN_OR_RETURN(const StepMatrix rows, EvaluateVector(*call.arguments[0], steps));
      value.numbers.assign(steps.count, kNan);
      std::vector<uint32_t> counts(steps.count);
      for (size_t row = 0; row < rows.rows(); ++row) {
        for (size_t step = 0; step < steps.count; ++step) {
          if (rows.present(row)[step] == 0) continue;
          value.numbers[step] = ++counts[step] == 1 ? rows.values(row)[step] : kNan;
        }
      }
      return value;
    }
    default: {
      TSDB_ASSIGN_OR_RETURN(value.vector, CallVector(expr, call, steps));
      return value;
    }
  }
}

absl::StatusOr<StepMatrix> Evaluator::CallVector(const Expr& expr, const Call& call,
                                                 const Steps& steps) {
  switch (call.function->id) {
    case FunctionId::kVector: {
      TSDB_ASSIGN_OR_RETURN(const std::vector<double> numbers,
                            EvaluateNumbers(*call.arguments[0], steps));
      return OfNumbers(numbers);
    }
    case FunctionId::kAbsent:
    case FunctionId::kAbsentOverTime:
      return CallAbsent(call, steps);
    case FunctionId::kTimestamp:
      return CallTimestamp(call, steps);
    case FunctionId::kSort:
    case FunctionId::kSortDesc:
      return CallSort(expr, call, steps);
    case FunctionId::kLabelReplace:
      return CallLabelReplace(call, steps);
    case FunctionId::kLabelJoin:
      return CallLabelJoin(call, steps);
    case FunctionId::kHistogramFraction:
      return CallHistogramFraction(call, steps);
    case FunctionId::kHistogramQuantile:
      return CallHistogramQuantile(call, steps);
    case FunctionId::kRound:
      return CallRound(call, steps);
    case FunctionId::kClamp:
    case FunctionId::kClampMax:
    case FunctionId::kClampMin:
      return CallClamp(call, steps);
    default:
      return ValueFunctionOf(call.function->id) != nullptr ? CallMap(call, steps)
                                                           : CallRange(call, steps);
  }
}

// Factors matter where there is a sample to be smoothed, even one alone.
absl::Status Evaluator::CheckFactors(const Expr& range,
                                     std::span<const std::vector<double>> factors,
                                     const Steps& steps) {
  struct Factor {
    const char* name;
    const char* symbol;
  };
  constexpr Factor kFactors[] = {{"smoothing", "sf"}, {"trend", "tf"}};
  for (size_t i = 0; i < 2; ++i) {
    const auto wrong =
        std::ranges::find_if(factors[i], [](double factor) { return !(factor > 0 && factor < 1); });
    if (wrong == factors[i].end()) continue;
    const RangeCall present{
        .function = FunctionId::kPresentOverTime, .windows = {}, .steps = steps, .guard = guard_};
    TSDB_ASSIGN_OR_RETURN(const StepMatrix rows, OverRange(range, present));
    if (rows.rows() == 0) continue;
    return absl::InvalidArgumentError(absl::StrCat("invalid ", kFactors[i].name,
                                                   " factor. Expected: 0 < ", kFactors[i].symbol,
                                                   " < 1, got: ", FormatNumber(*wrong)));
  }
  return absl::OkStatus();
}

absl::StatusOr<StepMatrix> Evaluator::CallRange(const Call& call, const Steps& steps) {
  const FunctionId id = call.function->id;
  const size_t range_at = id == FunctionId::kQuantileOverTime ? 1 : 0;
  std::vector<std::vector<double>> parameters;
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    if (i == range_at) continue;
    TSDB_ASSIGN_OR_RETURN(parameters.emplace_back(), EvaluateNumbers(*call.arguments[i], steps));
  }
  RangeCall range{.function = id, .windows = {}, .steps = steps, .guard = guard_};
  if (!parameters.empty()) range.first_parameter = parameters[0];
  if (parameters.size() > 1) range.second_parameter = parameters[1];
  const Expr& argument = *call.arguments[range_at];
  if (id == FunctionId::kHoltWinters) {
    TSDB_RETURN_IF_ERROR(CheckFactors(argument, parameters, steps));
  }
  TSDB_ASSIGN_OR_RETURN(StepMatrix rows, OverRange(argument, range));
  if (id == FunctionId::kRate || id == FunctionId::kIncrease) {
    InformOfCounters(rows, argument.span);
  }
  if (id == FunctionId::kQuantileOverTime && rows.rows() > 0) {
    for (const double quantile : parameters[0]) {
      if (quantile >= 0 && quantile <= 1) continue;
      annotations_.Warn(
          absl::StrCat("quantile value should be between 0 and 1, got ", FormatNumber(quantile)),
          call.arguments[0]->span);
    }
  }
  if (id == FunctionId::kLastOverTime) return rows;
  for (size_t row = 0; row < rows.rows(); ++row) rows.SetDropName(row, true);
  return rows;
}

void Evaluator::InformOfCounters(const StepMatrix& rows, Span place) {
  std::string_view last;
  for (size_t row = 0; row < rows.rows(); ++row) {
    const std::string_view name = rows.labels(row).MetricName();
    if (name == last || name.empty()) continue;
    last = name;
    if (name.ends_with("_total") || name.ends_with("_sum") || name.ends_with("_count") ||
        name.ends_with("_bucket")) {
      continue;
    }
    annotations_.Inform(absl::StrCat("metric might not be a counter, name does not end in "
                                     "_total/_sum/_count/_bucket: \"",
                                     absl::Utf8SafeCEscape(ToAbsl(name)), "\""),
                        place);
  }
}

absl::StatusOr<StepMatrix> Evaluator::CallMap(const Call& call, const Steps& steps) {
  StepMatrix rows;
  if (call.arguments.empty()) {  // of the time
    std::vector<double> times(steps.count);
    for (size_t step = 0; step < steps.count; ++step) times[step] = Seconds(steps.at(step));
    rows = OfNumbers(times);
  } else {
    TSDB_ASSIGN_OR_RETURN(rows, EvaluateVector(*call.arguments[0], steps));
  }
  const ValueFunction function = ValueFunctionOf(call.function->id);
  MapValues(rows, [function](double value, size_t) { return function(value); });
  return rows;
}

absl::StatusOr<StepMatrix> Evaluator::CallRound(const Call& call, const Steps& steps) {
  TSDB_ASSIGN_OR_RETURN(StepMatrix rows, EvaluateVector(*call.arguments[0], steps));
  std::vector<double> nearest(steps.count, 1);
  if (call.arguments.size() > 1) {
    TSDB_ASSIGN_OR_RETURN(nearest, EvaluateNumbers(*call.arguments[1], steps));
  }
  MapValues(rows, [&nearest](double value, size_t step) { return RoundTo(value, nearest[step]); });
  return rows;
}

absl::StatusOr<StepMatrix> Evaluator::CallClamp(const Call& call, const Steps& steps) {
  const FunctionId id = call.function->id;
  TSDB_ASSIGN_OR_RETURN(StepMatrix rows, EvaluateVector(*call.arguments[0], steps));
  std::vector<double> low(steps.count, -kInfinity), high(steps.count, kInfinity);
  if (id != FunctionId::kClampMax) {
    TSDB_ASSIGN_OR_RETURN(low, EvaluateNumbers(*call.arguments[1], steps));
  }
  if (id != FunctionId::kClampMin) {
    TSDB_ASSIGN_OR_RETURN(high, EvaluateNumbers(*call.arguments.back(), steps));
  }
  MapValues(rows, [&](double value, size_t step) { return ClampTo(value, low[step], high[step]); });
  for (size_t row = 0; row < rows.rows(); ++row) {
    for (size_t step = 0; step < steps.count; ++step) {
      if (low[step] > high[step]) rows.present(row)[step] = 0;  // nothing lies between
    }
  }
  rows.DropEmptyRows();
  return rows;
}

absl::StatusOr<StepMatrix> Evaluator::CallAbsent(const Call& call, const Steps& steps) {
  const Expr& argument = *call.arguments[0];
  StepMatrix rows;
  if (call.function->id == FunctionId::kAbsent) {
    TSDB_ASSIGN_OR_RETURN(rows, EvaluateVector(argument, steps));
  } else {
    TSDB_ASSIGN_OR_RETURN(rows, OverRange(argument, {.function = FunctionId::kAbsentOverTime,
                                                     .windows = {},
                                                     .steps = steps,
                                                     .guard = guard_}));
  }
  StepMatrix result(steps.count);
  const size_t into = result.AddRow(LabelsOfAbsent(argument), true);
  for (size_t step = 0; step < steps.count; ++step) result.Set(into, step, 1);
  for (size_t row = 0; row < rows.rows(); ++row) {
    for (size_t step = 0; step < steps.count; ++step) {
      if (rows.present(row)[step] != 0) result.present(into)[step] = 0;
    }
  }
  result.DropEmptyRows();
  return result;
}

absl::StatusOr<StepMatrix> Evaluator::CallTimestamp(const Call& call, const Steps& steps) {
  StepMatrix rows;
  if (const auto* selector = std::get_if<VectorSelector>(&Bare(*call.arguments[0]).node)) {
    TSDB_ASSIGN_OR_RETURN(rows, Instant(*selector, steps, Take::kTimes));
    for (size_t row = 0; row < rows.rows(); ++row) rows.SetDropName(row, true);
    return rows;
  }
  TSDB_ASSIGN_OR_RETURN(rows, EvaluateVector(*call.arguments[0], steps));
  MapValues(rows, [&steps](double, size_t step) { return Seconds(steps.at(step)); });
  return rows;
}

absl::StatusOr<StepMatrix> Evaluator::CallSort(const Expr& expr, const Call& call,
                                               const Steps& steps) {
  TSDB_ASSIGN_OR_RETURN(StepMatrix rows, EvaluateVector(*call.arguments[0], steps));
  if (asked_.range) {
    annotations_.Warn(
        "sort is ineffective for range queries since results are always ordered by labels",
        expr.span);
  }
  if (steps.count == 1) {
    rows.SortRows();
    SortByValue(rows, call.function->id == FunctionId::kSortDesc);
  }
  return rows;
}

absl::StatusOr<StepMatrix> Evaluator::CallLabelReplace(const Call& call, const Steps& steps) {
  TSDB_ASSIGN_OR_RETURN(StepMatrix rows, EvaluateVector(*call.arguments[0], steps));
  TSDB_ASSIGN_OR_RETURN(const std::string target, EvaluateText(*call.arguments[1], steps));
  TSDB_ASSIGN_OR_RETURN(const std::string replacement, EvaluateText(*call.arguments[2], steps));
  TSDB_ASSIGN_OR_RETURN(const std::string source, EvaluateText(*call.arguments[3], steps));
  TSDB_ASSIGN_OR_RETURN(const std::string regex, EvaluateText(*call.arguments[4], steps));
  TSDB_ASSIGN_OR_RETURN(const LabelReplacer replacer,
                        LabelReplacer::Create(target, replacement, source, regex, semantics_));
  for (size_t row = 0; row < rows.rows(); ++row) {
    rows.SetLabels(row, replacer.Replace(rows.labels(row)));
    if (target == kMetricNameLabel) rows.SetDropName(row, false);
  }
  TSDB_RETURN_IF_ERROR(rows.MergeRows());
  return rows;
}

absl::StatusOr<StepMatrix> Evaluator::CallLabelJoin(const Call& call, const Steps& steps) {
  TSDB_ASSIGN_OR_RETURN(StepMatrix rows, EvaluateVector(*call.arguments[0], steps));
  TSDB_ASSIGN_OR_RETURN(const std::string target, EvaluateText(*call.arguments[1], steps));
  TSDB_ASSIGN_OR_RETURN(const std::string separator, EvaluateText(*call.arguments[2], steps));
  std::vector<std::string> sources;
  for (size_t i = 3; i < call.arguments.size(); ++i) {
    TSDB_ASSIGN_OR_RETURN(sources.emplace_back(), EvaluateText(*call.arguments[i], steps));
    if (!IsLabelName(sources.back(), semantics_)) {
      return absl::InvalidArgumentError(absl::StrCat("invalid source label name in label_join(): ",
                                                     absl::CHexEscape(ToAbsl(sources.back()))));
    }
  }
  if (!IsLabelName(target, semantics_)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "invalid destination label name in label_join(): ", absl::CHexEscape(ToAbsl(target))));
  }
  for (size_t row = 0; row < rows.rows(); ++row) {
    rows.SetLabels(row, JoinLabels(rows.labels(row), target, separator, sources));
    if (target == kMetricNameLabel) rows.SetDropName(row, false);
  }
  TSDB_RETURN_IF_ERROR(rows.MergeRows());
  return rows;
}

}  // namespace tsdb::promql

#include "tsdb/promql/functions.h"

#include <algorithm>

#include "storage/base/nearest_names.h"

namespace tsdb::promql {
namespace {

using enum ValueType;

// A letter for each argument: (instant) v(ector), (range vector, or) m(atrix), s(calar), t(ext).
struct Row {
  FunctionId id;
  std::string_view name;
  std::string_view arguments;
  int variadic = 0;
  ValueType result = kVector;
};
// In order of names.
constexpr Row kRows[] = {
    {FunctionId::kAbs, "abs", "v"},
    {FunctionId::kAbsent, "absent", "v"},
    {FunctionId::kAbsentOverTime, "absent_over_time", "m"},
    {FunctionId::kAcos, "acos", "v"},
    {FunctionId::kAcosh, "acosh", "v"},
    {FunctionId::kAsin, "asin", "v"},
    {FunctionId::kAsinh, "asinh", "v"},
    {FunctionId::kAtan, "atan", "v"},
    {FunctionId::kAtanh, "atanh", "v"},
    {FunctionId::kAvgOverTime, "avg_over_time", "m"},
    {FunctionId::kCeil, "ceil", "v"},
    {FunctionId::kChanges, "changes", "m"},
    {FunctionId::kClamp, "clamp", "vss"},
    {FunctionId::kClampMax, "clamp_max", "vs"},
    {FunctionId::kClampMin, "clamp_min", "vs"},
    {FunctionId::kCos, "cos", "v"},
    {FunctionId::kCosh, "cosh", "v"},
    {FunctionId::kCountOverTime, "count_over_time", "m"},
    {FunctionId::kDayOfMonth, "day_of_month", "v", 1},
    {FunctionId::kDayOfWeek, "day_of_week", "v", 1},
    {FunctionId::kDayOfYear, "day_of_year", "v", 1},
    {FunctionId::kDaysInMonth, "days_in_month", "v", 1},
    {FunctionId::kDeg, "deg", "v"},
    {FunctionId::kDelta, "delta", "m"},
    {FunctionId::kDeriv, "deriv", "m"},
    {FunctionId::kExp, "exp", "v"},
    {FunctionId::kFloor, "floor", "v"},
    {FunctionId::kHistogramFraction, "histogram_fraction", "ssv"},
    {FunctionId::kHistogramQuantile, "histogram_quantile", "sv"},
    {FunctionId::kHoltWinters, "holt_winters", "mss"},
    {FunctionId::kHour, "hour", "v", 1},
    {FunctionId::kIdelta, "idelta", "m"},
    {FunctionId::kIncrease, "increase", "m"},
    {FunctionId::kIrate, "irate", "m"},
    {FunctionId::kLabelJoin, "label_join", "vttt", -1},
    {FunctionId::kLabelReplace, "label_replace", "vtttt"},
    {FunctionId::kLastOverTime, "last_over_time", "m"},
    {FunctionId::kLn, "ln", "v"},
    {FunctionId::kLog10, "log10", "v"},
    {FunctionId::kLog2, "log2", "v"},
    {FunctionId::kMaxOverTime, "max_over_time", "m"},
    {FunctionId::kMinOverTime, "min_over_time", "m"},
    {FunctionId::kMinute, "minute", "v", 1},
    {FunctionId::kMonth, "month", "v", 1},
    {FunctionId::kPi, "pi", "", 0, kScalar},
    {FunctionId::kPredictLinear, "predict_linear", "ms"},
    {FunctionId::kPresentOverTime, "present_over_time", "m"},
    {FunctionId::kQuantileOverTime, "quantile_over_time", "sm"},
    {FunctionId::kRad, "rad", "v"},
    {FunctionId::kRate, "rate", "m"},
    {FunctionId::kResets, "resets", "m"},
    {FunctionId::kRound, "round", "vs", 1},
    {FunctionId::kScalar, "scalar", "v", 0, kScalar},
    {FunctionId::kSgn, "sgn", "v"},
    {FunctionId::kSin, "sin", "v"},
    {FunctionId::kSinh, "sinh", "v"},
    {FunctionId::kSort, "sort", "v"},
    {FunctionId::kSortDesc, "sort_desc", "v"},
    {FunctionId::kSqrt, "sqrt", "v"},
    {FunctionId::kStddevOverTime, "stddev_over_time", "m"},
    {FunctionId::kStdvarOverTime, "stdvar_over_time", "m"},
    {FunctionId::kSumOverTime, "sum_over_time", "m"},
    {FunctionId::kTan, "tan", "v"},
    {FunctionId::kTanh, "tanh", "v"},
    {FunctionId::kTime, "time", "", 0, kScalar},
    {FunctionId::kTimestamp, "timestamp", "v"},
    {FunctionId::kVector, "vector", "s"},
    {FunctionId::kYear, "year", "v", 1},
};

std::vector<Function> MakeTable() {
  std::vector<Function> table;
  for (const Row& row : kRows) {
    Function function{row.id, row.name, {}, row.variadic, row.result};
    for (const char letter : row.arguments) {
      function.arguments.push_back(letter == 'v'   ? kVector
                                   : letter == 'm' ? kMatrix
                                   : letter == 's' ? kScalar
                                                   : kString);
    }
    table.push_back(std::move(function));
  }
  return table;
}

const std::vector<Function>& Table() {
  static const auto* table = new std::vector<Function>(MakeTable());
  return *table;
}

constexpr std::string_view kHistograms = "it is about native histograms";
constexpr std::string_view kExperimental = "it is experimental";

struct Refusal {
  std::string_view name;
  std::string_view reason;
};
constexpr Refusal kRefusals[] = {
    {"double_exponential_smoothing", kExperimental},
    {"end", kExperimental},
    {"first_over_time", kExperimental},
    {"histogram_avg", kHistograms},
    {"histogram_count", kHistograms},
    {"histogram_quantiles", kExperimental},
    {"histogram_stddev", kHistograms},
    {"histogram_stdvar", kHistograms},
    {"histogram_sum", kHistograms},
    {"info", kExperimental},
    {"limit_ratio", kExperimental},
    {"limitk", kExperimental},
    {"mad_over_time", kExperimental},
    {"max_of", kExperimental},
    {"min_of", kExperimental},
    {"range", kExperimental},
    {"sort_by_label", kExperimental},
    {"sort_by_label_desc", kExperimental},
    {"start", kExperimental},
    {"step", kExperimental},
    {"ts_of_first_over_time", kExperimental},
    {"ts_of_last_over_time", kExperimental},
    {"ts_of_max_over_time", kExperimental},
    {"ts_of_min_over_time", kExperimental},
};

}  // namespace

std::span<const Function> AllFunctions() { return Table(); }

const Function* FindFunction(std::string_view name) {
  const std::vector<Function>& table = Table();
  const auto found = std::lower_bound(
      table.begin(), table.end(), name,
      [](const Function& function, std::string_view n) { return function.name < n; });
  return found != table.end() && found->name == name ? &*found : nullptr;
}

std::string_view UnsupportedReason(std::string_view name) {
  for (const Refusal& refusal : kRefusals) {
    if (refusal.name == name) return refusal.reason;
  }
  return {};
}

std::string NearestFunctions(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Function& function : Table()) names.push_back(function.name);
  const std::vector<std::string_view> near = NearestNames(name, names);
  return near.empty() ? "" : "did you mean " + JoinWithOr(near) + "?";
}

}  // namespace tsdb::promql

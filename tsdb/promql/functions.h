// The functions of the language: names and the types of their arguments. What they compute is in
// the files that evaluate them.
//
// Thread safety: the table is constant.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tsdb/promql/ast.h"

namespace tsdb::promql {

enum class FunctionId : uint8_t {
  kAbs,
  kAbsent,
  kAbsentOverTime,
  kAcos,
  kAcosh,
  kAsin,
  kAsinh,
  kAtan,
  kAtanh,
  kAvgOverTime,
  kCeil,
  kChanges,
  kClamp,
  kClampMax,
  kClampMin,
  kCos,
  kCosh,
  kCountOverTime,
  kDayOfMonth,
  kDayOfWeek,
  kDayOfYear,
  kDaysInMonth,
  kDeg,
  kDelta,
  kDeriv,
  kExp,
  kFloor,
  kHistogramFraction,
  kHistogramQuantile,
  kHoltWinters,
  kHour,
  kIdelta,
  kIncrease,
  kIrate,
  kLabelJoin,
  kLabelReplace,
  kLastOverTime,
  kLn,
  kLog10,
  kLog2,
  kMaxOverTime,
  kMinOverTime,
  kMinute,
  kMonth,
  kPi,
  kPredictLinear,
  kPresentOverTime,
  kQuantileOverTime,
  kRad,
  kRate,
  kResets,
  kRound,
  kScalar,
  kSgn,
  kSin,
  kSinh,
  kSort,
  kSortDesc,
  kSqrt,
  kStddevOverTime,
  kStdvarOverTime,
  kSumOverTime,
  kTan,
  kTanh,
  kTime,
  kTimestamp,
  kVector,
  kYear
};

struct Function {
  FunctionId id;
  std::string_view name;
  std::vector<ValueType> arguments;
  // As Prometheus's functions.go: 0: exactly these; n > 0: up to n at the end may be left out;
  // -1: the last one may be repeated or left out.
  int variadic = 0;
  ValueType result = ValueType::kVector;
};

std::span<const Function> AllFunctions();
// Null if there is none of that name.
const Function* FindFunction(std::string_view name);

// Why a function or aggregation that Prometheus has is not supported; empty if it is none of those.
std::string_view UnsupportedReason(std::string_view name);
// "did you mean rate?"; empty if nothing is near.
std::string NearestFunctions(std::string_view name);

}  // namespace tsdb::promql

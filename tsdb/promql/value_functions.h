// Functions of one value at a time: abs, ln, round, hour and their kin.
//
// Thread safety: any thread.
#pragma once

#include <optional>
#include <span>

#include "tsdb/promql/functions.h"

namespace tsdb::promql {

// Of one number; null if the function is another kind. Trigonometry is in radians; hour and the
// like take seconds since the epoch, UTC.
using ValueFunction = double (*)(double);
ValueFunction ValueFunctionOf(FunctionId function);

// Halves up, as Prometheus rounds: floor(value / nearest + 0.5) * nearest.
double RoundTo(double value, double nearest);
// NaN if either bound or the value is. REQUIRES: low <= high, or one of them NaN.
double ClampTo(double value, double low, double high);

}  // namespace tsdb::promql

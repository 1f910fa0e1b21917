// Aggregations over the series of a vector, step by step, in groups by labels.
//
// Thread safety: any thread.
#pragma once

#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "tsdb/promql/annotations.h"
#include "tsdb/promql/ast.h"
#include "tsdb/promql/semantics.h"
#include "tsdb/promql/step_matrix.h"

namespace tsdb::promql {

// `numbers`: the parameter at each step, of topk, bottomk and quantile; `text`: that of
// count_values. kInvalidArgument: a parameter that cannot be.
absl::StatusOr<StepMatrix> Aggregate(const Aggregation& aggregation, StepMatrix vector,
                                     std::span<const double> numbers, const std::string& text,
                                     Semantics semantics, Annotations& annotations);

}  // namespace tsdb::promql

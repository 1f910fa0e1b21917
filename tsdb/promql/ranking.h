// topk and bottomk, sort and sort_desc.
//
// Thread safety: any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "tsdb/promql/step_matrix.h"

namespace tsdb::promql {

// Of each group, at each step, the values that are the `counts[step]` greatest (or least); NaN
// comes last. With one step the rows are in order, the best first, group by group.
// kInvalidArgument: a count that is no number or does not fit an int64.
absl::StatusOr<StepMatrix> RankRows(StepMatrix vector,
                                    std::span<const std::vector<uint32_t>> groups,
                                    std::span<const double> counts, bool greatest);

// Rows in order of their values at the only step, NaN last. REQUIRES: vector.steps() == 1.
void SortByValue(StepMatrix& vector, bool descending);

}  // namespace tsdb::promql

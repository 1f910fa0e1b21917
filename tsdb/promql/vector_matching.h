// Which series of two vectors meet: those of one signature.
//
// Thread safety: plain values.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tsdb/promql/ast.h"
#include "tsdb/promql/step_matrix.h"

namespace tsdb::promql {

// The rows of each side that have one signature; both ascend.
struct MatchGroup {
  std::vector<uint32_t> left, right;
};

// In the order in which signatures come first, left side first.
std::vector<MatchGroup> GroupBySignature(const VectorMatching& matching, const StepMatrix& left,
                                         const StepMatrix& right);

// The labels that matter to the match, as messages have them: of on() those named, of ignoring()
// all but those named and the metric's name.
Labels MatchedLabels(const VectorMatching& matching, const Labels& labels);

}  // namespace tsdb::promql

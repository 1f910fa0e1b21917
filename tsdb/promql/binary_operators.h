// Operators between two operands: numbers, a vector and numbers, two vectors.
//
// Between two vectors series meet by a signature, the labels that on() or ignoring() leave. A group
// is all series of one signature on both sides; who meets whom is decided at each step by who has a
// value there.
//
// Thread safety: any thread.
#pragma once

#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "tsdb/promql/ast.h"
#include "tsdb/promql/semantics.h"
#include "tsdb/promql/step_matrix.h"

namespace tsdb::promql {

// The value; of comparisons 1 or 0.
double Apply(BinaryOp op, double left, double right);

// Every row of `vector` with a number for each step. Comparisons without bool keep the row's values
// where they hold.
void ApplyToVector(const Binary& binary, std::span<const double> numbers, bool numbers_are_left,
                   Semantics semantics, StepMatrix& vector);

// kInvalidArgument: series of the side that may have one for each signature have more, and the
// like; the message says which.
absl::StatusOr<StepMatrix> ApplyToVectors(const Binary& binary, const StepMatrix& left,
                                          const StepMatrix& right, Semantics semantics);

// and, or, unless.
absl::StatusOr<StepMatrix> ApplySet(const Binary& binary, StepMatrix left, StepMatrix right);

}  // namespace tsdb::promql

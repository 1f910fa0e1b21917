// Selectors, and what stands behind an expression: ranges, subqueries, offset and @.
//
// Thread safety: pure functions.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tsdb/promql/ast.h"
#include "tsdb/promql/token_reader.h"

namespace tsdb::promql {

// Whether such a word, outside braces, may be the name of a metric.
bool IsMetricWord(TokenKind kind);

// REQUIRES: at a metric's name or '{'.
absl::StatusOr<ExprPtr> ParseSelector(TokenReader& reader);

// Whether one of those stands at hand.
bool AtSuffix(const TokenReader& reader);
// Takes one of them, which may put `expr` into another. REQUIRES: AtSuffix().
absl::Status ParseSuffix(TokenReader& reader, ExprPtr& expr);

}  // namespace tsdb::promql

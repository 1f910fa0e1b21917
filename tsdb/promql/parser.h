// Text to a checked syntax tree, by Prometheus 3's grammar (promql/parser/generated_parser.y).
//
// Thread safety: any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "tsdb/promql/ast.h"

namespace tsdb::promql {

// Deeper nesting is refused: every walk of the tree is recursive.
inline constexpr size_t kDepthMax = 200;
inline constexpr size_t kExpressionBytesMax = size_t{1} << 20;

// kInvalidArgument: as tsdb/promql.h has it.
absl::StatusOr<ExprPtr> Parse(std::string_view text);

// "line:column" of a byte of the text, both from 1, the column in characters.
std::string PlaceOf(std::string_view text, size_t at);

}  // namespace tsdb::promql

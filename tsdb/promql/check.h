// What the grammar does not say: types of operands, numbers of arguments, and which operators take
// which modifiers. Prometheus's checkAST.
//
// Thread safety: a pure function.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "tsdb/promql/ast.h"

namespace tsdb::promql {

// Sets the type of every node and completes the matching of binary ones. `text` is what `expr` was
// parsed from.
absl::Status Check(std::string_view text, Expr& expr);

}  // namespace tsdb::promql

// A syntax tree drawn for people.
// Thread safety: any thread.
#pragma once

#include <string>

#include "tsdb/promql/ast.h"

namespace tsdb::promql {

// A line for each node, indented below the node it belongs to, and its type.
std::string Describe(const Expr& expr);

}  // namespace tsdb::promql

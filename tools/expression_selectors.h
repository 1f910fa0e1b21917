// The selectors of a PromQL expression: what it asks about.
// Thread safety: any thread.
#pragma once

#include <vector>

#include "tsdb/promql/ast.h"

namespace tsdb::tools {

// In the order in which they stand there. Valid as long as `expr`.
std::vector<const promql::VectorSelector*> SelectorsOf(const promql::Expr& expr);

}  // namespace tsdb::tools

// An expression whose selectors are pinned in time with @ has the same answer whenever it is asked:
// Prometheus's tests ask every instant case so, too.
//
// Thread safety: any thread.
#pragma once

#include <string>
#include <vector>

#include "storage/base/types.h"
#include "tsdb/promql/ast.h"

namespace tsdb::conformance {

struct PinnedCases {
  std::string expression;
  std::vector<Timestamp> times;  // at which to ask it; none if its answer depends on them
};

// Pins the tree, changing it, to `time`: every selector and subquery that is not pinned, nor within
// one that is.
PinnedCases PinTo(Timestamp time, promql::Expr& expression);

// Whether there is an `@ start()` or `@ end()`: its answer depends on the range of a query.
bool DependsOnRange(const promql::Expr& expression);

// Its selectors, those of ranges and in subqueries among them.
std::vector<const promql::VectorSelector*> SelectorsOf(const promql::Expr& expression);

}  // namespace tsdb::conformance

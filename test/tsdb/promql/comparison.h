// Whether an answer is what a test expects, by the rules of Prometheus's promqltest.
//
// Thread safety: any thread.
#pragma once

#include <string>

#include "test/tsdb/promql/test_language.h"
#include "tsdb/promql.h"

namespace tsdb::conformance {

// Equal but for one part in a million; NaN equals NaN, a stale marker only itself.
bool AlmostEqual(double a, double b);

// Lines that say how the values differ from the expected ones; empty: they do not.
std::string DifferenceOf(const EvalCommand& expected, const PromqlResult& got);

// Likewise of the warnings and infos.
std::string AnnotationDifference(const EvalCommand& expected, const PromqlResult& got);

}  // namespace tsdb::conformance

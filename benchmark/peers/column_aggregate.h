// Count, least, greatest and sum of plain columns of values, as stores without statistics work
// them out: eight running results each, so that the vector units are used.
//
// Thread safety: pure function.
#pragma once

#include <cstddef>

#include "tsdb/snapshot.h"

namespace tsdb::benchmark {

// Merges `count` values into `all`. REQUIRES: no NaN among them.
void AggregateValues(const double* values, size_t count, Aggregate& all);

}  // namespace tsdb::benchmark

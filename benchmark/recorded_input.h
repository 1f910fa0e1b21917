// Input in an order that cannot be made as it is read: the records are put in place beforehand and
// kept in 12 bytes each (series, milliseconds since kTimeOrigin, cents), on huge pages.
#pragma once

#include <memory>

#include "benchmark/input.h"
#include "benchmark/workload.h"

namespace tsdb::benchmark {

// The share's records in a pseudo-random permutation that depends on the seed and the share.
std::unique_ptr<InputStream> MakeShuffledInput(const Workload& workload, const Share& share);

// The share's records row by row, except that one in twenty arrives 1 s to 1 h late, before the
// records of the row it arrives with. A delay past the end of the share is cut off there.
std::unique_ptr<InputStream> MakeLateInput(const Workload& workload, const Share& share);

}  // namespace tsdb::benchmark

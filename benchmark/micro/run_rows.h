// The rows of codec_benchmark that are about runs.
#pragma once

#include <vector>

#include "test/storage/codec/recorded_columns.h"

namespace tsdb::codec {

// Prints bytes per record and the best of several rounds, in ns per record, of encoding and
// decoding a part of 32 Ki records of the reference workload (and of one stretch of `recorded`, if
// there is any) cut into runs of several lengths.
void ReportRuns(const std::vector<RecordedColumn>& recorded, int rounds);

}  // namespace tsdb::codec

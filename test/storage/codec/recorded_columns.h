// Real series for the codec's tests and micro-benchmark, read from a folder that is not part of the
// project: $TSDB_SHARED_DATA, or ../shared/data beside the repository. Readers return nothing where
// the folder is absent; callers say so rather than pass silently.
#pragma once

#include <string>
#include <vector>

#include "storage/base/types.h"

namespace tsdb::codec {

struct RecordedColumn {
  std::string name;
  std::vector<Timestamp> timestamps;  // empty for a column of values only
  std::vector<double> values;
};

// The folder, whether it exists or not.
std::string SharedDataFolder();

// The ALP paper's sample columns, 131,072 doubles each.
std::vector<RecordedColumn> ReadAlpColumns();
// The same repository's edge cases, one decimal a line.
std::vector<RecordedColumn> ReadAlpEdgeCases();
// The Numenta Anomaly Benchmark, one column a file.
std::vector<RecordedColumn> ReadNabColumns();
// 24 minutes of one-second scrapes of node_exporter and Prometheus, one column a series.
std::vector<RecordedColumn> ReadNodeColumns();

}  // namespace tsdb::codec

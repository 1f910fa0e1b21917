// Opens what the last checkpoint left: the series, the leaves in segments, used where they lie in
// mapped files, and the rest, read into memory. Every byte is checked on the way: what is damaged
// is left out and reported, everything else is there.
//
// Thread safety: one thread, before there are writers or readers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/label/series_table.h"
#include "index/tree/tree.h"
#include "tsdb/durability/segment_store.h"

namespace tsdb::durability {

// What loading found.
struct LoadedCheckpoint {
  uint64_t records = 0;
  uint64_t orphans = 0;  // records dropped because the labels of their series are lost
  std::vector<std::string> damage;
  // Of the table, by number in the files and in the log after them; kUnknownSeries (log_payload.h):
  // labels lost.
  std::vector<SeriesId> numbers;
};

// Loads into an empty tree and table. kUnimplemented for a segment of another version;
// kResourceExhausted past `bytes_max` bytes of tree. Cost: reads every leaf once, on all cores.
absl::StatusOr<LoadedCheckpoint> LoadCheckpoint(SegmentStore& store, uint64_t bytes_max,
                                                tree::Tree* tree, label::SeriesTable* table);

}  // namespace tsdb::durability

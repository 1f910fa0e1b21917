// A checkpoint: everything the tree holds, and all series, in one segment file, so that the log
// before it can go and opening need not replay it.
//
// Thread safety: writers and readers may use tree and table while a checkpoint is written; loading
// is for one thread before there are any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/label/series_table.h"
#include "index/tree/tree.h"
#include "storage/base/file_system.h"
#include "storage/segment/segment_format.h"

namespace tsdb::durability {

// Writes segment `number` in `directory`. REQUIRES: all records of the log before `log_sequence`
// are in the tree; those after may be, since replaying them again changes nothing.
absl::StatusOr<segment::SegmentSummary> WriteCheckpoint(FileSystem* files,
                                                        const std::string& directory,
                                                        uint64_t number, uint64_t log_sequence,
                                                        const tree::Tree& tree,
                                                        const label::SeriesTable& table);

// What loading found.
struct LoadedCheckpoint {
  uint64_t number = 0;        // of the segment; 0: there is none
  uint64_t log_sequence = 1;  // from which to replay the log; 1 if the file does not say any more
  uint64_t records = 0;
  uint64_t orphans = 0;  // records dropped because the labels of their series are lost
  std::vector<std::string> damage;
};

// Loads the segment with the highest number in `directory` into an empty tree and table, and
// removes what an unfinished checkpoint left. Damaged leaves are left out and reported.
// kUnimplemented for a segment of another version; kResourceExhausted past `bytes_max` bytes of
// tree.
absl::StatusOr<LoadedCheckpoint> LoadCheckpoint(FileSystem* files, const std::string& directory,
                                                uint64_t bytes_max, tree::Tree* tree,
                                                label::SeriesTable* table);

// Removes the segments in `directory` with numbers below `number`.
absl::Status RemoveCheckpointsBefore(FileSystem* files, const std::string& directory,
                                     uint64_t number);

}  // namespace tsdb::durability

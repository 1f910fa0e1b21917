// A checkpoint: what the tree holds that no segment holds yet goes into new ones, so that the log
// before it can go, opening need not replay it, and leaves need no memory. What it writes is what
// has changed: leaves that are in files stay where they are.
//
// Thread safety: writers and readers may use tree and table while a checkpoint is written; one
// checkpoint at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/label/series_table.h"
#include "index/tree/tree.h"
#include "index/tree/tree_writer.h"
#include "storage/segment/segment_builder.h"
#include "tsdb/durability/compaction.h"
#include "tsdb/durability/segment_store.h"

namespace tsdb::durability {

struct WrittenCheckpoint {
  uint64_t bytes = 0;         // of the files
  uint64_t rest_bytes = 0;    // of these, what the next checkpoint writes again
  uint64_t copied_bytes = 0;  // of these, leaves that were in segments before
  // Leaves that the tree can now use where they lie in files: ascending by (series, time).
  std::vector<tree::MappedLeaf> leaves;
};

// Writes and publishes one. REQUIRES: all records of the log before `log_sequence` are in the
// tree's leaves (late records settled); those after may be, since replaying them again changes
// nothing. Before it is published, when all that it holds has been read from the tree, it calls
// `before_publish`, whose error ends it. On error nothing has changed but for files that no
// manifest names, which are removed when the directory is opened again.
absl::StatusOr<WrittenCheckpoint> WriteCheckpoint(SegmentStore& store, uint64_t log_sequence,
                                                  const tree::Tree& tree,
                                                  const label::SeriesTable& table,
                                                  Compaction compaction, segment::Packing packing,
                                                  absl::FunctionRef<absl::Status()> before_publish);

}  // namespace tsdb::durability

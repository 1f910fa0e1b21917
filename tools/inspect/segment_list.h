// The segments of a database directory, out of the manifest and their indexes: no leaf is read.
// Thread safety: pure functions but for the file system.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/file_system.h"
#include "storage/base/types.h"

namespace tsdb::tools {

struct ListedSegment {
  uint64_t number = 0;
  uint64_t bytes = 0;  // of the file
  uint64_t samples = 0;
  Timestamp first = 0, last = 0;  // of its samples; no meaning without one
  // What follows is known only where the status is good.
  absl::Status status;
  bool rest = false;    // the one that has the labels and says which leaves are dead
  bool packed = false;  // compressed
  uint64_t leaves = 0;
  uint64_t series = 0;  // with a leaf in it
  uint64_t labelled_series = 0;
  uint64_t leaf_bytes = 0;       // unpacked
  uint64_t leaf_file_bytes = 0;  // what they take in the file
  uint64_t dead_leaves = 0;      // deleted or replaced, as of the last checkpoint
  uint64_t dead_samples = 0;
};

struct SegmentList {
  std::vector<ListedSegment> segments;  // by number
  bool dead_known = true;               // false: there is no list of dead leaves, or it is damaged
};

// Beside a writer, too: begins again when its checkpoint took a file away. One that is missing
// nevertheless has that as its status.
absl::StatusOr<SegmentList> ListSegments(FileSystem* files, const std::string& directory);

}  // namespace tsdb::tools

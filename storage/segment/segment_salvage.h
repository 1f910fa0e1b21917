// What can be had from a damaged segment: every leaf that is whole, wherever the damage is, because
// a leaf carries its series, its length and its checksum, and so does a frame of leaves.
//
// To repair: feed `leaves` (they are in order) and `series` to a SegmentBuilder of a new number.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/base/file_system.h"
#include "storage/base/types.h"
#include "storage/segment/segment_format.h"
#include "storage/segment/segment_reader.h"

namespace tsdb::segment {

struct SalvagedLeaf {
  LeafEntry entry;
  uint64_t offset = 0;             // in the file: its own, or that of the frame that it is in
  std::span<const uint8_t> block;  // verified; in the mapping, or in `unpacked`
};

struct DamagedRange {
  uint64_t offset = 0, length = 0;
};

struct Salvage {
  // Keep the spans and labels below alive. Of a packed segment all groups are unpacked at once.
  std::unique_ptr<MappedFile> file;
  std::vector<std::unique_ptr<uint64_t[]>> unpacked;
  // In order of the file. In order of (series, time), too, unless the file was made up.
  std::vector<SalvagedLeaf> leaves;
  // Where leaves ought to be but none is whole. If the footer is lost this covers all that follows
  // the last leaf, since nothing says where the leaves end.
  std::vector<DamagedRange> damaged;
  std::optional<SegmentSummary> summary;  // unless the footer is lost
  // Empty unless the footer and their section are whole.
  std::optional<std::vector<SeriesEntry>> series;
  // Without it, leaves of older segments that were dead are alive again: their records are older
  // versions of records salvaged here.
  std::optional<std::vector<LeafReference>> superseded;
};

// Fails only if the file cannot be mapped. Cost: reads the file once; at most sixteen times, if it
// was made to mislead the search for leaves, after which the rest counts as damaged.
absl::StatusOr<Salvage> SalvageSegment(FileSystem* files, const std::string& path);

}  // namespace tsdb::segment

// Segments for tests: what one holds as plain columns, and the file made of it. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/base/file_system.h"
#include "storage/base/types.h"
#include "storage/segment/segment_builder.h"
#include "storage/segment/segment_reader.h"

namespace tsdb::segment {

inline const std::string kDirectory = "/db";

struct LeafContent {
  SeriesId series = 0;
  std::vector<Timestamp> timestamps;
  std::vector<double> values;
  friend bool operator==(const LeafContent&, const LeafContent&) = default;
};

struct SeriesContent {
  SeriesId id = 0;
  std::string labels;
  friend bool operator==(const SeriesContent&, const SeriesContent&) = default;
};

struct SegmentContent {
  std::vector<SeriesContent> series;
  std::vector<LeafContent> leaves;
  std::vector<LeafReference> superseded;
  friend bool operator==(const SegmentContent&, const SegmentContent&) = default;
};

// `count` samples a second apart (with a few milliseconds more or less) from `first`, decimals.
LeafContent MakeLeaf(SeriesId series, Timestamp first, uint32_t count);
std::vector<uint8_t> Encode(const LeafContent& leaf);

// Three series, five leaves of 1 to 40 samples, two superseded leaves; a kilobyte and a half.
SegmentContent SmallContent();
// As many leaves of 512 samples as asked for, eight a series.
SegmentContent LargeContent(uint32_t leaves);

// Leaves that are alike, some 20 to a group: three groups and a part of one; with everything else
// that a segment can hold.
SegmentContent PackableContent();

// Feeds a builder; the first error ends it.
absl::StatusOr<SegmentSummary> Write(FileSystem* files, uint64_t number,
                                     const SegmentContent& content, uint64_t log_sequence = 0,
                                     Packing packing = Packing::kPlain);
// All that a reader gives, blocks verified and decoded.
SegmentContent Read(const SegmentReader& reader);
// A cache for tests without readers beside them. As little room as there can be.
std::unique_ptr<cache::LeafCache> SmallCache();

std::string PathOf(uint64_t number);
absl::StatusOr<std::unique_ptr<SegmentReader>> OpenSegment(FileSystem* files, uint64_t number);

}  // namespace tsdb::segment

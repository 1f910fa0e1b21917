// The fixed parts of a segment file: names, sizes, header and footer. docs/formats/segment.md is
// the format; this is what builder, reader and salvage share of it.
//
// Thread safety: functions only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/types.h"
#include "storage/codec/block.h"

namespace tsdb::segment {

// Leaves one by one, used where they lie in the file; and in groups, compressed (storage/cache).
inline constexpr uint32_t kPlainVersion = 1;
inline constexpr uint32_t kPackedVersion = 2;
// What a segment should not grow beyond: small enough to copy, verify and give to an object store
// as one thing. The format itself ends at kSegmentBytesLimit.
inline constexpr uint64_t kSegmentBytesMax = uint64_t{64} << 20;
inline constexpr uint64_t kSegmentBytesLimit = uint64_t{8} << 32;
inline constexpr size_t kSegmentHeaderBytes = 32;
inline constexpr size_t kSegmentFooterBytes = 144;  // of a plain segment, the shorter one
inline constexpr size_t kPackedFooterBytes = 168;
constexpr size_t FooterBytes(uint32_t version) {
  return version == kPackedVersion ? kPackedFooterBytes : kSegmentFooterBytes;
}
// Before each block: its checksum and series.
inline constexpr size_t kLeafPrefixBytes = 8;
// Of the leaf index, without the padding of its five columns.
inline constexpr size_t kLeafIndexBytesPerLeaf = 26;
inline constexpr size_t kSupersededBytesPerLeaf = 12;

// "0000000007.segment": ten digits or more, so that names sort as numbers do below 10^10.
std::string SegmentFileName(uint64_t number);
// The number whose SegmentFileName is `name`; nothing for any other name.
std::optional<uint64_t> ParseSegmentFileName(std::string_view name);
// What a segment is called while it is written. A file of such a name is garbage to whoever opens
// the directory for writing.
inline constexpr std::string_view kTemporarySuffix = ".tmp";

// A leaf of another segment.
struct LeafReference {
  uint64_t segment = 0;
  uint32_t leaf = 0;
  friend auto operator<=>(const LeafReference&, const LeafReference&) = default;
};

// What a segment says of itself in its footer, and a manifest repeats in part.
struct SegmentSummary {
  uint64_t number = 0;
  uint64_t bytes = 0;    // of the file
  uint64_t records = 0;  // in all leaves
  uint32_t leaves = 0;
  uint32_t series = 0;                         // in the series table
  uint32_t superseded = 0;                     // leaves of older segments that this one replaces
  Timestamp time_first = 0, time_last = 0;     // last included; 0, 0 without leaves
  SeriesId series_first = 0, series_last = 0;  // of leaves, last included; 0, 0 without
  uint64_t log_sequence = 0;  // all records of the log below it are in this or older segments
  friend bool operator==(const SegmentSummary&, const SegmentSummary&) = default;
};

struct SectionEntry {
  uint64_t offset = 0;
  uint64_t length = 0;
  uint32_t entries = 0;
  uint32_t crc = 0;
};
// Packed segments alone have the last one.
enum Section : uint8_t { kLeafIndex, kSeriesTable, kSuperseded, kFrames, kSectionCount };
constexpr size_t SectionsOf(uint32_t version) { return version == kPackedVersion ? 4 : 3; }

struct SegmentFooter {
  uint32_t version = kPlainVersion;
  SectionEntry sections[kSectionCount];
  SegmentSummary summary;  // its counts of leaves, series, superseded are the sections' entries
};

struct SegmentHeader {
  uint64_t number = 0;
  uint32_t version = kPlainVersion;
};

void AppendHeader(const SegmentHeader& header, std::vector<uint8_t>* to);
void AppendFooter(const SegmentFooter& footer, std::vector<uint8_t>* to);

// kDataLoss says what is wrong, without the file's name; kUnimplemented for another version.
// REQUIRES: as many bytes as the part has; the footer is looked for at the end of what is given, at
// least kSegmentFooterBytes.
absl::StatusOr<SegmentHeader> ParseHeader(std::span<const uint8_t> bytes);
absl::StatusOr<SegmentFooter> ParseFooter(std::span<const uint8_t> bytes);

// The bytes of `section`, if it lies in the file and its checksum holds.
std::optional<std::span<const uint8_t>> WholeSection(std::span<const uint8_t> file,
                                                     const SectionEntry& section);

// Everything about a leaf that can be checked without the index: the checksum before the block, the
// block, that it takes all of its bytes and that its timestamps increase. kDataLoss says what is
// wrong. `leaf` begins with the prefix, 8-byte aligned.
absl::StatusOr<codec::BlockStatistics> CheckLeaf(std::span<const uint8_t> leaf);

// `value` rounded up to a multiple of 8.
inline constexpr uint64_t PaddedTo8(uint64_t value) { return (value + 7) & ~uint64_t{7}; }

// Whether `count` timestamps, each above the one before it, can go from `first` to `last`.
inline constexpr bool CanIncrease(Timestamp first, Timestamp last, uint32_t count) {
  return count > 0 && first <= last &&
         static_cast<uint64_t>(last) - static_cast<uint64_t>(first) >= count - 1 &&
         (count > 1 || first == last);
}

// Where in the frame table of a packed segment with `frames` frames its columns begin: where each
// frame lies in the file, and how many bytes of its group are used.
struct FrameTableLayout {
  explicit constexpr FrameTableLayout(uint64_t frames)
      : used(PaddedTo8(4 * frames)), bytes(used + PaddedTo8(4 * frames)) {}
  uint64_t used;  // the column of offsets, in units of 8 bytes, begins at 0
  uint64_t bytes;
};

// Where in a leaf index of `leaves` entries its columns begin.
struct LeafIndexLayout {
  explicit constexpr LeafIndexLayout(uint64_t leaves)
      : first(PaddedTo8(4 * leaves)),
        last(first + 8 * leaves),
        offset(last + 8 * leaves),
        count(offset + PaddedTo8(4 * leaves)),
        bytes(count + PaddedTo8(2 * leaves)) {}
  uint64_t first, last, offset, count;  // the column of series begins at 0
  uint64_t bytes;
};

}  // namespace tsdb::segment

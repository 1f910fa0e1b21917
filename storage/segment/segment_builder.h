// Writes one segment file: leaves as they come, then the index and the rest from memory. The file
// has its final name once it is complete and synced, never before.
//
//   TSDB_ASSIGN_OR_RETURN(auto builder, SegmentBuilder::Create(files, directory, number));
//   for each series, in order of id:
//     builder->AddSeries(id, labels.bytes());
//     for each of its leaves, in order of time: builder->AddLeaf(id, block);
//     builder->WriteGathered();                           where nothing waits for the disk
//   builder->Supersede({older_segment, leaf});              in any order, at any time
//   if (builder->bytes() >= kSegmentBytesMax) go on in another segment
//   builder->Finish(log_sequence)
//
// The same calls give the same bytes. With Packing::kWherePays the first MiB of leaves decides: the
// segment is packed (storage/cache/leaf_group.h) if that saves a tenth, else plain. Until that is
// known, and in a packed segment, a block must fit a group (16 KiB less 8 bytes).
//
// Memory: up to 2 MiB, and 9 MiB between calls of WriteGathered; and 26 bytes a leaf, the series
// table and 12 bytes a superseded leaf, until Finish.
//
// Errors. After a call that returned kInvalidArgument or kFailedPrecondition (a wrong argument)
// nothing has changed and other calls may follow. After any other error every later call returns
// that error again; destroy the builder and write the segment anew. The destructor removes the
// unfinished file, as far as that can be done; one that is left over has a name ending in
// kTemporarySuffix.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/file_system.h"
#include "storage/base/types.h"
#include "storage/segment/segment_format.h"

namespace tsdb::segment {

enum class Packing : uint8_t { kPlain, kWherePays };

class SegmentBuilder {
 public:
  // Starts SegmentFileName(number) in `directory`, which exists. kAlreadyExists if there is such a
  // file: numbers are used once, and what no manifest names should have been removed. `files` must
  // outlive the builder.
  static absl::StatusOr<std::unique_ptr<SegmentBuilder>> Create(FileSystem* files,
                                                                const std::string& directory,
                                                                uint64_t number,
                                                                Packing packing = Packing::kPlain);
  ~SegmentBuilder();
  SegmentBuilder(const SegmentBuilder&) = delete;
  SegmentBuilder& operator=(const SegmentBuilder&) = delete;

  // One leaf, of one series: the bytes of codec::EncodeBlock, 8-byte aligned, whose timestamps
  // increase. Leaves come in order of (series, time). kInvalidArgument if it is no such block or
  // not in order. Does not wait for the disk but when 8 MiB have gathered.
  absl::Status AddLeaf(SeriesId series, std::span<const uint8_t> block);

  // Writes to the file if 1 MiB has gathered.
  absl::Status WriteGathered();

  // The labels of a series, as canonical bytes. In order of id; before or after its leaves.
  absl::Status AddSeries(SeriesId series, std::string_view labels);

  // Room for that many series, whose labels take at most about so many bytes in all: without it
  // adding them takes up to three times as much on the way. A hint.
  void ReserveSeries(uint64_t count, uint64_t label_bytes);

  // A leaf of an older segment (a lower number) is dead once this segment is live. Naming it twice
  // is naming it once.
  absl::Status Supersede(LeafReference leaf);

  // Of the file, were it finished now (at most: repeated Supersedes count). Cost: O(1).
  uint64_t bytes() const;
  // Whether another leaf finds room. A packed segment ends after 128 MiB of leaves, a plain one
  // after 32 GiB.
  bool TakesMore() const;
  // Of the leaves, not compressed.
  uint64_t leaf_bytes() const { return leaf_bytes_; }
  // Of the leaf that AddLeaf was last called for: LeafReference::leaf is this less 1.
  uint32_t leaf_count() const { return static_cast<uint32_t>(series_.size()); }

  // Writes the rest, syncs the file, gives it its name and syncs the directory: then it is durable.
  // On error there is no file of the final name (should removing it fail as well, the error says
  // so). kFailedPrecondition if a leaf's series was not added. REQUIRES: called once.
  absl::StatusOr<SegmentSummary> Finish(uint64_t log_sequence);

 private:
  SegmentBuilder(FileSystem* files, std::string directory, uint64_t number,
                 std::unique_ptr<WritableFile> file, Packing packing);

  absl::Status CheckLeaf(SeriesId series, std::span<const uint8_t> block) const;
  absl::Status CheckSeriesComplete() const;
  absl::Status WriteBuffer();
  // Puts a leaf, prefix and block, where it belongs, and says where its block is.
  void Place(std::span<const uint8_t> leaf);
  void FlushGroup();
  // Whether to pack. `all`: no leaf will follow.
  void Decide(bool all);
  // Appends `section` to the file and its entry to the footer.
  absl::Status WriteSection(Section which, uint32_t entries, std::vector<uint8_t> section,
                            SegmentFooter* footer);
  absl::Status WriteRest(uint64_t log_sequence, SegmentFooter* footer);
  std::vector<uint8_t> EncodeLeafIndex() const;
  std::vector<uint8_t> EncodeSuperseded() const;
  std::vector<uint8_t> EncodeFrameTable() const;
  absl::Status Publish();
  // What is said of an argument: which segment, which leaf.
  absl::Status Refuse(std::string_view what, SeriesId series) const;

  FileSystem* const files_;
  const std::string directory_;
  const uint64_t number_;
  const std::string final_path_;
  const std::string temporary_path_;
  std::unique_ptr<WritableFile> file_;  // null once closed
  bool temporary_exists_ = true;
  absl::Status error_;  // the first one, sticky

  std::vector<uint8_t> buffer_;  // what comes after the file's first `written_` bytes
  uint64_t written_ = 0;
  uint64_t records_ = 0;
  uint64_t leaf_bytes_ = 0;

  // Until kUndecided ends, all leaves are in buffer_, as in a plain segment.
  enum class Form : uint8_t { kUndecided, kPlain, kPacked };
  Form form_;
  std::vector<uint8_t> leaf_;   // the last one, with its prefix
  std::vector<uint8_t> group_;  // the one that is filled, of a packed segment
  std::vector<uint32_t> frame_offset_, frame_used_;

  // The leaf index, by column.
  std::vector<SeriesId> series_;
  std::vector<Timestamp> first_, last_;
  std::vector<uint32_t> offset_;
  std::vector<uint16_t> count_;

  std::vector<SeriesId> table_ids_;
  std::vector<uint8_t> table_;  // the series table without its padding
  std::vector<LeafReference> superseded_;
};

}  // namespace tsdb::segment

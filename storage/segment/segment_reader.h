// An open segment: the file mapped, its index read in place.
//
// Opening checks every checksum but those of the leaves, and every length, offset and count, so
// that no accessor reads outside the file afterwards, whatever is in it. Leaves are checked by
// VerifyBlock, before they are first used or whenever one likes; Block itself checks nothing.
//
// Cost of a segment that stays open: this object (some 300 bytes) and address space. Nothing of the
// file is copied to the heap; index pages are the page cache's, to drop and read again.
//
// What was checked is what the file held then. A page that the kernel drops and reads again from a
// disk that has rotted meanwhile is not checked again: use the index once, after opening, and call
// VerifyBlock where certainty is worth its price. A disk that fails under a mapping is a signal
// (SIGBUS), not a Status; VerifyAll reads through the mapping, too.
//
// Thread safety: immutable; every method from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/coding.h"
#include "storage/base/file_system.h"
#include "storage/base/types.h"
#include "storage/cache/leaf_cache.h"
#include "storage/cache/leaf_group.h"
#include "storage/segment/segment_format.h"

namespace tsdb::segment {

struct LeafEntry {
  SeriesId series = 0;
  uint32_t count = 0;             // samples
  Timestamp first = 0, last = 0;  // of its samples, last included
};

// A series of the series table; `labels` points into the mapping and is opaque bytes: whoever makes
// labels of them checks them.
struct SeriesEntry {
  SeriesId id = 0;
  std::string_view labels;
};

class SegmentReader {
 public:
  // kDataLoss names the file, the offset and what is wrong there (SalvageSegment may still find its
  // leaves); kUnavailable: the disk failed a call (EIO), which says nothing of the bytes;
  // kUnimplemented: a format version of the future. `number` is what the file must say it is: a
  // foreign or misplaced file is kDataLoss.
  static absl::StatusOr<std::unique_ptr<SegmentReader>> Open(FileSystem* files, std::string path,
                                                             uint64_t number);
  SegmentReader(const SegmentReader&) = delete;
  SegmentReader& operator=(const SegmentReader&) = delete;

  const std::string& path() const { return path_; }
  const SegmentSummary& summary() const { return summary_; }
  const MappedFile& file() const { return *file_; }

  // Leaves are numbered in order of (series, time). REQUIRES, here and below: i < leaf_count().
  uint32_t leaf_count() const { return summary_.leaves; }
  // Cost: five loads from five columns; a loop over all leaves runs at the speed of memory.
  LeafEntry leaf(uint32_t i) const {
    return {series(i), count(i),
            static_cast<Timestamp>(GetFixed64(index_ + layout_.first + 8 * size_t{i})),
            static_cast<Timestamp>(GetFixed64(index_ + layout_.last + 8 * size_t{i}))};
  }
  // Whether leaves are compressed in groups.
  bool packed() const { return packed_; }
  // Gives a packed segment's leaves addresses, at which the cache unpacks them: Block, BlockOffset
  // and leaves() can then be used. Nothing for a plain one. REQUIRES: called once, before readers.
  absl::Status UseCache(cache::LeafCache* cache);
  // Where leaf i's block lies, 8-byte aligned; the address is valid as long as the reader. The
  // bytes of a packed segment can be read after cache::LeafCache::MakeReadable only.
  std::span<const uint8_t> Block(uint32_t i) const {
    const uint64_t begin = BlockOffset(i);
    return {leaves_ + begin, BlockEnd(i) - begin};
  }
  // From leaves().
  uint64_t BlockOffset(uint32_t i) const {
    return uint64_t{8} * GetFixed32(index_ + layout_.offset + 4 * size_t{i});
  }
  const uint8_t* leaves() const { return leaves_; }
  // Bytes of all leaves, not compressed.
  uint64_t leaf_bytes() const;
  // The block's bytes without the cache: of a packed segment, in `group`, which is kept from call
  // to call. Bytes that VerifyBlock has not found whole can be anything.
  std::span<const uint8_t> ReadBlock(uint32_t i, cache::LeafGroup& group) const;

  // Checks the leaf's checksum, its block (so that BlockView::Trusted may be used) and that the
  // index says the same of it. kDataLoss names file, offset, series, time range and records lost.
  // Cost: reads the block; about half a nanosecond a sample. `group`: as for ReadBlock.
  absl::Status VerifyBlock(uint32_t i, cache::LeafGroup& group) const;
  // What is wrong with the frame that leaf i is in, after VerifyBlock of it; the same for all its
  // leaves. Leaves in a damaged frame can be whole, but can only be read with ReadBlock.
  absl::Status VerifyFrame(uint32_t i, const cache::LeafGroup& group) const;
  // Checks everything again, sections too. One error per damaged leaf or section; empty if intact.
  std::vector<absl::Status> VerifyAll() const;

  // The series table, in order of id:
  //   for (auto cursor = reader.series_table(); cursor.Next();) Use(cursor.entry());
  class SeriesCursor {
   public:
    // Over any bytes: stops at what is no entry. Open has made sure that a reader's all are.
    SeriesCursor(std::span<const uint8_t> table, uint32_t entries)
        : table_(table), entries_(entries) {}
    bool Next();
    const SeriesEntry& entry() const { return entry_; }
    // Whether Next has returned all entries there should be.
    bool complete() const { return at_ == entries_; }

   private:
    friend class SegmentReader;
    bool Read();
    ByteReader table_;
    uint32_t entries_;
    uint32_t at_ = 0;
    SeriesEntry entry_;
  };
  SeriesCursor series_table() const { return {SectionBytes(kSeriesTable), summary_.series}; }

  // Leaves of older segments that this one replaces, increasing. REQUIRES: i <
  // summary().superseded.
  LeafReference superseded(uint32_t i) const {
    const uint8_t* section = SectionBytes(kSuperseded).data();
    return {GetFixed64(section + 8 * size_t{i}),
            GetFixed32(section + 8 * size_t{summary_.superseded} + 4 * size_t{i})};
  }

 private:
  SegmentReader(std::string path, std::unique_ptr<MappedFile> file);

  SeriesId series(uint32_t i) const { return GetFixed32(index_ + 4 * size_t{i}); }
  uint32_t count(uint32_t i) const {
    const uint8_t* at = index_ + layout_.count + 2 * size_t{i};
    return at[0] | uint32_t{at[1]} << 8;
  }
  // Where the next leaf's prefix begins, or what follows the last leaf (of the group).
  uint64_t BlockEnd(uint32_t i) const {
    const uint64_t next = i + 1 < summary_.leaves ? BlockOffset(i + 1) - kLeafPrefixBytes : 0;
    if (!packed_) return next != 0 ? next : sections_[kLeafIndex].offset;
    const uint32_t group = GroupOf(i);
    if (next != 0 && next >> cache::kGroupBits == group) return next;
    return (uint64_t{group} << cache::kGroupBits) + UsedOf(group);
  }
  uint32_t GroupOf(uint32_t i) const {
    return static_cast<uint32_t>(BlockOffset(i) >> cache::kGroupBits);
  }
  uint64_t FrameOffset(uint32_t group) const {
    return uint64_t{8} * GetFixed32(frames_ + 4 * size_t{group});
  }
  uint64_t FrameEnd(uint32_t group) const {
    return group + 1 < sections_[kFrames].entries ? FrameOffset(group + 1)
                                                  : sections_[kLeafIndex].offset;
  }
  uint32_t UsedOf(uint32_t group) const {
    return GetFixed32(frames_ + FrameTableLayout(sections_[kFrames].entries).used +
                      4 * size_t{group});
  }
  // Where in the file the leaf, or the frame that it is in, begins.
  uint64_t FileOffset(uint32_t i) const {
    return packed_ ? FrameOffset(GroupOf(i)) : BlockOffset(i) - kLeafPrefixBytes;
  }
  // The leaf with its prefix.
  std::span<const uint8_t> ReadLeaf(uint32_t i, cache::LeafGroup& group) const;
  absl::Status DamagedLeaf(uint32_t i, std::string_view what) const;
  std::span<const uint8_t> SectionBytes(Section which) const {
    return file_->bytes().subspan(sections_[which].offset, sections_[which].length);
  }

  // The steps of Open; each relies on those before it.
  absl::Status Load(uint64_t number);
  absl::Status CheckPlaces() const;
  absl::Status CheckSectionChecksum(Section which) const;
  absl::Status CheckFrames() const;
  absl::Status CheckLeafIndex() const;
  absl::Status CheckLeafEntry(uint32_t i) const;
  absl::Status CheckSeriesTable() const;
  absl::Status CheckSuperseded() const;
  absl::Status Damaged(uint64_t offset, std::string_view what) const;

  const std::string path_;
  const std::unique_ptr<MappedFile> file_;
  SegmentSummary summary_;
  SectionEntry sections_[kSectionCount];
  LeafIndexLayout layout_{0};
  bool packed_ = false;
  const uint8_t* index_ = nullptr;
  const uint8_t* frames_ = nullptr;  // the frame table
  const uint8_t* leaves_ = nullptr;
  std::unique_ptr<cache::PackedImage> image_;
};

}  // namespace tsdb::segment

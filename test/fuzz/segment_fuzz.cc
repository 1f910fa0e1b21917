// Segments: opening, verifying and reading one, and salvaging what is whole in it.
//
// Mode: bit 0 makes header, footer, the checksums of sections and of the leaves in the index, or of
// the frames in the frame table, right.
#include <algorithm>
#include <cstring>
#include <functional>

#include "storage/base/file_system.h"
#include "storage/codec/block.h"
#include "storage/segment/segment_builder.h"
#include "storage/segment/segment_reader.h"
#include "storage/segment/segment_salvage.h"
#include "test/fuzz/fuzz_target.h"
#include "test/storage/segment/segments.h"

namespace tsdb::fuzz {
namespace {

using segment::kLeafPrefixBytes;
using segment::kSegmentHeaderBytes;
using segment::Salvage;
using segment::SegmentReader;

constexpr uint64_t kNumber = 7;
constexpr uint64_t kRewrittenNumber = 8;

void RepairLeaves(uint64_t index, uint64_t length, uint32_t leaves, std::vector<uint8_t>& file) {
  const segment::LeafIndexLayout layout(leaves);
  if (length != layout.bytes) return;
  const auto offset = [&](uint32_t i) {
    return uint64_t{8} * GetFixed32(file.data() + index + layout.offset + 4 * uint64_t{i});
  };
  for (uint32_t i = 0; i < leaves; ++i) {
    const uint64_t begin = offset(i);
    const uint64_t end = i + 1 < leaves ? offset(i + 1) - kLeafPrefixBytes : index;
    if (begin < kSegmentHeaderBytes + kLeafPrefixBytes || end > index) continue;
    RepairChecksum(file, begin - kLeafPrefixBytes, begin - 4, end);
  }
}

// Frames as the frame table says where they are.
void RepairFrames(uint64_t table, uint64_t length, uint32_t frames, std::vector<uint8_t>& file) {
  if (length != segment::FrameTableLayout(frames).bytes) return;
  for (uint32_t i = 0; i < frames; ++i) {
    const uint64_t begin = uint64_t{8} * GetFixed32(file.data() + table + 4 * uint64_t{i});
    if (begin < kSegmentHeaderBytes || begin > table || table - begin < cache::kFramePrefixBytes) {
      continue;
    }
    const uint64_t stored = GetFixed32(file.data() + begin + 4);
    if (stored > table - begin - cache::kFramePrefixBytes) continue;
    RepairChecksum(file, begin, begin + 4, begin + cache::kFramePrefixBytes + stored);
  }
}

void Repair(std::vector<uint8_t>& file) {
  file.resize(segment::PaddedTo8(file.size()));
  if (file.size() < kSegmentHeaderBytes + segment::kPackedFooterBytes) return;
  const uint32_t version = GetFixed32(file.data() + 8) == segment::kPackedVersion
                               ? segment::kPackedVersion
                               : segment::kPlainVersion;
  std::vector<uint8_t> header;
  segment::AppendHeader({kNumber, version}, &header);
  std::copy(header.begin(), header.end(), file.begin());
  const uint64_t footer = file.size() - segment::FooterBytes(version);
  const uint64_t rest = footer + 24 * segment::SectionsOf(version);
  for (size_t i = 0; i < segment::SectionsOf(version); ++i) {
    const uint64_t entry = footer + 24 * i;
    const uint64_t offset = GetFixed64(file.data() + entry);
    const uint64_t length = GetFixed64(file.data() + entry + 8);
    const uint32_t entries = GetFixed32(file.data() + entry + 16);
    if (offset > footer || length > footer - offset) continue;
    // What is in no section first.
    if (i == segment::kLeafIndex && version == segment::kPlainVersion) {
      RepairLeaves(offset, length, entries, file);
    }
    if (i == segment::kFrames) RepairFrames(offset, length, entries, file);
    RepairChecksum(file, entry + 20, offset, offset + length);
  }
  PutFixed64(file.data() + rest, kNumber);
  PutFixed64(file.data() + rest + 40, file.size());
  PutFixed32(file.data() + rest + 56, version);
  std::memcpy(file.data() + rest + 64, "tsdbsegf", 8);
  RepairChecksum(file, rest + 60, footer, rest + 60);
}

// What of the file a leaf lies in: its own place, or that of the frame that holds it.
segment::DamagedRange PlaceOf(const Salvage& salvage, const segment::SalvagedLeaf& leaf) {
  const std::span<const uint8_t> file = salvage.file->bytes();
  const std::less<const uint8_t*> before;
  if (!before(leaf.block.data(), file.data()) &&
      before(leaf.block.data(), file.data() + file.size())) {
    TSDB_CHECK(leaf.block.data() == file.data() + leaf.offset + kLeafPrefixBytes);
    return {leaf.offset, kLeafPrefixBytes + leaf.block.size()};
  }
  const auto head = cache::ParseFrameHead(file.subspan(leaf.offset));
  TSDB_CHECK(head.ok() && kLeafPrefixBytes + leaf.block.size() <= head->used);
  return {leaf.offset, head->frame_bytes()};
}

// Never more than there is: leaves and damaged ranges lie in the file, in order, side by side.
void CheckSalvage(const Salvage& salvage) {
  const uint64_t size = salvage.file->size();
  std::vector<segment::DamagedRange> pieces = salvage.damaged;
  for (const segment::SalvagedLeaf& leaf : salvage.leaves) {
    pieces.push_back(PlaceOf(salvage, leaf));
    const auto view = codec::BlockView::Parse(leaf.block);
    TSDB_CHECK(view.ok() && view->bytes() == leaf.block.size());
    TSDB_CHECK(view->count() == leaf.entry.count && leaf.entry.first <= leaf.entry.last);
  }
  std::sort(pieces.begin(), pieces.end(),
            [](const auto& a, const auto& b) { return a.offset < b.offset; });
  // The leaves of a frame share its place, and what else is in it is damaged.
  const auto same = [](const auto& a, const auto& b) {
    return a.offset == b.offset && a.length == b.length;
  };
  pieces.erase(std::unique(pieces.begin(), pieces.end(), same), pieces.end());
  uint64_t end = 0;
  for (const segment::DamagedRange& piece : pieces) {
    TSDB_CHECK(piece.offset >= end && piece.length > 0);
    TSDB_CHECK(piece.offset <= size && piece.length <= size - piece.offset);
    end = piece.offset + piece.length;
  }
  if (salvage.series) {
    TSDB_CHECK(salvage.series->size() <= size);
    for (const segment::SeriesEntry& entry : *salvage.series) {
      TSDB_CHECK(entry.labels.size() <= size);
    }
  }
  TSDB_CHECK(!salvage.superseded ||
             salvage.superseded->size() * segment::kSupersededBytesPerLeaf <= size);
}

// Every accessor of a segment that opened. Whether every leaf is whole.
bool Use(const SegmentReader& reader) {
  const auto view = reader.summary();
  uint64_t records = 0;
  cache::LeafGroup group;
  for (uint32_t i = 0; i < reader.leaf_count(); ++i) {
    const segment::LeafEntry entry = reader.leaf(i);
    records += entry.count;
    const std::span<const uint8_t> block = reader.ReadBlock(i, group);
    if (reader.packed()) {
      TSDB_CHECK(block.data() >= group.data());
      TSDB_CHECK(block.data() + block.size() <= group.data() + cache::kGroupBytes);
      continue;
    }
    TSDB_CHECK(block.data() == reader.file().data() + reader.BlockOffset(i));
    TSDB_CHECK(reader.BlockOffset(i) + block.size() <= reader.file().size());
  }
  TSDB_CHECK(records == view.records && view.bytes == reader.file().size());
  auto cursor = reader.series_table();
  uint32_t series = 0;
  for (; cursor.Next(); ++series) TSDB_CHECK(cursor.entry().labels.size() <= view.bytes);
  TSDB_CHECK(series == view.series && cursor.complete());
  for (uint32_t i = 0; i < view.superseded; ++i) {
    TSDB_CHECK(reader.superseded(i).segment < view.number);
  }
  const std::vector<absl::Status> damage = reader.VerifyAll();
  // A damaged frame is told once, and then its leaves.
  TSDB_CHECK(damage.size() <= (reader.packed() ? 2 : 1) * uint64_t{reader.leaf_count()});
  for (const absl::Status& status : damage) {
    TSDB_CHECK(status.code() == absl::StatusCode::kDataLoss);
  }
  return damage.empty();
}

// At their addresses all leaves are what the reader gives without a cache.
void CheckCached(MemoryFileSystem& files) {
  const auto cache = segment::SmallCache();
  const auto reader = *segment::OpenSegment(&files, kNumber);
  TSDB_CHECK(reader->UseCache(cache.get()).ok());
  cache::LeafGroup group;
  for (uint32_t i = 0; i < reader->leaf_count(); ++i) {
    const std::span<const uint8_t> block = reader->Block(i);
    if (reader->packed()) cache::LeafCache::MakeReadable(block.data());
    const std::span<const uint8_t> read = reader->ReadBlock(i, group);
    TSDB_CHECK(std::equal(block.begin(), block.end(), read.begin(), read.end()));
  }
}

void CheckWhole(MemoryFileSystem& files, const SegmentReader& reader, const Salvage& salvage) {
  TSDB_CHECK(salvage.damaged.empty() && salvage.leaves.size() == reader.leaf_count());
  for (uint32_t i = 0; i < reader.leaf_count(); ++i) {
    if (!reader.packed()) {
      TSDB_CHECK(salvage.leaves[i].offset + kLeafPrefixBytes == reader.BlockOffset(i));
    }
    TSDB_CHECK(salvage.leaves[i].entry.series == reader.leaf(i).series);
  }
  TSDB_CHECK(salvage.summary == reader.summary());
  TSDB_CHECK(salvage.series && salvage.series->size() == reader.summary().series);
  TSDB_CHECK(salvage.superseded && salvage.superseded->size() == reader.summary().superseded);

  // Built anew from what was read, it holds the same.
  const segment::SegmentContent content = segment::Read(reader);
  const auto packing = reader.packed() ? segment::Packing::kWherePays : segment::Packing::kPlain;
  TSDB_CHECK(segment::Write(&files, kRewrittenNumber, content, 0, packing).ok());
  const auto again = segment::OpenSegment(&files, kRewrittenNumber);
  TSDB_CHECK(again.ok());
  const segment::SegmentContent rewritten = segment::Read(**again);
  TSDB_CHECK(rewritten.series == content.series && rewritten.superseded == content.superseded);
  TSDB_CHECK(rewritten.leaves.size() == content.leaves.size());
  for (size_t i = 0; i < content.leaves.size(); ++i) {
    TSDB_CHECK(rewritten.leaves[i].series == content.leaves[i].series &&
               rewritten.leaves[i].timestamps == content.leaves[i].timestamps &&
               std::memcmp(rewritten.leaves[i].values.data(), content.leaves[i].values.data(),
                           content.leaves[i].values.size() * sizeof(double)) == 0);
  }
}

void Fuzz(uint8_t mode, std::span<const uint8_t> input) {
  std::vector<uint8_t> file(input.begin(), input.end());
  if ((mode & kRepair) != 0) Repair(file);
  MemoryFileSystem files({segment::kDirectory});
  files.SetContent(segment::PathOf(kNumber), std::move(file));
  const auto salvage = segment::SalvageSegment(&files, segment::PathOf(kNumber));
  TSDB_CHECK(salvage.ok());
  CheckSalvage(*salvage);
  const auto reader = segment::OpenSegment(&files, kNumber);
  if (!reader.ok()) {
    TSDB_CHECK(reader.status().code() == absl::StatusCode::kDataLoss ||
               reader.status().code() == absl::StatusCode::kUnimplemented);
    return;
  }
  if (!Use(**reader)) return;
  CheckWhole(files, **reader, *salvage);
  CheckCached(files);
}

}  // namespace
}  // namespace tsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tsdb::fuzz::Input input(data, size);
  const uint8_t mode = input.Byte();
  tsdb::fuzz::Fuzz(mode, input.Rest());
  return 0;
}

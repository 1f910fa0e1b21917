// Packed segments that are not as they were written: a byte costs a group at most, and nothing is
// read that was not written.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "storage/base/coding.h"
#include "storage/base/crc32c.h"
#include "storage/segment/segment_salvage.h"
#include "test/faults/memory_file_system.h"
#include "test/storage/segment/segments.h"
#include "test/tsdb/threads.h"

namespace tsdb::segment {
namespace {

using Bytes = std::vector<uint8_t>;

class PackedFile {
 public:
  PackedFile() : files_({kDirectory}) {
    REQUIRE(Write(&files_, 7, content_, 0, Packing::kWherePays).ok());
    intact_ = files_.Content(PathOf(7));
    footer_ = *ParseFooter(intact_);
    REQUIRE(footer_.version == kPackedVersion);
    const uint64_t table = footer_.sections[kFrames].offset;
    for (uint32_t i = 0; i < frames(); ++i) {
      begins_.push_back(uint64_t{8} * GetFixed32(intact_.data() + table + 4 * uint64_t{i}));
    }
    begins_.push_back(footer_.sections[kLeafIndex].offset);
    for (uint32_t i = 0; i < footer_.summary.leaves; ++i) {
      group_of_.push_back(static_cast<uint32_t>((*Open(intact_))->BlockOffset(i) >> 14));
    }
  }
  const Bytes& intact() const { return intact_; }
  const SegmentContent& content() const { return content_; }
  const SegmentFooter& footer() const { return footer_; }
  uint32_t frames() const { return footer_.sections[kFrames].entries; }
  size_t footer_at() const { return intact_.size() - kPackedFooterBytes; }
  // Where frame i begins; the one after the last: where the leaf index does.
  uint64_t begin(uint32_t i) const { return begins_[i]; }
  uint32_t group_of(uint32_t leaf) const { return group_of_[leaf]; }
  // The frame that the byte at `at` is in; frames() if in none.
  uint32_t FrameAt(uint64_t at) const {
    for (uint32_t i = 0; i < frames(); ++i) {
      if (at >= begins_[i] && at < begins_[i + 1]) return i;
    }
    return frames();
  }
  size_t LeavesIn(uint32_t group) const {
    return static_cast<size_t>(std::count(group_of_.begin(), group_of_.end(), group));
  }
  absl::StatusOr<std::unique_ptr<SegmentReader>> Open(Bytes bytes) {
    files_.SetContent(PathOf(7), std::move(bytes));
    return OpenSegment(&files_, 7);
  }
  Salvage SalvageOf(Bytes bytes) {
    files_.SetContent(PathOf(7), std::move(bytes));
    auto salvage = SalvageSegment(&files_, PathOf(7));
    REQUIRE(salvage.ok());
    return *std::move(salvage);
  }
  // Which leaves were salvaged, each the same as was written, in order.
  std::vector<uint32_t> Salvaged(const Salvage& salvage) const {
    std::vector<uint32_t> found;
    uint32_t next = 0;
    for (const SalvagedLeaf& leaf : salvage.leaves) {
      while (next < content_.leaves.size() && !Same(leaf, content_.leaves[next])) ++next;
      REQUIRE(next < content_.leaves.size());
      REQUIRE(leaf.offset == begins_[group_of_[next]]);
      found.push_back(next++);
    }
    return found;
  }

 private:
  static bool Same(const SalvagedLeaf& leaf, const LeafContent& content) {
    return leaf.entry.series == content.series && leaf.entry.first == content.timestamps.front() &&
           std::ranges::equal(leaf.block, Encode(content));
  }

  const SegmentContent content_ = PackableContent();
  MemoryFileSystem files_;
  Bytes intact_;
  SegmentFooter footer_;
  std::vector<uint64_t> begins_;
  std::vector<uint32_t> group_of_;
};

// Makes every checksum fit the bytes again, those of frames at `begins` too.
void Reseal(const std::vector<uint64_t>& begins, Bytes* bytes) {
  for (const uint64_t begin : begins) {
    const uint64_t covered =
        uint64_t{cache::kFramePrefixBytes} - 4 + GetFixed32(bytes->data() + begin + 4);
    if (covered > bytes->size() - begin - 4) continue;
    PutFixed32(bytes->data() + begin,
               crc32c::Compute(std::span(*bytes).subspan(begin + 4, covered)));
  }
  const size_t footer = bytes->size() - kPackedFooterBytes;
  PutFixed32(bytes->data() + 28, crc32c::Compute(std::span(*bytes).first(28)));
  for (size_t i = 0; i < SectionsOf(kPackedVersion); ++i) {
    uint8_t* entry = bytes->data() + footer + 24 * i;
    const uint64_t offset = GetFixed64(entry), length = GetFixed64(entry + 8);
    if (offset > bytes->size() || length > bytes->size() - offset) continue;
    PutFixed32(entry + 20, crc32c::Compute(std::span(*bytes).subspan(offset, length)));
  }
  const size_t covered = kPackedFooterBytes - 12;
  PutFixed32(bytes->data() + footer + covered,
             crc32c::Compute(std::span(*bytes).subspan(footer, covered)));
}

// Everything a reader offers must be in bounds, whatever it says.
size_t TouchAllGroups(const SegmentReader& reader) {
  size_t sum = reader.VerifyAll().size() + reader.leaf_bytes();
  cache::LeafGroup group;
  for (uint32_t i = 0; i < reader.leaf_count(); ++i) {
    for (const uint8_t byte : reader.ReadBlock(i, group)) sum += byte;
    sum += reader.leaf(i).count;
  }
  for (auto cursor = reader.series_table(); cursor.Next();) {
    for (const char c : cursor.entry().labels) sum += static_cast<uint8_t>(c);
  }
  for (uint32_t i = 0; i < reader.summary().superseded; ++i) sum += reader.superseded(i).leaf;
  return sum;
}

TEST_CASE("packed segment: a flip in any byte is found, and costs its group at most", "[segment]") {
  PackedFile segment;
  for (size_t at = 0; at < segment.intact().size(); ++at) {
    for (const uint8_t mask : {0x01, 0x80, 0xff}) {
      CAPTURE(at, mask);
      Bytes bytes = segment.intact();
      bytes[at] ^= mask;
      const uint32_t frame = segment.FrameAt(at);
      const auto reader = segment.Open(bytes);
      REQUIRE(reader.ok() == (frame < segment.frames()));
      if (!reader.ok()) {
        REQUIRE(absl::IsDataLoss(reader.status()));
        REQUIRE(std::string(reader.status().message()).find(PathOf(7)) != std::string::npos);
        continue;
      }
      const std::vector<absl::Status> damage = (*reader)->VerifyAll();
      REQUIRE_FALSE(damage.empty());
      REQUIRE(damage.size() <= 1 + segment.LeavesIn(frame));
      for (const absl::Status& status : damage) {
        const std::string text(status.message());
        REQUIRE(text.find("offset " + std::to_string(segment.begin(frame))) != std::string::npos);
      }
    }
  }
}

TEST_CASE("packed segment: what is verified in a damaged frame is what was written", "[segment]") {
  PackedFile segment;
  size_t lost = 0, kept = 0;
  for (uint64_t at = segment.begin(1); at < segment.begin(2); ++at) {
    Bytes bytes = segment.intact();
    bytes[at] ^= 0x10;
    const auto reader = *segment.Open(bytes);
    cache::LeafGroup group;
    for (uint32_t i = 0; i < reader->leaf_count(); ++i) {
      CAPTURE(at, i);
      const bool whole = reader->VerifyBlock(i, group).ok();
      REQUIRE(reader->VerifyFrame(i, group).ok() == (segment.group_of(i) != 1));
      REQUIRE(group.damaged == (segment.group_of(i) == 1));
      if (segment.group_of(i) != 1) REQUIRE(whole);
      if (whole) {
        REQUIRE(
            std::ranges::equal(reader->ReadBlock(i, group), Encode(segment.content().leaves[i])));
      }
      (whole ? kept : lost) += segment.group_of(i) == 1 ? 1 : 0;
    }
  }
  CHECK(lost > 0);
  CHECK(kept > 0);  // of those before what was hit
}

TEST_CASE("packed segment: cut at any length, or grown, it does not open", "[segment]") {
  PackedFile segment;
  const Bytes& intact = segment.intact();
  for (size_t length = 0; length < intact.size(); ++length) {
    CAPTURE(length);
    const auto reader = segment.Open({intact.begin(), intact.begin() + static_cast<long>(length)});
    REQUIRE(absl::IsDataLoss(reader.status()));
  }
  for (const size_t more : {1, 8, 168, 4096}) {
    Bytes bytes = intact;
    bytes.resize(bytes.size() + more);
    CHECK(absl::IsDataLoss(segment.Open(bytes).status()));
    std::copy(intact.end() - kPackedFooterBytes, intact.end(), bytes.end() - kPackedFooterBytes);
    CHECK(absl::IsDataLoss(segment.Open(bytes).status()));
  }
}

TEST_CASE("packed segment: forged sections with fitting checksums stay in bounds", "[segment]") {
  PackedFile segment;
  size_t opened = 0, refused = 0, sum = 0;
  for (size_t at = 0; at < segment.intact().size(); ++at) {
    if (segment.FrameAt(at) < segment.frames()) continue;
    for (const uint8_t value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      Bytes bytes = segment.intact();
      if (bytes[at] == value) continue;
      bytes[at] = value;
      Reseal({}, &bytes);
      const auto reader = segment.Open(bytes);
      reader.ok() ? ++opened : ++refused;
      if (reader.ok()) sum += TouchAllGroups(**reader);
    }
  }
  CHECK(sum > 0);
  CHECK(opened > 0);
  CHECK(refused > 1000);
}

TEST_CASE("packed segment: forged frame tables stay in bounds", "[segment]") {
  PackedFile segment;
  const SectionEntry& section = segment.footer().sections[kFrames];
  const FrameTableLayout layout(section.entries);
  size_t sum = 0, refused = 0;
  for (const uint64_t column : {uint64_t{0}, layout.used}) {
    for (uint32_t entry = 0; entry < section.entries; ++entry) {
      const uint64_t field = section.offset + column + 4 * uint64_t{entry};
      const uint32_t present = GetFixed32(segment.intact().data() + field);
      for (const uint32_t value : {0u, 1u, 3u, present - 1, present + 1, present + 8, 16376u,
                                   16383u, 16384u, 16385u, 0x20000000u, UINT32_MAX}) {
        CAPTURE(column, entry, value);
        Bytes bytes = segment.intact();
        PutFixed32(bytes.data() + field, value);
        Reseal({}, &bytes);
        const auto reader = segment.Open(bytes);
        if (!reader.ok()) {
          REQUIRE(absl::IsDataLoss(reader.status()));
          ++refused;
          continue;
        }
        REQUIRE_FALSE((*reader)->VerifyAll().empty());
        sum += TouchAllGroups(**reader);
      }
    }
  }
  CHECK(sum > 0);
  CHECK(refused > 10);
}

TEST_CASE("packed segment: forged offsets in the leaf index stay in bounds", "[segment]") {
  PackedFile segment;
  const LeafIndexLayout layout(segment.footer().summary.leaves);
  const uint64_t index = segment.footer().sections[kLeafIndex].offset;
  size_t refused = 0, sum = 0;
  for (uint32_t leaf = 0; leaf < segment.footer().summary.leaves; ++leaf) {
    const uint64_t field = index + layout.offset + 4 * uint64_t{leaf};
    const uint32_t present = GetFixed32(segment.intact().data() + field);
    for (const uint32_t value :
         {0u, 1u, 2u, present - 1, present + 1, present + 2048, 2047u, 2048u, 2049u,
          segment.frames() * 2048, segment.frames() * 2048 - 1, 0x7fffffffu, UINT32_MAX}) {
      CAPTURE(leaf, value);
      if (value == present) continue;
      Bytes bytes = segment.intact();
      PutFixed32(bytes.data() + field, value);
      Reseal({}, &bytes);
      const auto reader = segment.Open(bytes);
      if (!reader.ok()) ++refused;
      if (!reader.ok()) continue;
      REQUIRE_FALSE((*reader)->VerifyAll().empty());
      sum += TouchAllGroups(**reader);
    }
  }
  // Moving a block to where none can be is always noticed; a border between two may move.
  CHECK(refused > 500);
  CHECK(sum > 0);
}

TEST_CASE("packed segment: no frames, and frames without leaves, are refused as that",
          "[segment]") {
  PackedFile segment;
  const auto refusal = [&](Bytes bytes) {
    Reseal({}, &bytes);
    return std::string(segment.Open(std::move(bytes)).status().message());
  };
  for (const uint32_t frames : {0u, uint32_t{cache::PackedImage::kGroupsMax} + 1}) {
    Bytes bytes = segment.intact();
    bytes.resize(segment.footer().sections[kFrames].offset + FrameTableLayout(frames).bytes);
    const size_t footer = bytes.size();
    bytes.insert(bytes.end(), segment.intact().end() - kPackedFooterBytes, segment.intact().end());
    uint8_t* const entry = bytes.data() + footer + 24 * kFrames;
    PutFixed64(entry + 8, FrameTableLayout(frames).bytes);
    PutFixed32(entry + 16, frames);
    PutFixed64(bytes.data() + footer + 24 * kSectionCount + 40, bytes.size());
    const std::string expected = "there cannot be " + std::to_string(frames) + " frames";
    CHECK(refusal(bytes).find(expected) != std::string::npos);
  }

  // The last group's leaves, moved on to the end of the group before, of the least bytes each.
  const uint32_t leaves = segment.footer().summary.leaves, last = segment.frames() - 1;
  const auto moved = static_cast<uint32_t>(segment.LeavesIn(last));
  const LeafIndexLayout layout(leaves);
  Bytes bytes = segment.intact();
  uint8_t* const offsets =
      bytes.data() + segment.footer().sections[kLeafIndex].offset + layout.offset;
  const uint32_t before = GetFixed32(offsets + 4 * size_t{leaves - moved - 1});
  REQUIRE(before + moved * 2 < (last << 11) - 2);
  for (uint32_t i = 0; i < moved; ++i) {
    PutFixed32(offsets + 4 * size_t{leaves - moved + i}, before + 2 * (i + 1));
  }
  CHECK(refusal(bytes).find("there are frames after it, and no leaf in them") != std::string::npos);
}

TEST_CASE("packed segment: forged frames with fitting checksums stay in bounds", "[segment]") {
  PackedFile segment;
  std::mt19937_64 random(3);
  constexpr size_t kRounds = Scaled(3000);
  size_t whole = 0;
  for (size_t round = 0; round < kRounds; ++round) {
    CAPTURE(round);
    Bytes bytes = segment.intact();
    const auto frame = static_cast<uint32_t>(random() % segment.frames());
    const uint64_t begin = segment.begin(frame), end = segment.begin(frame + 1);
    if (round % 3 == 0) {
      PutFixed32(bytes.data() + begin + 4, static_cast<uint32_t>(random() % (end - begin)));
    } else if (round % 3 == 1) {
      PutFixed32(bytes.data() + begin + 8, static_cast<uint32_t>(random() % 17'000));
    }
    for (uint64_t left = random() % 4; left > 0; --left) {
      const uint64_t at =
          begin + cache::kFramePrefixBytes + random() % (end - begin - cache::kFramePrefixBytes);
      bytes[at] = static_cast<uint8_t>(random());
    }
    Reseal({begin}, &bytes);
    const auto reader = segment.Open(bytes);
    REQUIRE(reader.ok());
    whole += (*reader)->VerifyAll().empty() ? 1 : 0;
    TouchAllGroups(**reader);
    const Salvage salvage = segment.SalvageOf(bytes);
    for (const SalvagedLeaf& leaf : salvage.leaves) REQUIRE_FALSE(leaf.block.empty());
  }
  CHECK(whole < kRounds / 2);
}

TEST_CASE("packed segment: header and footer must name one version, and a known one", "[segment]") {
  PackedFile segment;
  const size_t places[] = {8, segment.intact().size() - 16};
  for (const size_t at : places) {
    Bytes bytes = segment.intact();
    PutFixed32(bytes.data() + at, 3);
    Reseal({}, &bytes);
    // The footer's length goes by its version.
    if (at != 8) {
      const size_t begin = bytes.size() - kSegmentFooterBytes;
      PutFixed32(bytes.data() + bytes.size() - 12,
                 crc32c::Compute(std::span(bytes).subspan(begin, kSegmentFooterBytes - 12)));
    }
    const absl::Status status = segment.Open(bytes).status();
    CHECK(absl::IsUnimplemented(status));
    CHECK(std::string(status.message()).find("version 3") != std::string::npos);
  }
  Bytes bytes = segment.intact();
  PutFixed32(bytes.data() + 8, kPlainVersion);
  Reseal({}, &bytes);
  CHECK(absl::IsDataLoss(segment.Open(bytes).status()));
}

TEST_CASE("packed salvage: an intact segment gives everything", "[segment]") {
  PackedFile segment;
  const Salvage salvage = segment.SalvageOf(segment.intact());
  CHECK(salvage.damaged.empty());
  CHECK(segment.Salvaged(salvage).size() == segment.content().leaves.size());
  CHECK(salvage.summary == segment.footer().summary);
  REQUIRE(salvage.series);
  CHECK(salvage.series->size() == segment.content().series.size());
  REQUIRE(salvage.superseded);
  CHECK(*salvage.superseded == segment.content().superseded);
}

TEST_CASE("packed salvage: whatever byte is damaged, all other groups are had", "[segment]") {
  PackedFile segment;
  for (size_t at = 0; at < segment.intact().size(); ++at) {
    CAPTURE(at);
    Bytes bytes = segment.intact();
    bytes[at] ^= 0xff;
    const Salvage salvage = segment.SalvageOf(bytes);
    const uint32_t frame = segment.FrameAt(at);
    const std::vector<uint32_t> found = segment.Salvaged(salvage);
    size_t others = 0;
    for (const uint32_t leaf : found) others += segment.group_of(leaf) != frame ? 1 : 0;
    REQUIRE(others == segment.content().leaves.size() - segment.LeavesIn(frame));
    REQUIRE(found.size() == others);
    if (frame == segment.frames()) continue;
    REQUIRE(salvage.damaged.size() == 1);
    REQUIRE(salvage.damaged[0].offset == segment.begin(frame));
    REQUIRE(salvage.damaged[0].length == segment.begin(frame + 1) - segment.begin(frame));
  }
}

TEST_CASE("packed salvage: cut at any length, the whole groups before are had", "[segment]") {
  PackedFile segment;
  const Bytes& intact = segment.intact();
  for (size_t length = 0; length < intact.size(); ++length) {
    CAPTURE(length);
    const Salvage salvage =
        segment.SalvageOf({intact.begin(), intact.begin() + static_cast<long>(length)});
    size_t whole = 0;
    for (uint32_t i = 0; i < segment.frames(); ++i) {
      if (segment.begin(i + 1) <= length) whole += segment.LeavesIn(i);
    }
    REQUIRE(segment.Salvaged(salvage).size() == whole);
    REQUIRE_FALSE(salvage.summary);
  }
}

TEST_CASE("packed salvage: without frame table and footer, what is salvaged makes a segment again",
          "[segment]") {
  PackedFile segment;
  Bytes bytes = segment.intact();
  std::fill(bytes.begin() + static_cast<long>(segment.footer().sections[kFrames].offset),
            bytes.end(), uint8_t{0});
  const Salvage salvage = segment.SalvageOf(bytes);
  CHECK_FALSE(salvage.series);
  REQUIRE(segment.Salvaged(salvage).size() == segment.content().leaves.size());
  const auto packing = GENERATE(Packing::kPlain, Packing::kWherePays);
  MemoryFileSystem files({kDirectory});
  auto builder = *SegmentBuilder::Create(&files, kDirectory, 8, packing);
  for (const auto& series : segment.content().series) {
    REQUIRE(builder->AddSeries(series.id, series.labels).ok());
  }
  for (const auto& leaf : salvage.leaves) {
    REQUIRE(builder->AddLeaf(leaf.entry.series, leaf.block).ok());
  }
  REQUIRE(builder->Finish(0).ok());
  CHECK(Read(**OpenSegment(&files, 8)).leaves == segment.content().leaves);
}

TEST_CASE("packed salvage: many small frames take no more memory than they hold", "[segment]") {
  Bytes bytes;
  AppendHeader({7, kPackedVersion}, &bytes);
  constexpr size_t kFrameCount = 20'000;
  const uint8_t one[] = {1};
  for (size_t i = 0; i < kFrameCount; ++i) cache::AppendFrame(one, &bytes);
  MemoryFileSystem files({kDirectory});
  files.SetContent(PathOf(7), bytes);
  const auto salvage = SalvageSegment(&files, PathOf(7));
  REQUIRE(salvage.ok());
  CHECK(salvage->leaves.empty());
  CHECK(salvage->damaged.size() == kFrameCount);
  CHECK(salvage->unpacked.empty());
}

}  // namespace
}  // namespace tsdb::segment

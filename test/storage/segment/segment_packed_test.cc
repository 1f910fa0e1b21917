// Packed segments: when a segment is one, and its bytes.
#include <bit>
#include <catch2/catch.hpp>
#include <random>

#include "storage/codec/block.h"
#include "test/faults/memory_file_system.h"
#include "test/storage/segment/segments.h"

namespace tsdb::segment {
namespace {

// Values of any bits, which nothing makes shorter.
LeafContent NoisyLeaf(SeriesId series, Timestamp first, uint32_t count) {
  LeafContent leaf = MakeLeaf(series, first, count);
  std::mt19937_64 random(static_cast<uint64_t>(first) + series);
  for (double& value : leaf.values) value = std::bit_cast<double>(random() >> 2);
  return leaf;
}

SegmentContent NoisyContent(uint32_t leaves) {
  SegmentContent content = LargeContent(leaves);
  for (LeafContent& leaf : content.leaves) {
    leaf = NoisyLeaf(leaf.series, leaf.timestamps[0], 512);
  }
  return content;
}

bool IsPacked(const SegmentContent& content, Packing packing) {
  MemoryFileSystem files({kDirectory});
  REQUIRE(Write(&files, 7, content, 0, packing).ok());
  const auto reader = *OpenSegment(&files, 7);
  REQUIRE(Read(*reader) == content);
  uint64_t leaf_bytes = 0;
  for (const LeafContent& leaf : content.leaves) {
    leaf_bytes += kLeafPrefixBytes + Encode(leaf).size();
  }
  REQUIRE(reader->leaf_bytes() == leaf_bytes);
  return reader->packed();
}

TEST_CASE("packed segment: made where it pays and was asked for", "[segment]") {
  CHECK(IsPacked(PackableContent(), Packing::kWherePays));
  CHECK_FALSE(IsPacked(PackableContent(), Packing::kPlain));
  CHECK_FALSE(IsPacked(NoisyContent(30), Packing::kWherePays));
  CHECK_FALSE(IsPacked({}, Packing::kWherePays));
  CHECK_FALSE(IsPacked({{{0, "a"}}, {MakeLeaf(0, 0, 1)}, {}}, Packing::kWherePays));
}

TEST_CASE("packed segment: the first MiB decides for all that follows", "[segment]") {
  // 300 leaves of noise are 1.2 MB, 2,000 of the others 1.6 MB.
  const auto noisy = [](size_t begin, size_t end) {
    SegmentContent content = LargeContent(4000);
    for (size_t i = begin; i < end; ++i) {
      LeafContent& leaf = content.leaves[i];
      leaf = NoisyLeaf(leaf.series, leaf.timestamps[0], 512);
    }
    return content;
  };
  CHECK_FALSE(IsPacked(noisy(0, 300), Packing::kWherePays));
  CHECK(IsPacked(noisy(2000, 2300), Packing::kWherePays));
}

TEST_CASE("packed segment: the same calls give the same bytes", "[segment]") {
  MemoryFileSystem files({kDirectory});
  const SegmentContent content = LargeContent(2500);
  REQUIRE(Write(&files, 7, content, 42, Packing::kWherePays).ok());
  const auto once = files.Content(PathOf(7));
  REQUIRE(files.Remove(PathOf(7)).ok());
  REQUIRE(Write(&files, 7, content, 42, Packing::kWherePays).ok());
  CHECK(files.Content(PathOf(7)) == once);
}

TEST_CASE("packed segment: a block that fits no group is refused, and others may follow",
          "[segment]") {
  MemoryFileSystem files({kDirectory});
  auto builder = *SegmentBuilder::Create(&files, kDirectory, 7, Packing::kWherePays);
  REQUIRE(builder->AddSeries(1, "").ok());
  const auto large = Encode(NoisyLeaf(1, 0, codec::kBlockSamplesMax));
  REQUIRE(large.size() + kLeafPrefixBytes > cache::kGroupBytes);
  CHECK(absl::IsInvalidArgument(builder->AddLeaf(1, large)));
  CHECK(builder->AddLeaf(1, Encode(MakeLeaf(1, 0, 512))).ok());
  REQUIRE(builder->Finish(0).ok());
  CHECK((*OpenSegment(&files, 7))->leaf_count() == 1);
}

TEST_CASE("packed segment: a group holds what fits, and no leaf is cut", "[segment]") {
  MemoryFileSystem files({kDirectory});
  const SegmentContent content = PackableContent();
  REQUIRE(Write(&files, 7, content, 0, Packing::kWherePays).ok());
  const auto reader = *OpenSegment(&files, 7);
  cache::LeafGroup group;
  uint64_t groups = 0;
  for (uint32_t i = 0; i < reader->leaf_count(); ++i) {
    const uint64_t begin = reader->BlockOffset(i) - kLeafPrefixBytes;
    const uint64_t end = reader->BlockOffset(i) + reader->ReadBlock(i, group).size();
    REQUIRE(begin >> cache::kGroupBits == (end - 1) >> cache::kGroupBits);
    groups = (begin >> cache::kGroupBits) + 1;
    if (i == 0 || begin % cache::kGroupBytes != 0) continue;
    // It did not fit into the one before.
    const uint64_t before = reader->BlockOffset(i - 1) + reader->ReadBlock(i - 1, group).size();
    REQUIRE(before + (end - begin) > begin);
  }
  CHECK(groups == 4);
}

TEST_CASE("golden: a packed segment of many leaves", "[segment]") {
  // LZ4 may choose other bytes in another version, which is no change of the format; what is
  // unpacked must stay.
  MemoryFileSystem files({kDirectory});
  REQUIRE(Write(&files, 7, LargeContent(100), 42, Packing::kWherePays).ok());
  const auto reader = *OpenSegment(&files, 7);
  REQUIRE(reader->packed());
  cache::LeafGroup group;
  std::vector<uint8_t> leaves;
  for (uint32_t i = 0; i < reader->leaf_count(); ++i) {
    const auto block = reader->ReadBlock(i, group);
    leaves.insert(leaves.end(), block.begin(), block.end());
  }
  MemoryFileSystem plain({kDirectory});
  REQUIRE(Write(&plain, 7, LargeContent(100), 42).ok());
  const auto plain_reader = *OpenSegment(&plain, 7);
  std::vector<uint8_t> expected;
  for (uint32_t i = 0; i < plain_reader->leaf_count(); ++i) {
    const auto block = plain_reader->ReadBlock(i, group);
    expected.insert(expected.end(), block.begin(), block.end());
  }
  CHECK(leaves == expected);
}

}  // namespace
}  // namespace tsdb::segment

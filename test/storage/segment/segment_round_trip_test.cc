#include <algorithm>
#include <catch2/catch.hpp>

#include "storage/codec/block.h"
#include "test/faults/memory_file_system.h"
#include "test/storage/segment/segments.h"

namespace tsdb::segment {
namespace {

// Every leaf at its address is what the reader gives without a cache.
void CheckAddresses(SegmentReader& reader, cache::LeafCache& cache) {
  REQUIRE(reader.UseCache(&cache).ok());
  cache::LeafGroup group;
  for (uint32_t i = 0; i < reader.leaf_count(); ++i) {
    const std::span<const uint8_t> block = reader.Block(i);
    REQUIRE(reinterpret_cast<uintptr_t>(block.data()) % 8 == 0);
    REQUIRE(block.data() == reader.leaves() + reader.BlockOffset(i));
    if (reader.packed()) cache::LeafCache::MakeReadable(block.data());
    REQUIRE(std::ranges::equal(block, reader.ReadBlock(i, group)));
  }
}

void CheckRoundTrip(const SegmentContent& content, Packing packing) {
  MemoryFileSystem files({kDirectory});
  const auto summary = Write(&files, 7, content, 99, packing);
  REQUIRE(summary.ok());
  {
    const auto reader = OpenSegment(&files, 7);
    REQUIRE(reader.ok());
    CHECK((*reader)->summary() == *summary);
    CHECK(Read(**reader) == content);
    CHECK((*reader)->VerifyAll().empty());
    CHECK(files.List(kDirectory)->size() == 1);
  }
  // The reader goes before its cache.
  const auto cache = SmallCache();
  const auto reader = *OpenSegment(&files, 7);
  CheckAddresses(*reader, *cache);
}

void CheckRoundTrip(const SegmentContent& content) {
  for (const Packing packing : {Packing::kPlain, Packing::kWherePays}) {
    CAPTURE(packing == Packing::kPlain);
    CheckRoundTrip(content, packing);
  }
}

TEST_CASE("segment: what was added is read", "[segment]") {
  CheckRoundTrip(SmallContent());
  CheckRoundTrip(LargeContent(9));
}

TEST_CASE("segment: every part may be empty", "[segment]") {
  CheckRoundTrip({});
  CheckRoundTrip({{{0, "a"}}, {}, {}});
  CheckRoundTrip({{}, {}, {{0, 0}}});
  CheckRoundTrip({{{0, "a"}}, {MakeLeaf(0, 0, 1)}, {}});
}

TEST_CASE("segment: extreme series, times and counts", "[segment]") {
  SegmentContent content;
  content.series = {{0, "least"}, {UINT32_MAX, "greatest"}};
  content.leaves = {{0, {kTimestampMin}, {1}},
                    {0, {-1, 0}, {1, 2}},
                    {0, {kTimestampMax - 1, kTimestampMax}, {2, 3}},
                    {UINT32_MAX, {kTimestampMin, kTimestampMax}, {4, 5}}};
  CheckRoundTrip(content);
  CheckRoundTrip({{{1, ""}}, {MakeLeaf(1, 0, codec::kBlockSamplesMax)}, {}});
}

TEST_CASE("segment: any number of leaves keeps columns aligned", "[segment]") {
  for (uint32_t leaves = 1; leaves < 9; ++leaves) CheckRoundTrip(LargeContent(leaves));
}

TEST_CASE("segment: more than the write buffer", "[segment]") {
  CheckRoundTrip(LargeContent(3000));
}

TEST_CASE("segment: summary says what is in it", "[segment]") {
  MemoryFileSystem files({kDirectory});
  const auto summary = Write(&files, 7, SmallContent(), 12345);
  REQUIRE(summary.ok());
  CHECK(summary->number == 7);
  CHECK(summary->bytes == files.Content(PathOf(7)).size());
  CHECK(summary->records == 40 + 1 + 17 + 33 + 2);
  CHECK(summary->leaves == 5);
  CHECK(summary->series == 3);
  CHECK(summary->superseded == 2);
  CHECK(summary->time_first == -5000);
  CHECK(summary->time_last == MakeLeaf(700, 1'700'000'100'000, 2).timestamps.back());
  CHECK(summary->series_first == 3);
  CHECK(summary->series_last == 700);
  CHECK(summary->log_sequence == 12345);
}

TEST_CASE("segment: blocks are 8-byte aligned and as they were given", "[segment]") {
  MemoryFileSystem files({kDirectory});
  const auto packing = GENERATE(Packing::kPlain, Packing::kWherePays);
  const SegmentContent content = packing == Packing::kPlain ? SmallContent() : PackableContent();
  REQUIRE(Write(&files, 7, content, 0, packing).ok());
  const auto reader = *OpenSegment(&files, 7);
  REQUIRE(reader->packed() == (packing == Packing::kWherePays));
  cache::LeafGroup group;
  for (uint32_t i = 0; i < reader->leaf_count(); ++i) {
    const auto block = reader->ReadBlock(i, group);
    CHECK(reader->BlockOffset(i) % 8 == 0);
    CHECK(std::vector<uint8_t>(block.begin(), block.end()) == Encode(content.leaves[i]));
    CHECK(reader->leaf(i).first == content.leaves[i].timestamps.front());
    CHECK(reader->leaf(i).last == content.leaves[i].timestamps.back());
  }
}

TEST_CASE("segment: superseded leaves are sorted and named once", "[segment]") {
  MemoryFileSystem files({kDirectory});
  SegmentContent content;
  content.superseded = {{3, 1}, {2, 9}, {3, 0}, {2, 9}, {3, 1}};
  REQUIRE(Write(&files, 7, content).ok());
  const auto reader = *OpenSegment(&files, 7);
  CHECK(Read(*reader).superseded == std::vector<LeafReference>{{2, 9}, {3, 0}, {3, 1}});
}

TEST_CASE("segment: the builder foretells the file's size", "[segment]") {
  MemoryFileSystem files({kDirectory});
  const auto [packing, leaves] = GENERATE(table<Packing, uint32_t>(
      {{Packing::kPlain, 20}, {Packing::kWherePays, 20}, {Packing::kWherePays, 3000}}));
  auto builder = *SegmentBuilder::Create(&files, kDirectory, 7, packing);
  const SegmentContent content = LargeContent(leaves);
  for (const auto& series : content.series) REQUIRE(builder->AddSeries(series.id, "label").ok());
  for (const auto& leaf : content.leaves) REQUIRE(builder->AddLeaf(leaf.series, Encode(leaf)).ok());
  REQUIRE(builder->Supersede({1, 1}).ok());
  const uint64_t foretold = builder->bytes();
  const auto summary = builder->Finish(0);
  REQUIRE(summary.ok());
  CHECK(files.Content(PathOf(7)).size() == summary->bytes);
  if (packing == Packing::kPlain) {
    CHECK(summary->bytes == foretold);
  } else {
    // What its leaves will be packed to is not known before.
    CHECK(summary->bytes <= foretold);
  }
}

TEST_CASE("segment: a leaf costs at most 34 bytes over its block", "[segment]") {
  MemoryFileSystem files({kDirectory});
  const SegmentContent content = LargeContent(1000);
  uint64_t payload = 0;
  for (const auto& leaf : content.leaves) payload += Encode(leaf).size();
  for (const auto& series : content.series) payload += series.labels.size() + 3;
  const auto summary = Write(&files, 7, content);
  REQUIRE(summary.ok());
  CHECK(summary->bytes <= payload + 34 * 1000 + kSegmentHeaderBytes + kSegmentFooterBytes + 5 * 8);
}

TEST_CASE("segment builder: refuses what is out of order or no block", "[segment]") {
  MemoryFileSystem files({kDirectory});
  const auto packing = GENERATE(Packing::kPlain, Packing::kWherePays);
  auto builder = *SegmentBuilder::Create(&files, kDirectory, 7, packing);
  const auto refused = [](const absl::Status& status) { return absl::IsInvalidArgument(status); };
  REQUIRE(builder->AddLeaf(5, Encode(MakeLeaf(5, 0, 10))).ok());
  const Timestamp last = MakeLeaf(5, 0, 10).timestamps.back();
  CHECK(refused(builder->AddLeaf(4, Encode(MakeLeaf(4, 0, 10)))));
  CHECK(refused(builder->AddLeaf(5, Encode(MakeLeaf(5, last, 10)))));
  CHECK(refused(builder->AddLeaf(5, Encode({5, {last + 9, last + 8}, {1, 2}}))));
  CHECK(refused(builder->AddLeaf(5, Encode({5, {last + 9, last + 9}, {1, 2}}))));
  CHECK(refused(builder->AddLeaf(6, {})));
  std::vector<uint8_t> longer = Encode(MakeLeaf(6, 0, 10));
  longer.resize(longer.size() + 8);
  CHECK(refused(builder->AddLeaf(6, longer)));
  CHECK(refused(builder->Supersede({7, 0})));
  CHECK(absl::IsFailedPrecondition(builder->Finish(0).status()));  // no labels of series 5
  REQUIRE(builder->AddSeries(5, "five").ok());
  CHECK(refused(builder->AddSeries(5, "five")));
  CHECK(refused(builder->AddSeries(4, "four")));
  REQUIRE(builder->AddLeaf(5, Encode(MakeLeaf(5, last + 1, 10))).ok());
  REQUIRE(builder->Finish(0).ok());
  CHECK(absl::IsFailedPrecondition(builder->AddLeaf(6, Encode(MakeLeaf(6, 0, 10)))));
  CHECK((*OpenSegment(&files, 7))->leaf_count() == 2);
}

TEST_CASE("segment builder: an existing segment is not replaced", "[segment]") {
  MemoryFileSystem files({kDirectory});
  REQUIRE(Write(&files, 7, SmallContent()).ok());
  CHECK(absl::IsAlreadyExists(SegmentBuilder::Create(&files, kDirectory, 7).status()));
}

TEST_CASE("segment builder: unfinished, it leaves no file", "[segment]") {
  MemoryFileSystem files({kDirectory});
  {
    auto builder = *SegmentBuilder::Create(&files, kDirectory, 7);
    CHECK(files.List(kDirectory)->size() == 1);
  }
  CHECK(files.List(kDirectory)->empty());
}

TEST_CASE("segment names: one name a number", "[segment]") {
  CHECK(SegmentFileName(7) == "0000000007.segment");
  for (const uint64_t number : {uint64_t{0}, uint64_t{9'999'999'999}, UINT64_MAX}) {
    CHECK(ParseSegmentFileName(SegmentFileName(number)) == number);
  }
  for (const char* name : {"", ".segment", "7.segment", "00000000007.segment", "manifest",
                           "0000000007.segment.tmp", "+000000007.segment", "000000000a.segment",
                           "99999999999999999999.segment", "0000000007.segments"}) {
    CAPTURE(name);
    CHECK_FALSE(ParseSegmentFileName(name).has_value());
  }
}

}  // namespace
}  // namespace tsdb::segment

// Leaves that lie outside the tree's memory, as those of mapped files do.
#include <catch2/catch.hpp>
#include <cstring>
#include <deque>
#include <map>

#include "index/tree/series_export.h"
#include "test/index/tree/tree_fixture.h"

namespace tsdb::tree {
namespace {

// A "file" of leaves, and what is in it.
struct File {
  std::deque<std::vector<uint64_t>> blocks;
  std::vector<MappedLeaf> leaves;

  std::span<const uint8_t> Add(SeriesId series, std::span<const uint8_t> block) {
    std::vector<uint64_t>& copy = blocks.emplace_back((block.size() + 7) / 8);
    std::memcpy(copy.data(), block.data(), block.size());
    const auto* bytes = reinterpret_cast<const uint8_t*>(copy.data());
    leaves.push_back({series, codec::BlockView::Trusted(bytes).Statistics().time_first, bytes,
                      /*packed=*/false});
    return {bytes, block.size()};
  }
};

File LeavesOf(const Tree& tree, SeriesId series_count) {
  File file;
  SeriesExporter exporter(&tree, SeriesExporter::Mapped::kRead);
  for (SeriesId series = 0; series < series_count; ++series) {
    const absl::Status status =
        exporter.Export(series, [&](SeriesExporter::Kind kind, std::span<const uint8_t> block) {
          if (kind != SeriesExporter::Kind::kRest) file.Add(series, block);
          return absl::OkStatus();
        });
    REQUIRE(status.ok());
  }
  return file;
}

size_t CountOf(const Tree& tree, SeriesId series, SeriesExporter::Kind wanted) {
  size_t count = 0;
  SeriesExporter exporter(&tree);
  REQUIRE(exporter
              .Export(series,
                      [&](SeriesExporter::Kind kind, std::span<const uint8_t>) {
                        count += kind == wanted;
                        return absl::OkStatus();
                      })
              .ok());
  return count;
}

std::map<Timestamp, double> ContentOf(const Columns& columns) {
  std::map<Timestamp, double> content;
  for (size_t i = 0; i < columns.first.size(); ++i) content[columns.first[i]] = columns.second[i];
  return content;
}

constexpr size_t kMany = 300 * kLeafSamples + 77;  // inner nodes of two levels

TEST_CASE("mapped leaves: they take the place of the tree's, whose memory is freed", "[tree]") {
  TreeFixture fixture;
  const Columns columns = Regular(1000, kMany, 10);
  fixture.Append(5, columns);
  fixture.Append(6, Regular(0, 3 * kLeafSamples));
  const auto records = static_cast<uint64_t>(fixture.count(Counter::kInTree));
  const int64_t bytes = fixture.count(Counter::kEncodedBytes);
  const File file = LeavesOf(fixture.tree, 64);
  REQUIRE(file.leaves.size() == 303);

  fixture.writer.UseMapped(fixture.page(5), file.leaves);
  fixture.writer.Finish();
  CHECK(fixture.count(Counter::kEncodedBytes) == 0);
  CHECK(fixture.count(Counter::kMappedLeaves) == 303);
  CHECK(fixture.count(Counter::kMappedBytes) <= bytes);
  CHECK(fixture.count(Counter::kLeaves) == 303);
  CHECK(CountOf(fixture.tree, 5, SeriesExporter::Kind::kLeaf) == 0);
  CHECK(CountOf(fixture.tree, 5, SeriesExporter::Kind::kMapped) == 300);
  fixture.RequireSound(64, records);
  fixture.RequireContent(5, ContentOf(columns));

  // Again, from another file: as when segments are rewritten.
  const File moved = LeavesOf(fixture.tree, 64);
  fixture.writer.UseMapped(fixture.page(5), moved.leaves);
  fixture.writer.Finish();
  CHECK(fixture.count(Counter::kMappedLeaves) == 303);
  fixture.RequireSound(64, records);
  CHECK(fixture.version(6)->root.load()->leaf(2) == moved.leaves[302].block);
}

TEST_CASE("mapped leaves: what has changed since stays", "[tree]") {
  TreeFixture fixture;
  const Columns columns = Regular(0, 10 * kLeafSamples, 10);
  fixture.Append(5, columns);
  const File file = LeavesOf(fixture.tree, 64);
  std::map<Timestamp, double> expected = ContentOf(columns);
  // Into the second leaf, before the first, and over one that is there.
  for (const Timestamp late : {Timestamp{5125}, Timestamp{-7}, Timestamp{20480}}) {
    fixture.Append(5, late, -1.5);
    expected[late] = -1.5;
  }
  fixture.Settle(5);
  fixture.writer.UseMapped(fixture.page(5), file.leaves);
  fixture.writer.Finish();
  CHECK(CountOf(fixture.tree, 5, SeriesExporter::Kind::kLeaf) == 3);
  CHECK(CountOf(fixture.tree, 5, SeriesExporter::Kind::kMapped) == 7);
  fixture.RequireSound(64, expected.size());
  fixture.RequireContent(5, expected);

  // Late records merge into mapped leaves as into others.
  fixture.Append(5, 30'003, 9);
  expected[30'003] = 9;
  fixture.Settle(5);
  CHECK(fixture.count(Counter::kMappedLeaves) == 6);
  fixture.RequireSound(64, expected.size());
  fixture.RequireContent(5, expected);
}

TEST_CASE("mapped leaves: a series is made of a file's leaves, in any order", "[tree]") {
  TreeFixture from;
  const Columns columns = Regular(0, 6 * kLeafSamples, 10);
  from.Append(7, columns);
  const File file = LeavesOf(from.tree, 64);
  const bool backwards = GENERATE(false, true);
  TreeFixture to;
  for (size_t i = 0; i < file.leaves.size(); ++i) {
    const uint8_t* block = file.leaves[backwards ? file.leaves.size() - 1 - i : i].block;
    to.writer.LinkMapped(to.page(7), 7, {block, codec::BlockView::Trusted(block).bytes()},
                         /*packed=*/false);
  }
  to.writer.Finish();
  to.Settle(7);
  // Those that came before others were copied, as late records.
  CHECK((to.count(Counter::kMappedLeaves) == 6) == !backwards);
  to.RequireSound(64, columns.first.size());
  to.RequireContent(7, ContentOf(columns));
  to.Append(7, 60'000, 1);
  to.RequireSound(64, columns.first.size() + 1);
}

}  // namespace
}  // namespace tsdb::tree

// Series as blocks, out of one tree and into another.
#include "index/tree/series_export.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "test/index/tree/tree_fixture.h"
#include "test/tsdb/threads.h"

namespace tsdb::tree {
namespace {

using Content = std::map<SeriesId, std::map<Timestamp, double>>;

// Series with few and many samples, some of which came late.
Content Fill(TreeFixture& fixture, uint64_t seed) {
  std::mt19937_64 random(seed);
  Content content;
  for (SeriesId series = 0; series < 200; ++series) {
    const uint64_t kind = random() % 5;
    if (kind == 0) continue;  // none at all
    const size_t count = kind == 1 ? 1 + random() % 31 : kind == 2 ? 33 : 1 + random() % 3000;
    const Columns columns = Regular(static_cast<Timestamp>(random() % 1000), count, 10,
                                    static_cast<double>(random() % 100));
    fixture.Append(series, columns);
    for (size_t i = 0; i < count; ++i) content[series][columns.first[i]] = columns.second[i];
    for (uint64_t late = 0; late < random() % 4; ++late) {
      const auto time = static_cast<Timestamp>(random() % 20'000);
      fixture.Append(series, time, -1.5);
      content[series][time] = -1.5;
    }
  }
  for (SeriesId series = 0; series < 200; series += kPageSeries) fixture.Settle(series);
  return content;
}

TEST_CASE("series export: what one tree gives as blocks another takes in", "[tree]") {
  const uint64_t seed = GENERATE(range(size_t{1}, 1 + Scaled(12)));
  INFO("seed " << seed);
  TreeFixture from;
  const Content content = Fill(from, seed);
  TreeFixture to;
  SeriesExporter exporter(&from.tree);
  uint64_t records = 0;
  for (SeriesId series = 0; series < 200; ++series) {
    Timestamp last = kTimestampMin;
    const absl::Status status =
        exporter.Export(series, [&](SeriesExporter::Kind, std::span<const uint8_t> block) {
          const auto parsed = codec::BlockView::Parse(block);
          REQUIRE(parsed.ok());
          REQUIRE(parsed->Statistics().time_first >= last);
          last = parsed->Statistics().time_last;
          records += parsed->count();
          to.writer.AppendBlock(to.page(series), series, block);
          return absl::OkStatus();
        });
    REQUIRE(status.ok());
  }
  to.writer.Finish();
  for (const auto& [series, samples] : content) to.RequireContent(series, samples);
  for (SeriesId series = 0; series < 200; series += kPageSeries) to.Settle(series);
  to.RequireSound(200, records);
  for (const auto& [series, samples] : content) to.RequireContent(series, samples);
}

TEST_CASE("series export: leaves come out as they are, and go in as they are", "[tree]") {
  TreeFixture from;
  from.Append(3, Regular(0, 4 * kLeafSamples + 100));
  TreeFixture to;
  SeriesExporter exporter(&from.tree);
  const InnerNode* root = from.version(3)->root.load();
  std::vector<const uint8_t*> blocks;
  REQUIRE(exporter
              .Export(3,
                      [&](SeriesExporter::Kind, std::span<const uint8_t> block) {
                        blocks.push_back(block.data());
                        to.writer.AppendBlock(to.page(3), 3, block);
                        return absl::OkStatus();
                      })
              .ok());
  REQUIRE(blocks.size() == 5);
  for (uint32_t i = 0; i < 4; ++i) REQUIRE(blocks[i] == root->leaf(i));
  REQUIRE(to.version(3)->root.load()->count() == 4);
  REQUIRE(to.version(3)->count() == 100);
  // An error ends it.
  int calls = 0;
  const absl::Status failed =
      exporter.Export(3, [&](SeriesExporter::Kind, std::span<const uint8_t>) {
        return ++calls == 2 ? absl::DataLossError("full") : absl::OkStatus();
      });
  REQUIRE(absl::IsDataLoss(failed));
  REQUIRE(calls == 2);
}

}  // namespace
}  // namespace tsdb::tree

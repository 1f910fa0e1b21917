// Stretches of time deleted from series, whatever they are made of.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "index/tree/series_export.h"
#include "test/index/tree/tree_fixture.h"
#include "test/tsdb/threads.h"

namespace tsdb::tree {
namespace {

using Content = std::map<SeriesId, std::map<Timestamp, double>>;

uint64_t EraseFrom(std::map<Timestamp, double>& samples, TimeRange range) {
  return std::erase_if(samples, [&](const auto& sample) { return range.Contains(sample.first); });
}

void Require(TreeFixture& fixture, const Content& content) {
  uint64_t records = 0;
  for (const auto& [series, samples] : content) {
    fixture.RequireContent(series, samples);
    records += samples.size();
  }
  for (SeriesId series = 0; series < 128; series += kPageSeries) fixture.Settle(series);
  fixture.RequireSound(128, records);
}

TEST_CASE("delete: any ranges, between appends of any kind", "[tree]") {
  const uint64_t seed = GENERATE(range(size_t{1}, 1 + Scaled(24)));
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  TreeFixture fixture(seed % 2 == 0 ? KeepDuplicate::kLater : KeepDuplicate::kEarlier);
  Content content;
  for (int step = 0; step < 150; ++step) {
    // Three dense series, and sparse neighbours.
    const auto series = static_cast<SeriesId>(random() % 2 == 0 ? random() % 3 : random() % 100);
    std::map<Timestamp, double>& samples = content[series];
    const Timestamp last = samples.empty() ? 0 : samples.rbegin()->first;
    if (random() % 3 != 0) {
      const bool late = random() % 3 == 0;
      const size_t count = series < 3 ? random() % 4000 : 1 + random() % 3;
      Timestamp time = late ? last - static_cast<Timestamp>(random() % 9'000) : last;
      Columns columns;
      for (size_t i = 0; i < count; ++i) {
        time += 1 + static_cast<Timestamp>(random() % 3);
        columns.first.push_back(time);
        columns.second.push_back(static_cast<double>(step));
        if (seed % 2 == 0) {
          samples[time] = step;
        } else {
          samples.emplace(time, step);
        }
      }
      if (count > 0) fixture.Append(series, columns);
      continue;
    }
    TimeRange range;
    switch (random() % 6) {
      case 0:
        break;  // everything
      case 1:
        range.begin = last - static_cast<Timestamp>(random() % 3'000);
        break;
      case 2:
        range.end = static_cast<Timestamp>(random() % 8'000);
        break;
      default:
        range.begin = static_cast<Timestamp>(random() % static_cast<uint64_t>(last + 10));
        range.end = range.begin + static_cast<Timestamp>(random() % 5'000);
    }
    INFO("step " << step << ": " << range.begin << " to " << range.end);
    const uint64_t expected = EraseFrom(samples, range);
    REQUIRE(fixture.writer.DeleteRange(fixture.page(series), series, range) == expected);
    fixture.writer.Finish();
    if (step % 10 == 0) Require(fixture, content);
  }
  Require(fixture, content);
  // The memory comes back.
  for (auto& [series, samples] : content) {
    fixture.writer.DeleteRange(fixture.page(series), series, TimeRange::All());
    samples.clear();
  }
  fixture.writer.Finish();
  Require(fixture, content);
  CHECK(fixture.count(Counter::kLeaves) == 0);
  CHECK(fixture.count(Counter::kEncodedBytes) == 0);
}

TEST_CASE("delete: only leaves at the ends of the range are written anew", "[tree]") {
  TreeFixture fixture;
  fixture.Append(0, Regular(0, 1000 * kLeafSamples));
  const TimeRange range{kLeafSamples + 10, 990 * kLeafSamples + 10};
  REQUIRE(fixture.writer.DeleteRange(fixture.page(0), 0, range) == 989 * kLeafSamples);
  fixture.writer.Finish();
  CHECK(fixture.count(Counter::kRewrites) == 2);
  CHECK(fixture.count(Counter::kLeaves) == 12);
  fixture.RequireSound(64, 11 * kLeafSamples);
  // A gap is no work.
  REQUIRE(fixture.writer.DeleteRange(fixture.page(0), 0, range) == 0);
  fixture.writer.Finish();
  CHECK(fixture.count(Counter::kRewrites) == 2);
  fixture.Append(0, Regular(1000 * kLeafSamples, 5000));
  fixture.RequireSound(64, 11 * kLeafSamples + 5000);
}

TEST_CASE("delete: who reads meanwhile sees no leaf that came where the open samples were",
          "[tree]") {
  // Leaves under two levels, and an open leaf; the last of it are deleted, all or but one.
  constexpr auto kLeaves = static_cast<Timestamp>(100 * kLeafSamples);
  const Timestamp from = GENERATE(kLeaves * 10, kLeaves * 10 + 5'000, kLeaves * 10 + 10'010);
  TreeFixture fixture;
  fixture.Append(0, Regular(0, kLeaves, 10));
  const Columns open = Regular(kLeaves * 10 + 10'000, 100, 10);
  fixture.Append(0, open);
  SeriesExporter exporter(&fixture.tree);
  bool first = true;
  std::vector<Timestamp> seen;
  const absl::Status status =
      exporter.Export(0, [&](SeriesExporter::Kind, std::span<const uint8_t> block) {
        if (std::exchange(first, false)) {
          fixture.writer.DeleteRange(fixture.page(0), 0, TimeRange{from, kTimestampMax});
          fixture.Append(0, Regular(std::max(from, kLeaves * 10 + 1), 3 * kLeafSamples, 10, 1e6));
        }
        const auto view = codec::BlockView::Trusted(block.data());
        for (size_t i = 0; i < view.count(); ++i) seen.push_back(view.TimestampAt(i));
        return absl::OkStatus();
      });
  REQUIRE(status.ok());
  // As it was before.
  REQUIRE(seen.size() == static_cast<size_t>(kLeaves) + 100);
  REQUIRE(std::is_sorted(seen.begin(), seen.end()));
  REQUIRE(seen.back() == open.first.back());
}

}  // namespace
}  // namespace tsdb::tree

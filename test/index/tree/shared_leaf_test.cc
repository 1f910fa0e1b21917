// Sparse series: neighbours in one leaf, the delta that fills up, and becoming dense.

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <vector>

#include "test/index/tree/tree_fixture.h"

namespace tsdb::tree {
namespace {

TEST_CASE("tree: a series becomes dense with its thirty-second sample, merged") {
  for (const size_t run : {1, 31}) {
    CAPTURE(run);
    TreeFixture fixture;
    for (Timestamp time = 0; time < 31; time += static_cast<Timestamp>(run)) {
      fixture.Append(3, Regular(time, run, 1, static_cast<double>(time)));
    }
    fixture.Settle(3);
    REQUIRE(fixture.version(3) == nullptr);
    REQUIRE(fixture.page(3).shared.load()->base_count() == 31);
    fixture.Append(3, 31, 31);
    fixture.Settle(3);
    REQUIRE(fixture.version(3) != nullptr);
    REQUIRE(fixture.version(3)->count() == 32);
    REQUIRE(fixture.page(3).shared.load()->base_count() == 0);
    fixture.RequireSound(64, 32);
  }
}

TEST_CASE("tree: duplicates do not make a series dense") {
  TreeFixture fixture;
  for (int i = 0; i < 2'000; ++i) fixture.Append(0, i % 31, i);
  fixture.Settle(0);
  REQUIRE(fixture.version(0) == nullptr);
  fixture.RequireSound(1, 31);
  REQUIRE(fixture.count(Counter::kReplaced) == 2'000 - 31);
}

TEST_CASE(
    "tree: a run of thirty-two makes a series dense at once, with what was shared before it") {
  for (const bool settled : {false, true}) {
    CAPTURE(settled);
    TreeFixture fixture;
    fixture.Append(5, Regular(100, 10, 2));
    fixture.Append(6, Regular(100, 10, 2));
    if (settled) fixture.Settle(5);
    fixture.Append(5, Regular(101, 32, 2, 1'000));
    REQUIRE(fixture.version(5) != nullptr);
    REQUIRE(fixture.version(6) == nullptr);
    std::map<Timestamp, double> expected;
    for (Timestamp i = 0; i < 10; ++i) expected[100 + i * 2] = static_cast<double>(i);
    for (Timestamp i = 0; i < 32; ++i) expected[101 + i * 2] = static_cast<double>(1'000 + i);
    fixture.RequireContent(5, expected);
    REQUIRE(fixture.ReadAll(6).size() == 10);
    fixture.Settle(5);
    fixture.RequireContent(5, expected);
    fixture.RequireSound(64, 52);
  }
}

TEST_CASE("tree: a delta that overflows is merged into the base, and nothing is lost") {
  TreeFixture fixture;
  std::map<Timestamp, double> expected[kPageSeries];
  std::mt19937_64 random(11);
  INFO("seed 11");
  for (int i = 0; i < 64 * 31; ++i) {
    const auto series = static_cast<SeriesId>(random() % kPageSeries);
    const auto time = static_cast<Timestamp>(random() % 40);
    fixture.Append(series, time, i);
    expected[series][time] = i;
  }
  uint64_t records = 0;
  for (SeriesId series = 0; series < kPageSeries; ++series) {
    fixture.RequireContent(series, expected[series]);
    records += expected[series].size();
  }
  REQUIRE(fixture.page(0).shared.load()->base_count() > 0);
  fixture.Settle(0);
  for (SeriesId series = 0; series < kPageSeries; ++series) {
    fixture.RequireContent(series, expected[series]);
  }
  fixture.RequireSound(64, records);
}

TEST_CASE("tree: a page of series one short of dense, in every slot") {
  TreeFixture fixture;
  for (Timestamp time = 0; time < kPromoteSamples - 1; ++time) {
    for (SeriesId series = 0; series < kPageSeries; ++series) {
      fixture.Append(series, time, static_cast<double>(series));
    }
  }
  fixture.Settle(0);
  REQUIRE(fixture.page(0).shared.load()->base_count() == kPageSeries * (kPromoteSamples - 1));
  REQUIRE(fixture.count(Counter::kLeaves) == 0);
  fixture.RequireSound(64, kPageSeries * (kPromoteSamples - 1));
  // And then all at once.
  for (SeriesId series = 0; series < kPageSeries; ++series) {
    fixture.Append(series, kPromoteSamples - 1, static_cast<double>(series));
  }
  fixture.Settle(0);
  for (SeriesId series = 0; series < kPageSeries; ++series) {
    REQUIRE(fixture.version(series) != nullptr);
  }
  fixture.RequireSound(64, kPageSeries * kPromoteSamples);
}

TEST_CASE("tree: pages are apart, whatever their numbers") {
  TreeFixture fixture;
  const SeriesId far[] = {0, 63, 64, 4'095, 4'096, 262'143, 262'144, 100'000'000, kInvalidSeriesId};
  for (const SeriesId series : far) fixture.Append(series, 1, static_cast<double>(series));
  for (const SeriesId series : far) {
    REQUIRE(Lookup(fixture.tree, series, 1) == static_cast<double>(series));
    REQUIRE(fixture.ReadAll(series).size() == 1);
    REQUIRE(Last(fixture.tree, series)->timestamp == 1);
  }
  REQUIRE(!Lookup(fixture.tree, 1, 1).has_value());
  REQUIRE(!Last(fixture.tree, 50'000'000).has_value());
  REQUIRE(fixture.tree.FindPage(50'000'000) == nullptr);
  for (const SeriesId series : far) fixture.Settle(series);
}

}  // namespace
}  // namespace tsdb::tree

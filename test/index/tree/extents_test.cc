// Which series a reader of some time need not look at.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "test/index/tree/tree_fixture.h"

namespace tsdb::tree {
namespace {

std::vector<SeriesId> Left(const Tree& tree, std::vector<SeriesId> series, Timestamp from,
                           Timestamp last) {
  tree.DropOutside(from, last, &series);
  return series;
}

constexpr Timestamp kDay = 24 * 3600 * 1000;

TEST_CASE("extents: pages of another time are passed over", "[tree]") {
  TreeFixture fixture;
  // A page each: dense, sparse, late, nothing.
  fixture.Append(1, Regular(10 * kDay, 2000, 1000));
  fixture.Append(65, Regular(20 * kDay, 5, 1000));
  fixture.Append(129, Regular(30 * kDay, 2000, 1000));
  fixture.Append(129, 2 * kDay, 1.0);
  const std::vector<SeriesId> all = {0, 1, 65, 129, 193, 1'000'000};
  using Series = std::vector<SeriesId>;
  CHECK(Left(fixture.tree, all, kTimestampMin, kTimestampMax) == Series{0, 1, 65, 129});
  CHECK(Left(fixture.tree, all, 10 * kDay, 10 * kDay) == Series{0, 1, 129});
  CHECK(Left(fixture.tree, all, 20 * kDay + 4000, 21 * kDay) == Series{65, 129});
  CHECK(Left(fixture.tree, all, 2 * kDay, 3 * kDay) == Series{129});
  CHECK(Left(fixture.tree, all, 31 * kDay, kTimestampMax).empty());
  CHECK(Left(fixture.tree, all, kTimestampMin, kDay).empty());
  CHECK(Left(fixture.tree, {}, kTimestampMin, kTimestampMax).empty());
}

TEST_CASE("extents: what has a record is never passed over", "[tree]") {
  const uint64_t seed = GENERATE(1u, 2u, 3u, 4u);
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const auto any_time = [&] {
    switch (random() % 8) {
      case 0:
        return kTimestampMin + static_cast<Timestamp>(random() % 3);
      case 1:
        return kTimestampMax - static_cast<Timestamp>(random() % 3);
      default:
        return static_cast<Timestamp>(random() % (100 * kDay));
    }
  };
  TreeFixture fixture;
  std::map<SeriesId, std::vector<Timestamp>> model;
  for (int step = 0; step < 300; ++step) {
    const auto series = static_cast<SeriesId>(random() % 40 * 16);
    Columns columns;
    for (size_t i = 0, count = 1 + random() % 60; i < count; ++i) {
      columns.first.push_back(any_time());
      columns.second.push_back(1.0);
      model[series].push_back(columns.first.back());
    }
    fixture.Append(series, columns);
    if (step % 50 == 0) fixture.Settle(series);
    const Timestamp a = any_time(), b = any_time();
    const Timestamp from = std::min(a, b), last = std::max(a, b);
    std::vector<SeriesId> all;
    for (const auto& [id, times] : model) all.push_back(id);
    const std::vector<SeriesId> left = Left(fixture.tree, all, from, last);
    for (const auto& [id, times] : model) {
      const bool has = std::any_of(times.begin(), times.end(),
                                   [&](Timestamp time) { return time >= from && time <= last; });
      if (has) REQUIRE(std::find(left.begin(), left.end(), id) != left.end());
    }
  }
}

}  // namespace
}  // namespace tsdb::tree

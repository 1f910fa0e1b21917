// What is said of the time between two publications.
#include "tools/health/interval.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>

namespace tsdb::tools {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;

PublishedStats At(Timestamp written) {
  PublishedStats published;
  published.state = DatabaseState::kOpen;
  published.process_id = 7;
  published.opened = 1000;
  published.written = written;
  return published;
}

std::map<std::string, Cell> ByName(const std::vector<Cell>& cells) {
  std::map<std::string, Cell> by_name;
  for (const Cell& cell : cells) by_name[cell.name] = cell;
  REQUIRE(by_name.size() == cells.size());
  return by_name;
}

TEST_CASE("interval: rates are by the time between the publications", "[health]") {
  PublishedStats before = At(10'000), now = At(12'000);
  before.stats.ledger.accepted = 100;
  now.stats.ledger.accepted = 500;
  before.stats.ledger.merged = 100;
  now.stats.ledger.merged = 300;
  now.stats.ledger.buffered_open = 150;
  now.stats.ledger.buffered_late = 50;
  now.stats.log_bytes = 4000;
  now.stats.log_syncs = 8;
  now.stats.checkpoints = 1;
  REQUIRE(IsLater(before, now));
  const Interval interval = IntervalBetween(before, now);
  CHECK(interval.seconds == 2);
  CHECK(interval.accepted_per_second == 200);
  CHECK(interval.merged_per_second == 100);
  CHECK(interval.log_bytes_per_second == 2000);
  CHECK(interval.log_syncs_per_second == 4);
  CHECK(interval.checkpoints == 1);
  CHECK(interval.backlog == 200);
  CHECK(interval.unaccounted == 0);
  CHECK_FALSE(interval.cache_hit_ratio.has_value());
}

TEST_CASE("interval: blocked time is in percent of the time, by cause", "[health]") {
  PublishedStats before = At(10'000), now = At(20'000);
  before.stats.blocked_ns = kNsPerSecond;
  now.stats.blocked_ns = 2 * kNsPerSecond;
  now.stats.helping_ns = 20 * kNsPerSecond;
  now.stats.log_blocked_ns = kNsPerSecond / 2;
  now.stats.checkpoint_wait_ns = 5 * kNsPerSecond;
  now.stats.commit_wait_ns = 0;
  const Interval interval = IntervalBetween(before, now);
  CHECK(interval.blocked[0] == Approx(10));
  CHECK(interval.blocked[1] == Approx(200));
  CHECK(interval.blocked[2] == Approx(5));
  CHECK(interval.blocked[3] == Approx(50));
  CHECK(interval.blocked[4] == 0);
}

TEST_CASE("interval: of a run it begins with its opening", "[health]") {
  PublishedStats now = At(5000);
  now.stats.ledger.accepted = 400;
  CHECK(IntervalOfRun(now).accepted_per_second == 100);
  now.written = now.opened;
  CHECK(IntervalOfRun(now).accepted_per_second == 0);
}

TEST_CASE("interval: a publication is later than others of the same opening only", "[health]") {
  const PublishedStats before = At(5000);
  CHECK(IsLater(before, At(5001)));
  CHECK_FALSE(IsLater(before, At(5000)));
  CHECK_FALSE(IsLater(before, At(4999)));
  PublishedStats other = At(6000);
  other.process_id = 8;
  CHECK_FALSE(IsLater(before, other));
  other = At(6000);
  other.opened = 5500;
  CHECK_FALSE(IsLater(before, other));
}

TEST_CASE("interval: figures that fell, as nonsense may, give no rates below zero", "[health]") {
  PublishedStats before = At(5000), now = At(6000);
  before.stats.ledger.accepted = before.stats.checkpoints = before.stats.cache_hits = 10;
  now.stats.ledger.merged = 20;
  const Interval interval = IntervalBetween(before, now);
  CHECK(interval.accepted_per_second == 0);
  CHECK(interval.checkpoints == 0);
  CHECK(interval.backlog == 0);
  CHECK(interval.unaccounted == -20);
  CHECK_FALSE(interval.balanced);
}

TEST_CASE("interval: the cache's ratio is of what was read meanwhile", "[health]") {
  PublishedStats before = At(5000), now = At(6000);
  before.stats.cache_hits = 1000;
  before.stats.cache_loads = 1000;
  now.stats.cache_hits = 1300;
  now.stats.cache_loads = 1100;
  CHECK(IntervalBetween(before, now).cache_hit_ratio == 0.75);
}

TEST_CASE("interval: cells have the same names always, and null for what is not known",
          "[health]") {
  PublishedStats now = At(5000);
  now.stats.ledger.appended = 12;
  now.stats.ledger.accepted = 10;
  now.stats.ledger.rejected_budget = 2;
  auto cells = ByName(CellsOf(IntervalOfRun(now), now, 5500));
  CHECK(cells["state"].csv == "open");
  CHECK(cells["state"].json == "\"open\"");
  CHECK(cells["timestamp_ms"].csv == "5000");
  CHECK(cells["accepted_per_second"].csv == "2.500");
  CHECK(cells["backlog"].json == "10");
  CHECK(cells["unaccounted"].json == "10");
  CHECK(cells["balanced"].csv == "0");
  CHECK(cells["balanced"].json == "false");
  CHECK(cells["rejected"].csv == "2");
  CHECK(cells["cache_hit_ratio"].csv.empty());
  CHECK(cells["cache_hit_ratio"].json == "null");
  CHECK(cells["age_seconds"].csv == "0.500");
  now.stats.ledger.buffered_open = 10;
  now.stats.cache_loads = 1;
  cells = ByName(CellsOf(IntervalOfRun(now), now, 5500));
  CHECK(cells["balanced"].json == "true");
  CHECK(cells["cache_hit_ratio"].csv == "0.000");
}

}  // namespace
}  // namespace tsdb::tools

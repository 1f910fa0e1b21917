// The parts of the scan engine that have edges of their own: cutting time, merging overlapping
// windows, deviations on every instruction set, orders of labels.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "storage/base/labels.h"
#include "tsdb/scan/deviations.h"
#include "tsdb/scan/label_bytes.h"
#include "tsdb/scan/window_plan.h"
#include "tsdb/scan/window_state.h"

namespace tsdb::scan {
namespace {

WindowPlan Plan(TimeRange range, int64_t step_ms, int64_t window_ms) {
  auto plan = PlanWindows(range, step_ms, window_ms, QueryLimits());
  INFO(plan.status().ToString());
  REQUIRE(plan.ok());
  return *std::move(plan);
}

TEST_CASE("window plan: windows are runs of intervals with their own borders", "[scan]") {
  const int64_t step = GENERATE(1, 2, 7, 10);
  const int64_t window = GENERATE(1, 2, 3, 7, 10, 14, 25, 1000);
  const Timestamp begin = GENERATE(as<Timestamp>(), kTimestampMin, -50, 0, kTimestampMax - 1100);
  INFO("step " << step << " window " << window << " begin " << begin);
  const WindowPlan plan = Plan({begin, begin + 99}, step, window);
  REQUIRE(plan.windows() == static_cast<size_t>((99 + step - 1) / step));
  REQUIRE(plan.borders.size() == plan.intervals() + 1);
  REQUIRE(std::is_sorted(plan.borders.begin(), plan.borders.end()));
  REQUIRE(std::adjacent_find(plan.borders.begin(), plan.borders.end()) == plan.borders.end());
  std::vector<uint8_t> used(plan.intervals());
  for (size_t k = 0; k < plan.windows(); ++k) {
    REQUIRE(plan.borders[plan.begins[k]] == plan.times[k]);
    REQUIRE(plan.borders[plan.ends[k]] == plan.times[k] + window);
    for (size_t i = plan.begins[k]; i < plan.ends[k]; ++i) used[i] = 1;
  }
  REQUIRE(plan.used == used);
  REQUIRE(plan.from == begin);
  REQUIRE(plan.last == plan.borders.back() - 1);
  for (size_t from = 0; from < plan.intervals(); ++from) {
    for (Timestamp time = plan.borders[from]; time <= std::min(plan.last, begin + 130); ++time) {
      const size_t at = plan.Advance(from, time);
      REQUIRE(plan.borders[at] <= time);
      REQUIRE(time < plan.borders[at + 1]);
    }
  }
}

TEST_CASE("window plan: the last window ends at the last timestamp at most", "[scan]") {
  const TimeRange range{kTimestampMax - 10, kTimestampMax};
  REQUIRE(Plan(range, 5, 5).last == kTimestampMax);  // as of any range with this end
  REQUIRE_FALSE(PlanWindows(range, 5, 6, QueryLimits()).ok());
  REQUIRE(Plan({kTimestampMax, kTimestampMax}, 1, 1).windows() == 0);
  REQUIRE(Plan({kTimestampMax, kTimestampMax}, 0, 0).windows() == 1);
  REQUIRE(Plan(TimeRange::All(), 0, 0).last == kTimestampMax);
  // Steps that reach over all of time.
  const WindowPlan whole = Plan(TimeRange::All(), std::numeric_limits<int64_t>::max(), 1);
  REQUIRE(whole.times == std::vector<Timestamp>{kTimestampMin, -1, kTimestampMax - 1});
  REQUIRE(Plan(TimeRange::All(), int64_t{1} << 62, 1).windows() == 4);
  QueryLimits none;
  none.windows = 0;
  REQUIRE_FALSE(PlanWindows(TimeRange::All(), 1, 1, none).ok());
}

TEST_CASE("window state: overlapping windows are what their intervals are together", "[scan]") {
  std::mt19937_64 random(7);
  const int64_t window = GENERATE(5, 10, 13, 20, 64, 200);
  const WindowPlan plan = Plan({0, 300}, 10, window);
  std::vector<std::vector<double>> values(plan.intervals());
  std::vector<WindowState> intervals(plan.intervals());
  for (size_t i = 0; i < plan.intervals(); ++i) {
    values[i].resize(random() % 4);
    for (double& value : values[i]) value = static_cast<double>(random() % 1000);
    if (!values[i].empty()) intervals[i] = WindowState::Of(values[i], true);
  }
  std::vector<WindowState> scratch, windows(plan.windows());
  MergeIntervals(plan, intervals, true, scratch, windows);
  for (size_t k = 0; k < plan.windows(); ++k) {
    std::vector<double> all;
    for (size_t i = plan.begins[k]; i < plan.ends[k]; ++i) {
      all.insert(all.end(), values[i].begin(), values[i].end());
    }
    REQUIRE(windows[k].count == all.size());
    if (all.empty()) continue;
    const WindowState expected = WindowState::Of(all, true);
    REQUIRE(windows[k].sum == expected.sum);  // of integers: exact
    REQUIRE(windows[k].min == expected.min);
    REQUIRE(windows[k].max == expected.max);
    REQUIRE(windows[k].first == expected.first);
    REQUIRE(windows[k].last == expected.last);
    REQUIRE(windows[k].deviation == Approx(expected.deviation).epsilon(1e-12).margin(1e-6));
  }
}

TEST_CASE("deviations: every instruction set gives the bits of the portable one", "[scan]") {
  std::mt19937_64 random(11);
  for (size_t count = 0; count < 70; ++count) {
    std::vector<double> values(count);
    for (double& value : values) value = static_cast<double>(random() % 100'000) / 7;
    if (count == 66) values[5] = std::numeric_limits<double>::infinity();
    const double mean = static_cast<double>(random() % 10'000) / 3;
    const double expected =
        SquaredDeviationsOn(codec::InstructionSet::kPortable, values.data(), count, mean);
    double plain = 0;
    for (const double value : values) plain += (value - mean) * (value - mean);
    if (std::isfinite(plain)) REQUIRE(expected == Approx(plain).epsilon(1e-12));
    for (const auto set : {codec::InstructionSet::kAvx2, codec::InstructionSet::kAvx512}) {
      if (!codec::InstructionSetAvailable(set)) continue;
      const double found = SquaredDeviationsOn(set, values.data(), count, mean);
      INFO(codec::InstructionSetName(set) << ", " << count << " values");
      REQUIRE(std::memcmp(&found, &expected, sizeof(found)) == 0);
    }
  }
}

TEST_CASE("quantile: between the two nearest ranks, and at them", "[scan]") {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto quantile = [](std::vector<double> values, double q) { return Quantile(values, q); };
  REQUIRE(quantile({7}, 0.3) == 7);
  REQUIRE(quantile({3, 1, 2}, 0) == 1);
  REQUIRE(quantile({3, 1, 2}, 0.5) == 2);
  REQUIRE(quantile({3, 1, 2}, 0.75) == 2.5);
  REQUIRE(quantile({3, 1, 2}, 1) == 3);
  REQUIRE(quantile({infinity, infinity, 0}, 0.75) == infinity);
  REQUIRE(quantile({infinity, 0, 0}, 0.5) == 0);
  REQUIRE(std::isnan(quantile({1, std::nan(""), 2}, 0)));
}

TEST_CASE("label order: by names, then values, the shorter set first", "[scan]") {
  const std::vector<std::vector<Label>> ascending = {
      {{"a", "1"}},
      {{"a", "1"}, {"b", "x"}},
      {{"a", "1"}, {"c", ""}, {"d", "0"}},
      {{"a", "10"}},
      {{"a", "2"}},
      {{"aa", "0"}},
      {{"b", std::string_view("0123456789012345678901234567890")}},
  };
  std::vector<Labels> labels;
  for (const auto& set : ascending) labels.push_back(*Labels::Create(set));
  for (size_t i = 0; i < labels.size(); ++i) {
    for (size_t j = 0; j < labels.size(); ++j) {
      INFO(i << " and " << j);
      REQUIRE(LabelsBefore(labels[i].bytes(), labels[j].bytes()) == (i < j));
    }
  }
}

}  // namespace
}  // namespace tsdb::scan

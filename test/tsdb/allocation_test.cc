// No heap allocation per record in steady state: every operator new of this program is counted.

#include <catch2/catch.hpp>
#include <vector>

#include "test/faults/allocation_hook.h"
#include "test/tsdb/test_database.h"
#include "tsdb/database.h"

namespace tsdb {
namespace {

constexpr SeriesId kSeries = 1'000;
constexpr Timestamp kWarmUp = 1'000;  // samples of each series
constexpr Timestamp kMeasured = 2'000;

// Appends `append(appender, begin, end)`'s samples of every series for warm-up and then for
// measuring; returns records per allocation.
template <typename AppendTimes>
void MeasureAllocations(const char* what, uint64_t records_per_allocation,
                        const AppendTimes& append_times) {
  const auto database = Open();
  AddSeries(*database, kSeries);
  Appender appender = database->NewAppender();
  append_times(appender, 0, kWarmUp);
  REQUIRE(database->Flush().ok());
  alloc::Arm({});  // to count; none fails
  append_times(appender, kWarmUp, kWarmUp + kMeasured);
  appender.Commit().Await(Milestone::kVisible).IgnoreError();
  alloc::Disarm();
  const uint64_t counted = alloc::Seen();
  const uint64_t records = uint64_t{kSeries} * kMeasured;
  WARN(what << ": " << counted << " allocations for " << records << " records");
  REQUIRE(counted * records_per_allocation < records);
  RequireAllAccountedFor(*database, uint64_t{kSeries} * (kWarmUp + kMeasured));
}

TEST_CASE("allocation: counting works") {
  alloc::Arm({});
  const std::vector<int> vector(10);
  alloc::Disarm();
  REQUIRE(vector.size() == 10);
  REQUIRE(alloc::Seen() == 1);
}

TEST_CASE("allocation: none per record in scrape order") {
  MeasureAllocations("scrape order", 5'000, [](Appender& appender, Timestamp begin, Timestamp end) {
    for (Timestamp time = begin; time < end; ++time) {
      for (SeriesId series = 0; series < kSeries; ++series) {
        appender.Append(series, time, ValueOf(series, time));
      }
    }
  });
}

TEST_CASE("allocation: none per record in series order") {
  MeasureAllocations("series order", 5'000, [](Appender& appender, Timestamp begin, Timestamp end) {
    for (SeriesId series = 0; series < kSeries; ++series) {
      for (Timestamp time = begin; time < end; ++time) {
        appender.Append(series, time, ValueOf(series, time));
      }
    }
  });
}

TEST_CASE("allocation: none per record by columns") {
  std::vector<Timestamp> times(kWarmUp + kMeasured);
  std::vector<double> values(kWarmUp + kMeasured, 1.5);
  for (size_t i = 0; i < times.size(); ++i) times[i] = static_cast<Timestamp>(i);
  MeasureAllocations("columns", 5'000, [&](Appender& appender, Timestamp begin, Timestamp end) {
    const auto first = static_cast<size_t>(begin);
    const auto count = static_cast<size_t>(end - begin);
    for (SeriesId series = 0; series < kSeries; ++series) {
      appender.AppendColumns(series, {times.data() + first, count}, {values.data() + first, count});
    }
  });
}

TEST_CASE("allocation: few for late records, which rewrite leaves") {
  MeasureAllocations("late", 50, [](Appender& appender, Timestamp begin, Timestamp end) {
    for (Timestamp time = begin; time < end; ++time) {
      for (SeriesId series = 0; series < kSeries; ++series) {
        // Every twentieth record is ten records late.
        const Timestamp offset = time % 20;
        const Timestamp at = offset == 0 ? time + 10 : offset == 10 ? time - 10 : time;
        appender.Append(series, at, ValueOf(series, at));
      }
    }
  });
}

}  // namespace
}  // namespace tsdb

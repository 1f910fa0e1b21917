// Loads that are not spread evenly: everything in one series, everybody in one series, series
// without end, time running backwards, times all equal or at the ends of int64.

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <memory>
#include <vector>

#include "test/tsdb/test_database.h"
#include "test/tsdb/threads.h"
#include "tsdb/database.h"

namespace tsdb {
namespace {

TEST_CASE("skew: one hot series beside a thousand that get a record in a hundred",
          "[concurrency]") {
  const auto database = Open();
  AddSeries(*database, 1'001);
  constexpr size_t kWriters = 4;
  const size_t records = Scaled(1'000'000);
  Findings findings;
  RunThreads(kWriters, [&](size_t number) {
    Appender appender = database->NewAppender();
    for (size_t i = 0; i < records; ++i) {
      const SeriesId series = i % 100 == 0 ? static_cast<SeriesId>(1 + i / 100 % 1'000) : 0;
      const auto time = static_cast<Timestamp>(i * kWriters + number);
      findings.Expect(appender.Append(series, time, ValueOf(series, time)), "refused");
    }
  });
  REQUIRE_NO_FINDINGS(findings);
  RequireAllAccountedFor(*database, kWriters * records);
  const Snapshot snapshot = database->NewSnapshot();
  Cursor cursor = snapshot.Scan(0);
  REQUIRE(CheckCursor(0, cursor, findings) == kWriters * (records - (records + 99) / 100));
  REQUIRE_NO_FINDINGS(findings);
}

// All writers on one series; `time` gives writer and index their timestamp, each once.
template <typename Time>
void WriteOneSeries(size_t writers, size_t records, const Time& time) {
  const auto database = Open();
  AddSeries(*database, 1);
  Findings findings;
  RunThreads(writers, [&](size_t number) {
    Appender appender = database->NewAppender();
    for (size_t i = 0; i < records; ++i) {
      const Timestamp at = time(number, i);
      findings.Expect(appender.Append(0, at, ValueOf(0, at)), "refused");
    }
  });
  REQUIRE_NO_FINDINGS(findings);
  RequireAllAccountedFor(*database, writers * records);
  REQUIRE(database->Statistics().ledger.replaced == 0);
  const Snapshot snapshot = database->NewSnapshot();
  Cursor cursor = snapshot.Scan(0);
  REQUIRE(CheckCursor(0, cursor, findings) == writers * records);
  REQUIRE_NO_FINDINGS(findings);
}

TEST_CASE("skew: all writers on one series, their times interleaved", "[concurrency]") {
  WriteOneSeries(16, Scaled(100'000),
                 [](size_t writer, size_t i) { return static_cast<Timestamp>(i * 16 + writer); });
}

TEST_CASE("skew: all writers on one series, each in a stretch of time of its own",
          "[concurrency]") {
  constexpr size_t kRecords = Scaled(100'000);
  WriteOneSeries(16, kRecords, [](size_t writer, size_t i) {
    return static_cast<Timestamp>(writer * kRecords + i);
  });
}

TEST_CASE("skew: all writers on one series, time running backwards", "[concurrency]") {
  constexpr size_t kRecords = Scaled(60'000);
  WriteOneSeries(8, kRecords, [](size_t writer, size_t i) {
    return static_cast<Timestamp>((kRecords - i) * 8 + writer);
  });
}

TEST_CASE("skew: 200,000 series with a few samples each", "[concurrency]") {
  const auto database = Open();
  const size_t series_count = Scaled(200'000);
  AddSeries(*database, series_count);
  constexpr size_t kWriters = 4;
  constexpr Timestamp kSamples = 5;
  Findings findings;
  RunThreads(kWriters, [&](size_t number) {
    Appender appender = database->NewAppender();
    for (Timestamp time = 0; time < kSamples; ++time) {
      for (size_t series = number; series < series_count; series += kWriters) {
        const auto id = static_cast<SeriesId>(series);
        findings.Expect(appender.Append(id, time, ValueOf(id, time)), "refused");
      }
    }
  });
  REQUIRE_NO_FINDINGS(findings);
  RequireAllAccountedFor(*database, series_count * kSamples);
  const Stats stats = database->Statistics();
  // Sixty-four neighbours share a leaf: none has one of its own.
  REQUIRE(stats.leaves == 0);
  const Snapshot snapshot = database->NewSnapshot();
  std::atomic<uint64_t> count{0};
  std::vector<SeriesId> all(series_count);
  for (SeriesId series = 0; series < series_count; ++series) all[series] = series;
  snapshot.ScanMany(all, TimeRange::All(), 2, [&](SeriesId series, Cursor& cursor) {
    const uint64_t found = CheckCursor(series, cursor, findings);
    findings.Expect(found == kSamples, "series ", series, ": ", found, " samples");
    count.fetch_add(found, std::memory_order_relaxed);
  });
  REQUIRE_NO_FINDINGS(findings);
  REQUIRE(count.load(std::memory_order_relaxed) == series_count * kSamples);
}

TEST_CASE("skew: every series reversed in time", "[concurrency]") {
  const auto database = Open();
  constexpr size_t kSeries = 100;
  AddSeries(*database, kSeries);
  const auto samples = static_cast<Timestamp>(Scaled(20'000));
  Findings findings;
  RunThreads(2, [&](size_t number) {
    Appender appender = database->NewAppender();
    for (Timestamp time = samples; time-- > 0;) {
      for (SeriesId series = static_cast<SeriesId>(number); series < kSeries; series += 2) {
        findings.Expect(appender.Append(series, time, ValueOf(series, time)), "refused");
      }
    }
  });
  REQUIRE_NO_FINDINGS(findings);
  RequireAllAccountedFor(*database, kSeries * static_cast<uint64_t>(samples));
  const Snapshot snapshot = database->NewSnapshot();
  for (SeriesId series = 0; series < kSeries; ++series) {
    Cursor cursor = snapshot.Scan(series);
    REQUIRE(CheckCursor(series, cursor, findings) == static_cast<uint64_t>(samples));
  }
  REQUIRE_NO_FINDINGS(findings);
}

TEST_CASE("skew: all timestamps equal, one sample stays and the rest count as replaced",
          "[concurrency]") {
  for (const DuplicatePolicy policy : {DuplicatePolicy::kLastWins, DuplicatePolicy::kFirstWins}) {
    Options options;
    options.duplicates = policy;
    const auto database = Open(options);
    constexpr size_t kSeries = 3;
    AddSeries(*database, kSeries);
    const size_t records = Scaled(100'000);
    {
      Appender appender = database->NewAppender();
      for (size_t i = 0; i < records; ++i) {
        REQUIRE(appender.Append(static_cast<SeriesId>(i % kSeries), 42, static_cast<double>(i)));
      }
    }
    const double expected =
        policy == DuplicatePolicy::kFirstWins ? 0 : std::floor((records - 1) / 3) * 3;
    REQUIRE(database->NewSnapshot().Lookup(0, 42) == expected);
    RequireAllAccountedFor(*database, records);
    const Ledger ledger = database->Statistics().ledger;
    REQUIRE(ledger.in_tree == kSeries);
    REQUIRE(ledger.replaced == records - kSeries);
    REQUIRE(database->NewSnapshot().Lookup(0, 42) == expected);
  }
}

// Ends of int64 among ordinary times, in several orders, sparse and dense.
TEST_CASE("skew: the extremes of int64 are timestamps like any other", "[concurrency]") {
  const std::array<Timestamp, 9> extremes = {
      kTimestampMin, kTimestampMin + 1, -1, 0, 1, kTimestampMax / 2, kTimestampMax - 1,
      kTimestampMax, kTimestampMin / 2};
  for (const Timestamp ordinary : {0, 10, 2'000}) {
    for (const bool reversed : {false, true}) {
      CAPTURE(ordinary, reversed);
      const auto database = Open();
      AddSeries(*database, 1);
      {
        Appender appender = database->NewAppender();
        auto append = [&](Timestamp time) { REQUIRE(appender.Append(0, time, ValueOf(0, time))); };
        for (size_t i = 0; i < extremes.size(); ++i) {
          append(extremes[reversed ? extremes.size() - 1 - i : i]);
        }
        for (Timestamp i = 0; i < ordinary; ++i) {
          append(1'700'000'000'000 + (reversed ? ordinary - i : i) * 1'000);
        }
        append(reversed ? kTimestampMax : kTimestampMin);  // once more
      }
      for (const bool flushed : {false, true}) {
        CAPTURE(flushed);
        if (flushed) REQUIRE(database->Flush().ok());
        const Snapshot snapshot = database->NewSnapshot();
        Findings findings;
        Cursor cursor = snapshot.Scan(0);
        REQUIRE(CheckCursor(0, cursor, findings) ==
                extremes.size() + static_cast<size_t>(ordinary));
        REQUIRE_NO_FINDINGS(findings);
        REQUIRE(snapshot.Last(0)->timestamp == kTimestampMax);
        for (const Timestamp time : extremes) {
          REQUIRE(snapshot.Lookup(0, time) == ValueOf(0, time));
          // A range that ends at kTimestampMax holds kTimestampMax, too.
          const bool two = time == kTimestampMax - 1;
          const Timestamp end = time == kTimestampMax ? time : time + 1;
          REQUIRE(snapshot.Count(0, {time, end}) == (two ? 2 : 1));
        }
        REQUIRE(!snapshot.Lookup(0, kTimestampMin + 2).has_value());
        REQUIRE(!snapshot.Lookup(0, kTimestampMax - 2).has_value());
        REQUIRE(snapshot.Count(0, {kTimestampMin, kTimestampMin}) == 0);
        REQUIRE(snapshot.Count(0, {kTimestampMin, 0}) == 4);
      }
      RequireAllAccountedFor(*database, extremes.size() + static_cast<size_t>(ordinary) + 1);
    }
  }
}

}  // namespace
}  // namespace tsdb

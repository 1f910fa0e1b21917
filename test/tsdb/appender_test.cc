// Appenders: coming, going and moving between threads; what they refuse and how they say so.

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <deque>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "test/tsdb/test_database.h"
#include "test/tsdb/threads.h"
#include "tsdb/database.h"

namespace tsdb {
namespace {

TEST_CASE("appender: made and destroyed in a loop on many threads, each hands in what it holds",
          "[concurrency]") {
  const auto database = Open();
  constexpr size_t kThreads = 32;
  AddSeries(*database, kThreads);
  const size_t rounds = Scaled(2'000);
  Findings findings;
  RunThreads(kThreads, [&](size_t number) {
    Timestamp time = 0;
    for (size_t round = 0; round < rounds; ++round) {
      Appender appender = database->NewAppender();
      for (size_t i = 0; i < round % 7; ++i) {
        const auto series = static_cast<SeriesId>(number);
        findings.Expect(appender.Append(series, time, ValueOf(series, time)), "refused");
        ++time;
      }
      if (round % 5 == 0) appender.Commit();
    }
  });
  REQUIRE_NO_FINDINGS(findings);
  uint64_t each = 0;
  for (size_t round = 0; round < rounds; ++round) each += round % 7;
  const Stats stats = database->Statistics();
  REQUIRE(stats.appenders == 0);
  REQUIRE(stats.ledger.buffered_open == 0);
  RequireAllAccountedFor(*database, each * kThreads);
  const Snapshot snapshot = database->NewSnapshot();
  for (SeriesId series = 0; series < kThreads; ++series) {
    Cursor cursor = snapshot.Scan(series);
    REQUIRE(CheckCursor(series, cursor, findings) == each);
  }
  REQUIRE_NO_FINDINGS(findings);
}

TEST_CASE("appender: handed from thread to thread with records in it, program order holds",
          "[concurrency]") {
  const auto database = Open();
  constexpr size_t kThreads = 8;
  AddSeries(*database, 1);
  const size_t hops = Scaled(4'000);
  Findings findings;
  Appender shared = database->NewAppender();
  std::atomic<size_t> turn{0};
  RunThreads(kThreads, [&](size_t number) {
    for (size_t hop = number; hop < hops; hop += kThreads) {
      for (size_t now = turn.load(std::memory_order_acquire); now != hop;
           now = turn.load(std::memory_order_acquire)) {
        turn.wait(now, std::memory_order_acquire);
      }
      Appender mine = std::move(shared);
      for (Timestamp time = 0; time < 40; ++time) {
        findings.Expect(mine.Append(0, time, static_cast<double>(hop)), "refused");
      }
      shared = std::move(mine);
      turn.store(hop + 1, std::memory_order_release);
      turn.notify_all();
    }
  });
  REQUIRE_NO_FINDINGS(findings);
  const std::vector<Sample> samples = ReadAll(database->NewSnapshot(), 0);
  REQUIRE(samples.size() == 40);
  for (const Sample& sample : samples) REQUIRE(sample.value == static_cast<double>(hops - 1));
  RequireAllAccountedFor(*database, hops * 40);
}

TEST_CASE("appender: destroyed without a commit, its records are there") {
  const auto database = Open();
  AddSeries(*database, 1);
  {
    Appender appender = database->NewAppender();
    REQUIRE(appender.Append(0, 5, 1.5));
  }
  REQUIRE(database->Statistics().ledger.buffered_open == 0);
  REQUIRE(database->NewSnapshot().Lookup(0, 5) == 1.5);
}

TEST_CASE("appender: move-assigned while holding records, both sides' records are there") {
  const auto database = Open();
  AddSeries(*database, 1);
  Appender appender = database->NewAppender();
  REQUIRE(appender.Append(0, 1, 1));
  Appender other = database->NewAppender();
  REQUIRE(other.Append(0, 2, 2));
  appender = std::move(other);
  REQUIRE(database->Statistics().appenders == 1);
  REQUIRE(appender.Append(0, 3, 3));
  REQUIRE(database->NewSnapshot().Count(0) == 3);
  RequireAllAccountedFor(*database, 3);
}

TEST_CASE("appender: one moved from refuses appends and commits nothing") {
  const auto database = Open();
  AddSeries(*database, 1);
  Appender appender = database->NewAppender();
  REQUIRE(appender.Append(0, 1, 1));
  Appender other = std::move(appender);
  REQUIRE(!appender.Append(0, 2, 2));
  REQUIRE(appender.status().code() == absl::StatusCode::kFailedPrecondition);
  const std::array<Timestamp, 2> times = {3, 4};
  const std::array<double, 2> values = {3, 4};
  REQUIRE(!appender.AppendColumns(0, times, values));
  REQUIRE(appender.Commit().sequence() == 0);
  REQUIRE(appender.Commit().Await(Milestone::kVisible).ok());
  REQUIRE(other.status().ok());
  REQUIRE(database->Statistics().appenders == 1);
  REQUIRE(database->NewSnapshot().Count(0) == 1);

  appender = database->NewAppender();
  REQUIRE(appender.status().ok());
  REQUIRE(appender.Append(0, 2, 2));
  REQUIRE(database->NewSnapshot().Count(0) == 2);
}

TEST_CASE("appender: assigned to itself, it stays as it was") {
  const auto database = Open();
  AddSeries(*database, 1);
  Appender appender = database->NewAppender();
  REQUIRE(appender.Append(0, 1, 1));
  Appender& same = appender;
  appender = std::move(same);
  REQUIRE(appender.Append(0, 2, 2));
  REQUIRE(database->NewSnapshot().Count(0) == 2);
}

TEST_CASE("appender: many in one container that moves them, nothing is lost") {
  const auto database = Open();
  AddSeries(*database, 100);
  std::vector<Appender> appenders;  // grows, and so moves them
  for (SeriesId series = 0; series < 100; ++series) {
    appenders.push_back(database->NewAppender());
    for (size_t i = 0; i < appenders.size(); ++i) {
      REQUIRE(appenders[i].Append(static_cast<SeriesId>(i), series, 1));
    }
  }
  while (!appenders.empty())
    appenders.erase(appenders.begin() + static_cast<ptrdiff_t>(appenders.size() / 2));
  RequireAllAccountedFor(*database, 100 * 101 / 2);
}

TEST_CASE("appender: an unknown series is refused by number, and the ledger counts it") {
  const auto database = Open();
  AddSeries(*database, 3);
  Appender appender = database->NewAppender();
  REQUIRE(!appender.Append(3, 1, 1));
  REQUIRE(appender.status().code() == absl::StatusCode::kNotFound);
  const std::string message(appender.status().message());
  INFO(message);
  REQUIRE(message.find("id 3;") != std::string::npos);
  REQUIRE(message.find("below 3") != std::string::npos);
  const std::array<Timestamp, 2> times = {1, 2};
  const std::array<double, 2> values = {1, 2};
  REQUIRE(!appender.AppendColumns(kInvalidSeriesId, times, values));
  Ledger ledger = database->Statistics().ledger;
  REQUIRE(ledger.rejected_unknown_series == 3);
  REQUIRE(ledger.appended == 3);
  REQUIRE(ledger.accepted == 0);
  // The status stays until cleared; a good append is accepted all the same.
  REQUIRE(appender.Append(2, 1, 1));
  REQUIRE(!appender.status().ok());
  appender.ClearStatus();
  REQUIRE(appender.status().ok());
  // Registered meanwhile: known at the next append.
  AddSeries(*database, 4);
  REQUIRE(appender.Append(3, 1, 1));
  ledger = database->Statistics().ledger;
  REQUIRE(ledger.appended == 5);
  RequireAllAccountedFor(*database, 2);
}

TEST_CASE("appender: no columns at all are taken in and change nothing") {
  const auto database = Open();
  AddSeries(*database, 1);
  Appender appender = database->NewAppender();
  REQUIRE(appender.AppendColumns(0, {}, {}));
  REQUIRE(database->Statistics().ledger.appended == 0);
  REQUIRE(database->NewSnapshot().Count(0) == 0);
}

TEST_CASE("appender: columns of every length around a chunk's come out as they went in") {
  const auto database = Open(TinyBuffers());
  Findings findings;
  SeriesId series = 0;
  uint64_t accepted = 0;
  for (const size_t before : {0, 1, 100, 255, 256}) {
    for (const size_t length : {1, 255, 256, 257, 511, 512, 513, 1'300, 5'000}) {
      AddSeries(*database, series + 1u);
      Appender appender = database->NewAppender();
      std::vector<Timestamp> times;
      std::vector<double> values;
      for (size_t i = 0; i < before + length; ++i) {
        const auto time = static_cast<Timestamp>(i);
        if (i < before) REQUIRE(appender.Append(series, time, ValueOf(series, time)));
        if (i >= before) times.push_back(time);
        if (i >= before) values.push_back(ValueOf(series, time));
      }
      REQUIRE(appender.AppendColumns(series, times, values));
      accepted += before + length;
      const Snapshot snapshot = database->NewSnapshot();
      Cursor cursor = snapshot.Scan(series);
      REQUIRE(CheckCursor(series, cursor, findings) == before + length);
      ++series;
    }
  }
  REQUIRE_NO_FINDINGS(findings);
  RequireAllAccountedFor(*database, accepted);
}

TEST_CASE("appender: columns of all lengths and single records by turns, committed anywhere") {
  for (const bool tiny : {true, false}) {
    const auto database = tiny ? Open(TinyBuffers()) : Open();
    constexpr SeriesId kSeries = 20;
    AddSeries(*database, kSeries);
    std::mt19937_64 random(tiny);
    std::vector<Timestamp> next(kSeries, 0);
    std::vector<uint64_t> count(kSeries, 0);
    uint64_t accepted = 0;
    {
      Appender appender = database->NewAppender();
      for (int step = 0; step < 6'000; ++step) {
        const auto series = static_cast<SeriesId>(random() % kSeries);
        const size_t lengths[] = {1, 5, 63, 64, 65, 200, 512};
        // Now and then many in a row by columns, as those fill a chunk that begins with them.
        const bool by_columns = step / 500 % 2 == 0 || random() % 3 > 0;
        const size_t length = by_columns ? lengths[random() % std::size(lengths)] : 1;
        std::vector<Timestamp> times(length);
        std::vector<double> values(length);
        for (size_t i = 0; i < length; ++i) {
          times[i] = next[series]++;
          values[i] = ValueOf(series, times[i]);
        }
        REQUIRE((by_columns ? appender.AppendColumns(series, times, values)
                            : appender.Append(series, times[0], values[0])));
        count[series] += length;
        accepted += length;
        if (random() % 100 == 0) appender.Commit();
        if (random() % 500 == 0) appender = database->NewAppender();
      }
    }
    Findings findings;
    const Snapshot snapshot = database->NewSnapshot();
    for (SeriesId series = 0; series < kSeries; ++series) {
      Cursor cursor = snapshot.Scan(series);
      REQUIRE(CheckCursor(series, cursor, findings) == count[series]);
    }
    REQUIRE_NO_FINDINGS(findings);
    RequireAllAccountedFor(*database, accepted);
  }
}

TEST_CASE("appender: a commit of nothing succeeds and can be awaited") {
  const auto database = Open();
  AddSeries(*database, 1);
  Appender appender = database->NewAppender();
  REQUIRE(appender.Commit().Await(Milestone::kVisible).ok());
  REQUIRE(Ticket().Await(Milestone::kDurable).ok());
  REQUIRE(appender.Append(0, 1, 1));
  const Ticket ticket = appender.Commit();
  const Ticket copy = ticket;
  REQUIRE(copy.Await(Milestone::kDurable).ok());
  REQUIRE(ticket.Await(Milestone::kVisible).ok());
  REQUIRE(appender.Commit().sequence() == ticket.sequence());
  REQUIRE(database->NewSnapshot({.freshness = Freshness::kMerged}).Count(0) == 1);
}

TEST_CASE("appender: a ticket can be awaited by another thread after its appender is gone",
          "[concurrency]") {
  const auto database = Open();
  AddSeries(*database, 1);
  Findings findings;
  for (Timestamp round = 0; round < 200; ++round) {
    Ticket ticket;
    {
      Appender appender = database->NewAppender();
      REQUIRE(appender.Append(0, round, 1));
      ticket = appender.Commit();
    }
    RunThreads(2, [&](size_t) {
      findings.Expect(ticket.Await(Milestone::kVisible).ok(), "not awaited");
      const Snapshot snapshot = database->NewSnapshot({.freshness = Freshness::kMerged});
      findings.Expect(snapshot.Lookup(0, round).has_value(), "round ", round, " is not seen");
    });
  }
  REQUIRE_NO_FINDINGS(findings);
}

TEST_CASE("database: closing with an appender alive is refused, with nothing done") {
  const auto database = Open();
  AddSeries(*database, 1);
  {
    Appender appender = database->NewAppender();
    REQUIRE(appender.Append(0, 1, 1));
    const absl::Status status = database->Close();
    REQUIRE(status.code() == absl::StatusCode::kFailedPrecondition);
    REQUIRE(std::string(status.message()).find("1 appender") != std::string::npos);
    REQUIRE(appender.Append(0, 2, 2));
  }
  REQUIRE(database->Close().ok());
  REQUIRE(database->Close().ok());
  RequireAllAccountedFor(*database, 2);
}

TEST_CASE("database: after closing, appends are refused and reads go on") {
  const auto database = Open();
  AddSeries(*database, 1);
  {
    Appender appender = database->NewAppender();
    REQUIRE(appender.Append(0, 1, 1));
  }
  REQUIRE(database->Close().ok());
  Appender appender = database->NewAppender();
  REQUIRE(!appender.Append(0, 2, 2));
  REQUIRE(appender.status().code() == absl::StatusCode::kFailedPrecondition);
  REQUIRE(std::string(appender.status().message()).find("closed") != std::string::npos);
  REQUIRE(database->Statistics().ledger.rejected_closed == 1);
  REQUIRE(appender.Commit().Await(Milestone::kVisible).ok());
  REQUIRE(database->NewSnapshot().Count(0) == 1);
  RequireAllAccountedFor(*database, 1);
}

}  // namespace
}  // namespace tsdb

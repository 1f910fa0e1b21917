// Which of several records with one key stays: the later one, in program order within an appender
// and in commit order across appenders (or the first, by option), and readers never go back.

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "test/tsdb/test_database.h"
#include "test/tsdb/threads.h"
#include "tsdb/database.h"

namespace tsdb {
namespace {

TEST_CASE("appender: of its records with one key the last appended stays", "[concurrency]") {
  const auto database = Open(TinyBuffers());
  constexpr size_t kWriters = 8;
  AddSeries(*database, kWriters);
  const auto rounds = static_cast<Timestamp>(Scaled(200));
  constexpr Timestamp kKeys = 700;  // a leaf and a half
  Findings findings;
  std::atomic<bool> done{false};
  Threads readers;
  readers.Add([&] {
    std::vector<double> seen(kWriters * kKeys, -1);
    for (size_t round = 0; !done.load(std::memory_order_relaxed); ++round) {
      const size_t at = round * 1009 % (kWriters * kKeys);
      const auto series = static_cast<SeriesId>(at / kKeys);
      const Snapshot snapshot = database->NewSnapshot(
          {.freshness = round % 64 == 0 ? Freshness::kLatest : Freshness::kMerged});
      const auto value = snapshot.Lookup(series, static_cast<Timestamp>(at % kKeys));
      findings.Expect(value.value_or(-1) >= seen[at], "series ", series, " at ", at % kKeys, ": ",
                      value.value_or(-1), " after ", seen[at]);
      seen[at] = value.value_or(-1);
    }
  });
  RunThreads(kWriters, [&](size_t number) {
    Appender appender = database->NewAppender();
    for (Timestamp round = 0; round < rounds; ++round) {
      for (Timestamp key = 0; key < kKeys; ++key) {
        // In time order, backwards and mixed; some keys twice in a row.
        const Timestamp time = round % 3 == 0   ? key
                               : round % 3 == 1 ? kKeys - 1 - key
                                                : key * 53 % kKeys;
        const auto series = static_cast<SeriesId>(number);
        const auto value = static_cast<double>(round);
        if (key % 5 == 0) findings.Expect(appender.Append(series, time, value - 0.5), "refused");
        findings.Expect(appender.Append(series, time, value), "refused");
      }
    }
  });
  done.store(true, std::memory_order_relaxed);
  readers.Join();
  REQUIRE_NO_FINDINGS(findings);
  const Snapshot snapshot = database->NewSnapshot();
  for (SeriesId series = 0; series < kWriters; ++series) {
    const std::vector<Sample> samples = ReadAll(snapshot, series);
    REQUIRE(samples.size() == kKeys);
    for (const Sample& sample : samples) {
      REQUIRE(sample.value == static_cast<double>(rounds - 1));
    }
  }
  RequireAllAccountedFor(*database, static_cast<uint64_t>(rounds) * kWriters * (kKeys + kKeys / 5));
  REQUIRE(database->Statistics().ledger.in_tree == kWriters * kKeys);
}

// Threads take turns: whose turn it is appends every key with the round as its value, commits and
// passes the turn on. Others take snapshots, which take parts of open chunks, and flush.
void TakeTurns(const Options& options, size_t rounds, SeriesId series_count, Timestamp keys) {
  const auto database = Open(options);
  AddSeries(*database, series_count);
  constexpr size_t kWriters = 4;
  Findings findings;
  std::atomic<size_t> turn{0};
  std::atomic<bool> done{false};
  Threads others;
  others.Add([&] {
    for (size_t i = 0; !done.load(std::memory_order_relaxed); ++i) {
      // Loaded before the snapshot: every earlier round was committed by then.
      const size_t round = turn.load(std::memory_order_acquire);
      const Snapshot snapshot = database->NewSnapshot();
      if (round == 0) continue;
      const auto value = snapshot.Lookup(static_cast<SeriesId>(i % series_count),
                                         static_cast<Timestamp>(i * 7) % keys);
      const double least =
          options.duplicates == DuplicatePolicy::kFirstWins ? 0 : static_cast<double>(round - 1);
      findings.Expect(value.value_or(-1) >= least, "round ", round, ": ", value.value_or(-1));
      if (options.duplicates == DuplicatePolicy::kFirstWins) {
        findings.Expect(value == 0.0, "a later value won: ", value.value_or(-1));
      }
      if (i % 32 == 0) findings.Expect(database->Flush().ok(), "flush failed");
    }
  });
  RunThreads(kWriters, [&](size_t number) {
    Appender appender = database->NewAppender();
    for (size_t round = number; round < rounds; round += kWriters) {
      for (size_t now = turn.load(std::memory_order_acquire); now != round;
           now = turn.load(std::memory_order_acquire)) {
        turn.wait(now, std::memory_order_acquire);
      }
      for (Timestamp key = 0; key < keys; ++key) {
        for (SeriesId series = 0; series < series_count; ++series) {
          const Timestamp time = round % 2 == 0 ? key : keys - 1 - key;
          findings.Expect(appender.Append(series, time, static_cast<double>(round)), "refused");
        }
      }
      const Ticket ticket = appender.Commit();
      if (round % 16 == 5) ticket.Await(Milestone::kVisible).IgnoreError();
      turn.store(round + 1, std::memory_order_release);
      turn.notify_all();
    }
  });
  done.store(true, std::memory_order_relaxed);
  others.Join();
  REQUIRE_NO_FINDINGS(findings);
  const double expected =
      options.duplicates == DuplicatePolicy::kFirstWins ? 0 : static_cast<double>(rounds - 1);
  for (const bool flushed : {false, true}) {
    if (flushed) REQUIRE(database->Flush().ok());
    const Snapshot snapshot = database->NewSnapshot();
    for (SeriesId series = 0; series < series_count; ++series) {
      const std::vector<Sample> samples = ReadAll(snapshot, series);
      REQUIRE(samples.size() == static_cast<size_t>(keys));
      for (const Sample& sample : samples) REQUIRE(sample.value == expected);
    }
  }
  RequireAllAccountedFor(*database, rounds * series_count * static_cast<uint64_t>(keys));
}

TEST_CASE("appenders: what is committed later wins, many samples in few series", "[concurrency]") {
  TakeTurns({}, Scaled(1'600), 3, 600);
}

TEST_CASE("appenders: what is committed later wins, few samples in many series", "[concurrency]") {
  TakeTurns({}, Scaled(1'600), 200, 5);
}

TEST_CASE("appenders: what is committed later wins, in a write buffer of a dozen chunks",
          "[concurrency]") {
  TakeTurns(TinyBuffers(), Scaled(1'600), 40, 40);
}

TEST_CASE("appenders: what is committed first wins where that was asked for", "[concurrency]") {
  Options options;
  options.duplicates = DuplicatePolicy::kFirstWins;
  TakeTurns(options, Scaled(1'600), 40, 40);
}

TEST_CASE("ticket: one with a higher number was committed later", "[concurrency]") {
  const auto database = Open();
  AddSeries(*database, 2);
  Appender first = database->NewAppender();
  Appender second = database->NewAppender();
  uint64_t before = 0;
  for (Timestamp round = 0; round < 100; ++round) {
    REQUIRE(first.Append(0, round, 1));
    const uint64_t one = first.Commit().sequence();
    REQUIRE(second.Append(1, round, 1));
    const uint64_t two = second.Commit().sequence();
    REQUIRE(one > before);
    REQUIRE(two > one);
    before = two;
  }
}

}  // namespace
}  // namespace tsdb

// When the write buffer or the memory budget is used up: writers wait or are refused, nothing is
// lost, memory stays bounded, everybody gets on.

#include <algorithm>
#include <atomic>
#include <bit>
#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "test/tsdb/test_database.h"
#include "test/tsdb/threads.h"
#include "tsdb/database.h"
#include "tsdb/ingest/chunk_pool.h"

namespace tsdb {
namespace {

// The smallest chunk, with the lines between its columns.
constexpr uint64_t kSmallestChunkBytes =
    ingest::kRecordBytes * uint64_t{ingest::kChunkRecordsMin} + 256;

// Writers with series of their own and one that all share, in time order.
void WriteRecords(Appender& appender, size_t number, size_t records, size_t commit_every,
                  Findings& findings) {
  const auto own = static_cast<SeriesId>(number + 1);
  for (size_t i = 0; i < records; ++i) {
    const auto time = static_cast<Timestamp>(i);
    const SeriesId series = i % 4 == 3 ? 0 : own;
    const Timestamp at = series == 0 ? time * 64 + static_cast<Timestamp>(number) : time;
    findings.Expect(appender.Append(series, at, ValueOf(series, at)),
                    "refused: ", appender.status().ToString());
    if (commit_every != 0 && i % commit_every == 0) appender.Commit();
  }
}

void RunAgainstTinyBuffer(Options options, size_t records, size_t commit_every) {
  constexpr size_t kWriters = 32;
  const auto database = Open(options);
  AddSeries(*database, kWriters + 1);
  Findings findings;
  std::atomic<bool> done{false};
  Threads observer;
  observer.Add([&] {
    while (!done.load(std::memory_order_relaxed)) {
      const Stats stats = database->Statistics();
      findings.Expect(stats.chunk_bytes <= stats.chunk_bytes_max + kWriters * kSmallestChunkBytes,
                      "chunks of ", stats.chunk_bytes, " bytes");
      std::this_thread::yield();
    }
  });
  RunThreads(kWriters, [&](size_t number) {
    Appender appender = database->NewAppender();
    WriteRecords(appender, number, records, commit_every, findings);
  });
  done.store(true, std::memory_order_relaxed);
  observer.Join();
  REQUIRE_NO_FINDINGS(findings);
  REQUIRE(database->Statistics().chunk_bytes_max == options.write_buffer_bytes);
  RequireAllAccountedFor(*database, kWriters * records);
  REQUIRE(database->Statistics().ledger.replaced == 0);
}

TEST_CASE("backpressure: 32 writers and a dozen chunks lose nothing and stay within bounds",
          "[concurrency]") {
  for (const size_t commit_every : {size_t{0}, size_t{10}, size_t{1}}) {
    CAPTURE(commit_every);
    const size_t records = commit_every == 0 ? 40'000 : commit_every == 10 ? 20'000 : 4'000;
    RunAgainstTinyBuffer(TinyBuffers(), Scaled(records), commit_every);
  }
}

TEST_CASE("backpressure: 32 writers, a dozen chunks and one merge at a time get on",
          "[concurrency]") {
  Options options = TinyBuffers();
  options.merge_threads = 1;
  RunAgainstTinyBuffer(options, Scaled(20'000), 0);
  RunAgainstTinyBuffer(options, Scaled(8'000), 3);
}

TEST_CASE("backpressure: the budget is kept while writers outnumber the chunks and come and go",
          "[concurrency]") {
  const auto database = Open(TinyBuffers());
  constexpr size_t kWriters = 16;
  AddSeries(*database, kWriters + 1);
  const size_t records = Scaled(8'000);
  Findings findings;
  RunThreads(kWriters, [&](size_t number) {
    for (size_t begin = 0; begin < records; begin += 97) {
      Appender appender = database->NewAppender();
      for (size_t i = begin; i < std::min(records, begin + 97); ++i) {
        const auto time = static_cast<Timestamp>(i);
        const auto series = static_cast<SeriesId>(number);
        findings.Expect(appender.Append(series, time, ValueOf(series, time)), "refused");
      }
    }
  });
  REQUIRE_NO_FINDINGS(findings);
  const Stats stats = database->Statistics();
  REQUIRE(stats.chunk_bytes <= stats.chunk_bytes_max + kWriters * kSmallestChunkBytes);
  RequireAllAccountedFor(*database, kWriters * records);
}

TEST_CASE("backpressure: more idle appenders than there are chunks, on one thread",
          "[concurrency]") {
  const auto database = Open(TinyBuffers());
  constexpr size_t kAppenders = 200;
  AddSeries(*database, kAppenders);
  std::vector<Appender> appenders;
  for (size_t round = 0; round < 3; ++round) {
    for (size_t i = 0; i < kAppenders; ++i) {
      if (round == 0) appenders.push_back(database->NewAppender());
      REQUIRE(appenders[i].Append(static_cast<SeriesId>(i), static_cast<Timestamp>(round), 1));
    }
  }
  const Stats stats = database->Statistics();
  REQUIRE(stats.appenders == kAppenders);
  REQUIRE(stats.ledger.buffered_open == 3 * kAppenders);
  REQUIRE(stats.chunk_bytes <= stats.chunk_bytes_max + kAppenders * kSmallestChunkBytes);
  RequireAllAccountedFor(*database, 3 * kAppenders);
  appenders.clear();
  RequireAllAccountedFor(*database, 3 * kAppenders);
}

TEST_CASE("backpressure: one writer gets on while idle appenders hold every chunk",
          "[concurrency]") {
  const auto database = Open(TinyBuffers());
  constexpr size_t kIdle = 40;
  AddSeries(*database, kIdle + 1);
  std::vector<Appender> idle;
  for (size_t i = 0; i < kIdle; ++i) {
    idle.push_back(database->NewAppender());
    REQUIRE(idle.back().Append(static_cast<SeriesId>(i), 0, ValueOf(static_cast<SeriesId>(i), 0)));
  }
  const size_t records = Scaled(200'000);
  Findings findings;
  SECTION("alone") {
    Appender appender = database->NewAppender();
    for (size_t i = 0; i < records; ++i)
      REQUIRE(appender.Append(kIdle, static_cast<Timestamp>(i), 1));
  }
  SECTION("beside snapshots and flushes that keep the merge busy") {
    std::atomic<bool> done{false};
    Threads others;
    for (size_t i = 0; i < 2; ++i) {
      others.Add([&, i] {
        while (!done.load(std::memory_order_relaxed)) {
          if (i == 0) findings.Expect(database->Flush().ok(), "flush failed");
          if (i == 1) findings.Expect(database->NewSnapshot().complete(), "not complete");
        }
      });
    }
    RunThreads(1, [&](size_t) {
      Appender appender = database->NewAppender();
      for (size_t i = 0; i < records; ++i) {
        findings.Expect(appender.Append(kIdle, static_cast<Timestamp>(i), 1), "refused");
      }
    });
    done.store(true, std::memory_order_relaxed);
  }
  REQUIRE_NO_FINDINGS(findings);
  const Stats stats = database->Statistics();
  REQUIRE(stats.chunk_bytes <= stats.chunk_bytes_max + (kIdle + 1) * kSmallestChunkBytes);
  RequireAllAccountedFor(*database, records + kIdle);
}

// Waits for the merge without helping it, as AwaitMerged would.
bool MergesByItself(const Database& database) {
  for (size_t i = 0; i < 3'000'000; ++i) {
    if (database.Statistics().ledger.buffered_sealed == 0) return true;
    std::this_thread::yield();
  }
  return false;
}

TEST_CASE("backpressure: what writers handed in is merged though they stop and nobody waits",
          "[concurrency]") {
  // Nearly as many writers as chunks, so that some wait for one, and late records, which merge
  // slowly: the last to be woken may be woken for a chunk and for a part at once.
  constexpr size_t kWriters = 10;
  // Merging them takes as long as there are leaves to be rewritten.
  constexpr auto kSpan = static_cast<Timestamp>(Scaled(100'003));
  Options options = TinyBuffers();
  options.merge_threads = GENERATE(1, 2);
  const auto database = Open(options);
  AddSeries(*database, kWriters);
  Findings findings;
  std::vector<Appender> appenders;
  for (size_t i = 0; i < kWriters; ++i) appenders.push_back(database->NewAppender());
  const size_t rounds = ScaledFor(600, kWriters);
  uint64_t accepted = 0;
  for (size_t round = 0; round < rounds; ++round) {
    RunThreads(kWriters, [&](size_t number) {
      for (size_t i = 0; i < 2'500 + number * 37; ++i) {
        const Timestamp back = static_cast<Timestamp>(i) * 7919 % kSpan;
        const Timestamp time = kSpan + static_cast<Timestamp>(round) * 10 - back;
        const auto series = static_cast<SeriesId>(number);
        findings.Expect(appenders[number].Append(series, time, ValueOf(series, time)), "refused");
      }
    });
    for (size_t number = 0; number < kWriters; ++number) accepted += 2'500 + number * 37;
    REQUIRE_NO_FINDINGS(findings);
    CAPTURE(round);
    REQUIRE(MergesByItself(*database));
  }
  appenders.clear();
  RequireAllAccountedFor(*database, accepted);
}

Options SmallBudget() {
  Options options;
  options.memory_budget_bytes = std::max<uint64_t>(Scaled(size_t{64} << 20), 24 << 20);
  options.write_buffer_bytes = 1 << 20;
  return options;
}

void ExpectBudgetNamed(const Appender& appender, const Options& options) {
  INFO(appender.status().ToString());
  REQUIRE(appender.status().code() == absl::StatusCode::kResourceExhausted);
  const std::string message(appender.status().message());
  REQUIRE(message.find(std::to_string(options.memory_budget_bytes)) != std::string::npos);
  REQUIRE(message.find("memory_budget_bytes") != std::string::npos);
}

TEST_CASE("memory budget: reached, appends are refused and what was accepted stays", "[memory]") {
  const Options options = SmallBudget();
  const auto database = Open(options);
  AddSeries(*database, 16);
  Appender appender = database->NewAppender();
  std::mt19937_64 random(7);
  auto value = [](uint64_t bits) { return std::bit_cast<double>(bits); };
  uint64_t accepted = 0, refused = 0;
  uint64_t next = random();
  // Until one is refused with everything merged: what a merge gives back is room for more.
  for (bool more = true; more; ++refused) {
    more = false;
    while (appender.Append(static_cast<SeriesId>(accepted % 16),
                           static_cast<Timestamp>(accepted / 16), value(next))) {
      if (++accepted == 20'000'000) FAIL("no append was refused");
      next = random();
      more = true;
    }
    ExpectBudgetNamed(appender, options);
    appender.ClearStatus();
    REQUIRE(database->Flush().ok());
  }
  REQUIRE(accepted > 100'000);

  // All or nothing: more than the open chunk could hold.
  const std::vector<Timestamp> times(100'000, 0);
  const std::vector<double> values(100'000, 0);
  REQUIRE(!appender.AppendColumns(0, times, values));
  ExpectBudgetNamed(appender, options);
  REQUIRE(!appender.Append(0, 0, 0));

  const Stats stats = database->Statistics();
  REQUIRE(stats.ledger.rejected_budget == refused + 100'000 + 1);
  REQUIRE(stats.ledger.appended == accepted + refused + 100'001);
  REQUIRE(stats.memory_budget_bytes == options.memory_budget_bytes);
  REQUIRE(stats.memory_bytes <= options.memory_budget_bytes / 10 * 11);
  RequireAllAccountedFor(*database, accepted);

  std::mt19937_64 again(7);
  const Snapshot snapshot = database->NewSnapshot();
  std::vector<std::vector<Sample>> found;
  for (SeriesId series = 0; series < 16; ++series) found.push_back(ReadAll(snapshot, series));
  for (uint64_t i = 0; i < accepted; ++i) {
    const auto& samples = found[i % 16];
    if (i / 16 >= samples.size() || std::bit_cast<uint64_t>(samples[i / 16].value) != again()) {
      FAIL("record " << i << " differs");
    }
  }
}

TEST_CASE("memory budget: 32 writers reach it and each is told", "[concurrency]") {
  const Options options = SmallBudget();
  const auto database = Open(options);
  constexpr size_t kWriters = 32;
  AddSeries(*database, kWriters);
  Findings findings;
  std::atomic<uint64_t> accepted{0};
  RunThreads(kWriters, [&](size_t number) {
    Appender appender = database->NewAppender();
    std::mt19937_64 random(number);
    uint64_t own = 0;
    while (own < 5'000'000 &&
           appender.Append(static_cast<SeriesId>(number), static_cast<Timestamp>(own),
                           std::bit_cast<double>(random()))) {
      ++own;
    }
    findings.Expect(appender.status().code() == absl::StatusCode::kResourceExhausted, "writer ",
                    number, ": ", appender.status().ToString());
    accepted.fetch_add(own, std::memory_order_relaxed);
  });
  REQUIRE_NO_FINDINGS(findings);
  const Stats stats = database->Statistics();
  REQUIRE(stats.ledger.rejected_budget == kWriters);
  REQUIRE(stats.memory_bytes <= options.memory_budget_bytes / 10 * 11);
  RequireAllAccountedFor(*database, accepted.load(std::memory_order_relaxed));
}

}  // namespace
}  // namespace tsdb

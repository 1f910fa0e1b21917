// CompareAndSet: beside appends and other calls, and after a crash.
#include <atomic>
#include <catch2/catch.hpp>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "test/faults/fault_file_system.h"
#include "test/faults/memory_file_system.h"
#include "test/tsdb/durable_database.h"
#include "test/tsdb/threads.h"

namespace tsdb {
namespace {

Options WithTwoMergers() {
  Options options = InDirectory();
  options.merge_threads = 2;
  options.sync_interval_ms = Options().sync_interval_ms;  // syncs come by themselves, too
  return options;
}

TEST_CASE("compare and set: writes only over what was expected", "[database]") {
  MemoryFileSystem files({"/data"});
  Options options = WithTwoMergers();
  if (GENERATE(false, true)) options.directory.clear();
  const auto database = OpenIn(&files, options);
  AddSeries(*database, 70);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto set = [&](SeriesId series, Timestamp time, std::optional<double> expected,
                       double desired) {
    const auto result = database->CompareAndSet(series, time, expected, desired);
    REQUIRE(result.ok());
    return *result;
  };
  CHECK_FALSE(set(3, 10, 1.0, 2.0));  // there is none
  CHECK(set(3, 10, std::nullopt, 2.0));
  CHECK_FALSE(set(3, 10, std::nullopt, 3.0));
  CHECK_FALSE(set(3, 10, 1.0, 3.0));
  CHECK(set(3, 10, 2.0, nan));
  CHECK(set(3, 10, nan, -0.0));
  CHECK_FALSE(set(3, 10, 0.0, 5.0));  // other bits
  CHECK(set(3, 10, -0.0, 5.0));
  CHECK(database->NewSnapshot().Lookup(3, 10) == 5.0);
  // In another page, and beside many samples, encoded ones too.
  Appender appender = database->NewAppender();
  for (Timestamp time = 0; time < 3'000; ++time) REQUIRE(appender.Append(69, time, 1));
  // Appended, but not committed.
  CHECK_FALSE(set(69, 700, std::nullopt, 2));
  CHECK(set(69, 700, 1, 2));
  CHECK(set(69, -5, std::nullopt, 7));
  REQUIRE(appender.Append(69, 700, 3));
  CHECK_FALSE(set(69, 700, 2, 9));
  CHECK(set(69, 700, 3, 4));
  CHECK(database->NewSnapshot().Lookup(69, 700) == 4);
  CHECK(database->NewSnapshot().Count(69) == 3'001);
  CHECK(absl::IsNotFound(database->CompareAndSet(70, 1, std::nullopt, 1).status()));
  CHECK(database->Verify().ok());
}

TEST_CASE("compare and set: where the first record wins only absence can be expected",
          "[database]") {
  Options options = TinyBuffers();
  options.duplicates = DuplicatePolicy::kFirstWins;
  MemoryFileSystem files({"/data"});
  const auto database = OpenIn(&files, options);
  AddSeries(*database, 1);
  CHECK(*database->CompareAndSet(0, 1, std::nullopt, 5));
  CHECK_FALSE(*database->CompareAndSet(0, 1, std::nullopt, 6));
  CHECK(absl::IsFailedPrecondition(database->CompareAndSet(0, 1, 5.0, 6).status()));
}

// Every value is written once. If it is replaced by a call that expected it, then by that alone.
TEST_CASE("compare and set: atomic against appends and other calls", "[database][concurrency]") {
  MemoryFileSystem files({"/data"});
  Options options = WithTwoMergers();
  if (GENERATE(false, true)) options.directory.clear();
  options.durability = Durability::kAsync;
  const auto database = OpenIn(&files, options);
  AddSeries(*database, 2);
  const size_t threads = ThreadCount(6);
  constexpr Timestamp kKeys = 3;
  std::vector<std::vector<std::pair<Timestamp, double>>> expected(threads);
  std::vector<uint64_t> sets(threads);
  Findings findings;
  RunThreads(threads, [&](size_t number) {
    Appender appender = database->NewAppender();
    double token = static_cast<double>(number) * 1e6;
    for (size_t i = 0; i < ScaledFor(3'000, 6) && findings.none(); ++i) {
      const auto key = static_cast<Timestamp>(i % kKeys);
      token += 1;
      if (number == 0) {
        // Appends, to the same keys and to others of the page.
        findings.Expect(appender.Append(i % 16 == 0 ? 0 : 1, key, token), "refused");
        if (i % 64 == 0) {
          findings.Expect(appender.Commit().Await(Milestone::kVisible).ok(), "not visible");
        }
        continue;
      }
      const auto present = database->NewSnapshot().Lookup(0, key);
      const auto set = database->CompareAndSet(0, key, present, token);
      if (!findings.Expect(set.ok(), set.status().ToString())) return;
      if (!*set) continue;
      ++sets[number];
      if (present.has_value()) expected[number].emplace_back(key, *present);
    }
  });
  REQUIRE_NO_FINDINGS(findings);
  std::set<std::pair<Timestamp, double>> replaced;
  uint64_t total = 0;
  for (size_t number = 0; number < threads; ++number) {
    total += sets[number];
    for (const auto& value : expected[number]) {
      INFO("key " << value.first << " value " << value.second);
      REQUIRE(replaced.insert(value).second);
    }
  }
  CHECK(total > 0);
  REQUIRE(database->Verify().ok());
  if (options.directory.empty()) return;
  // What the log says comes to the same.
  std::vector<std::optional<double>> values;
  for (Timestamp key = 0; key < kKeys; ++key) {
    values.push_back(database->NewSnapshot().Lookup(0, key));
  }
  const auto crashed = files.AfterProcessCrash();
  const auto after = OpenIn(crashed.get(), options);
  for (Timestamp key = 0; key < kKeys; ++key) {
    CHECK(after->NewSnapshot().Lookup(0, key) == values[static_cast<size_t>(key)]);
  }
}

TEST_CASE("compare and set: acknowledged it survives the loss of power, refused it leaves nothing",
          "[durability]") {
  MemoryFileSystem memory({"/data"});
  FaultFileSystem files(&memory);
  const auto database = OpenIn(&files, WithTwoMergers());
  AddSeries(*database, 1);
  for (Timestamp time = 0; time < 50; ++time) {
    REQUIRE(*database->CompareAndSet(0, time, std::nullopt, static_cast<double>(time)));
  }
  files.Inject({.fault = FileFault::kIoError, .call = FileCall::kSync, .sticky = true});
  REQUIRE_FALSE(database->CompareAndSet(0, 50, std::nullopt, 1).ok());
  REQUIRE_FALSE(database->CompareAndSet(0, 51, std::nullopt, 1).ok());
  const auto lost = memory.AfterPowerLoss();
  const auto after = OpenIn(lost.get(), WithTwoMergers());
  CHECK(after->NewSnapshot().Count(0, {0, 50}) == 50);
  CHECK(after->NewSnapshot().Count(0, {51, 100}) == 0);
}

TEST_CASE("close: beside deletions and conditional writes what was acknowledged stays",
          "[concurrency]") {
  // Each thread registers series, sets a sample in each and deletes that of every other, until it
  // is told that the database is closed; the log has then everything that was acknowledged.
  for (size_t round = 0; round < Scaled(64); ++round) {
    MemoryFileSystem files({"/data"});
    auto database = OpenIn(&files, WithTwoMergers());
    constexpr size_t kThreads = 3;
    struct Done {
      std::atomic<size_t> count{0};
      std::vector<std::pair<Labels, bool>> kept;
    };
    Done done[kThreads];
    Findings findings;
    std::vector<std::thread> threads;
    for (size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0;; ++i) {
          const Labels labels =
              *Labels::Create({{"thread", std::to_string(t)}, {"i", std::to_string(i)}});
          const auto series = database->FindOrCreateSeries(labels);
          if (!series.ok()) break;
          const auto set = database->CompareAndSet(*series, 10, std::nullopt, 1.5);
          findings.Expect(set.ok() || absl::IsFailedPrecondition(set.status()),
                          set.status().ToString());
          if (!set.ok()) break;
          findings.Expect(*set, "not set");
          done[t].kept.emplace_back(labels, true);
          if (i % 2 == 0) {
            const auto deleted = database->Delete({{*series}}, TimeRange::All());
            findings.Expect(
                deleted.ok() ? *deleted == 1 : absl::IsFailedPrecondition(deleted.status()),
                "deleted: ", deleted.status().ToString());
            if (!deleted.ok()) {
              done[t].kept.pop_back();  // not acknowledged: done or not
              break;
            }
            done[t].kept.back().second = false;
          }
          done[t].count.fetch_add(1, std::memory_order_release);
        }
      });
    }
    while (done[round % kThreads].count.load(std::memory_order_acquire) < round % 8 + 1) {
      std::this_thread::yield();
    }
    REQUIRE(database->Close().ok());
    for (std::thread& thread : threads) thread.join();
    REQUIRE_NO_FINDINGS(findings);
    REQUIRE(database->Verify().ok());
    database.reset();
    database = OpenIn(&files, WithTwoMergers());
    REQUIRE(database->Recovery().damage.empty());
    const Snapshot snapshot = database->NewSnapshot();
    for (const Done& one : done) {
      for (const auto& [labels, kept] : one.kept) {
        const auto series = database->FindSeries(labels);
        REQUIRE(series.ok());
        REQUIRE(snapshot.Count(*series) == (kept ? 1 : 0));
      }
    }
  }
}

}  // namespace
}  // namespace tsdb

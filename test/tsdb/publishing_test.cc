// The file STATS, while a database is written and afterwards.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

#include "storage/base/mutex.h"
#include "test/faults/memory_file_system.h"
#include "test/tsdb/await_event.h"
#include "test/tsdb/durable_database.h"
#include "test/tsdb/local_directory.h"
#include "test/tsdb/test_database.h"
#include "tsdb/published_stats.h"
#include "tsdb/stats_publisher.h"

namespace tsdb {
namespace {

constexpr std::chrono::hours kNever{1};

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Counts what it is asked, and lets a test wait for it.
class Asked {
 public:
  std::string Text(DatabaseState state) {
    MutexLock lock(&mutex_);
    ++times_[static_cast<size_t>(state)];
    changed_.NotifyAll();
    return std::string(DatabaseStateName(state));
  }
  void Await(DatabaseState state, int times) {
    MutexLock lock(&mutex_);
    while (times_[static_cast<size_t>(state)] < times) changed_.Wait(&mutex_);
  }
  int times(DatabaseState state) {
    MutexLock lock(&mutex_);
    return times_[static_cast<size_t>(state)];
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int times_[3] ABSL_GUARDED_BY(mutex_) = {};
};

TEST_CASE("publisher: each state is written once, however long the interval", "[publishing]") {
  LocalDirectory directory;
  Asked asked;
  StatsPublisher publisher(directory.path(), kNever,
                           [&](DatabaseState state) { return asked.Text(state); });
  REQUIRE(publisher.Start().ok());
  asked.Await(DatabaseState::kOpening, 1);
  publisher.NoteOpened();
  asked.Await(DatabaseState::kOpen, 1);
  publisher.Finish();
  publisher.Finish();
  publisher.NoteOpened();
  CHECK(asked.times(DatabaseState::kOpening) == 1);
  CHECK(asked.times(DatabaseState::kOpen) == 1);
  CHECK(asked.times(DatabaseState::kClosed) == 1);
  CHECK(ReadText(directory.File(kStatsName)) == "closed");
  CHECK_FALSE(std::filesystem::exists(directory.File(kStatsDraftName)));
  CHECK(publisher.failures() == 0);
}

TEST_CASE("publisher: it writes again and again", "[publishing]") {
  LocalDirectory directory;
  Asked asked;
  StatsPublisher publisher(directory.path(), std::chrono::milliseconds(1),
                           [&](DatabaseState state) { return asked.Text(state); });
  REQUIRE(publisher.Start().ok());
  publisher.NoteOpened();
  asked.Await(DatabaseState::kOpen, 10);
}

TEST_CASE("publisher: writes that fail are counted and end nothing", "[publishing]") {
  LocalDirectory directory;
  std::filesystem::create_directory(directory.File(kStatsDraftName));
  Asked asked;
  {
    StatsPublisher publisher(directory.path(), std::chrono::milliseconds(1),
                             [&](DatabaseState state) { return asked.Text(state); });
    REQUIRE(publisher.Start().ok());
    asked.Await(DatabaseState::kOpening, 3);
    CHECK(publisher.failures() >= 2);
    std::filesystem::remove(directory.File(kStatsDraftName));
    publisher.Finish();
  }
  CHECK(ReadText(directory.File(kStatsName)) == "closed");
}

TEST_CASE("publisher: one that never began ends", "[publishing]") {
  LocalDirectory directory;
  StatsPublisher publisher(directory.path(), kNever, [](DatabaseState) { return std::string(); });
  publisher.Finish();
  CHECK_FALSE(std::filesystem::exists(directory.File(kStatsName)));
}

Options Publishing(const LocalDirectory& directory, uint32_t interval_ms) {
  Options options = InDirectory(Durability::kAsync);
  options.directory = directory.File("db");
  options.stats_interval_ms = interval_ms;
  return options;
}

void AppendSome(Database& database, Timestamp count) {
  AddSeries(database, 1);
  Appender appender = database.NewAppender();
  for (Timestamp time = 0; time < count; ++time) {
    REQUIRE(appender.Append(0, time, ValueOf(0, time)));
  }
}

TEST_CASE("publishing: what is there after closing are the last figures", "[publishing]") {
  LocalDirectory directory;
  Options options = Publishing(directory, 3'600'000);
  options.checkpoint_on_close = true;
  Stats last;
  {
    const auto database = Open(options);
    REQUIRE(AwaitEvent([&] {
      const auto published = ReadPublishedStats(options.directory);
      return published.ok() && published->state == DatabaseState::kOpen;
    }));
    AppendSome(*database, 1000);
    REQUIRE(database->Close().ok());
    last = database->Statistics();
    CHECK(last.stats_failures == 0);
  }
  const auto published = ReadPublishedStats(options.directory);
  INFO(published.status().ToString());
  REQUIRE(published.ok());
  CHECK(published->state == DatabaseState::kClosed);
  CHECK(published->process_id == static_cast<uint64_t>(getpid()));
  CHECK(published->processors >= 1);
  CHECK(published->stats.ledger.accepted == 1000);
  CHECK(published->stats.ledger.Balanced());
  CHECK(published->stats.checkpoints == 1);
  CHECK(published->stats.checkpoints == last.checkpoints);
  CHECK(published->options.write_buffer_bytes == options.write_buffer_bytes);
  CHECK(published->options.durability == Durability::kAsync);
}

TEST_CASE("publishing: every option in force is known, also those that were chosen",
          "[publishing]") {
  LocalDirectory directory;
  Options options;
  options.directory = directory.File("db");
  REQUIRE(Open(options)->Close().ok());
  const auto published = ReadPublishedStats(options.directory);
  REQUIRE(published.ok());
  CHECK(published->options.memory_budget_bytes > 0);
  CHECK(published->options.write_buffer_bytes > 0);
  CHECK(published->options.merge_threads > 0);
  CHECK(published->options.stats_interval_ms == 1000);
}

TEST_CASE("publishing: not wanted, in memory, or read-only, nothing is written", "[publishing]") {
  LocalDirectory directory;
  Options options = Publishing(directory, 0);
  REQUIRE(Open(options)->Close().ok());
  CHECK(ReadPublishedStats(options.directory).status().code() == absl::StatusCode::kNotFound);

  options.stats_interval_ms = 1;
  REQUIRE(Open(options)->Close().ok());
  const std::string before = ReadText(options.directory + "/STATS");
  CHECK_FALSE(before.empty());
  options.read_only = true;
  REQUIRE(Open(options)->Close().ok());
  CHECK(ReadText(options.directory + "/STATS") == before);

  // A test's file system sees no call that depends on the time.
  MemoryFileSystem files({kParent});
  options = InDirectory();
  options.stats_interval_ms = 1;
  REQUIRE(OpenIn(&files, options)->Close().ok());
  const auto names = files.List(kHome);
  REQUIRE(names.ok());
  CHECK(std::count(names->begin(), names->end(), kStatsName) == 0);
}

TEST_CASE("publishing: a directory that takes no file fails nothing else", "[publishing]") {
  LocalDirectory directory;
  const Options options = Publishing(directory, 1);
  REQUIRE(Open(options)->Close().ok());
  std::filesystem::create_directory(options.directory + "/STATS.new");
  const auto database = Open(options);
  AppendSome(*database, 1000);
  REQUIRE(AwaitEvent([&] { return database->Statistics().stats_failures > 2; }));
  REQUIRE(database->Flush().ok());
  RequireAllAccountedFor(*database, 1000);
  REQUIRE(database->Close().ok());
}

TEST_CASE("publishing: what a crash has left is no obstacle, and no part of a backup",
          "[publishing]") {
  LocalDirectory directory;
  const Options options = Publishing(directory, 3'600'000);
  {
    const auto database = Open(options);
    AppendSome(*database, 10);
    REQUIRE(database->Backup(directory.File("copy")).ok());
    CHECK_FALSE(std::filesystem::exists(directory.File("copy") + "/STATS"));
    REQUIRE(database->Close().ok());
  }
  std::ofstream(options.directory + "/STATS.new") << "half of";
  std::ofstream(options.directory + "/STATS") << "something else";
  CHECK(ReadPublishedStats(options.directory).status().code() == absl::StatusCode::kDataLoss);
  const auto database = Open(options);
  CHECK(database->Recovery().damage.empty());
  CHECK(database->Recovery().foreign.empty());
  REQUIRE(database->Close().ok());
  CHECK(ReadPublishedStats(options.directory).ok());
  CHECK_FALSE(std::filesystem::exists(options.directory + "/STATS.new"));
}

TEST_CASE("publishing: whoever reads sees a whole file while writers write and it is replaced",
          "[publishing][concurrency]") {
  LocalDirectory directory;
  const Options options = Publishing(directory, 1);
  const auto database = Open(options);
  constexpr SeriesId kWriters = 3;
  AddSeries(*database, kWriters);
  std::atomic<size_t> writing{kWriters};
  Findings findings;
  RunThreads(kWriters + 1, [&](size_t number) {
    if (number == kWriters) {
      Timestamp written = 0;
      uint64_t accepted = 0;
      for (int seen = 0; seen < 20 || writing.load() > 0;) {
        const auto published = ReadPublishedStats(options.directory);
        if (absl::IsNotFound(published.status())) continue;  // the first is on its way
        if (!findings.Expect(published.ok(), published.status().ToString())) return;
        findings.Expect(published->stats.ledger.accepted >= accepted, "an older one");
        accepted = published->stats.ledger.accepted;
        seen += published->written != written;
        written = published->written;
      }
      return;
    }
    const auto series = static_cast<SeriesId>(number);
    const auto count = static_cast<Timestamp>(Scaled(20'000));
    Appender appender = database->NewAppender();
    for (Timestamp time = 0; time < count; ++time) {
      findings.Expect(appender.Append(series, time, ValueOf(series, time)), "refused");
      if (time % 1000 == 0) {
        findings.Expect(appender.Commit().Await(Milestone::kDurable).ok(), "not durable");
      }
    }
    writing.fetch_sub(1);
  });
  REQUIRE_NO_FINDINGS(findings);
  RequireAllAccountedFor(*database, kWriters * Scaled(20'000));
  REQUIRE(database->Close().ok());
}

TEST_CASE("publishing: a failed opening leaves no thread behind", "[publishing]") {
  LocalDirectory directory;
  Options options = Publishing(directory, 1);
  {
    const auto database = Open(options);
    AppendSome(*database, 10);
    REQUIRE(database->Close().ok());
  }
  std::ofstream(options.directory + "/manifest") << "no manifest";
  CHECK_FALSE(Database::Open(options).ok());
  const auto published = ReadPublishedStats(options.directory);
  REQUIRE(published.ok());
  CHECK(published->state == DatabaseState::kClosed);
}

}  // namespace
}  // namespace tsdb

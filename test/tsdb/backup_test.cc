// Copies of databases in use, and reading databases that others write.
#include <atomic>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "test/faults/memory_file_system.h"
#include "test/tsdb/durable_database.h"
#include "test/tsdb/threads.h"
#include "tsdb/internals.h"

namespace tsdb {
namespace {

constexpr char kCopy[] = "/data/copy";

Options In(const std::string& directory) {
  Options options = TinyBuffers();
  options.memory_budget_bytes = uint64_t{64} << 20;
  options.merge_threads = 1;
  options.directory = directory;
  options.log_file_bytes = 64 << 10;
  return options;
}

Options Reading(const std::string& directory) {
  Options options = In(directory);
  options.read_only = true;
  return options;
}

void Fill(Database& database, SeriesId series, Timestamp begin, Timestamp end) {
  Appender appender = database.NewAppender();
  for (Timestamp time = begin; time < end; ++time) {
    REQUIRE(appender.Append(series, time, ValueOf(series, time)));
  }
  REQUIRE(appender.Commit().Await(Milestone::kDurable).ok());
}

// Every file, with its content.
std::map<std::string, std::vector<uint8_t>> Everything(const MemoryFileSystem& files) {
  std::map<std::string, std::vector<uint8_t>> content;
  for (const std::string folder : {"/data/db", "/data/db/segments", "/data/db/log"}) {
    const auto names = const_cast<MemoryFileSystem&>(files).List(folder);
    REQUIRE(names.ok());
    for (const std::string& name : *names) {
      const std::string path = JoinPath(folder, name);
      if (name != "segments" && name != "log") content[path] = files.Content(path);
    }
  }
  return content;
}

TEST_CASE("backup: a copy made beside writers is a database, and stays as it is",
          "[durability][concurrency]") {
  MemoryFileSystem files({kParent});
  const auto database = OpenIn(&files, In(kHome));
  constexpr SeriesId kWriters = 3;
  AddSeries(*database, kWriters);
  Fill(*database, 0, 1, 5000);
  std::atomic<Timestamp> acknowledged[kWriters] = {};
  Timestamp before[kWriters] = {};
  Findings findings;
  RunThreads(kWriters + 1, [&](size_t number) {
    if (number == kWriters) {
      for (size_t i = 0; i < kWriters; ++i) before[i] = acknowledged[i].load();
      const absl::Status status = database->Backup(kCopy);
      findings.Expect(status.ok(), status.ToString());
      return;
    }
    Appender appender = database->NewAppender();
    const auto series = static_cast<SeriesId>(number);
    for (Timestamp time = 5000; time < 20'000; ++time) {
      findings.Expect(appender.Append(series, time, ValueOf(series, time)), "refused");
      if (time % 1000 != 0) continue;
      findings.Expect(appender.Commit().Await(Milestone::kVisible).ok(), "not visible");
      acknowledged[number].store(time);
    }
  });
  REQUIRE_NO_FINDINGS(findings);
  // The original goes on, and drops the files that the copy shares with it.
  REQUIRE(database->Delete(std::vector<SeriesId>{0, 1, 2}, TimeRange::All()).ok());
  REQUIRE(database->Compact().ok());
  const auto lost = files.AfterPowerLoss();
  for (MemoryFileSystem* in : {&files, lost.get()}) {
    const auto copy = OpenIn(in, In(kCopy));
    REQUIRE(copy->Recovery().damage.empty());
    REQUIRE(copy->Verify().ok());
    const Snapshot snapshot = copy->NewSnapshot();
    for (SeriesId series = 0; series < kWriters; ++series) {
      Cursor cursor = snapshot.Scan(series);
      const uint64_t count = CheckCursor(series, cursor, findings);
      REQUIRE(count + 5000 >= static_cast<uint64_t>(before[series]));
      if (series == 0) REQUIRE(count >= 4999);
    }
    REQUIRE_NO_FINDINGS(findings);
    // It takes more.
    const uint64_t had = snapshot.Count(2);
    Fill(*copy, 2, 100'000, 101'000);
    REQUIRE(copy->NewSnapshot().Count(2) == had + 1000);
  }
}

TEST_CASE("backup: only of a directory, and only into an empty one", "[durability]") {
  MemoryFileSystem files({kParent});
  const auto memory = OpenIn(&files, TinyBuffers());
  CHECK(absl::IsFailedPrecondition(memory->Backup(kCopy)));
  const auto database = OpenIn(&files, In(kHome));
  const absl::Status status = database->Backup(kHome);
  CHECK(absl::IsAlreadyExists(status));
  const std::string holds = "holds '" + files.List(kHome)->front() + "'; choose an empty";
  INFO(status.ToString());
  CHECK(status.message().find(holds) != std::string::npos);
}

TEST_CASE("read-only: sees all that was written before, and changes nothing", "[durability]") {
  MemoryFileSystem files({kParent});
  const auto database = OpenIn(&files, In(kHome));
  AddSeries(*database, 2);
  Fill(*database, 0, 0, 3000);
  REQUIRE(database->Checkpoint().ok());
  Fill(*database, 1, 0, 2000);
  REQUIRE(database->Delete(std::vector<SeriesId>{0}, {100, 200}).ok());
  const auto before = Everything(files);
  const auto reader = OpenIn(&files, Reading(kHome));
  CHECK(reader->Recovery().damage.empty());
  CHECK(reader->SeriesCount() == 2);
  CHECK(reader->NewSnapshot().Count(0) == 2900);
  CHECK(reader->NewSnapshot().Count(1) == 2000);
  CHECK(reader->Verify().ok());
  // Neither asks more of the other: what comes later is not seen, what is seen stays.
  Fill(*database, 0, 3000, 9000);
  CHECK(reader->NewSnapshot().Count(0) == 2900);
  {
    Appender appender = reader->NewAppender();
    CHECK_FALSE(appender.Append(0, 1, 1));
    CHECK(absl::IsFailedPrecondition(appender.status()));
    CHECK(appender.status().message().find("read-only") != std::string::npos);
  }
  CHECK(absl::IsFailedPrecondition(reader->Delete(std::vector<SeriesId>{0}, {}).status()));
  CHECK(absl::IsFailedPrecondition(reader->Checkpoint()));
  CHECK(absl::IsFailedPrecondition(reader->Compact()));
  const absl::Status backup = reader->Backup(kCopy);
  CHECK(absl::IsFailedPrecondition(backup));
  CHECK(backup.message().find("read-only") != std::string::npos);
  const auto known = Labels::Create({{kMetricNameLabel, "m"}, {"i", "1"}});
  CHECK(*reader->FindOrCreateSeries(*known) == 1);
  const auto unknown = Labels::Create({{kMetricNameLabel, "m"}, {"i", "7"}});
  CHECK(absl::IsFailedPrecondition(reader->FindOrCreateSeries(*unknown).status()));
  REQUIRE(reader->Close().ok());
  for (const auto& [path, content] : before) {
    // The log's last file has grown by what the writer wrote.
    if (path.find("/log/") == std::string::npos) CHECK(files.Content(path) == content);
  }
  CHECK(absl::IsNotFound(Internals::Open(Reading("/data/nowhere"), &files).status()));
  CHECK(absl::IsInvalidArgument(Internals::Open(Reading(""), &files).status()));
}

TEST_CASE("read-only: a database that was closed is not damaged", "[durability]") {
  MemoryFileSystem files({kParent});
  auto database = OpenIn(&files, In(kHome));
  AddSeries(*database, 1);
  Fill(*database, 0, 0, 3000);
  REQUIRE(database->Close().ok());
  database.reset();
  const auto reader = OpenIn(&files, Reading(kHome));
  CHECK(reader->Recovery().damage.empty());
  CHECK(reader->NewSnapshot().Count(0) == 3000);
}

TEST_CASE("read-only: opens while the writer makes checkpoints", "[durability][concurrency]") {
  MemoryFileSystem files({kParent});
  const auto database = OpenIn(&files, In(kHome));
  AddSeries(*database, 2);
  std::atomic<bool> done{false};
  std::atomic<Timestamp> acknowledged{0};
  Findings findings;
  RunThreads(2, [&](size_t number) {
    if (number == 0) {
      for (Timestamp time = 0; time < 30'000 && findings.none(); time += 500) {
        Appender appender = database->NewAppender();
        for (Timestamp i = time; i < time + 500; ++i) {
          findings.Expect(appender.Append(0, i, ValueOf(0, i)), "refused");
        }
        findings.Expect(appender.Commit().Await(Milestone::kDurable).ok(), "not durable");
        acknowledged.store(time + 500);
        findings.Expect(database->Checkpoint().ok(), "no checkpoint");
      }
      done.store(true);
      return;
    }
    while (!done.load()) {
      const Timestamp before = acknowledged.load();
      const auto reader = Internals::Open(Reading(kHome), &files);
      // A reader that is overtaken again and again says so.
      if (absl::IsAborted(reader.status())) continue;
      findings.Expect(reader.ok(), reader.status().ToString());
      if (!reader.ok()) return;
      for (const std::string& damage : (*reader)->Recovery().damage) findings.Expect(false, damage);
      const uint64_t count = (*reader)->NewSnapshot().Count(0);
      findings.Expect(count >= static_cast<uint64_t>(before), "read ", count, " of ", before);
    }
  });
  REQUIRE_NO_FINDINGS(findings);
}

}  // namespace
}  // namespace tsdb

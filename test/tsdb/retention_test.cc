// What is too old, or too much, is deleted by itself.
#include <atomic>
#include <catch2/catch.hpp>
#include <memory>

#include "test/faults/memory_file_system.h"
#include "test/tsdb/await_event.h"
#include "test/tsdb/test_database.h"
#include "tsdb/internals.h"

namespace tsdb {
namespace {

Options With(bool in_directory) {
  Options options = TinyBuffers();
  options.memory_budget_bytes = uint64_t{64} << 20;
  options.merge_threads = 1;
  if (in_directory) options.directory = "/data/db";
  options.log_file_bytes = 64 << 10;
  return options;
}

TEST_CASE("retention: records go when they are too old", "[database]") {
  MemoryFileSystem files({"/data"});
  Options options = With(GENERATE(false, true));
  options.retention_ms = 10'000;
  std::atomic<Timestamp> now{0};
  auto opened = Internals::Open(options, &files, [&now] { return now.load(); });
  REQUIRE(opened.ok());
  const std::unique_ptr<Database> database = *std::move(opened);
  AddSeries(*database, 3);
  Appender appender = database->NewAppender();
  for (Timestamp time = 0; time < 20'000; time += 2) {
    REQUIRE(appender.Append(time % 4 == 0 ? 0 : 1, time, 1));
  }
  REQUIRE(appender.Append(2, 5, 1));
  REQUIRE(appender.Commit().Await(Milestone::kVisible).ok());
  if (!options.directory.empty()) REQUIRE(database->Checkpoint().ok());
  now.store(20'000);
  REQUIRE(AwaitEvent([&] { return database->Statistics().ledger.deleted == 5'001; }));
  const Snapshot snapshot = database->NewSnapshot();
  CHECK(snapshot.Count(0, {kTimestampMin, 10'000}) == 0);
  CHECK(snapshot.Count(0) == 2'500);
  CHECK(snapshot.Count(2) == 0);
  CHECK(database->Verify().ok());
}

TEST_CASE("retention: the oldest records go when there are too many", "[database]") {
  MemoryFileSystem files({"/data"});
  Options options = With(GENERATE(false, true));
  options.retention_bytes = 400'000;
  auto opened = Internals::Open(options, &files);
  REQUIRE(opened.ok());
  const std::unique_ptr<Database> database = *std::move(opened);
  AddSeries(*database, 4);
  Appender appender = database->NewAppender();
  for (Timestamp time = 0; time < 400'000; ++time) {
    // About eight bytes each.
    REQUIRE(appender.Append(time % 4, time, static_cast<double>(time * time) / 3e9));
  }
  REQUIRE(appender.Commit().Await(Milestone::kVisible).ok());
  REQUIRE(AwaitEvent([&] { return database->Statistics().encoded_bytes <= 400'000; }));
  const Stats stats = database->Statistics();
  CHECK(stats.ledger.deleted > 300'000);
  CHECK(stats.encoded_bytes > 250'000);
  // What is left are the newest.
  const Snapshot snapshot = database->NewSnapshot();
  const uint64_t left = 400'000 - stats.ledger.deleted;
  CHECK(snapshot.Count(3, {400'000 - static_cast<Timestamp>(left), kTimestampMax}) * 4 + 4 >= left);
  CHECK(snapshot.Last(3)->timestamp == 399'999);
  CHECK(database->Verify().ok());
}

}  // namespace
}  // namespace tsdb

// Directories on full disks, and with files in them that are not the database's.
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "test/faults/memory_file_system.h"
#include "test/tsdb/durable_database.h"

namespace tsdb {
namespace {

TEST_CASE("durability: on a full disk appends are refused, reads go on, and space cures it",
          "[durability]") {
  MemoryFileSystem files({kParent});
  Content accepted;
  {
    const auto database = OpenIn(&files);
    {
      Appender appender = database->NewAppender();
      CommitDurably(*database, appender, 0, &accepted);
      // Room for one more file of the log, about.
      files.SetCapacity(160'000);
      absl::Status refused;
      for (int i = 1; refused.ok() && i < 1'000'000; ++i) {
        const uint64_t before = database->Statistics().ledger.rejected_log;
        Content offered;
        AppendCommit(*database, appender, i, &offered);
        if (database->Statistics().ledger.rejected_log > before) refused = appender.status();
        if (refused.ok()) {
          for (const auto& [series, samples] : offered)
            accepted[series].insert(samples.begin(), samples.end());
        }
        if (i % 50 == 0) {
          const absl::Status durable = appender.Commit().Await(Milestone::kDurable);
          if (!durable.ok()) refused = durable;
        }
      }
      REQUIRE(absl::IsResourceExhausted(refused));
      REQUIRE(refused.message().find("free some") != std::string::npos);
      REQUIRE(Contains(ReadContent(*database), accepted));
      // There is space again, after a while.
      files.SetCapacity(uint64_t{1} << 30);
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
      while (!appender.Commit().Await(Milestone::kDurable).ok()) {
        REQUIRE(std::chrono::steady_clock::now() < deadline);
      }
      CommitDurably(*database, appender, 2'000'000, &accepted);
      REQUIRE(Contains(ReadContent(*database), accepted));
    }
    REQUIRE(database->Verify().ok());
  }
  const auto lost = files.AfterPowerLoss();
  for (MemoryFileSystem* in : {&files, lost.get()}) {
    const auto after = OpenIn(in);
    REQUIRE(after->Recovery().damage.empty());
    REQUIRE(Contains(ReadContent(*after), accepted));
  }
}

TEST_CASE("durability: a foreign file in the log's folder is named, and is no damage",
          "[durability]") {
  MemoryFileSystem files({kParent});
  Content expected;
  {
    const auto database = OpenIn(&files);
    Appender appender = database->NewAppender();
    AppendCommit(*database, appender, 1, &expected);
  }
  const std::string path = "/data/db/log/notes.txt";
  REQUIRE(files.Create(path, CreateMode::kNew).ok());
  const auto database = OpenIn(&files);
  CHECK(database->Recovery().damage.empty());
  CHECK(database->Recovery().foreign == std::vector<std::string>{path});
  REQUIRE(database->Checkpoint().ok());
  CHECK(files.Content(path).empty());
  CHECK(ReadContent(*database) == expected);
}

}  // namespace
}  // namespace tsdb

// Files of segments that cannot be removed, or that somebody else has removed.
#include <catch2/catch.hpp>
#include <string>

#include "test/faults/fault_file_system.h"
#include "test/faults/memory_file_system.h"
#include "test/tsdb/durable_database.h"

namespace tsdb {
namespace {

// The same keys over and over: each checkpoint leaves the segments before it dead.
struct Rounds {
  Rounds() : database(OpenIn(&files)) { AddSeries(*database, 2); }

  absl::Status Write() {
    ++round;
    Appender appender = database->NewAppender();
    for (Timestamp time = 0; time < 2000; ++time) REQUIRE(appender.Append(0, time, round));
    REQUIRE(appender.Commit().Await(Milestone::kDurable).ok());
    return database->Checkpoint();
  }
  void RequireContent() {
    const std::vector<Sample> samples = ReadAll(database->NewSnapshot(), 0);
    REQUIRE(samples.size() == 2000);
    for (const Sample& sample : samples) REQUIRE(sample.value == round);
    REQUIRE(database->Verify().ok());
  }
  // The manifest, the rest, and the segments with leaves.
  void RequireNoOtherFiles() {
    REQUIRE(memory.List(kSegments)->size() == database->Statistics().segments + 2);
  }

  MemoryFileSystem memory{{kParent}};
  FaultFileSystem files{&memory};
  std::unique_ptr<Database> database;
  int round = 0;
};

TEST_CASE("checkpoint: after one that could not remove a file the next ones work, and remove it",
          "[durability]") {
  const FileCall call = GENERATE(FileCall::kRemove, FileCall::kSyncDirectory);
  bool reached_end = false;
  for (uint64_t nth = 1; !reached_end; ++nth) {
    INFO("call " << nth);
    Rounds rounds;
    REQUIRE(rounds.Write().ok());
    REQUIRE(rounds.Write().ok());
    rounds.files.Inject({.fault = FileFault::kIoError, .nth = nth, .call = call});
    rounds.Write().IgnoreError();
    reached_end = rounds.files.failures() == 0;
    rounds.files.ClearFault();
    rounds.RequireContent();
    for (int i = 0; i < 2; ++i) {
      const absl::Status status = rounds.Write();
      INFO(status.ToString());
      // A log whose directory cannot be synced takes nothing any more.
      if (call == FileCall::kRemove) REQUIRE(status.ok());
    }
    rounds.RequireContent();
    if (call == FileCall::kRemove) rounds.RequireNoOtherFiles();
  }
}

TEST_CASE("checkpoint: a file that is never to be removed does not keep others", "[durability]") {
  Rounds rounds;
  REQUIRE(rounds.Write().ok());
  rounds.files.Inject(
      {.fault = FileFault::kDenied, .nth = 1, .call = FileCall::kRemove, .sticky = true});
  for (int i = 0; i < 3; ++i) {
    REQUIRE(absl::IsPermissionDenied(rounds.Write()));
    rounds.RequireContent();
  }
  rounds.files.ClearFault();
  REQUIRE(rounds.Write().ok());
  rounds.RequireNoOtherFiles();
}

TEST_CASE("checkpoint: files that somebody else removed are as if removed", "[durability]") {
  Rounds rounds;
  REQUIRE(rounds.Write().ok());
  const auto names = rounds.memory.List(kSegments);
  REQUIRE(names.ok());
  for (const std::string& name : *names) {
    if (name.starts_with("0")) {
      REQUIRE(rounds.memory.Remove(std::string(kSegments) + "/" + name).ok());
    }
  }
  REQUIRE(rounds.Write().ok());
  REQUIRE(rounds.Write().ok());
  rounds.RequireContent();
  rounds.RequireNoOtherFiles();
}

}  // namespace
}  // namespace tsdb

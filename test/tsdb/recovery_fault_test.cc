// Opening, copying and reading directories whose files fail, call by call: whatever is refused is
// refused with an error, and what was there before is there afterwards.
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "test/faults/fault_file_system.h"
#include "test/faults/memory_file_system.h"
#include "test/tsdb/durable_database.h"
#include "test/tsdb/filled_directory.h"
#include "test/tsdb/threads.h"
#include "tsdb/internals.h"

namespace tsdb {
namespace {

constexpr char kCopy[] = "/data/copy";

Options Serving() {
  Options options = InDirectory();
  options.serve_while_opening = true;
  return options;
}

TEST_CASE("recovery: whichever call of an opening fails, the next one has everything",
          "[durability]") {
  Content content;
  const auto whole = FilledDirectory(&content);
  const Options options = GENERATE(InDirectory(), Reading(), Serving());
  const FileFault fault = GENERATE(FileFault::kIoError, FileFault::kNoSpace);
  bool all_passed = false;
  for (uint64_t nth = FirstCall(fault); !all_passed; nth += kCallStep) {
    INFO("call " << nth);
    REQUIRE(nth < 200);
    const auto files = whole->AfterProcessCrash();
    FaultFileSystem failing(files.get());
    failing.Inject({fault, nth, std::nullopt, true});
    {
      const auto database = Internals::Open(options, &failing);
      if (database.ok() && (*database)->AwaitOpened().ok()) {
        REQUIRE((*database)->Recovery().damage.empty());
        REQUIRE(ReadContent(**database) == content);
      }
    }
    all_passed = failing.failures() == 0;
    failing.ClearFault();
    for (const Options& next : {Reading(), InDirectory()}) {
      const auto database = OpenIn(files.get(), next);
      REQUIRE(database->Recovery().damage.empty());
      REQUIRE(ReadContent(*database) == content);
    }
    // Garbage is gone with the first opening that may write.
    const auto names = files->List(kSegments);
    for (const std::string& name : *names) REQUIRE(name < "0000000090");
  }
}

TEST_CASE("recovery: a call of an opening that fails once costs nothing", "[durability]") {
  Content content;
  const auto whole = FilledDirectory(&content);
  bool all_passed = false;
  for (uint64_t nth = 1; !all_passed; nth += kCallStep) {
    INFO("call " << nth);
    REQUIRE(nth < 200);
    const auto files = whole->AfterProcessCrash();
    FaultFileSystem failing(files.get());
    failing.Inject({FileFault::kIoError, nth, std::nullopt, false});
    for (int opening = 0; opening < 2; ++opening) {
      const auto database = Internals::Open(InDirectory(), &failing);
      if (!database.ok()) continue;
      REQUIRE((*database)->Recovery().damage.empty());
      REQUIRE(ReadContent(**database) == content);
    }
    all_passed = failing.failures() == 0;
    REQUIRE(ReadContent(*OpenIn(files.get())) == content);
  }
}

TEST_CASE("recovery: reading back what could not be made durable leaves a database to be read",
          "[durability]") {
  Content content;
  const auto files = FilledDirectory(&content);
  FaultFileSystem failing(files.get());
  // The first file that an opening writes in segments/ is its checkpoint's.
  failing.SetHook([&](FileCall call, const std::string& path) {
    if (call == FileCall::kCreate && path.starts_with(kSegments)) {
      failing.Inject({FileFault::kIoError, 1, FileCall::kCreate, true});
    }
  });
  const auto database = OpenIn(&failing);
  CHECK(ReadContent(*database) == content);
  Appender appender = database->NewAppender();
  CHECK_FALSE(appender.Append(0, 100'000, 1.0));
  CHECK(appender.status().message().find(kSegments) != std::string::npos);
  CHECK_FALSE(database->Checkpoint().ok());
}

TEST_CASE("recovery: whichever call of a backup fails, the copy is whole or no database",
          "[durability]") {
  Content content;
  const auto whole = FilledDirectory(&content);
  const bool linked = GENERATE(true, false);
  Options copied = InDirectory();
  copied.directory = kCopy;
  bool all_passed = false;
  for (uint64_t nth = FirstCall(linked); !all_passed; nth += kCallStep) {
    INFO("call " << nth);
    REQUIRE(nth < 200);
    const auto files = whole->AfterProcessCrash();
    FaultFileSystem refusing(files.get());  // a file system without links
    if (!linked) refusing.Inject({FileFault::kIoError, 1, FileCall::kLink, true});
    FaultFileSystem failing(&refusing);
    absl::Status status;
    {
      const auto database = OpenIn(&failing);
      failing.ResetCounts();
      failing.Inject({FileFault::kNoSpace, nth});
      status = database->Backup(kCopy);
      // Where links are refused they are not what decides.
      all_passed = failing.failures() == 0;
      failing.ClearFault();
      REQUIRE((status.ok() || !all_passed));
      REQUIRE(ReadContent(*database) == content);
    }
    const auto lost = files->AfterPowerLoss();
    for (MemoryFileSystem* in : {files.get(), lost.get()}) {
      if (status.ok()) {
        const auto copy = OpenIn(in, copied);
        REQUIRE(copy->Recovery().damage.empty());
        REQUIRE(ReadContent(*copy) == content);
      } else if (in->FileSize(JoinPath(kCopy, "FORMAT")).ok()) {
        REQUIRE(ReadContent(*OpenIn(in, copied)) == content);
      }
    }
    REQUIRE(ReadContent(*OpenIn(lost.get())) == content);
  }
}

TEST_CASE("recovery: a checkpoint holds nothing that a loss of power takes what was before of",
          "[durability]") {
  MemoryFileSystem memory({kParent});
  FaultFileSystem files(&memory);
  Options options = InDirectory(Durability::kAsync);
  constexpr Timestamp kLate = 1'000'000;
  const auto database = OpenIn(&files, options);
  AddSeries(*database, 3);
  Appender appender = database->NewAppender();
  for (Timestamp time = 0; time < 1500; ++time) REQUIRE(appender.Append(1, time, 1.0));
  REQUIRE(appender.Append(0, 0, 1.0));
  // The second file is made for the leaves of series 1: series 0 is written, series 2 is not.
  int made = 0;
  files.SetHook([&](FileCall call, const std::string& path) {
    if (call != FileCall::kCreate || !path.starts_with(kSegments) || ++made != 2) return;
    for (const SeriesId series : {0, 2}) {
      REQUIRE(appender.Append(series, kLate, 1.0));
      REQUIRE(appender.Commit().Await(Milestone::kVisible).ok());
    }
  });
  REQUIRE(database->Checkpoint().ok());
  REQUIRE(made > 2);
  const auto lost = memory.AfterPowerLoss();
  const auto after = OpenIn(lost.get(), options);
  const Snapshot snapshot = after->NewSnapshot();
  REQUIRE(snapshot.Lookup(2, kLate) == 1.0);
  REQUIRE(snapshot.Lookup(0, kLate) == 1.0);
}

TEST_CASE("recovery: what a checkpoint removes stays removed after a loss of power",
          "[durability]") {
  Content content;
  const auto files = FilledDirectory(&content);
  const auto database = OpenIn(files.get());
  REQUIRE(database->Delete(std::vector<SeriesId>{0}, TimeRange::All()).ok());
  const auto before = files->List(kSegments);
  REQUIRE(database->Checkpoint().ok());
  const auto after = files->List(kSegments);
  REQUIRE(*after != *before);
  REQUIRE(*files->AfterPowerLoss()->List(kSegments) == *after);
}

TEST_CASE("recovery: a checkpoint of which a file cannot be made says so", "[durability]") {
  // The rest, and what holds the labels once more.
  for (uint64_t nth = 1; nth <= 2; ++nth) {
    CAPTURE(nth);
    MemoryFileSystem files({kParent});
    FaultFileSystem failing(&files);
    const auto database = OpenIn(&failing);
    AddSeries(*database, 1);
    Appender appender = database->NewAppender();
    REQUIRE(appender.Append(0, 1, 1.0));
    // So that the log has its file.
    REQUIRE(appender.Commit().Await(Milestone::kDurable).ok());
    failing.Inject({.fault = FileFault::kNoSpace, .nth = nth, .call = FileCall::kCreate});
    const absl::Status failed = database->Checkpoint();
    INFO(failed.ToString());
    CHECK(failed.message().find(".segment") != std::string::npos);
    CHECK(failing.failures() == 1);
    failing.ClearFault();
    CHECK(database->Checkpoint().ok());
  }
}

TEST_CASE("recovery: labels that are too large to be written twice are there once",
          "[durability]") {
  MemoryFileSystem files({kParent});
  const std::string filler(60'000, 'x');
  constexpr SeriesId kCount = 300;
  for (const bool checkpoint : {false, true}) {
    const auto database = OpenIn(&files);
    Appender appender = database->NewAppender();
    for (SeriesId series = 0; series < kCount; ++series) {
      const auto labels = Labels::Create({{"i", std::to_string(series)}, {"filler", filler}});
      REQUIRE(*database->FindOrCreateSeries(*labels) == series);
      REQUIRE(appender.Append(series, checkpoint ? 2 : 1, 1.0));
    }
    REQUIRE(appender.Commit().Await(Milestone::kDurable).ok());
    if (checkpoint) REQUIRE(database->Checkpoint().ok());
  }
  CHECK(files.List(kSegments)->size() == 1);
  const auto database = OpenIn(&files);
  CHECK(database->SeriesCount() == kCount);
  CHECK(database->Recovery().orphans == 0);
  for (SeriesId series = 0; series < kCount; ++series) {
    REQUIRE(database->NewSnapshot().Count(series) == 2);
  }
}

TEST_CASE("recovery: closing tells of a checkpoint that failed, and of a log that cannot be closed",
          "[durability]") {
  MemoryFileSystem files({kParent});
  FaultFileSystem failing(&files);
  Options options = InDirectory(Durability::kAsync);
  for (const auto& [checkpoint, call] :
       {std::pair(true, FileCall::kCreate), std::pair(false, FileCall::kSync)}) {
    CAPTURE(checkpoint);
    options.checkpoint_on_close = checkpoint;
    const auto database = OpenIn(&failing, options);
    AddSeries(*database, 1);
    REQUIRE(database->NewAppender().Append(0, checkpoint ? 1 : 2, 1.0));
    REQUIRE(database->Flush().ok());
    failing.Inject({FileFault::kIoError, 1, call, /*sticky=*/true});
    CHECK_FALSE(database->Close().ok());
    failing.ClearFault();
  }
}

TEST_CASE("recovery: there is nothing to write of a database in memory, or of a closed one",
          "[durability]") {
  MemoryFileSystem files({kParent});
  CHECK(OpenIn(&files, TinyBuffers())->Checkpoint().ok());
  const auto database = OpenIn(&files);
  REQUIRE(database->Close().ok());
  CHECK(absl::IsFailedPrecondition(database->Checkpoint()));
}

TEST_CASE("recovery: a directory whose parent may not be read can be made a database",
          "[durability]") {
  MemoryFileSystem files({kParent, kHome});
  FaultFileSystem failing(&files);
  // The first to be synced is the parent.
  failing.Inject({FileFault::kDenied, 1, FileCall::kSyncDirectory});
  Content expected;
  {
    const auto database = OpenIn(&failing);
    Appender appender = database->NewAppender();
    CommitDurably(*database, appender, 1, &expected);
  }
  CHECK(failing.failures() == 1);
  CHECK(ReadContent(*OpenIn(files.AfterPowerLoss().get())) == expected);
}

}  // namespace
}  // namespace tsdb

// Databases that are read while their log is still being read back.
#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <thread>

#include "storage/base/mutex.h"
#include "test/faults/fault_file_system.h"
#include "test/faults/memory_file_system.h"
#include "test/tsdb/durable_database.h"
#include "tsdb/internals.h"

namespace tsdb {
namespace {

// Holds the reading of the log up until it is let go.
class Gate {
 public:
  // Waits, at the second log file, for Open.
  void Pass(FileCall call, const std::string& path) {
    if ((call != FileCall::kMap && call != FileCall::kOpenReadable) || !path.ends_with(".log")) {
      return;
    }
    MutexLock lock(&mutex_);
    // Files are looked at before they are read: the first is opened for both.
    if (path == first_ || first_.empty()) {
      first_ = path;
      return;
    }
    while (!open_) opened_.Wait(&mutex_);
  }
  void Open() {
    MutexLock lock(&mutex_);
    open_ = true;
    opened_.NotifyAll();
  }

 private:
  Mutex mutex_;
  CondVar opened_;
  std::string first_ ABSL_GUARDED_BY(mutex_);
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
};

constexpr Timestamp kInSegments = 1000, kInAll = 60'000;

absl::StatusOr<Labels> NewLabels() { return Labels::Create({{kMetricNameLabel, "new"}}); }

// Two series: some of them in segments, the rest in a log of several files.
void Fill(MemoryFileSystem* files, Options options) {
  options.checkpoint_on_close = false;
  const auto database = OpenIn(files, options);
  AddSeries(*database, 2);
  Appender appender = database->NewAppender();
  for (Timestamp time = 0; time < kInAll; ++time) {
    for (SeriesId series = 0; series < 2; ++series) {
      REQUIRE(appender.Append(series, time, static_cast<double>(time * time % 9973) / 7));
    }
    if (time == kInSegments) {
      REQUIRE(database->Checkpoint().ok());
    }
    if (time % 1000 == 0) appender.Commit();
  }
}

Options ServeWhileOpening() {
  Options options = InDirectory();
  options.log_file_bytes = 64 << 10;
  options.serve_while_opening = true;
  return options;
}

TEST_CASE("opening: what is read back is read meanwhile, and said to be incomplete",
          "[durability]") {
  MemoryFileSystem files({kParent});
  Fill(&files, ServeWhileOpening());
  FaultFileSystem gated(&files);
  Gate gate;
  gated.SetHook([&](FileCall call, const std::string& path) { gate.Pass(call, path); });
  const auto database = OpenIn(&gated, ServeWhileOpening());
  const Snapshot early = database->NewSnapshot();
  CHECK_FALSE(early.complete());
  CHECK(early.Count(0) > static_cast<uint64_t>(kInSegments));
  CHECK(early.Count(0) < static_cast<uint64_t>(kInAll));
  CHECK(early.Lookup(1, 3) == 9.0 / 7);
  CHECK_FALSE(database->NewSnapshot({Freshness::kMerged}).complete());
  CHECK(database->SeriesCount() == 2);
  CHECK(database->Statistics().ledger.in_tree > 0);
  // Writers wait.
  std::atomic<bool> wrote{false};
  std::thread writer([&] {
    Appender appender = database->NewAppender();
    wrote.store(appender.Append(0, kInAll, 1.0));
  });
  absl::StatusOr<SeriesId> registered;
  std::thread registrar([&] { registered = database->FindOrCreateSeries(*NewLabels()); });
  CHECK_FALSE(wrote.load());
  gate.Open();
  REQUIRE(database->AwaitOpened().ok());
  writer.join();
  registrar.join();
  CHECK(wrote.load());
  CHECK(*registered == 2);
  const Snapshot late = database->NewSnapshot();
  CHECK(late.complete());
  CHECK(late.Count(0) == static_cast<uint64_t>(kInAll) + 1);
  CHECK(late.Count(1) == static_cast<uint64_t>(kInAll));
  CHECK(database->Recovery().damage.empty());
  CHECK(database->Verify().ok());
}

TEST_CASE("opening: closed meanwhile it loses nothing", "[durability]") {
  MemoryFileSystem files({kParent});
  Fill(&files, ServeWhileOpening());
  for (int round = 0; round < 8; ++round) {
    FaultFileSystem gated(&files);
    Gate gate;
    gated.SetHook([&](FileCall call, const std::string& path) { gate.Pass(call, path); });
    const auto database = OpenIn(&gated, ServeWhileOpening());
    std::atomic<bool> closing{false};
    absl::Status closed;
    std::thread closer([&] {
      closing.store(true);
      closed = database->Close();
    });
    // Mostly it has begun then; if not, what is closed is a database that was opened.
    while (!closing.load()) std::this_thread::yield();
    gate.Open();
    const absl::Status opened = database->AwaitOpened();
    closer.join();
    CHECK((opened.ok() || absl::IsCancelled(opened)));
    CHECK(closed.ok());
    Appender appender = database->NewAppender();
    CHECK_FALSE(appender.Append(0, kInAll, 1.0));
  }
  const auto database = OpenIn(&files, InDirectory());
  CHECK(database->NewSnapshot().Count(0) == static_cast<uint64_t>(kInAll));
  CHECK(database->NewSnapshot().Count(1) == static_cast<uint64_t>(kInAll));
}

TEST_CASE("opening: an error is every write's, and reads go on", "[durability]") {
  MemoryFileSystem files({kParent});
  Fill(&files, ServeWhileOpening());
  {
    FaultFileSystem failing(&files);
    failing.SetHook([&](FileCall call, const std::string& path) {
      if (call == FileCall::kList && path.ends_with("/log")) {
        failing.Inject({FileFault::kIoError, 1, FileCall::kMap, true});
      }
    });
    const auto database = OpenIn(&failing, ServeWhileOpening());
    const absl::Status status = database->AwaitOpened();
    INFO(status.ToString());
    REQUIRE_FALSE(status.ok());
    CHECK(status.message().find(".log") != std::string::npos);
    Appender appender = database->NewAppender();
    CHECK_FALSE(appender.Append(0, kInAll, 1.0));
    CHECK(appender.status() == status);
    CHECK(database->FindOrCreateSeries(*NewLabels()).status() == status);
    CHECK(database->Checkpoint() == status);
    CHECK(database->Delete(std::vector<SeriesId>{0}, TimeRange::All()).status() == status);
    CHECK(database->NewSnapshot().Count(0) > static_cast<uint64_t>(kInSegments));
  }
  const auto database = OpenIn(&files, InDirectory());
  CHECK(database->NewSnapshot().Count(0) == static_cast<uint64_t>(kInAll));
}

TEST_CASE("opening: a directory whose making was not made durable is so before anything in it is",
          "[durability]") {
  MemoryFileSystem files({kParent});
  Content acknowledged;
  {
    // The first opening makes the directory, and ends there.
    FaultFileSystem failing(&files);
    failing.Inject({FileFault::kIoError, 1, FileCall::kSyncDirectory, true});
    REQUIRE_FALSE(Internals::Open(InDirectory(), &failing).ok());
  }
  {
    const auto database = OpenIn(&files);
    Appender appender = database->NewAppender();
    CommitDurably(*database, appender, 1, &acknowledged);
  }
  const auto lost = files.AfterPowerLoss();
  CHECK(ReadContent(*OpenIn(lost.get())) == acknowledged);
}

}  // namespace
}  // namespace tsdb

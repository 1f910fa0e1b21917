// Every sync that a database asks for fails once, or from there on, one run for each: of files and
// of directories, of log, segments, manifest and a backup. What was not synced is dropped, as a
// kernel may. Afterwards nothing is acknowledged by the log that failed, no file is synced again,
// and what had been acknowledged survives the loss of power.
#include <catch2/catch.hpp>
#include <cstdio>
#include <map>
#include <set>
#include <string>

#include "test/faults/fault_file_system.h"
#include "test/faults/memory_file_system.h"
#include "test/tsdb/durable_database.h"

namespace tsdb {
namespace {

constexpr char kCopy[] = "/data/copy";

// What must be there, what may be, and what must not.
struct Expected {
  Content acknowledged;
  Content offered;
  std::set<Timestamp> deleted;  // of the first series

  bool FitsTo(const Content& found) const {
    if (!Contains(found, acknowledged) || !Contains(offered, found)) return false;
    const auto first = found.find("m{i=\"0\"}");
    if (first == found.end()) return true;
    for (const Timestamp time : deleted) {
      if (first->second.contains(time)) return false;
    }
    return true;
  }
};

class SyncSites {
 public:
  // With `heedless` the workload takes every commit for acknowledged.
  explicit SyncSites(bool heedless) : heedless_(heedless), memory_({kParent}), files_(&memory_) {
    files_.SetHook([this](FileCall call, const std::string& path) { See(call, path); });
    files_.SetSyncFailureHook([this](const std::string& path) {
      memory_.ForgetUnsynced(path);
      MutexLock lock(&mutex_);
      failed_.insert(path);
      log_failed_ = log_failed_ || path.find("/log/") != std::string::npos;
    });
  }

  // What is wrong when the nth such call fails, or nothing.
  std::string Run(const Fault& fault) {
    files_.Inject(fault);
    Work();
    Work();  // opened again, beside the same fault
    files_.ClearFault();
    MutexLock lock(&mutex_);
    if (!wrong_.empty()) return wrong_;
    const auto lost = memory_.AfterPowerLoss();
    for (int opening = 0; opening < 2; ++opening) {
      const auto after = Internals::Open(InDirectory(), lost.get());
      if (!after.ok()) return after.status().ToString();
      if (!(*after)->Recovery().damage.empty()) return (*after)->Recovery().damage[0];
      if (!expected_.FitsTo(ReadContent(**after))) return "acknowledged records are lost";
      if (const absl::Status verified = (*after)->Verify(); !verified.ok()) {
        return verified.ToString();
      }
    }
    if (!backup_made_) return "";
    Options options = InDirectory();
    options.directory = kCopy;
    const auto copy = Internals::Open(options, lost.get());
    if (!copy.ok()) return "the backup: " + copy.status().ToString();
    return backup_.FitsTo(ReadContent(**copy)) ? "" : "the backup has lost records";
  }

  bool reached() const { return files_.failures() > 0; }
  std::string first_failed() {
    MutexLock lock(&mutex_);
    return failed_.empty() ? "a directory" : *failed_.begin();
  }

 private:
  void See(FileCall call, const std::string& path) {
    MutexLock lock(&mutex_);
    // Nothing of a file made anew, or put in the place of another, has been lost yet.
    if (call == FileCall::kCreate || call == FileCall::kRename) failed_.erase(path);
    if (call == FileCall::kSync && failed_.contains(path)) wrong_ = "synced again: " + path;
  }

  bool LogFailed() {
    MutexLock lock(&mutex_);
    return log_failed_;
  }

  // Appends, checkpoints, deletes, compares and sets, compacts, backs up, closes.
  void Work() {
    Options options = InDirectory();
    options.checkpoint_on_close = true;
    {
      MutexLock lock(&mutex_);
      log_failed_ = false;  // another log from here on
    }
    auto opened = Internals::Open(options, &files_);
    if (!opened.ok()) return;
    Database& database = **opened;
    for (int step = 0; step < 8; ++step) {
      Commit(database);
      if (step == 1 || step == 5) database.Checkpoint().IgnoreError();
      if (step == 2) Delete(database);
      if (step == 3) CompareAndSet(database);
      if (step == 4) database.Compact().IgnoreError();
      if (step == 6 && !backup_made_) {
        const Expected now = expected_;
        backup_made_ = database.Backup(kCopy).ok();
        if (backup_made_) backup_ = now;
      }
    }
    database.Close().IgnoreError();
  }

  // Notes that an acknowledgement was given; `late` if what it is of began after a failed sync.
  void Acknowledged(bool late) {
    MutexLock lock(&mutex_);
    if (late) wrong_ = "acknowledged after a failed sync of the log";
  }

  void Commit(Database& database) {
    const bool late = LogFailed();
    Appender appender = database.NewAppender();
    Content commit;
    AppendCommit(database, appender, ++number_, &commit);
    for (const auto& [series, samples] : commit) {
      expected_.offered[series].insert(samples.begin(), samples.end());
    }
    const absl::Status durable = appender.Commit().Await(Milestone::kDurable);
    if (!durable.ok() && !heedless_) return;
    Acknowledged(late && !heedless_ && !commit.empty());
    for (const auto& [series, samples] : commit) {
      expected_.acknowledged[series].insert(samples.begin(), samples.end());
    }
  }

  void Delete(Database& database) {
    const auto labels = Labels::Create({{kMetricNameLabel, "m"}, {"i", "0"}});
    const auto series = database.FindSeries(*labels);
    if (!series.ok()) return;
    const bool late = LogFailed();
    const Timestamp begin = 1000 * (number_ - 1);
    for (const Timestamp time : {begin, begin + 1000}) {
      expected_.acknowledged[labels->ToString()].erase(time);  // it may be gone, or not
    }
    const SeriesId ids[] = {*series};
    if (!database.Delete(ids, {begin, begin + 1001}).ok()) return;
    Acknowledged(late);
    expected_.deleted.insert({begin, begin + 1000});
  }

  void CompareAndSet(Database& database) {
    const auto labels = Labels::Create({{kMetricNameLabel, "m"}, {"i", "1"}});
    const auto series = database.FindSeries(*labels);
    if (!series.ok()) return;
    const bool late = LogFailed();
    const Timestamp time = 1000 * number_ + 7;
    expected_.offered[labels->ToString()][time] = -1;
    const auto set = database.CompareAndSet(*series, time, std::nullopt, -1);
    if (!set.ok() || !*set) return;
    Acknowledged(late);
    expected_.acknowledged[labels->ToString()][time] = -1;
  }

  const bool heedless_;
  MemoryFileSystem memory_;
  FaultFileSystem files_;
  int number_ = 0;
  Expected expected_;
  Expected backup_;
  bool backup_made_ = false;
  Mutex mutex_;
  std::set<std::string> failed_ ABSL_GUARDED_BY(mutex_);  // files of which a sync failed
  bool log_failed_ ABSL_GUARDED_BY(mutex_) = false;
  std::string wrong_ ABSL_GUARDED_BY(mutex_);
};

TEST_CASE("sync sites: whichever sync fails, nothing more is acknowledged, none is tried again",
          "[durability]") {
  uint64_t runs = 0, files = 0;
  for (const FileCall call : {FileCall::kSync, FileCall::kSyncDirectory}) {
    for (const bool sticky : {false, true}) {
      for (uint64_t nth = 1;; ++nth) {
        REQUIRE(nth < 500);
        SyncSites sites(/*heedless=*/false);
        const std::string wrong = sites.Run({FileFault::kIoError, nth, call, sticky});
        INFO((call == FileCall::kSync ? "sync " : "sync of directory ")
             << nth << (sticky ? ", sticky" : "") << ": " << sites.first_failed());
        REQUIRE(wrong == "");
        if (!sites.reached()) break;
        ++runs;
        files += call == FileCall::kSync;
      }
    }
  }
  REQUIRE(runs > 100);
  std::printf(
      "scorecard {\"row\": 5, \"reached\": \"%llu runs, each sync fails, of files (%llu) and "
      "directories, once and sticky, unsynced data dropped: 0 acknowledgements, 0 retries, 0 "
      "lost\", "
      "\"met\": true, \"seed\": 0}\n",
      static_cast<unsigned long long>(runs), static_cast<unsigned long long>(files));
}

TEST_CASE("sync sites: a directory whose making was not synced is durable once it is used",
          "[durability]") {
  MemoryFileSystem memory({kParent});
  FaultFileSystem files(&memory);
  files.Inject({FileFault::kIoError, 1, FileCall::kSyncDirectory, false});
  REQUIRE(!Internals::Open(InDirectory(), &files).ok());
  const auto database = OpenIn(&files);
  Content content;
  Appender appender = database->NewAppender();
  CommitDurably(*database, appender, 1, &content);
  REQUIRE(ReadContent(*OpenIn(memory.AfterPowerLoss().get())) == content);
  // A directory for a backup, made and not synced, likewise.
  REQUIRE(files.CreateDirectory(kCopy).ok());
  REQUIRE(database->Backup(kCopy).ok());
  Options options = InDirectory();
  options.directory = kCopy;
  REQUIRE(ReadContent(*OpenIn(memory.AfterPowerLoss().get(), options)) == content);
}

TEST_CASE("sync sites: a writer that takes every commit for acknowledged is found",
          "[durability]") {
  bool found = false;
  for (uint64_t nth = 1; nth < 500 && !found; ++nth) {
    SyncSites sites(/*heedless=*/true);
    found = !sites.Run({FileFault::kIoError, nth, FileCall::kSync, true}).empty();
  }
  std::printf(
      "scorecard {\"row\": 5, \"planted\": \"a Status of Await that is not looked at\", "
      "\"caught\": %s}\n",
      found ? "true" : "false");
  REQUIRE(found);
}

}  // namespace
}  // namespace tsdb

// A small fixed workload for a database whose system calls fail (fault_calls.cc), and the check of
// what it left.
//
//   fault_workload write DIRECTORY LEDGER [early|go-on|retry]
//   fault_workload check DIRECTORY LEDGER [lossy]
//
// DIRECTORY holds the database in db/ and a backup in backup/. Each step's outcome goes into
// LEDGER, a mapped file outside: tried, acknowledged, and whether it was acknowledged although a
// sync of the log had failed before it began (FAULT_COUNTS tells, see fault_counts.h). `write` ends
// with 0 whatever fails; it may not crash or hang. `check` goes through the steps once more with a
// model that holds what each key may be by then, and ends with 0 if the database, opened without
// faults, holds just that and is sound; with `lossy` records may be missing, or deleted ones back,
// where damage is reported: what a disk that lies can do.
//
// Planted: `early` takes a commit for acknowledged whatever Await says, as a writer does that does
// not look at the Status; `go-on` acknowledges after a failed sync of the log, as one does that
// syncs once more and is told that all is well; `retry` syncs the files of the log once more in the
// end, whatever was said before.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "test/faults/fault_counts.h"
#include "tsdb/database.h"

namespace tsdb {
namespace {

constexpr size_t kStepsMax = 64;
constexpr size_t kSeries = 6;  // the first half dense, the others with few records
constexpr Timestamp kPerStep = 700;

struct Ledger {
  std::atomic<uint32_t> tried[kStepsMax];
  std::atomic<uint32_t> acknowledged[kStepsMax];
  std::atomic<uint32_t> too_late;         // acknowledgements of what began after a failed sync
  std::atomic<uint32_t> finished;         // the workload came to its end
  std::atomic<uint32_t> damage_reported;  // by an opening of the workload itself
};

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "fault_workload: %s\n", why.c_str());
  std::_Exit(2);
}

template <typename Content>
Content* MapFile(const char* path, int flags) {
  const int file = ::open(path, flags, 0600);
  if (file < 0) Die(std::string("cannot open ") + path);
  if ((flags & O_CREAT) != 0 && ::ftruncate(file, sizeof(Content)) != 0) Die("cannot size it");
  void* mapped = ::mmap(nullptr, sizeof(Content), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) Die(std::string("cannot map ") + path);
  ::close(file);
  return static_cast<Content*>(mapped);
}

using Key = std::pair<size_t, Timestamp>;  // of which series
using Value = std::optional<double>;       // none: no record

// What each key may hold. Keys that are not in it hold nothing.
class Model {
 public:
  void Set(const Key& key, Value value, bool acknowledged) {
    auto [at, added] = allowed_.try_emplace(key, std::set<Value>{std::nullopt});
    if (acknowledged) at->second.clear();
    at->second.insert(value);
  }
  void Delete(size_t series, Timestamp begin, Timestamp end, bool acknowledged) {
    for (auto at = allowed_.lower_bound({series, begin});
         at != allowed_.end() && at->first < Key{series, end}; ++at) {
      if (acknowledged) at->second.clear();
      at->second.insert(std::nullopt);
    }
  }
  // What is wrong with `found`, or nothing. With `lossy` a record may be missing, or one be there
  // that was deleted, but not another value.
  std::string Compare(const std::map<Key, double>& found, bool lossy) const {
    for (const auto& [key, values] : allowed_) {
      const auto at = found.find(key);
      const Value value = at == found.end() ? Value() : Value(at->second);
      if (values.contains(value) || (lossy && (!value || ever_.at(key).contains(*value)))) continue;
      return "series " + std::to_string(key.first) + " at " + std::to_string(key.second) +
             (value ? ": " + std::to_string(*value) + " is wrong" : ": it is lost");
    }
    for (const auto& [key, value] : found) {
      if (!allowed_.contains(key)) return "a record that nobody wrote";
    }
    return "";
  }
  void Remember() {
    for (const auto& [key, values] : allowed_) {
      for (const Value& value : values) {
        if (value) ever_[key].insert(*value);
        ever_.try_emplace(key);
      }
    }
  }

 private:
  std::map<Key, std::set<Value>> allowed_;
  std::map<Key, std::set<double>> ever_;  // values that it held or may have
};

Labels LabelsOf(size_t series) {
  return *Labels::Create({{kMetricNameLabel, "faults"}, {"series", std::to_string(series)}});
}

double ValueOf(size_t series, Timestamp time, size_t step) {
  return static_cast<double>(series) * 1e6 + static_cast<double>(time % 977) / 4 +
         static_cast<double>(step);
}

Options OptionsFor(const std::string& directory) {
  Options options;
  options.directory = directory;
  options.durability = Durability::kSync;
  options.memory_budget_bytes = uint64_t{64} << 20;
  options.log_file_bytes = 64 << 10;
  options.merge_threads = 1;
  options.stats_interval_ms = 0;  // else a clock decides how many calls there are
  options.sync_interval_ms = 3'600'000;
  return options;
}

// One run of the workload, against a database or against the model only.
class Run {
 public:
  Run(std::string home, Ledger* ledger) : home_(std::move(home)), ledger_(ledger) {}

  // For the writing process; the model is not used, but kept all the same.
  void PlantEarly() { early_ = true; }
  void PlantGoingOn() { go_on_ = true; }
  void Watch(const FaultCounts* counts) { counts_ = counts; }
  void WithDatabase() { live_ = true; }

  void All() {
    Open();
    for (size_t round = 0; round < 3; ++round) Append(static_cast<Timestamp>(round) * kPerStep, 1);
    Checkpoint();
    Append(100, 7);  // late
    Delete(1, 300, 900);
    CompareAndSet(2, 40);
    Append(3 * kPerStep, 1);
    Compact();
    Backup();
    Append(4 * kPerStep, 1);
    Close();
    Open();
    Append(5 * kPerStep, 1);
    Delete(0, 0, 200);
    Checkpoint();
    Append(6 * kPerStep, 1);
    Close();
  }

  const Model& model() const { return model_; }
  const Model* backup() const { return backup_.get(); }

 private:
  // Tries `operation`, which says whether it is acknowledged; `apply` gives that to the model.
  void Step(const std::function<bool()>& operation, const std::function<void(bool)>& apply) {
    const size_t step = step_++;
    if (live_) {
      const bool late = counts_ != nullptr && counts_->failed_log_syncs.load() > 0;
      if (database_ != nullptr) {
        ledger_->tried[step].store(1);
        const bool acknowledged = operation();
        if (acknowledged && late && !reopened_) ledger_->too_late.fetch_add(1);
        ledger_->acknowledged[step].store(acknowledged ? 1 : 0);
      }
    }
    if (ledger_->tried[step].load() != 0) apply(ledger_->acknowledged[step].load() != 0);
    model_.Remember();
  }

  void Open() {
    if (!live_) return;
    auto opened = Database::Open(OptionsFor(home_ + "/db"));
    if (!opened.ok()) return;
    reopened_ = database_was_open_;
    database_was_open_ = true;
    database_ = *std::move(opened);
    if (!database_->Recovery().damage.empty()) ledger_->damage_reported.store(1);
  }
  void Close() {
    if (database_ == nullptr) return;
    database_->Close().IgnoreError();
    database_.reset();
  }

  // One record for each time [begin, begin + kPerStep), of every `stride`-th of them; sparse series
  // get a few.
  void Append(Timestamp begin, Timestamp stride) {
    const size_t step = step_;
    const auto each = [&](const std::function<bool(size_t, Timestamp, double)>& record) {
      for (size_t series = 0; series < kSeries; ++series) {
        const Timestamp every = series < kSeries / 2 ? stride : stride * 100;
        for (Timestamp time = begin; time < begin + kPerStep; time += every) {
          if (!record(series, time, ValueOf(series, time, step))) return false;
        }
      }
      return true;
    };
    Step(
        [&] {
          Appender appender = database_->NewAppender();
          const bool taken = each([&](size_t series, Timestamp time, double value) {
            const auto id = database_->FindOrCreateSeries(LabelsOf(series));
            return id.ok() && appender.Append(*id, time, value);
          });
          const Ticket ticket = appender.Commit();
          if (early_) return taken;
          const absl::Status durable = ticket.Await(Milestone::kDurable);
          return taken && (durable.ok() || (go_on_ && counts_->failed_log_syncs.load() > 0));
        },
        [&](bool acknowledged) {
          each([&](size_t series, Timestamp time, double value) {
            model_.Set({series, time}, value, acknowledged);
            return true;
          });
        });
  }

  void Delete(size_t series, Timestamp begin, Timestamp end) {
    Step(
        [&] {
          const auto id = database_->FindSeries(LabelsOf(series));
          if (!id.ok()) return false;
          const SeriesId ids[] = {*id};
          return database_->Delete(ids, {begin, end}).ok();
        },
        [&](bool acknowledged) { model_.Delete(series, begin, end, acknowledged); });
  }

  void CompareAndSet(size_t series, Timestamp time) {
    Step(
        [&] {
          const auto id = database_->FindSeries(LabelsOf(series));
          if (!id.ok()) return false;
          const Value present = database_->NewSnapshot().Lookup(*id, time);
          const auto set = database_->CompareAndSet(*id, time, present, -1.5);
          return set.ok() && *set;
        },
        [&](bool acknowledged) {
          model_.Set({series, time}, -1.5, acknowledged);
        });
  }

  void Checkpoint() {
    if (database_ != nullptr) database_->Checkpoint().IgnoreError();
  }
  void Compact() {
    if (database_ != nullptr) database_->Compact().IgnoreError();
  }
  void Backup() {
    Step([&] { return database_->Backup(home_ + "/backup").ok(); },
         [&](bool acknowledged) {
           if (acknowledged) backup_ = std::make_unique<Model>(model_);
         });
  }

  const std::string home_;
  Ledger* const ledger_;
  const FaultCounts* counts_ = nullptr;
  bool live_ = false;
  bool early_ = false;
  bool go_on_ = false;
  bool database_was_open_ = false;
  bool reopened_ = false;  // what failed before does not count any more
  size_t step_ = 0;
  std::unique_ptr<Database> database_;
  Model model_;
  std::unique_ptr<Model> backup_;
};

void SyncLogAgain(const std::string& directory) {
  std::error_code none;  // it may not be there
  for (const auto& entry : std::filesystem::directory_iterator(directory, none)) {
    const int file = ::open(entry.path().c_str(), O_WRONLY);
    if (file < 0 || ::fsync(file) != 0) std::puts("not synced");
    if (file >= 0) ::close(file);
  }
}

int Write(const std::string& home, const char* ledger_path, const std::string& planted) {
  auto* const ledger = MapFile<Ledger>(ledger_path, O_RDWR | O_CREAT);
  Run run(home, ledger);
  if (const char* counts = std::getenv("FAULT_COUNTS"); counts != nullptr) {
    run.Watch(MapFile<FaultCounts>(counts, O_RDWR));
  }
  if (planted == "early") run.PlantEarly();
  if (planted == "go-on") run.PlantGoingOn();
  run.WithDatabase();
  run.All();
  if (planted == "retry") SyncLogAgain(home + "/db/log");
  ledger->finished.store(1);
  return 0;
}

// What is wrong in the database at `directory`, or nothing.
std::string CheckDatabase(const std::string& directory, const Model& model, bool lossy,
                          bool reported) {
  const auto opened = Database::Open(OptionsFor(directory));
  if (!opened.ok()) {
    // A manifest or FORMAT that the disk has changed is refused, and named.
    const bool refused =
        absl::IsDataLoss(opened.status()) || absl::IsUnimplemented(opened.status());
    return lossy && refused ? "" : opened.status().ToString();
  }
  Database& database = **opened;
  const RecoveryReport& report = database.Recovery();
  const bool damaged =
      reported || !report.damage.empty() || report.orphans > 0 || report.torn_bytes > 0;
  if (!lossy && (!report.damage.empty() || report.orphans > 0)) {
    return "damaged: " + (report.damage.empty() ? "orphans" : report.damage[0]);
  }
  std::map<Key, double> found;
  const Snapshot snapshot = database.NewSnapshot();
  for (size_t series = 0; series < kSeries; ++series) {
    const auto id = database.FindSeries(LabelsOf(series));
    if (!id.ok()) continue;
    Cursor cursor = snapshot.Scan(*id);
    for (ColumnBlock block; cursor.Next(block);) {
      for (size_t i = 0; i < block.size(); ++i) {
        found[{series, block.timestamps[i]}] = block.values[i];
      }
    }
  }
  const std::string wrong = model.Compare(found, lossy && damaged);
  if (!wrong.empty()) return wrong;
  const absl::Status verified = database.Verify();
  if (!verified.ok()) return verified.ToString();
  const absl::Status closed = (*opened)->Close();
  return closed.ok() ? "" : closed.ToString();
}

int Check(const std::string& home, const char* ledger_path, bool lossy) {
  auto* const ledger = MapFile<Ledger>(ledger_path, O_RDWR);
  if (ledger->finished.load() == 0) Die("the workload did not come to its end");
  if (ledger->too_late.load() > 0) Die("an acknowledgement after a failed sync of the log");
  Run run(home, ledger);
  run.All();
  for (int opening = 0; opening < 2; ++opening) {
    const bool reported = ledger->damage_reported.load() > 0;
    const std::string wrong = CheckDatabase(home + "/db", run.model(), lossy, reported);
    if (!wrong.empty()) Die("opening " + std::to_string(opening) + ": " + wrong);
  }
  if (run.backup() != nullptr) {
    const std::string wrong = CheckDatabase(home + "/backup", *run.backup(), lossy, false);
    if (!wrong.empty()) Die("the backup: " + wrong);
  }
  return 0;
}

int Main(const std::vector<std::string>& arguments) {
  if (arguments.size() < 3) Die("see the head of its source for how it is called");
  const std::string how = arguments.size() > 3 ? arguments[3] : "";
  return arguments[0] == "write" ? Write(arguments[1], arguments[2].c_str(), how)
                                 : Check(arguments[1], arguments[2].c_str(), how == "lossy");
}

}  // namespace
}  // namespace tsdb

int main(int argc, char** argv) { return tsdb::Main({argv + 1, argv + argc}); }

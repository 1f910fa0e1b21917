// How fast a database comes back: written by one process, opened by another, which compares all of
// it with the workload; after a clean close from the checkpoint, from the log alone, and from the
// log of a process that was killed once its last commit had been acknowledged as durable.
#include <unistd.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/baselines.h"
#include "benchmark/child_process.h"
#include "benchmark/flags.h"
#include "benchmark/machine.h"
#include "benchmark/page_cache.h"
#include "benchmark/reopening.h"
#include "benchmark/report.h"
#include "benchmark/scratch_directory.h"
#include "benchmark/verification.h"
#include "benchmark/writers.h"
#include "storage/base/status_macros.h"
#include "tsdb/database.h"

namespace tsdb::benchmark {
namespace {

constexpr uint64_t kNever = uint64_t{1} << 60;
constexpr const char* kWritten = "written";  // and acknowledged as durable
constexpr const char* kDone = "done";

const char* ScenarioName(Scenario scenario) {
  static constexpr const char* kNames[] = {"checkpoint", "log", "killed"};
  return kNames[static_cast<size_t>(scenario)];
}

Options OptionsOf(const Flags& flags) {
  Options options = flags.DatabaseOptions(flags.threads[0], flags.child_database);
  options.checkpoint_log_bytes = kNever;  // at most one, when closing
  options.checkpoint_on_close = flags.scenario == Scenario::kCheckpoint;
  return options;
}

// The process that writes: everything, then it closes the database or waits to be killed.
absl::Status WriteAsChild(const Flags& flags) {
  const Workload workload = flags.MakeWorkload();
  Inputs inputs =
      MakeInputs(workload, workload.Split(flags.writers[0], flags.sharing), flags.Input());
  inputs[0] = WithDefect(std::move(inputs[0]), flags.plant);
  TSDB_ASSIGN_OR_RETURN(OpenedDatabase opened, OpenWithSeries(OptionsOf(flags), workload.series()));
  // Each writer's last commit comes after its last record.
  const uint64_t commit_every = flags.commit_every > 0 ? flags.commit_every : kNever;
  const WriterRun run =
      RunWriters(*opened.database, inputs, {flags.mode, commit_every, AwaitCommit::kDurable});
  if (run.failures > 0) return run.failure;
  const Stats stats = opened.database->Statistics();
  TellParent("write_seconds", SecondsBetween(run.begin, run.writers_end));
  TellParent("log_bytes", static_cast<double>(stats.log_bytes));
  TellParent("log_syncs", static_cast<double>(stats.log_syncs));
  TellParentReached(kWritten);
  if (flags.scenario == Scenario::kKilled) {
    for (;;) pause();
  }
  // A record written twice is in the log twice, but in a checkpoint once: only here is it seen.
  TSDB_RETURN_IF_ERROR(opened.database->Flush());
  TSDB_RETURN_IF_ERROR(CheckLedger(opened.database->Statistics(), workload.records()));
  const auto begin = Clock::now();
  TSDB_RETURN_IF_ERROR(opened.database->Close());
  TellParent("close_seconds", SecondsBetween(begin, Clock::now()));
  TellParentReached(kDone);
  return absl::OkStatus();
}

// The process that opens, whose memory is that of opening alone.
absl::Status OpenAsChild(const Flags& flags) {
  const Workload workload = flags.MakeWorkload();
  Options options = OptionsOf(flags);
  options.checkpoint_on_close = false;  // it has been measured by then
  const uint64_t resident_before = ResidentBytes();
  ResetPeakResident();
  TSDB_ASSIGN_OR_RETURN(Reopened reopened, Reopen(options, workload.records()));
  TellParent("open_seconds", reopened.open_seconds);
  TellParent("reopen_seconds", reopened.merged_seconds);
  TellParent("peak_rss_bytes", static_cast<double>(PeakResidentBytes()));
  TellParent("rss_before_bytes", static_cast<double>(resident_before));
  TellParent("rss_anon_bytes", static_cast<double>(AnonymousResidentBytes()));
  const RecoveryReport& recovery = reopened.database->Recovery();
  const bool by_checkpoint = flags.scenario == Scenario::kCheckpoint;
  if ((by_checkpoint ? recovery.log_records : recovery.checkpoint_records) > 0) {
    return absl::InternalError("not all records came from the " +
                               std::string(by_checkpoint ? "checkpoint" : "log"));
  }
  TellParent("replayed_bytes", static_cast<double>(recovery.bytes));
  TellParent("torn_bytes", static_cast<double>(recovery.torn_bytes));
  TSDB_RETURN_IF_ERROR(CheckLedger(reopened.database->Statistics(), workload.records()));
  ReadBack read_back;
  TSDB_RETURN_IF_ERROR(CheckContent(*reopened.database, workload, read_back));
  TellParent("readback_matches", static_cast<double>(read_back.matches));
  TSDB_RETURN_IF_ERROR(reopened.database->Close());
  TellParentReached(kDone);
  return absl::OkStatus();
}

class RecoveryBenchmark {
 public:
  RecoveryBenchmark(const Flags& flags, std::vector<std::string> arguments)
      : flags_(flags),
        arguments_(std::move(arguments)),
        report_({"reopened", "seconds", "median", "max", "records/s", "log B/record",
                 "segment B/record", "peak RSS", "closed in s", "written in s"}) {}

  absl::Status Measure() {
    AddPreamble(report_, "recovery", flags_);
    for (const Scenario scenario : flags_.scenarios) {
      if (absl::Status status = MeasureRow(scenario); !status.ok()) {
        return absl::Status(status.code(), std::string(ScenarioName(scenario)) + ": " +
                                               std::string(status.message()));
      }
    }
    return absl::OkStatus();
  }

  bool Print() const { return report_.Print(flags_.json); }

 private:
  absl::Status MeasureRow(Scenario scenario) {
    Figures best;
    Spread seconds;
    for (uint32_t repeat = 0; repeat <= flags_.repeat; ++repeat) {
      ShowProgress(std::string(ScenarioName(scenario)) + ": run " + std::to_string(repeat) +
                   " of " + std::to_string(flags_.repeat));
      Figures figures;
      TSDB_RETURN_IF_ERROR(MeasureOnce(scenario, figures));
      if (repeat == 0) continue;  // warms up
      seconds.Take(figures["reopen_seconds"]);
      if (repeat == 1 || figures["reopen_seconds"] < best["reopen_seconds"]) best = figures;
    }
    AddRow(scenario, seconds, best);
    return absl::OkStatus();
  }

  absl::StatusOr<ChildProcess> Start(const char* role, Scenario scenario,
                                     const std::string& database) const {
    std::vector<std::string> arguments = arguments_;
    arguments.insert(arguments.end(), {"--role", role, "--scenario", ScenarioName(scenario),
                                       "--database", database});
    return ChildProcess::Start(arguments);
  }

  // Writes a new database and opens it again, each in a process of its own.
  absl::Status MeasureOnce(Scenario scenario, Figures& figures) {
    const ScratchDirectory directory(flags_.directory);
    TSDB_ASSIGN_OR_RETURN(ChildProcess writer, Start("write", scenario, directory.path()));
    TSDB_RETURN_IF_ERROR(writer.ReadUntil(kWritten, figures));
    if (scenario == Scenario::kKilled) {
      TSDB_RETURN_IF_ERROR(writer.Kill());
    } else {
      TSDB_RETURN_IF_ERROR(writer.ReadUntil(kDone, figures));
      TSDB_RETURN_IF_ERROR(writer.Wait());
    }
    TSDB_ASSIGN_OR_RETURN(const uint64_t segment_bytes, FileBytes(directory.path(), ".segment"));
    figures["segment_bytes"] = static_cast<double>(segment_bytes);
    if (flags_.cold) {
      TSDB_ASSIGN_OR_RETURN(dropped_, DropPageCache(directory.path(), !flags_.cold_files_only));
    }
    TSDB_ASSIGN_OR_RETURN(ChildProcess reader, Start("open", scenario, directory.path()));
    TSDB_RETURN_IF_ERROR(reader.ReadUntil(kDone, figures));
    return reader.Wait();
  }

  void AddRow(Scenario scenario, const Spread& seconds, Figures& best) {
    const double records = static_cast<double>(flags_.MakeWorkload().records());
    const bool killed = scenario == Scenario::kKilled;
    const double close_seconds =
        killed ? std::numeric_limits<double>::quiet_NaN() : best["close_seconds"];
    JsonObject object;
    object.Add("benchmark", "recovery")
        .Add("series", flags_.series)
        .Add("samples", flags_.samples)
        .Add("order", OrderName(flags_.order))
        .Add("mode", ScenarioName(scenario))
        .Add("writers", flags_.writers[0])
        .Add("threads", flags_.threads[0])
        .Add("durability", DurabilityName(flags_.durability))
        .Add("commit_every", flags_.commit_every)
        .Add("records", flags_.MakeWorkload().records())
        .Add("repeat", flags_.repeat)
        .Add("cold", flags_.cold)
        .Add("records_per_second", records / seconds.Min());
    if (flags_.cold) {
      object.Add("cache_dropped_by", CacheDropName(dropped_.by))
          .Add("file_bytes", dropped_.file_bytes)
          .Add("still_cached_bytes", dropped_.cached_bytes);
    }
    seconds.AddTo(object, "reopen_seconds");
    object.Add("log_bytes_per_record", best["log_bytes"] / records)
        .Add("segment_bytes_per_record", best["segment_bytes"] / records)
        .Add("close_seconds", close_seconds);
    for (const char* name : {"open_seconds", "reopen_seconds", "write_seconds", "log_syncs",
                             "replayed_bytes", "torn_bytes", "peak_rss_bytes", "rss_before_bytes",
                             "rss_anon_bytes", "readback_matches"}) {
      object.Add(name, best[name]);
    }
    const std::string from = scenario == Scenario::kCheckpoint ? "from its checkpoint"
                             : scenario == Scenario::kLog      ? "from its log"
                                                               : "from its log, killed";
    report_.AddRow(
        {from, Decimal(seconds.Min(), 3), Decimal(seconds.Median(), 3), Decimal(seconds.Max(), 3),
         Quantity(records / seconds.Min()), Decimal(best["log_bytes"] / records, 3),
         Decimal(best["segment_bytes"] / records, 3), Quantity(best["peak_rss_bytes"]) + "B",
         Decimal(close_seconds, 3), Decimal(best["write_seconds"], 3)},
        object);
    if (flags_.cold && scenario == flags_.scenarios.back()) {
      report_.AddLine("before each reopening cached pages were dropped: " +
                      std::string(CacheDropName(dropped_.by)) + ", " +
                      Quantity(static_cast<double>(dropped_.cached_bytes)) + "B of " +
                      Quantity(static_cast<double>(dropped_.file_bytes)) + "B still cached");
    }
  }

  const Flags flags_;
  const std::vector<std::string> arguments_;  // of main
  Report report_;
  DroppedCache dropped_;  // the last time
};

}  // namespace
}  // namespace tsdb::benchmark

int main(int argc, char** argv) {
  using namespace tsdb::benchmark;
  int exit_code = 0;
  const auto flags = ParseFlags(argc, argv, Program::kRecovery, exit_code);
  if (!flags) return exit_code;
  if (flags->role != Role::kMeasure) {
    EndWithParent();
    const absl::Status status =
        flags->role == Role::kWrite ? WriteAsChild(*flags) : OpenAsChild(*flags);
    return status.ok() ? 0 : Fail("recovery_benchmark", status);
  }
  RecoveryBenchmark benchmark(*flags, std::vector<std::string>(argv, argv + argc));
  if (absl::Status status = benchmark.Measure(); !status.ok()) {
    return Fail("recovery_benchmark", status);
  }
  return benchmark.Print() ? 0 : 1;
}

// What appends and reads cost each other: latencies of both while W writers append a fixed number
// of records and R readers look up, scan and ask for last values; with and without checkpoints.
#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/baselines.h"
#include "benchmark/flags.h"
#include "benchmark/mixed_run.h"
#include "benchmark/report.h"
#include "storage/base/status_macros.h"

namespace tsdb::benchmark {
namespace {

// All measured runs of a row; a latency counts whichever run it is from.
struct Row {
  Latencies latencies{};
  Spread rate, writer_rate, read_rate;
  uint64_t runs = 0;
  uint64_t checkpoints = 0;
  double seconds = 0;  // of all runs, until the last append returned
  Stats stats;         // of the last run

  void Take(const MixedRun& run) {
    for (size_t i = 0; i < kOperations; ++i) latencies[i].Merge(run.latencies[i]);
    const double appended = static_cast<double>(run.appended);
    rate.Take(appended / run.merged_seconds);
    writer_rate.Take(appended / run.writer_seconds);
    read_rate.Take(static_cast<double>(run.reads) / run.writer_seconds);
    ++runs;
    checkpoints += run.stats.checkpoints;
    seconds += run.writer_seconds;
    stats = run.stats;
  }
};

// Of one operation's latency with checkpoints to that without; the latter is a nanosecond or more.
double Ratio(const LatencyHistogram& with, const LatencyHistogram& without, double fraction) {
  return with.Percentile(fraction) / std::max(1.0, without.Percentile(fraction));
}

class MixedBenchmark {
 public:
  explicit MixedBenchmark(const Flags& flags)
      : flags_(flags),
        workload_(flags.MakeWorkload()),
        report_({"writers", "readers", "checkpoints", "operation", "measured", "per s", "p50 ns",
                 "p95 ns", "p99 ns", "p99.9 ns", "max ns"}) {}

  absl::Status Measure() {
    AddPreamble(report_, "mixed", flags_);
    report_.AddLine("append: single ones, 1 in " + std::to_string(flags_.time_every) +
                    ", at random; append_group: every " + std::to_string(kGroupAppends) +
                    " in a row, none left out");
    for (const uint32_t readers : flags_.threads) {
      for (const uint32_t writers : flags_.writers) {
        TSDB_RETURN_IF_ERROR(MeasureSetting(writers, readers));
      }
    }
    return absl::OkStatus();
  }

  bool Print() const { return report_.Print(flags_.json); }

 private:
  absl::Status MeasureSetting(uint32_t writers, uint32_t readers) {
    const MixedSetting setting(flags_, workload_, writers, readers);
    Row row, without;
    for (uint32_t repeat = 0; repeat <= flags_.repeat; ++repeat) {
      ShowProgress(std::to_string(writers) + " writers, " + std::to_string(readers) +
                   " readers: run " + std::to_string(repeat) + " of " +
                   std::to_string(flags_.repeat));
      // Run by run in turn, so that both meet the same noise. The first of each warms up.
      TSDB_ASSIGN_OR_RETURN(const MixedRun run, RunMixed(setting, flags_.checkpoint_every));
      if (repeat > 0) row.Take(run);
      if (!flags_.compare_checkpoints) continue;
      TSDB_ASSIGN_OR_RETURN(const MixedRun run_without, RunMixed(setting, 0));
      if (repeat > 0) without.Take(run_without);
    }
    if (!flags_.compare_checkpoints) {
      AddRow(setting, row, nullptr);
      return absl::OkStatus();
    }
    if (row.checkpoints == 0 || without.checkpoints > 0) {
      return absl::FailedPreconditionError(
          std::to_string(row.checkpoints) + " checkpoints were made with --checkpoint-every, " +
          std::to_string(without.checkpoints) +
          " without: to compare, lower it or write more, or at a --rate (the engine looks "
          "now and then only, and waits until the log has grown by what is stored)");
    }
    AddRow(setting, without, nullptr);
    AddRow(setting, row, &without);
    return absl::OkStatus();
  }

  // `without`: the same without checkpoints, to compare with; or null.
  void AddRow(const MixedSetting& setting, const Row& row, const Row* without) {
    const bool in_directory = !flags_.directory.empty();
    JsonObject object;
    object.Add("benchmark", "mixed")
        .Add("series", flags_.series)
        .Add("samples", flags_.samples)
        .Add("order", OrderName(flags_.order))
        .Add("mode", row.checkpoints > 0 ? "checkpoints" : "none")
        .Add("writers", setting.inputs.size())
        .Add("threads", setting.readers)
        .Add("durability", in_directory ? DurabilityName(flags_.durability) : "memory")
        .Add("commit_every", flags_.commit_every)
        .Add("rate", flags_.rate)
        .Add("length", flags_.length)
        .Add("reads_per_snapshot", flags_.reads_per_snapshot)
        .Add("questions", flags_.beside == BesideQuery::kSmall   ? "small"
                          : flags_.beside == BesideQuery::kLarge ? "large"
                                                                 : "none")
        .Add("time_every", flags_.time_every)
        .Add("records", workload_.records())
        .Add("preloaded_samples", setting.preloaded)
        .Add("reads_follow_writers", setting.in_rows)
        .Add("repeat", flags_.repeat)
        .Add("records_per_second", row.rate.Max());
    row.rate.AddTo(object, "records_per_second");
    object.Add("writer_records_per_second", row.writer_rate.Max())
        .Add("reads_per_second", row.read_rate.Median());
    row.read_rate.AddTo(object, "reads_per_second");
    object.Add("checkpoints", row.checkpoints);
    for (size_t i = 0; i < kOperations; ++i) AddOperation(setting, row, Operation(i), object);
    if (without != nullptr) AddComparison(setting, row, *without, object);
    object.Add("log_syncs", row.stats.log_syncs).Add("ledger", LedgerObject(row.stats.ledger));
    report_.AddObject(object);
    report_.AddLine(
        std::to_string(setting.inputs.size()) + " writers, " + std::to_string(setting.readers) +
        " readers, " + std::to_string(row.checkpoints) + " checkpoints in " +
        std::to_string(row.runs) + " runs: " + Quantity(row.rate.Max()) +
        " records/s merged (median " + Quantity(row.rate.Median()) + ", least " +
        Quantity(row.rate.Min()) + "), " + Quantity(row.read_rate.Median()) + " reads/s");
  }

  // A row of the table and an object in the row's object.
  void AddOperation(const MixedSetting& setting, const Row& row, Operation operation,
                    JsonObject& object) {
    const LatencyHistogram& latency = row.latencies[operation];
    if (latency.count() == 0) return;
    const double per_second = static_cast<double>(latency.count()) / row.seconds;
    JsonObject own;
    own.Add("measured", latency.count()).Add("measured_per_second", per_second);
    std::vector<std::string> cells = {
        std::to_string(setting.inputs.size()), std::to_string(setting.readers),
        std::to_string(row.checkpoints),       OperationName(operation),
        std::to_string(latency.count()),       Quantity(per_second)};
    for (const auto& [name, fraction] : {std::pair{"p50_ns", 0.5}, std::pair{"p95_ns", 0.95},
                                         std::pair{"p99_ns", 0.99}, std::pair{"p99_9_ns", 0.999}}) {
      // The middle of a bucket may lie above what was measured.
      const double percentile =
          std::min(latency.Percentile(fraction), static_cast<double>(latency.Max()));
      own.Add(name, percentile);
      cells.push_back(Decimal(percentile, 0));
    }
    own.Add("max_ns", latency.Max());
    cells.push_back(std::to_string(latency.Max()));
    object.Add(OperationName(operation), own);
    report_.AddCells(std::move(cells));
  }

  void AddComparison(const MixedSetting& setting, const Row& row, const Row& without,
                     JsonObject& object) {
    std::string line = std::to_string(setting.inputs.size()) + " writers, " +
                       std::to_string(setting.readers) + " readers, with checkpoints / without:";
    for (const Operation operation : {kAppend, kAppendGroup}) {
      const auto& own = row.latencies[operation];
      const auto& other = without.latencies[operation];
      const double p99 = Ratio(own, other, 0.99), p99_9 = Ratio(own, other, 0.999);
      const std::string name = OperationName(operation);
      object.Add(name + "_p99_ratio", p99).Add(name + "_p99_9_ratio", p99_9);
      line += " " + name + " p99 " + Decimal(p99, 2) + ", p99.9 " + Decimal(p99_9, 2) + ";";
    }
    const double rate = row.rate.Max() / without.rate.Max();
    object.Add("records_per_second_ratio", rate);
    report_.AddLine(line + " records/s " + Decimal(rate, 2));
  }

  const Flags flags_;
  const Workload workload_;
  Report report_;
};

}  // namespace
}  // namespace tsdb::benchmark

int main(int argc, char** argv) {
  using namespace tsdb::benchmark;
  int exit_code = 0;
  const auto flags = ParseFlags(argc, argv, Program::kMixed, exit_code);
  if (!flags) return exit_code;
  MixedBenchmark benchmark(*flags);
  if (absl::Status status = benchmark.Measure(); !status.ok()) {
    return Fail("mixed_benchmark", status);
  }
  return benchmark.Print() ? 0 : 1;
}

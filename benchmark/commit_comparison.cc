#include "benchmark/commit_comparison.h"

#include <string>
#include <utility>

#include "benchmark/baselines.h"
#include "benchmark/reopening.h"
#include "benchmark/scratch_directory.h"
#include "benchmark/verification.h"
#include "storage/base/status_macros.h"

namespace tsdb::benchmark {

CommitComparison::CommitComparison(const Flags& flags)
    : flags_(flags),
      workload_(flags.MakeWorkload()),
      report_({"commit", "writers", "records/s", "median", "min", "commits", "commits/s", "syncs",
               "commits/sync", "ratio"}) {}

absl::Status CommitComparison::Measure() {
  AddPreamble(report_, "commit", flags_);
  Row alone;
  TSDB_RETURN_IF_ERROR(MeasureRow(1, true, alone));
  if (alone.syncs < alone.commits) {
    return absl::InternalError(std::to_string(alone.commits) + " commits shared " +
                               std::to_string(alone.syncs) +
                               " syncs, though each waited for its own");
  }
  AddRow(alone, alone);
  for (const uint32_t writers : flags_.writers) {
    Row row;
    TSDB_RETURN_IF_ERROR(MeasureRow(writers, false, row));
    AddRow(row, alone);
  }
  return absl::OkStatus();
}

absl::Status CommitComparison::MeasureRow(uint32_t writers, bool alone, Row& row) {
  const std::vector<Share> shares = workload_.Split(writers, flags_.sharing);
  Inputs inputs = MakeInputs(workload_, shares, flags_.Input());
  inputs[0] = WithDefect(std::move(inputs[0]), flags_.plant);
  row.writers = writers;
  for (const Share& share : shares) {
    row.commits += (share.records() + flags_.commit_every - 1) / flags_.commit_every;
  }
  for (uint32_t repeat = 0; repeat <= flags_.repeat; ++repeat) {
    ShowProgress(std::to_string(writers) + (alone ? " alone" : " writers") + ": run " +
                 std::to_string(repeat) + " of " + std::to_string(flags_.repeat));
    double seconds = 0;
    Stats stats;
    TSDB_RETURN_IF_ERROR(MeasureOnce(inputs, alone, seconds, stats));
    if (repeat == 0) continue;  // warms up
    row.rate.Take(static_cast<double>(workload_.records()) / seconds);
    if (repeat > 1 && seconds >= row.best_seconds) continue;
    row.best_seconds = seconds;
    row.syncs = stats.log_syncs;
    row.log_bytes = stats.log_bytes;
    row.ledger = stats.ledger;
  }
  return absl::OkStatus();
}

absl::Status CommitComparison::MeasureOnce(const Inputs& inputs, bool alone, double& seconds,
                                           Stats& stats) {
  const ScratchDirectory directory(flags_.directory);
  Options options = flags_.DatabaseOptions(flags_.threads[0], directory.path());
  options.durability = Durability::kSync;
  if (alone) options.sync_delay_us = 0;  // there is nobody to wait for
  TSDB_ASSIGN_OR_RETURN(OpenedDatabase opened, OpenWithSeries(options, workload_.series()));
  Database& database = *opened.database;
  const uint64_t syncs_before = database.Statistics().log_syncs;
  const WriterRun run =
      RunWriters(database, inputs, {flags_.mode, flags_.commit_every, AwaitCommit::kDurable});
  // The last commit of each writer was waited for: by then everything was durable.
  seconds = SecondsBetween(run.begin, run.writers_end);
  if (run.failures > 0) return run.failure;
  const uint64_t syncs = database.Statistics().log_syncs - syncs_before;
  TSDB_RETURN_IF_ERROR(database.Flush());
  stats = database.Statistics();
  stats.log_syncs = syncs;
  TSDB_RETURN_IF_ERROR(CheckLedger(stats, workload_.records()));
  ReadBack read_back;
  TSDB_RETURN_IF_ERROR(CheckContent(database, workload_, read_back));
  TSDB_RETURN_IF_ERROR(database.Close());
  opened.database.reset();
  return CheckReopened(options, workload_).status();
}

void CommitComparison::AddRow(const Row& row, const Row& alone) {
  const bool is_alone = &row == &alone;
  const double commits = static_cast<double>(row.commits);
  const double per_sync = commits / static_cast<double>(row.syncs);
  const double ratio = row.rate.Max() / alone.rate.Max();
  JsonObject object;
  object.Add("benchmark", "commit")
      .Add("series", flags_.series)
      .Add("samples", flags_.samples)
      .Add("order", OrderName(flags_.order))
      .Add("mode", is_alone ? "alone" : "group")
      .Add("writers", row.writers)
      .Add("threads", flags_.threads[0])
      .Add("sync_delay_us", is_alone ? 0 : flags_.sync_delay_us)
      .Add("commit_every", flags_.commit_every)
      .Add("records", workload_.records())
      .Add("repeat", flags_.repeat)
      .Add("wall_seconds", row.best_seconds)
      .Add("records_per_second", row.rate.Max());
  row.rate.AddTo(object, "records_per_second");
  object.Add("commits", row.commits)
      .Add("commits_per_second", commits / row.best_seconds)
      .Add("log_syncs", row.syncs)
      .Add("commits_per_sync", per_sync)
      .Add("log_bytes_per_record",
           static_cast<double>(row.log_bytes) / static_cast<double>(workload_.records()))
      .Add("rate_to_alone_ratio", ratio)
      .Add("ledger", LedgerObject(row.ledger));
  report_.AddRow({is_alone ? "alone" : "group", std::to_string(row.writers),
                  Quantity(row.rate.Max()), Quantity(row.rate.Median()), Quantity(row.rate.Min()),
                  std::to_string(row.commits), Quantity(commits / row.best_seconds),
                  std::to_string(row.syncs), Decimal(per_sync, 2), Decimal(ratio, 2)},
                 object);
}

}  // namespace tsdb::benchmark

#include "benchmark/set_comparison.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "benchmark/baselines.h"
#include "benchmark/scratch_directory.h"
#include "benchmark/start_gate.h"
#include "benchmark/writers.h"
#include "storage/base/status_macros.h"

namespace tsdb::benchmark {
namespace {

// Calls of one run, of all threads together: each may be a wait for the disk.
constexpr uint64_t kSetsMax = 8192;
constexpr Timestamp kKey = 1'700'000'000'000;

}  // namespace

SetComparison::SetComparison(const Flags& flags)
    : flags_(flags),
      report_(
          {"set", "threads", "sets/s", "median", "min", "sets", "syncs", "sets/sync", "ratio"}) {}

uint64_t SetComparison::SetsOf(uint32_t threads) const {
  const uint64_t sets = std::min(kSetsMax, uint64_t{flags_.series} * flags_.samples);
  return std::max<uint64_t>(sets / threads, 1);
}

absl::Status SetComparison::Measure() {
  AddPreamble(report_, "set", flags_);
  for (const uint32_t threads : flags_.writers) {
    Row locked;
    Row together;
    TSDB_RETURN_IF_ERROR(MeasureRow(threads, true, locked));
    TSDB_RETURN_IF_ERROR(MeasureRow(threads, false, together));
    AddRow("one lock", locked, locked);
    AddRow("together", together, locked);
  }
  return absl::OkStatus();
}

absl::Status SetComparison::MeasureRow(uint32_t threads, bool one_lock, Row& row) {
  row.threads = threads;
  for (uint32_t repeat = 0; repeat <= flags_.repeat; ++repeat) {
    ShowProgress(absl::StrCat(threads, one_lock ? " behind a lock" : " together", ": run ", repeat,
                              " of ", flags_.repeat));
    double seconds = 0;
    uint64_t syncs = 0;
    TSDB_RETURN_IF_ERROR(MeasureOnce(threads, one_lock, seconds, syncs));
    if (repeat == 0) continue;  // warms up
    row.rate.Take(static_cast<double>(SetsOf(threads) * threads) / seconds);
    if (repeat > 1 && seconds >= row.best_seconds) continue;
    row.best_seconds = seconds;
    row.syncs = syncs;
  }
  return absl::OkStatus();
}

absl::Status SetComparison::MeasureOnce(uint32_t threads, bool one_lock, double& seconds,
                                        uint64_t& syncs) {
  const ScratchDirectory directory(flags_.directory);
  Options options = flags_.DatabaseOptions(flags_.threads[0], directory.path());
  options.durability = Durability::kSync;
  TSDB_ASSIGN_OR_RETURN(OpenedDatabase opened, OpenWithSeries(options, threads));
  Database& database = *opened.database;
  const uint64_t syncs_before = database.Statistics().log_syncs;
  const uint64_t sets = SetsOf(threads);
  std::mutex lock;
  std::vector<absl::Status> failures(threads);
  seconds = RunTogether(threads, [&](size_t thread) {
    std::optional<double> expected;
    for (uint64_t i = 1; i <= sets; ++i) {
      std::unique_lock<std::mutex> held(lock, std::defer_lock);
      if (one_lock) held.lock();
      const absl::StatusOr<bool> set = database.CompareAndSet(static_cast<SeriesId>(thread), kKey,
                                                              expected, static_cast<double>(i));
      if (!set.ok() || !*set) {
        failures[thread] =
            set.ok() ? absl::DataLossError("a value was not what had been set") : set.status();
        return;
      }
      expected = static_cast<double>(i);
    }
  });
  for (const absl::Status& failure : failures) TSDB_RETURN_IF_ERROR(failure);
  syncs = database.Statistics().log_syncs - syncs_before;
  TSDB_RETURN_IF_ERROR(CheckCounts(database, threads));
  TSDB_RETURN_IF_ERROR(database.Close());
  opened.database.reset();
  TSDB_ASSIGN_OR_RETURN(const std::unique_ptr<Database> reopened, Database::Open(options));
  return CheckCounts(*reopened, threads);
}

absl::Status SetComparison::CheckCounts(Database& database, uint32_t threads) const {
  const Snapshot snapshot = database.NewSnapshot();
  const auto expected = static_cast<double>(SetsOf(threads));
  for (SeriesId series = 0; series < threads; ++series) {
    const std::optional<double> value = snapshot.Lookup(series, kKey);
    if (value == expected && snapshot.Count(series) == 1) continue;
    return absl::DataLossError(absl::StrCat("series ", series, " was counted up to ", expected,
                                            ", but holds ", value.value_or(-1)));
  }
  return absl::OkStatus();
}

void SetComparison::AddRow(const std::string& name, const Row& row, const Row& locked) {
  const uint64_t sets = SetsOf(row.threads) * row.threads;
  const double per_sync = static_cast<double>(sets) / static_cast<double>(row.syncs);
  const double ratio = row.rate.Max() / locked.rate.Max();
  JsonObject object;
  object.Add("benchmark", "set")
      .Add("mode", name)
      .Add("series", row.threads)
      .Add("samples", uint64_t{1})
      .Add("order", "none")
      .Add("records", sets)
      .Add("writers", row.threads)
      .Add("threads", flags_.threads[0])
      .Add("sets", sets)
      .Add("repeat", flags_.repeat)
      .Add("wall_seconds", row.best_seconds)
      .Add("sets_per_second", row.rate.Max());
  row.rate.AddTo(object, "sets_per_second");
  object.Add("log_syncs", row.syncs)
      .Add("sets_per_sync", per_sync)
      .Add("rate_to_one_lock_ratio", ratio);
  report_.AddRow({name, std::to_string(row.threads), Quantity(row.rate.Max()),
                  Quantity(row.rate.Median()), Quantity(row.rate.Min()), std::to_string(sets),
                  std::to_string(row.syncs), Decimal(per_sync, 2), Decimal(ratio, 2)},
                 object);
}

}  // namespace tsdb::benchmark

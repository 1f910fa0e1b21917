// How fast records become readable: writers append the workload while it is merged, and the clock
// runs from the first append until a flush has returned. Then the ledger is checked and everything
// is read back, and only then does a figure count.
#include <algorithm>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "benchmark/baselines.h"
#include "benchmark/commit_comparison.h"
#include "benchmark/flags.h"
#include "benchmark/heap_figures.h"
#include "benchmark/input.h"
#include "benchmark/machine.h"
#include "benchmark/reopening.h"
#include "benchmark/report.h"
#include "benchmark/scratch_directory.h"
#include "benchmark/set_comparison.h"
#include "benchmark/verification.h"
#include "benchmark/writers.h"
#include "storage/base/status_macros.h"
#include "tsdb/database.h"
#include "tsdb/internals.h"

namespace tsdb::benchmark {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

struct Run {
  double wall_seconds = 0;    // until everything is merged and readable
  double writer_seconds = 0;  // until the last append returned
  double cpu_seconds = 0;
  uint64_t failures = 0;
  Stats stats;
  Stats closed_stats;  // with what closing wrote
  ReadBack read_back;
  double open_seconds = 0;
  double close_seconds = 0;
  double reopen_seconds = 0;  // with a directory: until everything was read back and merged
  double registrations_per_second = 0;
  uint64_t peak_resident_bytes = 0;
  uint64_t resident_growth_bytes = 0;
  HeapFigures heap;
};

// One row: all runs with a number of writers.
struct Row {
  Run best;
  Spread rate, writer_rate, slot_only_rate;
  // Of the first run, before the allocator had memory to reuse.
  uint64_t resident_growth_bytes = 0;
  HeapFigures first_heap;
  double generator_rate = kNone;
  double hand_rolled_rate = kNone;
};

class IngestBenchmark {
 public:
  explicit IngestBenchmark(const Flags& flags)
      : flags_(flags),
        workload_(flags.MakeWorkload()),
        report_({"writers", "records/s", "median", "min", "writers only", "slot only", "ratio",
                 "merge cpu", "ns/record", "blocked s", "B/record", "B all", "peak RSS",
                 "generator", "by hand"}) {}

  absl::Status Measure() {
    AddPreamble(report_, "ingest", flags_);
    if (flags_.baselines) copy_rate_ = MeasureMemoryCopy(DescribeMachine().cores);
    for (const uint32_t threads : flags_.threads) {
      for (const uint32_t writers : flags_.writers) {
        if (absl::Status status = MeasureRow(writers, threads); !status.ok()) {
          return absl::Status(status.code(), std::to_string(writers) +
                                                 " writers: " + std::string(status.message()));
        }
      }
    }
    return absl::OkStatus();
  }

  bool Print() const { return report_.Print(flags_.json); }

 private:
  absl::Status MeasureRow(uint32_t writers, uint32_t threads) {
    Inputs inputs = MakeInputs(workload_, workload_.Split(writers, flags_.sharing), flags_.Input());
    inputs[0] = WithDefect(std::move(inputs[0]), flags_.plant);
    Row row;
    const double records = static_cast<double>(workload_.records());
    for (uint32_t repeat = 0; repeat <= flags_.repeat; ++repeat) {
      ShowProgress(std::to_string(writers) + " writers: run " + std::to_string(repeat) + " of " +
                   std::to_string(flags_.repeat));
      Run run;
      if (absl::Status status = MeasureOnce(inputs, threads, run); !status.ok()) return status;
      double slot_only_seconds = 0;
      if (flags_.baselines) {
        absl::Status status = MeasureSlotOnly(inputs, threads, slot_only_seconds);
        if (!status.ok()) return status;
      }
      if (repeat == 0) {  // warms up: caches, the allocator's arenas, the clock of the processor
        row.resident_growth_bytes = run.resident_growth_bytes;
        row.first_heap = run.heap;
        continue;
      }
      row.rate.Take(records / run.wall_seconds);
      row.writer_rate.Take(records / run.writer_seconds);
      if (flags_.baselines) row.slot_only_rate.Take(records / slot_only_seconds);
      if (repeat == 1 || run.wall_seconds < row.best.wall_seconds) row.best = run;
    }
    if (flags_.baselines) {
      row.generator_rate = MeasureGenerator(inputs, workload_.records());
      row.hand_rolled_rate = MeasureHandRolled(inputs, flags_.mode, workload_.records());
    }
    AddRow(writers, threads, row);
    return absl::OkStatus();
  }

  WriteOptions Writing() const { return {flags_.mode, flags_.commit_every, flags_.await_commit}; }

  // Writes the workload into a new database and checks all of it.
  absl::Status MeasureOnce(const Inputs& inputs, uint32_t threads, Run& run) {
    ResetPeakResident();
    const ScratchDirectory directory(flags_.directory);
    const Options options = flags_.DatabaseOptions(threads, directory.path());
    absl::StatusOr<OpenedDatabase> opened = OpenWithSeries(options, workload_.series());
    if (!opened.ok()) return opened.status();
    Database& database = *opened->database;
    const double cpu_before = ProcessCpuSeconds();
    const WriterRun writers = RunWriters(database, inputs, Writing());
    absl::Status flushed = database.Flush();
    // With a directory the rate counts what is merged, readable and as durable as the mode says.
    if (flushed.ok()) flushed = database.NewAppender().Commit().Await(Milestone::kDurable);
    const auto end = Clock::now();
    run.cpu_seconds = ProcessCpuSeconds() - cpu_before;
    run.wall_seconds = SecondsBetween(writers.begin, end);
    run.writer_seconds = SecondsBetween(writers.begin, writers.writers_end);
    run.failures = writers.failures;
    run.open_seconds = opened->open_seconds;
    run.registrations_per_second = opened->registrations_per_second;
    run.stats = database.Statistics();
    run.peak_resident_bytes = PeakResidentBytes();
    const uint64_t resident = ResidentBytes();
    run.resident_growth_bytes = resident - std::min(resident, opened->resident_before_bytes);
    run.heap = ReadHeapFigures();

    if (!flushed.ok()) return flushed;
    if (writers.failures > 0) {
      return absl::DataLossError(std::to_string(writers.failures) + " appends were refused: " +
                                 std::string(writers.failure.message()));
    }
    if (absl::Status status = CheckLedger(run.stats, workload_.records()); !status.ok()) {
      return status;
    }
    if (absl::Status status = CheckContent(database, workload_, run.read_back); !status.ok()) {
      return status;
    }
    const auto close_begin = Clock::now();
    if (absl::Status status = database.Close(); !status.ok()) return status;
    run.close_seconds = SecondsBetween(close_begin, Clock::now());
    run.closed_stats = database.Statistics();
    opened->database.reset();
    if (directory.path().empty()) return absl::OkStatus();
    TSDB_ASSIGN_OR_RETURN(run.reopen_seconds, CheckReopened(options, workload_));
    return absl::OkStatus();
  }

  // The same loop into a database that throws sealed chunks away: what the writers alone can do.
  absl::Status MeasureSlotOnly(const Inputs& inputs, uint32_t threads, double& seconds) {
    absl::StatusOr<OpenedDatabase> opened =
        OpenWithSeries(flags_.DatabaseOptions(threads), workload_.series());
    if (!opened.ok()) return opened.status();
    Internals::SetDiscardSealed(*opened->database, true);
    const WriterRun writers = RunWriters(*opened->database, inputs, Writing());
    seconds = SecondsBetween(writers.begin, writers.writers_end);
    return writers.failure;
  }

  void AddRow(uint32_t writers, uint32_t threads, const Row& row) {
    const Run& run = row.best;
    const Stats& stats = run.stats;
    const uint32_t cores = DescribeMachine().cores;
    const double records = static_cast<double>(workload_.records());
    const double slot_only = row.slot_only_rate.empty() ? kNone : row.slot_only_rate.Max();
    const double encoded_records = static_cast<double>(stats.encoded_records);
    const double bytes_per_record = static_cast<double>(stats.encoded_bytes) / encoded_records;
    const double head_bytes = static_cast<double>(stats.encoded_bytes + stats.open_bytes +
                                                  stats.index_bytes + stats.retired_bytes);
    const double merge_ratio =
        1e-9 * static_cast<double>(stats.merge_ns) / (run.wall_seconds * cores);
    const double helping = 1e-9 * static_cast<double>(stats.helping_ns);
    const double blocked = 1e-9 * static_cast<double>(stats.blocked_ns);
    const double core_ns = 1e9 * run.cpu_seconds / records;
    const double without_buffer =
        static_cast<double>(stats.memory_bytes - std::min(stats.memory_bytes, stats.chunk_bytes));

    JsonObject object;
    object.Add("benchmark", "ingest")
        .Add("series", workload_.series())
        .Add("samples", workload_.samples())
        .Add("order", OrderName(flags_.order))
        .Add("mode", flags_.mode == Shape::kRecords ? "record" : "columns")
        .Add("sharing", SharingName(workload_.series() < writers ? Sharing::kTime : flags_.sharing))
        .Add("writers", writers)
        .Add("threads", threads == 0 ? cores : threads)
        .Add("commit_every", flags_.commit_every)
        .Add("records", workload_.records())
        .Add("repeat", flags_.repeat)
        .Add("wall_seconds", run.wall_seconds)
        .Add("records_per_second", records / run.wall_seconds);
    row.rate.AddTo(object, "records_per_second");
    object.Add("writer_records_per_second", records / run.writer_seconds)
        .Add("slot_only_records_per_second", slot_only)
        .Add("merged_to_slot_only_ratio", row.rate.Max() / slot_only)
        .Add("merge_cpu_ratio", merge_ratio)
        .Add("core_ns_per_record", core_ns)
        .Add("backpressure_seconds", helping + blocked)
        .Add("helping_seconds", helping)
        .Add("blocked_seconds", blocked)
        .Add("append_failures", run.failures)
        .Add("tree_records", stats.ledger.in_tree)
        .Add("readback_records", run.read_back.records)
        .Add("readback_matches", run.read_back.matches)
        .Add("bytes_per_record", bytes_per_record)
        .Add("bytes_per_record_all", head_bytes / records)
        .Add("bytes_per_series", without_buffer / workload_.series())
        .Add("resident_growth_bytes_per_series",
             static_cast<double>(row.resident_growth_bytes) / workload_.series())
        .Add("peak_rss_bytes", run.peak_resident_bytes)
        .Add("heap", HeapObject(row.first_heap))
        .Add("open_seconds", run.open_seconds)
        .Add("registrations_per_second", run.registrations_per_second)
        .Add("generator_records_per_second", row.generator_rate)
        .Add("hand_rolled_records_per_second", row.hand_rolled_rate)
        .Add("memory_copy_bytes_per_second", copy_rate_)
        .Add("ledger", LedgerObject(stats.ledger))
        .Add("engine", EngineObject(stats));
    if (!flags_.directory.empty()) AddLog(writers, run, object);
    report_.AddRow({std::to_string(writers), Quantity(row.rate.Max()), Quantity(row.rate.Median()),
                    Quantity(row.rate.Min()), Quantity(row.writer_rate.Max()), Quantity(slot_only),
                    Decimal(row.rate.Max() / slot_only, 2), Decimal(merge_ratio, 2),
                    Decimal(core_ns, 2), Decimal(helping + blocked, 3),
                    Decimal(bytes_per_record, 3), Decimal(head_bytes / records, 3),
                    Quantity(static_cast<double>(run.peak_resident_bytes)) + "B",
                    Quantity(row.generator_rate), Quantity(row.hand_rolled_rate)},
                   object);
  }

  static JsonObject HeapObject(const HeapFigures& heap) {
    JsonObject object;
    object.Add("allocator", heap.allocator)
        .Add("allocated_bytes",
             heap.allocated_bytes.has_value() ? static_cast<double>(*heap.allocated_bytes) : kNone)
        .Add("active_bytes", heap.active_bytes);
    return object;
  }

  // What log and segments took, for databases in a directory.
  void AddLog(uint32_t writers, const Run& run, JsonObject& object) const {
    const Stats& stats = run.closed_stats;
    const double records = static_cast<double>(workload_.records());
    const double log_bytes = static_cast<double>(stats.log_bytes) / records;
    const double written = static_cast<double>(stats.checkpoint_bytes) / records;
    const double kept = static_cast<double>(stats.encoded_bytes) / records;
    // Bytes written to the disk for each byte of encoded records that is kept.
    const double amplification = (log_bytes + written) / kept;
    object.Add("durability", DurabilityName(flags_.durability))
        .Add("log_bytes_per_record", log_bytes)
        .Add("log_syncs", stats.log_syncs)
        .Add("log_blocked_seconds", 1e-9 * static_cast<double>(stats.log_blocked_ns))
        .Add("checkpoint_on_close", flags_.checkpoint)
        .Add("checkpoints", stats.checkpoints)
        .Add("checkpoint_bytes_per_record", written)
        .Add("compacted_bytes_per_record", static_cast<double>(stats.compacted_bytes) / records)
        .Add("segments", stats.segments)
        .Add("segment_bytes_per_record", static_cast<double>(stats.segment_bytes) / records)
        .Add("write_amplification", amplification)
        .Add("checkpoint_wait_seconds", 1e-9 * static_cast<double>(stats.checkpoint_wait_ns))
        .Add("close_seconds", run.close_seconds)
        .Add("reopen_seconds", run.reopen_seconds)
        .Add("reopened_records_per_second", records / run.reopen_seconds);
    std::fprintf(stderr,
                 "%u writers: log %.3f B/record, %llu syncs; %llu checkpoints wrote %.3f B/record; "
                 "%.2f bytes written for one kept; closed in %.3f s, opened %s in %.3f s\n",
                 writers, log_bytes, static_cast<unsigned long long>(stats.log_syncs),
                 static_cast<unsigned long long>(stats.checkpoints), written, amplification,
                 run.close_seconds, flags_.checkpoint ? "from its checkpoint" : "from its log",
                 run.reopen_seconds);
  }

  static JsonObject EngineObject(const Stats& stats) {
    JsonObject object;
    object.Add("leaves", stats.leaves)
        .Add("leaf_splits", stats.leaf_splits)
        .Add("leaf_rewrites", stats.leaf_rewrites)
        .Add("encoded_records", stats.encoded_records)
        .Add("encoded_bytes", stats.encoded_bytes)
        .Add("open_records", stats.open_records)
        .Add("open_bytes", stats.open_bytes)
        .Add("index_bytes", stats.index_bytes)
        .Add("series_bytes", stats.series_bytes)
        .Add("retired_bytes", stats.retired_bytes)
        .Add("chunks", stats.chunks)
        .Add("chunk_bytes", stats.chunk_bytes)
        .Add("chunks_sealed", stats.chunks_sealed)
        .Add("merge_ns", stats.merge_ns)
        .Add("merge_sort_ns", stats.merge_sort_ns)
        .Add("encoded_ahead", stats.encoded_ahead)
        .Add("helped", stats.helped)
        .Add("blocked", stats.blocked)
        .Add("memory_bytes", stats.memory_bytes);
    return object;
  }

  Flags flags_;
  Workload workload_;
  Report report_;
  double copy_rate_ = kNone;
};

template <typename Benchmark>
int MeasureAndPrint(const Flags& flags) {
  Benchmark benchmark(flags);
  if (absl::Status status = benchmark.Measure(); !status.ok()) {
    return Fail("ingest_benchmark", status);
  }
  return benchmark.Print() ? 0 : 1;
}

}  // namespace
}  // namespace tsdb::benchmark

int main(int argc, char** argv) {
  using namespace tsdb::benchmark;
  int exit_code = 0;
  const auto flags = ParseFlags(argc, argv, Program::kIngest, exit_code);
  if (!flags) return exit_code;
  if (flags->compare_set) return MeasureAndPrint<SetComparison>(*flags);
  return flags->compare_commit ? MeasureAndPrint<CommitComparison>(*flags)
                               : MeasureAndPrint<IngestBenchmark>(*flags);
}

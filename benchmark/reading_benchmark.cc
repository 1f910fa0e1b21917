#include "benchmark/reading_benchmark.h"

#include <utility>

#include "benchmark/machine.h"
#include "storage/base/status_macros.h"

namespace tsdb::benchmark {

ReadingBenchmark::ReadingBenchmark(const char* name, const Flags& flags,
                                   std::vector<std::string> columns)
    : flags_(flags), report_(std::move(columns)), name_(name) {}

absl::Status ReadingBenchmark::Measure() {
  AddPreamble(report_, name_, flags_);
  Loader loader(flags_);
  const Workload& workload = loader.workload();
  MakeQuestions(workload);
  if (flags_.baselines) {
    copy_rate_ = MeasureMemoryCopy(DescribeMachine().cores);
    generator_rate_ = MeasureGenerator(loader.inputs(), workload.records());
    by_hand_ = LoadHandRolled(workload);
  }
  TSDB_ASSIGN_OR_RETURN(LoadedDatabase loaded, loader.Load());
  for (const uint32_t threads : flags_.threads) {
    TSDB_RETURN_IF_ERROR(MeasureThreads(loader, loaded, threads));
  }
  if (dropped_.has_value()) {
    report_.AddLine("before each run the database was reopened, its files' cached pages dropped: " +
                    std::string(CacheDropName(dropped_->by)) + ", " +
                    Quantity(static_cast<double>(dropped_->cached_bytes)) + "B of " +
                    Quantity(static_cast<double>(dropped_->file_bytes)) + "B still cached");
  }
  return loaded.database->Close();
}

absl::Status ReadingBenchmark::MeasureThreads(Loader& loader, LoadedDatabase& loaded,
                                              uint32_t threads) {
  for (size_t way = 0; way < ways(); ++way) {
    ReadingRow row;
    row.way = way;
    row.threads = threads;
    if (by_hand_ != nullptr) row.hand_rolled_rate = AskByHand(*by_hand_, way, threads);
    TSDB_RETURN_IF_ERROR(MeasureRow(loaded, nullptr, row));
    if (!flags_.ingesting) continue;
    for (const uint32_t writers : flags_.writers) {
      absl::Status status =
          MeasureBesideIngest(loader, way, threads, writers, row.hand_rolled_rate);
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

absl::Status ReadingBenchmark::MeasureBesideIngest(Loader& loader, size_t way, uint32_t threads,
                                                   uint32_t writers, double hand_rolled_rate) {
  TSDB_ASSIGN_OR_RETURN(LoadedDatabase loaded, loader.Load());
  ReadingRow row;
  row.way = way;
  row.threads = threads;
  row.writers = writers;
  row.hand_rolled_rate = hand_rolled_rate;
  BackgroundIngest ingest(*loaded.database, loader, writers);
  return MeasureRow(loaded, &ingest, row);
}

absl::Status ReadingBenchmark::WarmUp(Database& database, ReadingRow& row) {
  for (;;) {
    TSDB_ASSIGN_OR_RETURN(const Run run, Ask(database, row.way, row.threads, row.passes));
    if (run.seconds >= flags_.pass_seconds) return absl::OkStatus();
    row.passes *= 1 + static_cast<uint64_t>(flags_.pass_seconds / run.seconds);
  }
}

absl::Status ReadingBenchmark::MakeCold(LoadedDatabase& loaded, ReadingRow& row) {
  if (!flags_.cold) return absl::OkStatus();
  TSDB_ASSIGN_OR_RETURN(dropped_, loaded.ReopenCold(!flags_.cold_files_only));
  row.open_seconds = loaded.open_seconds;
  return absl::OkStatus();
}

absl::Status ReadingBenchmark::MeasureRow(LoadedDatabase& loaded, BackgroundIngest* ingest,
                                          ReadingRow& row) {
  ShowProgress(std::to_string(row.threads) + " threads, " + WayName(row.way) + ", " +
               std::to_string(row.writers) + " writers");
  ResetPeakResident();
  // A cold run is the first there is, so it has one pass and nothing before it.
  if (!flags_.cold) TSDB_RETURN_IF_ERROR(WarmUp(*loaded.database, row));
  const uint64_t ingested_before = ingest == nullptr ? 0 : ingest->Records();
  double seconds_of_all = 0;
  for (uint32_t repeat = 0; repeat < flags_.repeat; ++repeat) {
    TSDB_RETURN_IF_ERROR(MakeCold(loaded, row));
    TSDB_ASSIGN_OR_RETURN(const Run run, Ask(*loaded.database, row.way, row.threads, row.passes));
    row.rate.Take(static_cast<double>(run.answers) / run.seconds);
    row.answers = run.answers;
    seconds_of_all += run.seconds;
    if (repeat == 0 || run.seconds < row.best_seconds) row.best_seconds = run.seconds;
  }
  if (ingest != nullptr) {
    row.ingest_rate = static_cast<double>(ingest->Records() - ingested_before) / seconds_of_all;
  }
  TSDB_RETURN_IF_ERROR(MakeCold(loaded, row));
  MeasureMore(*loaded.database, row.way, row.threads);
  row.peak_resident_bytes = PeakResidentBytes();
  if (ingest != nullptr) TSDB_RETURN_IF_ERROR(ingest->Stop());
  row.stats = loaded.database->Statistics();
  AddRow(row);
  return absl::OkStatus();
}

JsonObject ReadingBenchmark::SharedFields(const ReadingRow& row) const {
  JsonObject object;
  object.Add("benchmark", name_)
      .Add("series", flags_.series)
      .Add("samples", flags_.samples)
      .Add("order", OrderName(flags_.order))
      .Add("mode", WayName(row.way))
      .Add("writers", row.writers)
      .Add("threads", row.threads)
      .Add("ingesting", row.writers > 0)
      .Add("ingest_records_per_second", row.ingest_rate)
      .Add("records", flags_.MakeWorkload().records())
      .Add("repeat", flags_.repeat)
      .Add("passes", row.passes)
      .Add("wall_seconds", row.best_seconds)
      .Add("directory", !flags_.directory.empty())
      .Add("cold", flags_.cold);
  if (flags_.cold && dropped_.has_value()) {
    object.Add("cache_dropped_by", CacheDropName(dropped_->by))
        .Add("file_bytes", dropped_->file_bytes)
        .Add("still_cached_bytes", dropped_->cached_bytes)
        .Add("cold_open_seconds", row.open_seconds);
  }
  return object;
}

void ReadingBenchmark::SharedEnd(const ReadingRow& row, JsonObject& object) const {
  const Stats& stats = row.stats;
  object.Add("generator_records_per_second", generator_rate_)
      .Add("memory_copy_bytes_per_second", copy_rate_)
      .Add("bytes_per_record",
           static_cast<double>(stats.encoded_bytes) / static_cast<double>(stats.encoded_records))
      .Add("peak_rss_bytes", row.peak_resident_bytes)
      .Add("ledger", LedgerObject(stats.ledger));
}

}  // namespace tsdb::benchmark

#include "benchmark/loaded_database.h"

#include <string>

#include "benchmark/verification.h"

namespace tsdb::benchmark {
namespace {

// More than any run gets to.
constexpr uint64_t kBackgroundSamples = 20'000'000;

}  // namespace

Loader::Loader(const Flags& flags) : flags_(flags), workload_(flags.MakeWorkload()) {
  inputs_ =
      MakeInputs(workload_, workload_.Split(flags.load_writers, flags.sharing), flags.Input());
  inputs_[0] = WithDefect(std::move(inputs_[0]), flags.plant);
}

absl::StatusOr<std::unique_ptr<Database>> Loader::Load() {
  absl::StatusOr<OpenedDatabase> opened =
      OpenWithSeries(flags_.DatabaseOptions(0), workload_.series() + kBackgroundSeries);
  if (!opened.ok()) return opened.status();
  Database& database = *opened->database;
  const WriterRun run = RunWriters(database, inputs_, {});
  if (run.failures > 0) return run.failure;
  if (absl::Status status = database.Flush(); !status.ok()) return status;
  absl::Status status = CheckLedger(database.Statistics(), workload_.records());
  if (!status.ok()) return status;
  ReadBack read_back;
  status = CheckContent(database, workload_, read_back);
  if (!status.ok()) return status;
  return std::move(opened->database);
}

BackgroundIngest::BackgroundIngest(Database& database, const Loader& loader, uint32_t writers)
    : database_(database),
      loader_(loader),
      workload_(loader.workload().series() + kBackgroundSeries, kBackgroundSamples,
                loader.workload().seed()),
      writers_(writers) {
  share_ = workload_.Whole();
  share_.series_begin = loader.workload().series();
  for (uint32_t i = 0; i < writers; ++i) {
    Share own = share_;
    own.series_begin += static_cast<SeriesId>(share_.series() * i / writers);
    own.series_end =
        share_.series_begin + static_cast<SeriesId>(share_.series() * (i + 1) / writers);
    writers_[i].input = MakeInput(workload_, own, {});
  }
  for (Writer& writer : writers_) {
    threads_.emplace_back([this, &writer] {
      Appender appender = database_.NewAppender();
      uint64_t records = 0;
      RecordBlock block;
      while (!stop_.load(std::memory_order_relaxed) && writer.input->Next(block)) {
        for (size_t i = 0; i < block.size; ++i) {
          writer.failures +=
              !appender.Append(block.series[i], block.timestamps[i], block.values[i]);
        }
        records += block.size;
        writer.records.store(records, std::memory_order_relaxed);
      }
    });
  }
}

BackgroundIngest::~BackgroundIngest() { Join(); }

void BackgroundIngest::Join() {
  stop_.store(true, std::memory_order_relaxed);
  threads_.clear();
}

uint64_t BackgroundIngest::Records() const {
  uint64_t records = 0;
  for (const Writer& writer : writers_) records += writer.records.load(std::memory_order_relaxed);
  return records;
}

absl::Status BackgroundIngest::Stop() {
  Join();
  for (const Writer& writer : writers_) {
    if (writer.failures > 0) return absl::DataLossError("appends beside the reads were refused");
  }
  if (absl::Status status = database_.Flush(); !status.ok()) return status;
  const uint64_t records = loader_.workload().records() + Records();
  if (absl::Status status = CheckLedger(database_.Statistics(), records); !status.ok()) {
    return status;
  }
  ReadBack loaded, written;
  absl::Status status = CheckContent(database_, loader_.workload(), loaded);
  if (!status.ok()) return status;
  return CheckPrefixes(database_, workload_, share_, Records(), written);
}

}  // namespace tsdb::benchmark

#include "benchmark/loaded_database.h"

#include <string>

#include "benchmark/reopening.h"
#include "benchmark/verification.h"
#include "storage/base/status_macros.h"

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

absl::StatusOr<DroppedCache> LoadedDatabase::ReopenCold(bool system) {
  TSDB_RETURN_IF_ERROR(database->Close());
  database.reset();
  TSDB_ASSIGN_OR_RETURN(const DroppedCache dropped, DropPageCache(options.directory, system));
  TSDB_ASSIGN_OR_RETURN(Reopened reopened, Reopen(options, records));
  database = std::move(reopened.database);
  open_seconds = reopened.open_seconds;
  return dropped;
}

absl::StatusOr<LoadedDatabase> Loader::Load() {
  LoadedDatabase loaded;
  loaded.directory = std::make_unique<ScratchDirectory>(flags_.directory);
  loaded.options = flags_.DatabaseOptions(0, loaded.directory->path());
  loaded.records = workload_.records();
  const uint32_t series = workload_.series() + kBackgroundSeries;
  TSDB_ASSIGN_OR_RETURN(OpenedDatabase opened, OpenWithSeries(loaded.options, series));
  loaded.database = std::move(opened.database);
  const WriterRun run = RunWriters(*loaded.database, inputs_, {});
  if (run.failures > 0) return run.failure;
  TSDB_RETURN_IF_ERROR(loaded.database->Flush());
  if (!loaded.options.directory.empty()) {
    TSDB_RETURN_IF_ERROR(loaded.database->Close());
    loaded.database.reset();
    TSDB_ASSIGN_OR_RETURN(Reopened reopened, Reopen(loaded.options, loaded.records));
    loaded.database = std::move(reopened.database);
    // Finds those that are there by their labels, so their numbers must have stayed.
    TSDB_RETURN_IF_ERROR(RegisterSeries(*loaded.database, series).status());
  }
  TSDB_RETURN_IF_ERROR(CheckLedger(loaded.database->Statistics(), workload_.records()));
  ReadBack read_back;
  TSDB_RETURN_IF_ERROR(CheckContent(*loaded.database, workload_, read_back));
  return loaded;
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

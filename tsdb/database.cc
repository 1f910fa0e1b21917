#include "tsdb/database.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/memory.h"
#include "storage/base/parallel.h"
#include "storage/base/patience.h"
#include "storage/base/status_macros.h"
#include "tsdb/engine.h"
#include "tsdb/internals.h"

namespace tsdb {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kWriteBufferMin = 64 << 10;
constexpr uint64_t kWriteBufferPerProcessor = 2 * kMiB;
constexpr uint64_t kLogFileBytesMin = 64 << 10;
constexpr uint32_t kSyncDelayMaxUs = 100;
// Numbers of series and of label values are 32 bits wide, and loops go a block past the last one.
constexpr uint32_t kSeriesMax = uint32_t{1} << 31;
// A writer would have to make a checkpoint during each.
constexpr int kReadOnlyAttempts = 10;
// Series registered and not yet in the label index, at which whoever registers one indexes them:
// 1,024 take about a millisecond.
constexpr uint32_t kIndexedLate = 1024;

absl::StatusOr<Options> Resolve(Options options) {
  if (options.sync_interval_ms == 0 || options.sync_delay_us > kSyncDelayMaxUs) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Options::sync_interval_ms is ", options.sync_interval_ms, " and sync_delay_us ",
        options.sync_delay_us, "; the first must not be 0, the second at most ", kSyncDelayMaxUs));
  }
  if (options.series_max > kSeriesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("Options::series_max is ", options.series_max, "; at most ", kSeriesMax));
  }
  if (options.read_only && options.directory.empty()) {
    return absl::InvalidArgumentError(
        "Options::read_only is set, but Options::directory is empty; name the directory to read");
  }
  if (options.retention_ms < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("Options::retention_ms is ", options.retention_ms, "; 0 keeps everything"));
  }
  if (options.log_file_bytes < kLogFileBytesMin) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Options::log_file_bytes is ", options.log_file_bytes, "; at least ", kLogFileBytesMin));
  }
  if (options.memory_budget_bytes == 0) options.memory_budget_bytes = PhysicalMemoryBytes() / 2;
  if (options.write_buffer_bytes == 0) {
    const uint64_t in_cache = kWriteBufferPerProcessor * ProcessorCount();
    const uint64_t share = std::max(kMiB, options.memory_budget_bytes / 16);
    options.write_buffer_bytes =
        std::max(kWriteBufferMin, std::min({in_cache, share, options.memory_budget_bytes / 2}));
  }
  if (options.write_buffer_bytes < kWriteBufferMin ||
      options.write_buffer_bytes > options.memory_budget_bytes / 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Options::write_buffer_bytes is ", options.write_buffer_bytes, "; it can be ",
        kWriteBufferMin, " to half of the memory budget, here ", options.memory_budget_bytes / 2));
  }
  if (options.prefault_bytes > options.memory_budget_bytes / 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Options::prefault_bytes is ", options.prefault_bytes,
        "; it can be at most half of the memory budget, here ", options.memory_budget_bytes / 2));
  }
  if (options.merge_threads == 0) options.merge_threads = ProcessorCount();
  return options;
}

}  // namespace

std::string TimestampEncodingName(size_t encoding) {
  static constexpr const char* kNames[] = {"constant stride", "line", "delta", "frame", "raw"};
  return encoding < std::size(kNames) ? kNames[encoding] : "";
}

std::string ValueEncodingName(size_t encoding) {
  static constexpr const char* kNames[] = {"constant", "ALP frame",  "ALP delta",
                                           "ALP-RD",   "dictionary", "raw"};
  return encoding < std::size(kNames) ? kNames[encoding] : "";
}

Database::Database(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const Options& options) {
  return Internals::Open(options, LocalFileSystem());
}

absl::StatusOr<std::unique_ptr<Database>> Internals::Open(const Options& options, FileSystem* files,
                                                          std::function<Timestamp()> clock) {
  return OrNoMemory("opening a database", [&]() -> absl::StatusOr<std::unique_ptr<Database>> {
    TSDB_ASSIGN_OR_RETURN(Options resolved, Resolve(options));
    absl::Status status;
    for (int attempt = 0; attempt < kReadOnlyAttempts; ++attempt) {
      TSDB_ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, Engine::Create(resolved));
      std::unique_ptr<Database> database(new Database(std::move(engine)));
      if (clock) database->engine_->clock = clock;
      status = database->engine_->Open(files, *database);
      if (status.ok()) return database;
      if (!resolved.read_only || !absl::IsAborted(status)) break;
    }
    return status;
  });
}

Database::~Database() { Close().IgnoreError(); }

absl::StatusOr<SeriesId> Database::FindOrCreateSeries(const Labels& labels) {
  return OrNoMemory("registering a series", [&]() -> absl::StatusOr<SeriesId> {
    const std::optional<SeriesId> known = engine_->series.Find(labels);
    if (known.has_value()) return *known;
    TSDB_RETURN_IF_ERROR(engine_->AwaitOpened());
    TSDB_RETURN_IF_ERROR(engine_->CheckWritable("registering a series"));
    absl::StatusOr<SeriesId> series = engine_->series.FindOrCreate(labels);
    // So that no query has much to catch up with.
    engine_->label_index.CatchUpIfBehind(kIndexedLate);
    return series;
  });
}

absl::StatusOr<SeriesId> Database::FindSeries(const Labels& labels) const {
  return OrNoMemory("finding a series", [&]() -> absl::StatusOr<SeriesId> {
    const std::optional<SeriesId> series = engine_->series.Find(labels);
    if (series.has_value()) return *series;
    return absl::NotFoundError(absl::StrCat("no series ", labels.ToString()));
  });
}

absl::StatusOr<Labels> Database::SeriesLabels(SeriesId series) const {
  return OrNoMemory("labels of a series", [&]() -> absl::StatusOr<Labels> {
    std::optional<Labels> labels = engine_->series.LabelsOf(series);
    if (labels.has_value()) return *std::move(labels);
    return absl::NotFoundError(
        absl::StrCat("no series has id ", series, "; ids below ", SeriesCount(), " exist"));
  });
}

SeriesId Database::SeriesCount() const { return engine_->series.Count(); }

Appender Database::NewAppender() {
  // Should it fail, every append says so.
  engine_->AwaitOpened().IgnoreError();
  return MakeAppender();
}

Appender Database::MakeAppender() { return Appender(this, engine_->OpenSlot()); }

Snapshot Database::NewSnapshot(SnapshotOptions options) {
  // Asked first: what is read back afterwards is seen.
  const bool opened = engine_->opened();
  if (options.freshness == Freshness::kLatest) {
    const uint64_t reach = engine_->TakeAllPublished();
    engine_->pipeline->AwaitMerged(reach);
    return Snapshot(this, reach, /*complete=*/opened);
  }
  Ledger ledger;
  engine_->FillLedger(ledger);
  return Snapshot(this, engine_->pipeline->merged(),
                  opened && ledger.buffered_open + ledger.buffered_sealed == 0);
}

absl::Status Database::Flush() {
  TSDB_RETURN_IF_ERROR(engine_->AwaitOpened());
  return engine_->Flush();
}

absl::Status Database::Checkpoint() {
  TSDB_RETURN_IF_ERROR(engine_->AwaitOpened());
  TSDB_RETURN_IF_ERROR(engine_->CheckWritable("checkpoint"));
  return engine_->Checkpoint(durability::Compaction::kAsNeeded);
}

absl::Status Database::Compact() {
  TSDB_RETURN_IF_ERROR(engine_->AwaitOpened());
  TSDB_RETURN_IF_ERROR(engine_->CheckWritable("compact"));
  return engine_->Checkpoint(durability::Compaction::kAll);
}

absl::Status Database::Backup(const std::string& directory) {
  return OrNoMemory("backup", [&]() -> absl::Status {
    TSDB_RETURN_IF_ERROR(engine_->AwaitOpened());
    return engine_->Backup(directory);
  });
}

absl::Status Database::Verify() {
  return OrNoMemory("verify", [&]() -> absl::Status {
    TSDB_RETURN_IF_ERROR(engine_->AwaitOpened());
    return engine_->Verify();
  });
}

Stats Database::Statistics() const { return engine_->Statistics(); }

absl::Status Database::AwaitOpened() const { return engine_->AwaitOpened(); }

const RecoveryReport& Database::Recovery() const {
  // What was read until it failed is reported, too.
  engine_->AwaitOpened().IgnoreError();
  return engine_->recovery;
}

absl::Status Database::Close() { return engine_->Close(); }

}  // namespace tsdb

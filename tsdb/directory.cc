// Opening the directory of a database (tsdb/durability/layout.h): reading back what it holds.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/base/parallel.h"
#include "storage/base/patience.h"
#include "storage/base/start_thread.h"
#include "storage/base/status_macros.h"
#include "storage/base/types.h"
#include "storage/wal/log_reader.h"
#include "tsdb/durability/checkpoint_loader.h"
#include "tsdb/durability/layout.h"
#include "tsdb/durability/log_payload.h"
#include "tsdb/durability/recovery.h"
#include "tsdb/engine.h"

namespace tsdb {
namespace {

std::string Describe(const wal::LogDamage& damage) {
  std::string text = absl::StrCat(damage.file, ": ", damage.reason, ": ", damage.length,
                                  " bytes at offset ", damage.offset);
  if (damage.first_lost > 0) {
    absl::StrAppend(&text, ", batches ", damage.first_lost, " to ", damage.last_lost, " lost");
  }
  return text;
}

// Gives a damaged file a second name, under which it stays. Returns what to say when that fails.
std::string KeepDamaged(FileSystem* files, const std::string& path) {
  const absl::Status linked = files->Link(path, absl::StrCat(path, wal::kDamagedSuffix));
  // A file that is missing cannot be kept; one kept before is.
  if (linked.ok() || absl::IsAlreadyExists(linked) || absl::IsNotFound(linked)) return "";
  return absl::StrCat(
      path, ": cannot be kept, the next checkpoint removes it: ", std::string(linked.message()));
}

}  // namespace

// Of the log, opening, figures, maintenance; merging; loops of who reads.
size_t Engine::ThreadsAtMost() const { return 5 + options.merge_threads + ProcessorCount(); }

absl::Status Engine::Open(FileSystem* file_system, Database& database) {
  files = file_system;
  const absl::Status threads = OrNoMemory(
      "opening a database", [&] { return TryThreads("opening a database", ThreadsAtMost()); });
  if (!threads.ok()) {
    EndOpening(threads);
    return threads;
  }
  if (options.directory.empty()) {
    const absl::Status status = StartMaintenance();
    EndOpening(status);
    return status;
  }
  const absl::Status status = OrNoMemory("opening a database", [&] {
    return options.read_only ? OpenReadOnly(database) : OpenDirectory(database);
  });
  if (!status.ok() || !opening_.joinable()) EndOpening(status);
  return status;
}

absl::Status Engine::OpenDirectory(Database& database) {
  using durability::EnsureDirectory;
  TSDB_RETURN_IF_ERROR(EnsureDirectory(files, options.directory));
  // Asked before the lock as well: a directory of something else gets no LOCK.
  TSDB_RETURN_IF_ERROR(durability::HoldsDatabase(files, options.directory, false).status());
  TSDB_ASSIGN_OR_RETURN(directory_lock,
                        files->Lock(JoinPath(options.directory, durability::kLockName)));
  TSDB_RETURN_IF_ERROR(durability::PrepareDirectory(files, options.directory));
  TSDB_RETURN_IF_ERROR(StartPublishing());
  TSDB_ASSIGN_OR_RETURN(std::unique_ptr<durability::SegmentStore> store,
                        durability::SegmentStore::Open(files, options.directory, &leaf_cache));
  uint64_t log_from;
  std::vector<SeriesId> numbers;
  TSDB_RETURN_IF_ERROR(LoadSegments(std::move(store), &log_from, &numbers));
  if (!options.serve_while_opening) return ReadBackLog(database, log_from, std::move(numbers));
  static constexpr char kDoing[] = "reading back the log";
  auto read_back = [this, &database, log_from, numbers = std::move(numbers)]() mutable {
    EndOpening(
        OrNoMemory(kDoing, [&] { return ReadBackLog(database, log_from, std::move(numbers)); }));
  };
  TSDB_ASSIGN_OR_RETURN(opening_, StartThread(kDoing, std::move(read_back)));
  return absl::OkStatus();
}

absl::Status Engine::StartPublishing() {
  // Never into a test's file system, whose calls are counted.
  if (options.stats_interval_ms == 0 || files != LocalFileSystem()) return absl::OkStatus();
  const Timestamp opened = clock();
  publisher_ = std::make_unique<StatsPublisher>(
      options.directory, std::chrono::milliseconds(options.stats_interval_ms),
      [this, opened](DatabaseState state) {
        return PublishedText({state, static_cast<uint64_t>(getpid()), ProcessorCount(), opened,
                              clock(), Statistics(), options});
      });
  return publisher_->Start();
}

absl::Status Engine::ReadBackLog(Database& database, uint64_t from, std::vector<SeriesId> numbers) {
  bool vouched;
  TSDB_RETURN_IF_ERROR(ReplayLog(database, from, std::move(numbers), &vouched));
  if (!vouched) {
    // What was read may never have reached the disk: pages that a process wrote before it was
    // killed, or that a failed sync has left in memory only. Nothing may be acknowledged after it
    // until it is durable. If that fails, what there is can be read.
    if (absl::Status status = Checkpoint(durability::Compaction::kNone); !status.ok())
      logger->Fail(status);
  }
  return StartMaintenance();
}

void Engine::EndOpening(const absl::Status& status) {
  MutexLock lock(&opening_mutex_);
  opening_status_ = status;
  if (status.ok() && publisher_ != nullptr) publisher_->NoteOpened();
  // Pairs with the acquire in opened().
  opened_.store(true, std::memory_order_release);
  opening_ended_.NotifyAll();
}

absl::Status Engine::AwaitOpened() const {
  MutexLock lock(&opening_mutex_);
  while (!opened()) opening_ended_.Wait(&opening_mutex_);
  return opening_status_;
}

void Engine::StopOpening() {
  if (!opening_.joinable()) return;
  stop_opening_.store(true, std::memory_order_relaxed);
  opening_.join();
}

absl::Status Engine::OpenReadOnly(Database& database) {
  TSDB_ASSIGN_OR_RETURN(const bool there,
                        durability::HoldsDatabase(files, options.directory, /*locked=*/true));
  if (!there) {
    return absl::NotFoundError(
        absl::StrCat("opening '", options.directory, "' read-only: there is no database"));
  }
  TSDB_ASSIGN_OR_RETURN(
      std::unique_ptr<durability::SegmentStore> store,
      durability::SegmentStore::OpenReadOnly(files, options.directory, &leaf_cache));
  const segment::ManifestState state = store->state();
  uint64_t log_from;
  std::vector<SeriesId> numbers;
  TSDB_RETURN_IF_ERROR(LoadSegments(std::move(store), &log_from, &numbers));
  const absl::Status replayed = ReplayLog(database, log_from, std::move(numbers), nullptr);
  if (!replayed.ok() && !absl::IsNotFound(replayed)) return replayed;
  read_only_.store(true, std::memory_order_relaxed);
  // A writer's checkpoint may have taken files away before they were read.
  TSDB_ASSIGN_OR_RETURN(
      store, durability::SegmentStore::OpenReadOnly(files, options.directory, &leaf_cache));
  if (replayed.ok() && (store->state() == state || recovery.damage.empty())) {
    return absl::OkStatus();
  }
  return absl::AbortedError(absl::StrCat("opening '", options.directory,
                                         "' read-only: its files changed while they were read"));
}

absl::Status Engine::LoadSegments(std::unique_ptr<durability::SegmentStore> store,
                                  uint64_t* log_from, std::vector<SeriesId>* numbers) {
  MutexLock lock(&checkpoint_mutex_);
  store_ = std::move(store);
  TSDB_ASSIGN_OR_RETURN(
      durability::LoadedCheckpoint loaded,
      durability::LoadCheckpoint(*store_, options.memory_budget_bytes, &tree, &series));
  *log_from = std::max<uint64_t>(store_->state().log_begin, 1);
  *numbers = std::move(loaded.numbers);
  recovery.checkpoint_records = loaded.records;
  recovery.orphans = loaded.orphans;
  recovery.damage = std::move(loaded.damage);
  NoteSegments();
  MutexLock registry(&registry_mutex_);
  gone_records_ += loaded.records;
  return absl::OkStatus();
}

absl::Status Engine::ReplayLog(Database& database, uint64_t from, std::vector<SeriesId> numbers,
                               bool* vouched) {
  const std::string path = JoinPath(options.directory, durability::kLogName);
  const bool read_only = vouched == nullptr;
  wal::LocalLogOptions log_options;
  log_options.file_bytes = options.log_file_bytes;
  log_options.sync_interval = std::chrono::milliseconds(options.sync_interval_ms);
  log_options.sync_delay = std::chrono::microseconds(options.sync_delay_us);
  wal::ReplayReport report;
  std::unique_ptr<wal::LocalLog> read_back;
  bool numbers_kept;
  {
    // One appender: its records are merged in the order in which it takes them.
    Appender appender = database.MakeAppender();
    const auto append = [&](SeriesId id, std::span<const Timestamp> times,
                            std::span<const double> values) {
      if (appender.AppendColumns(id, times, values)) return absl::OkStatus();
      return absl::Status(
          appender.status().code(),
          absl::StrCat("reading back '", path, "': ", std::string(appender.status().message())));
    };
    const auto delete_range = [&](std::span<const SeriesId> ids, TimeRange range) {
      return DeleteRange(ids, range).status();
    };
    durability::LogReplayer replayer(&series, std::move(numbers), append, delete_range);
    const wal::ReplayVisitor apply = [&](uint64_t sequence, uint8_t kind,
                                         std::span<const uint8_t> payload) {
      if (stop_opening_.load(std::memory_order_relaxed)) {
        return absl::CancelledError(
            absl::StrCat("opening '", options.directory, "': the database was closed meanwhile"));
      }
      TSDB_RETURN_IF_ERROR(replayer.Apply(sequence, kind, payload));
      // Numbers in a segment are those in the log after it, so they must be the same.
      if (read_only || !replayer.numbers_kept()) return absl::OkStatus();
      return FlushReplayed(sequence + 1);
    };
    if (read_only) {
      TSDB_ASSIGN_OR_RETURN(report, wal::ReplayLogBesideWriter(files, path, from, apply));
    } else {
      TSDB_ASSIGN_OR_RETURN(read_back,
                            wal::LocalLog::Open(files, path, log_options, from, apply, &report));
    }
    recovery.log_records = replayer.records();
    recovery.orphans += replayer.orphans();
    for (const std::string& damage : replayer.damage()) {
      recovery.damage.push_back(absl::StrCat(path, ": ", damage));
    }
    numbers_kept = replayer.numbers_kept();
  }
  NoteReplay(report, read_only);
  pipeline->AwaitMerged(TakeAllPublished());
  if (read_only) return absl::OkStatus();
  *vouched = report.closed;
  if (!numbers_kept) {
    TSDB_RETURN_IF_ERROR(
        read_back->Append(static_cast<uint8_t>(durability::PayloadKind::kNumbering), {}).status());
  }
  // Not before all of it is done: closing writes a checkpoint if there is a log.
  logger = std::make_unique<durability::RunLogger>(read_back.get(), &series,
                                                   numbers_kept ? series.Count() : 0);
  log = std::move(read_back);
  pipeline->SetLogger(logger.get());
  return absl::OkStatus();
}

void Engine::NoteReplay(const wal::ReplayReport& report, bool read_only) {
  recovery.batches = report.batches;
  recovery.bytes = report.bytes;
  replayed_log_bytes_.store(report.bytes, std::memory_order_relaxed);
  recovery.torn_bytes = report.torn_bytes;
  for (const wal::LogDamage& damage : report.damage) {
    recovery.damage.push_back(Describe(damage));
    // Checkpoints remove log files; somebody may yet get something out of these.
    if (read_only) continue;
    std::string not_kept = KeepDamaged(files, damage.file);
    if (!not_kept.empty()) recovery.damage.push_back(std::move(not_kept));
  }
  for (const std::string& name : report.foreign) {
    recovery.foreign.push_back(JoinPath(JoinPath(options.directory, durability::kLogName), name));
  }
}

}  // namespace tsdb

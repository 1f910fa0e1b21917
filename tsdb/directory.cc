// The directory of a database: what may be in it, and reading it back.
//
//   <directory>/LOCK       held by the process that has the database open
//   <directory>/FORMAT     "tsdb 1": that this is a database, and of which version
//   <directory>/manifest   which segments there are, and from where the log is needed
//   <directory>/segments/  what checkpoints have written
//   <directory>/log/       the log since the last one
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/base/status_macros.h"
#include "storage/base/types.h"
#include "tsdb/durability/checkpoint_loader.h"
#include "tsdb/durability/log_payload.h"
#include "tsdb/durability/recovery.h"
#include "tsdb/engine.h"

namespace tsdb {
namespace {

constexpr char kLockName[] = "LOCK";
constexpr char kFormatName[] = "FORMAT";
constexpr char kFormatDraftName[] = "FORMAT.new";
constexpr char kLogName[] = "log";
constexpr char kSegmentsName[] = "segments";
constexpr std::string_view kFormat = "tsdb 1\n";
constexpr size_t kFormatBytesMax = 64;

// What FORMAT says; empty if there is none.
absl::StatusOr<std::string> ReadFormat(FileSystem* files, const std::string& directory) {
  auto file = files->OpenReadable(JoinPath(directory, kFormatName));
  if (absl::IsNotFound(file.status())) return std::string();
  TSDB_RETURN_IF_ERROR(file.status());
  uint8_t bytes[kFormatBytesMax];
  TSDB_ASSIGN_OR_RETURN(const size_t read, (*file)->Read(0, bytes));
  return std::string(reinterpret_cast<const char*>(bytes), read);
}

absl::Status WriteFormat(FileSystem* files, const std::string& directory) {
  const std::string draft = JoinPath(directory, kFormatDraftName);
  TSDB_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file,
                        files->Create(draft, CreateMode::kTruncate));
  TSDB_RETURN_IF_ERROR(
      file->Append({reinterpret_cast<const uint8_t*>(kFormat.data()), kFormat.size()}));
  TSDB_RETURN_IF_ERROR(file->Sync());
  TSDB_RETURN_IF_ERROR(file->Close());
  TSDB_RETURN_IF_ERROR(files->Rename(draft, JoinPath(directory, kFormatName)));
  return files->SyncDirectory(directory);
}

// Makes `path` unless it is there; its name is durable then.
absl::Status EnsureDirectory(FileSystem* files, const std::string& path) {
  const absl::Status made = files->CreateDirectory(path);
  if (absl::IsAlreadyExists(made)) return absl::OkStatus();
  TSDB_RETURN_IF_ERROR(made);
  return files->SyncDirectory(ParentPath(path));
}

// Whether the directory holds a database already. An error if what it holds is something else,
// which cannot be told without holding the lock once there is one: another process may be making a
// database of the directory.
absl::StatusOr<bool> HoldsDatabase(FileSystem* files, const std::string& directory, bool locked) {
  TSDB_ASSIGN_OR_RETURN(const std::string format, ReadFormat(files, directory));
  if (format == kFormat) return true;
  if (!format.empty()) {
    return absl::UnimplementedError(absl::StrCat("opening '", directory,
                                                 "': its FORMAT is not 'tsdb 1'; open it with the "
                                                 "version of tsdb that wrote it"));
  }
  TSDB_ASSIGN_OR_RETURN(const std::vector<std::string> names, files->List(directory));
  if (!locked && std::find(names.begin(), names.end(), kLockName) != names.end()) return false;
  for (const std::string& name : names) {
    if (name == kLockName || name == kFormatDraftName) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("opening '", directory, "': it holds '", name,
                     "' and is no database; choose an empty or a new directory"));
  }
  return false;
}

// Makes a database of an empty directory.
absl::Status PrepareDirectory(FileSystem* files, const std::string& directory) {
  TSDB_ASSIGN_OR_RETURN(const bool made, HoldsDatabase(files, directory, true));
  if (!made) TSDB_RETURN_IF_ERROR(WriteFormat(files, directory));
  TSDB_RETURN_IF_ERROR(EnsureDirectory(files, JoinPath(directory, kSegmentsName)));
  return EnsureDirectory(files, JoinPath(directory, kLogName));
}

std::string Describe(const wal::LogDamage& damage) {
  std::string text = absl::StrCat(damage.file, ": ", damage.reason, ": ", damage.length,
                                  " bytes at offset ", damage.offset);
  if (damage.first_lost > 0) {
    absl::StrAppend(&text, ", batches ", damage.first_lost, " to ", damage.last_lost, " lost");
  }
  return text;
}

}  // namespace

absl::Status Engine::OpenDirectory(FileSystem* file_system, Database& database) {
  files = file_system;
  TSDB_RETURN_IF_ERROR(EnsureDirectory(files, options.directory));
  // Asked before the lock as well: a directory of something else gets no LOCK.
  TSDB_RETURN_IF_ERROR(HoldsDatabase(files, options.directory, false).status());
  TSDB_ASSIGN_OR_RETURN(directory_lock, files->Lock(JoinPath(options.directory, kLockName)));
  TSDB_RETURN_IF_ERROR(PrepareDirectory(files, options.directory));
  uint64_t log_from;
  std::vector<SeriesId> numbers;
  TSDB_RETURN_IF_ERROR(LoadDirectory(&log_from, &numbers));
  bool vouched;
  TSDB_RETURN_IF_ERROR(ReplayLog(database, log_from, std::move(numbers), &vouched));
  if (!vouched) {
    // What was read may never have reached the disk: pages that a process wrote before it was
    // killed, or that a failed sync has left in memory only. Nothing may be acknowledged after it
    // until it is durable. If that fails, what there is can be read.
    if (absl::Status status = Checkpoint(durability::Compaction::kNone); !status.ok())
      logger->Fail(status);
  }
  checkpointer_ = std::thread([this] { CheckpointLoop(); });
  return absl::OkStatus();
}

absl::Status Engine::LoadDirectory(uint64_t* log_from, std::vector<SeriesId>* numbers) {
  MutexLock lock(&checkpoint_mutex_);
  TSDB_ASSIGN_OR_RETURN(store_, durability::SegmentStore::Open(files, options.directory));
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
  const std::string path = JoinPath(options.directory, kLogName);
  wal::LocalLogOptions log_options;
  log_options.file_bytes = options.log_file_bytes;
  log_options.sync_interval = std::chrono::milliseconds(options.sync_interval_ms);
  log_options.sync_delay = std::chrono::microseconds(options.sync_delay_us);
  wal::ReplayReport report;
  bool numbers_kept;
  {
    // One appender: its records are merged in the order in which it takes them.
    Appender appender = database.NewAppender();
    const auto append = [&](SeriesId id, std::span<const Timestamp> times,
                            std::span<const double> values) {
      if (appender.AppendColumns(id, times, values)) return absl::OkStatus();
      return absl::Status(
          appender.status().code(),
          absl::StrCat("reading back '", path, "': ", std::string(appender.status().message())));
    };
    const auto delete_range = [&](std::span<const SeriesId> ids, TimeRange range) {
      DeleteRange(ids, range);
      return absl::OkStatus();
    };
    durability::LogReplayer replayer(&series, std::move(numbers), append, delete_range);
    TSDB_ASSIGN_OR_RETURN(
        log, wal::LocalLog::Open(
                 files, path, log_options, from,
                 [&](uint64_t sequence, uint8_t kind, std::span<const uint8_t> payload) {
                   TSDB_RETURN_IF_ERROR(replayer.Apply(sequence, kind, payload));
                   // Numbers in a segment are those in the log after it, so they must be the same.
                   if (!replayer.numbers_kept()) return absl::OkStatus();
                   return FlushReplayed(sequence + 1);
                 },
                 &report));
    recovery.log_records = replayer.records();
    recovery.orphans += replayer.orphans();
    for (const std::string& damage : replayer.damage()) {
      recovery.damage.push_back(absl::StrCat(path, ": ", damage));
    }
    numbers_kept = replayer.numbers_kept();
  }
  *vouched = report.closed;
  recovery.batches = report.batches;
  recovery.bytes = report.bytes;
  recovery.torn_bytes = report.torn_bytes;
  for (const wal::LogDamage& damage : report.damage) recovery.damage.push_back(Describe(damage));
  for (const std::string& name : report.foreign) {
    recovery.damage.push_back(absl::StrCat(path, ": '", name, "' is no log file; left alone"));
  }
  pipeline->AwaitMerged(TakeAllPublished());
  if (!numbers_kept) {
    TSDB_RETURN_IF_ERROR(
        log->Append(static_cast<uint8_t>(durability::PayloadKind::kNumbering), {}).status());
  }
  logger = std::make_unique<durability::RunLogger>(log.get(), &series,
                                                   numbers_kept ? series.Count() : 0);
  pipeline->SetLogger(logger.get());
  return absl::OkStatus();
}

}  // namespace tsdb

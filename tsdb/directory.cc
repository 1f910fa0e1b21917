// The directory of a database: what may be in it, reading it back, and closing it.
//
//   <directory>/LOCK       held by the process that has the database open
//   <directory>/FORMAT     "tsdb 1": that this is a database, and of which version
//   <directory>/segments/  the checkpoint: one file, or two while the second is being written
//   <directory>/log/       the log since then
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/base/status_macros.h"
#include "storage/base/types.h"
#include "tsdb/durability/checkpoint.h"
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
// How often the checkpointing thread looks at how much there is to do.
constexpr std::chrono::milliseconds kCheckpointLook{100};
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
  TSDB_RETURN_IF_ERROR(LoadDirectory(&log_from));
  TSDB_RETURN_IF_ERROR(ReplayLog(database, log_from));
  checkpointer_ = std::thread([this] { CheckpointLoop(); });
  return absl::OkStatus();
}

absl::Status Engine::LoadDirectory(uint64_t* log_from) {
  TSDB_ASSIGN_OR_RETURN(
      durability::LoadedCheckpoint loaded,
      durability::LoadCheckpoint(files, JoinPath(options.directory, kSegmentsName),
                                 options.memory_budget_bytes, &tree, &series));
  *log_from = loaded.log_sequence;
  recovery.checkpoint_records = loaded.records;
  recovery.orphans = loaded.orphans;
  recovery.damage = std::move(loaded.damage);
  {
    MutexLock lock(&registry_mutex_);
    gone_records_ += loaded.records;
  }
  MutexLock lock(&checkpoint_mutex_);
  checkpoint_number_ = loaded.number;
  return absl::OkStatus();
}

absl::Status Engine::ReplayLog(Database& database, uint64_t from) {
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
    durability::LogReplayer replayer(&series, [&](SeriesId id, std::span<const Timestamp> times,
                                                  std::span<const double> values) {
      if (appender.AppendColumns(id, times, values)) return absl::OkStatus();
      return absl::Status(
          appender.status().code(),
          absl::StrCat("reading back '", path, "': ", std::string(appender.status().message())));
    });
    TSDB_ASSIGN_OR_RETURN(
        log, wal::LocalLog::Open(
                 files, path, log_options, from,
                 [&](uint64_t sequence, uint8_t kind, std::span<const uint8_t> payload) {
                   return replayer.Apply(sequence, kind, payload);
                 },
                 &report));
    recovery.log_records = replayer.records();
    recovery.orphans += replayer.orphans();
    for (const std::string& damage : replayer.damage()) {
      recovery.damage.push_back(absl::StrCat(path, ": ", damage));
    }
    numbers_kept = replayer.numbers_kept();
  }
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

absl::Status Engine::Checkpoint() {
  if (log == nullptr) return absl::OkStatus();
  MutexLock lock(&checkpoint_mutex_);
  absl::Status status = CheckpointLocked();
  if (!status.ok()) checkpoint_failures_.fetch_add(1, std::memory_order_relaxed);
  return status;
}

absl::Status Engine::CheckpointLocked() {
  if (log_closed_) return absl::FailedPreconditionError("checkpoint: the database is closed");
  // The log would go on after a gap: what merged since it failed is not in it.
  if (logger->failed()) return logger->status();
  const uint64_t log_bytes = log->Stats().bytes;
  // Batches up to here were handed out before, so they are applied once all submitted are.
  const uint64_t position = log->Stats().last_appended;
  TSDB_RETURN_IF_ERROR(Flush());
  const std::string directory = JoinPath(options.directory, kSegmentsName);
  TSDB_ASSIGN_OR_RETURN(const segment::SegmentSummary summary,
                        durability::WriteCheckpoint(files, directory, checkpoint_number_ + 1,
                                                    position + 1, tree, series));
  // From here on the file counts, whatever fails.
  ++checkpoint_number_;
  checkpointed_log_bytes_.store(log_bytes, std::memory_order_relaxed);
  checkpoints_.fetch_add(1, std::memory_order_relaxed);
  checkpoint_bytes_.fetch_add(summary.bytes, std::memory_order_relaxed);
  TSDB_RETURN_IF_ERROR(log->TruncateBefore(position + 1));
  return durability::RemoveCheckpointsBefore(files, directory, checkpoint_number_);
}

void Engine::CheckpointLoop() {
  for (;;) {
    {
      MutexLock lock(&wake_mutex_);
      if (!ending_) wake_.WaitFor(&wake_mutex_, kCheckpointLook);
      if (ending_) return;
    }
    const uint64_t grown =
        log->Stats().bytes - checkpointed_log_bytes_.load(std::memory_order_relaxed);
    const auto stored = static_cast<uint64_t>(tree.ReadCounts()[tree::Counter::kEncodedBytes]);
    if (grown < options.checkpoint_log_bytes || grown < stored) continue;
    // What fails is counted, and tried again when the log has grown by as much once more.
    if (!Checkpoint().ok()) {
      checkpointed_log_bytes_.store(log->Stats().bytes, std::memory_order_relaxed);
    }
  }
}

absl::Status Engine::AwaitDurable() {
  if (logger == nullptr) return absl::OkStatus();
  if (logger->failed()) return logger->status();
  const uint64_t position = logger->last_position();
  return options.durability == Durability::kSync ? log->AwaitDurable(position)
                                                 : log->AwaitWritten(position);
}

absl::Status Engine::CloseLog() {
  if (log == nullptr) return absl::OkStatus();
  {
    MutexLock lock(&wake_mutex_);
    ending_ = true;
    wake_.NotifyAll();
  }
  if (checkpointer_.joinable()) checkpointer_.join();
  MutexLock lock(&checkpoint_mutex_);
  absl::Status status;
  if (options.checkpoint_on_close && log->Stats().batches > 0) status = CheckpointLocked();
  log_closed_ = true;
  if (absl::Status closed_status = log->Close(); status.ok()) status = closed_status;
  directory_lock.reset();
  return status;
}

}  // namespace tsdb

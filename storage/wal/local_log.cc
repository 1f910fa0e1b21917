#include "storage/wal/local_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/patience.h"
#include "storage/base/start_thread.h"
#include "storage/base/status_macros.h"
#include "storage/wal/log_format.h"
#include "storage/wal/log_reader.h"

namespace tsdb::wal {
namespace {

// How often a full disk is tried again.
constexpr std::chrono::milliseconds kSpaceLook{50};

}  // namespace

absl::StatusOr<std::unique_ptr<LocalLog>> LocalLog::Open(FileSystem* files, std::string directory,
                                                         const LocalLogOptions& options,
                                                         uint64_t from, const ReplayVisitor& visit,
                                                         ReplayReport* report) {
  TSDB_ASSIGN_OR_RETURN(*report, ReplayLog(files, directory, from, visit));
  std::vector<std::string> foreign;
  TSDB_ASSIGN_OR_RETURN(std::vector<uint64_t> firsts, ListLogFiles(files, directory, &foreign));
  std::unique_ptr<LocalLog> log(
      new LocalLog(files, std::move(directory), options, report->last_sequence));
  {
    MutexLock lock(&log->files_mutex_);
    log->firsts_ = std::move(firsts);
  }
  const PatientScope patient;
  constexpr char kDoing[] = "opening the log";
  TSDB_ASSIGN_OR_RETURN(log->writer_, StartThread(kDoing, [raw = log.get()] { raw->WriteLoop(); }));
  TSDB_ASSIGN_OR_RETURN(log->syncer_, StartThread(kDoing, [raw = log.get()] { raw->SyncLoop(); }));
  return log;
}

LocalLog::LocalLog(FileSystem* files, std::string directory, const LocalLogOptions& options,
                   uint64_t last_sequence)
    : files_(files),
      directory_(std::move(directory)),
      options_(options),
      appended_(last_sequence),
      written_(last_sequence),
      durable_(last_sequence) {
  staged_.bytes.reserve(options.staged_bytes);
  writing_.bytes.reserve(options.staged_bytes);
}

LocalLog::~LocalLog() { Close().IgnoreError(); }

absl::StatusOr<uint64_t> LocalLog::Append(uint8_t kind, std::span<const uint8_t> payload) {
  if (payload.size() > kBatchBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("log: a batch of ", payload.size(), " bytes; ", kBatchBytesMax, " at most"));
  }
  const PatientScope patient;  // a number given is a batch staged
  MutexLock lock(&mutex_);
  const auto must_wait = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const size_t staged = staged_.bytes.size();
    return staged != 0 && staged + payload.size() > options_.staged_bytes;
  };
  if (must_wait()) {
    const Clock::time_point start = Clock::now();
    ++write_waiters_;
    while (status_.ok() && stalled_.ok() && must_wait()) written_changed_.Wait(&mutex_);
    --write_waiters_;
    stats_.blocked_ns += static_cast<uint64_t>((Clock::now() - start).count());
  }
  if (!status_.ok()) return status_;
  if (closing_) return absl::FailedPreconditionError("log: append after close");
  const size_t before = staged_.bytes.size();
  PutBatch(++appended_, durable_, kind, payload, staged_.bytes);
  staged_.ends.push_back(staged_.bytes.size());
  ++stats_.batches;
  stats_.bytes += staged_.bytes.size() - before;
  if (before == 0) staged_changed_.NotifyOne();
  return appended_;
}

absl::Status LocalLog::AwaitWritten(uint64_t sequence) {
  MutexLock lock(&mutex_);
  ++write_waiters_;
  while (status_.ok() && stalled_.ok() && written_ < sequence) written_changed_.Wait(&mutex_);
  --write_waiters_;
  if (written_ >= sequence) return absl::OkStatus();
  return status_.ok() ? stalled_ : status_;
}

absl::Status LocalLog::AwaitDurable(uint64_t sequence) {
  MutexLock lock(&mutex_);
  if (durable_ >= sequence) return absl::OkStatus();
  if (sync_wanted_ < sequence) {
    sync_wanted_ = sequence;
    sync_changed_.NotifyOne();
  }
  while (status_.ok() && durable_ < sequence && (stalled_.ok() || sequence <= written_)) {
    durable_changed_.Wait(&mutex_);
  }
  if (durable_ >= sequence) return absl::OkStatus();
  return status_.ok() ? stalled_ : status_;
}

void LocalLog::Fail(const absl::Status& status) {
  MutexLock lock(&mutex_);
  if (status_.ok()) {
    status_ = absl::Status(status.code(),
                           absl::StrCat("the log has failed and takes nothing any more (what was "
                                        "durable before stays; reopen the database): ",
                                        std::string(status.message())));
  }
  written_changed_.NotifyAll();
  durable_changed_.NotifyAll();
  staged_changed_.NotifyAll();
  sync_changed_.NotifyAll();
}

// False when there is nothing more to write, ever.
bool LocalLog::WaitForStaged() {
  MutexLock lock(&mutex_);
  while (status_.ok() && staged_.ends.empty() && !closing_) staged_changed_.Wait(&mutex_);
  if (!status_.ok() || staged_.ends.empty()) return false;
  writing_.bytes.clear();
  writing_.ends.clear();
  std::swap(writing_, staged_);
  if (write_waiters_ > 0) written_changed_.NotifyAll();
  return true;
}

void LocalLog::WriteLoop() {
  const PatientScope patient;
  while (WaitForStaged()) {
    for (size_t batch = 0; batch < writing_.ends.size();) {
      const absl::StatusOr<size_t> next = WriteBatchesWhenThereIsSpace(batch);
      if (!next.ok()) return Fail(next.status());
      MutexLock lock(&mutex_);
      const bool first_to_sync = written_ == durable_;
      written_ += *next - batch;
      batch = *next;
      if (write_waiters_ > 0) written_changed_.NotifyAll();
      if (sync_wanted_ > durable_ || first_to_sync) sync_changed_.NotifyOne();
    }
  }
  MutexLock lock(&mutex_);
  writer_ended_ = true;
  sync_changed_.NotifyAll();
}

absl::StatusOr<size_t> LocalLog::WriteBatchesWhenThereIsSpace(size_t from) {
  for (;;) {
    absl::StatusOr<size_t> next = WriteBatches(from);
    const absl::Status& status = next.status();
    MutexLock lock(&mutex_);
    // A failed append may be written over, and an unfinished file begun again.
    const bool full = absl::IsResourceExhausted(status) && status_.ok() && !closing_;
    stalled_ = full ? absl::Status(status.code(),
                                   absl::StrCat("the log waits for space on the disk; free some: ",
                                                std::string(status.message())))
                    : absl::OkStatus();
    if (!full) return next;
    written_changed_.NotifyAll();
    durable_changed_.NotifyAll();
    staged_changed_.WaitFor(&mutex_, kSpaceLook);
  }
}

absl::StatusOr<size_t> LocalLog::WriteBatches(size_t from) {
  const std::vector<size_t>& ends = writing_.ends;
  const size_t begin = from == 0 ? 0 : ends[from - 1];
  std::shared_ptr<WritableFile> file;
  uint64_t first;
  {
    MutexLock lock(&mutex_);
    first = written_ + 1;
    file = file_;
    if (file != nullptr && file->offset() + (ends[from] - begin) > options_.file_bytes) {
      // Invariant 1: everything in this file is durable before the next is begun.
      if (sync_wanted_ < written_) sync_wanted_ = written_;
      sync_changed_.NotifyOne();
      while (status_.ok() && durable_ < written_) durable_changed_.Wait(&mutex_);
      if (!status_.ok()) return status_;
      file = nullptr;
    }
  }
  if (file == nullptr) {
    TSDB_RETURN_IF_ERROR(EndFile());
    TSDB_RETURN_IF_ERROR(BeginFile(first));
    MutexLock lock(&mutex_);
    file = file_;
  }
  // No more than was allocated ahead: a disk with room for one more file takes that much, however
  // much waits behind it.
  size_t next = from + 1;
  while (next < ends.size() && file->offset() + (ends[next] - begin) <= options_.file_bytes) ++next;
  TSDB_RETURN_IF_ERROR(
      file->Append(std::span(writing_.bytes).subspan(begin, ends[next - 1] - begin)));
  return next;
}

absl::Status LocalLog::BeginFile(uint64_t first) {
  const std::string path = JoinPath(directory_, LogFileName(first));
  // A file of this name holds nothing that counts: its first batch was never whole, or this number
  // would have been given. What is in it may have been kept under another name, so it is not
  // emptied.
  const absl::Status removed = files_->Remove(path);
  if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  TSDB_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file,
                        files_->Create(path, CreateMode::kTruncate));
  TSDB_RETURN_IF_ERROR(file->Preallocate(options_.file_bytes));
  std::vector<uint8_t> header;
  PutFileHeader(first, header);
  TSDB_RETURN_IF_ERROR(file->Append(header));
  TSDB_RETURN_IF_ERROR(file->SyncData());
  TSDB_RETURN_IF_ERROR(files_->SyncDirectory(directory_));
  {
    MutexLock lock(&files_mutex_);
    if (firsts_.empty() || firsts_.back() != first) firsts_.push_back(first);
  }
  MutexLock lock(&mutex_);
  file_ = std::move(file);
  return absl::OkStatus();
}

absl::Status LocalLog::EndFile() {
  std::shared_ptr<WritableFile> file;
  {
    MutexLock lock(&mutex_);
    file = std::move(file_);
    file_ = nullptr;
  }
  if (file == nullptr) return absl::OkStatus();
  TSDB_RETURN_IF_ERROR(file->Truncate(file->offset()));
  return file->Close();
}

// Waits until something written should be made durable. False when nothing ever will be again.
bool LocalLog::WaitUntilSyncDue(uint64_t* written) {
  MutexLock lock(&mutex_);
  Clock::time_point due = Clock::now() + options_.sync_interval;
  for (;;) {
    if (!status_.ok()) return false;
    if (written_ > durable_) {
      if (sync_wanted_ > durable_) {
        // Those who wait may have company on its way.
        if (options_.sync_delay.count() > 0) sync_changed_.WaitFor(&mutex_, options_.sync_delay);
        break;
      }
      if (writer_ended_ || Clock::now() >= due) break;
      sync_changed_.WaitUntil(&mutex_, due);
    } else {
      if (writer_ended_) return false;
      sync_changed_.Wait(&mutex_);
      due = Clock::now() + options_.sync_interval;
    }
  }
  *written = written_;
  return true;
}

void LocalLog::SyncLoop() {
  const PatientScope patient;
  uint64_t written = 0;
  while (WaitUntilSyncDue(&written)) {
    std::shared_ptr<WritableFile> file;
    {
      MutexLock lock(&mutex_);
      file = file_;
    }
    // Everything written and not durable is in this file.
    if (absl::Status status = file->SyncData(); !status.ok()) {
      Fail(status);
      return;
    }
    MutexLock lock(&mutex_);
    durable_ = written;
    ++stats_.syncs;
    durable_changed_.NotifyAll();
  }
}

absl::Status LocalLog::TruncateBefore(uint64_t sequence) {
  for (bool removed = false;; removed = true) {
    uint64_t first;
    {
      MutexLock lock(&files_mutex_);
      if (firsts_.size() < 2 || firsts_[1] > sequence) {
        if (!removed) return absl::OkStatus();
        break;
      }
      first = firsts_[0];
    }
    // Without the mutex: removing a file takes its time, and the writer may want to begin one.
    TSDB_RETURN_IF_ERROR(files_->Remove(JoinPath(directory_, LogFileName(first))));
    MutexLock lock(&files_mutex_);
    firsts_.erase(firsts_.begin());
  }
  return files_->SyncDirectory(directory_);
}

absl::Status LocalLog::Close() {
  const PatientScope patient;
  {
    MutexLock lock(&mutex_);
    if (closing_) return status_;
    // Knows all before it to be durable: without it a change to the last batches would pass for a
    // crash in the middle of writing them.
  }
  uint64_t last;
  {
    MutexLock lock(&mutex_);
    last = appended_;
  }
  absl::Status status = AwaitDurable(last);
  bool any;
  {
    MutexLock lock(&mutex_);
    any = stats_.batches > 0;
  }
  if (status.ok() && any) status = Append(kClosing, {}).status();
  {
    MutexLock lock(&mutex_);
    closing_ = true;
    staged_changed_.NotifyAll();
    sync_changed_.NotifyAll();
  }
  // One that the system refused was never there, and nothing was appended.
  for (std::thread* thread : {&writer_, &syncer_}) {
    if (thread->joinable()) thread->join();
  }
  {
    MutexLock lock(&mutex_);
    if (status.ok()) status = status_;
  }
  if (absl::Status ended = EndFile(); status.ok()) status = ended;
  return status;
}

absl::Status LocalLog::Stalled() const {
  MutexLock lock(&mutex_);
  return stalled_;
}

LogStats LocalLog::Stats() const {
  MutexLock lock(&mutex_);
  LogStats stats = stats_;
  stats.last_appended = appended_;
  stats.last_written = written_;
  stats.last_durable = durable_;
  return stats;
}

}  // namespace tsdb::wal

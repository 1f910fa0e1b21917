#include "test/faults/fault_file_system.h"

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/status_macros.h"

namespace tsdb {

class FaultWritableFile final : public WritableFile {
 public:
  FaultWritableFile(FaultFileSystem* files, std::string path, std::unique_ptr<WritableFile> base)
      : files_(files), path_(std::move(path)), base_(std::move(base)) {}

  absl::Status Append(std::span<const uint8_t> bytes) override {
    const std::optional<FileFault> fault = files_->Enter(FileCall::kAppend, path_);
    if (!fault) return base()->Append(bytes);
    const uint64_t start = base()->offset();
    std::vector<uint8_t> written(bytes.begin(), bytes.end());
    switch (*fault) {
      case FileFault::kIoError:
      case FileFault::kSkip:
      case FileFault::kDenied:
        written.clear();
        break;
      case FileFault::kNoSpace:
      case FileFault::kShortWrite:
        written.resize(written.size() / 2);
        break;
      case FileFault::kTornWrite:
        for (size_t i = written.size() / 2; i < written.size(); ++i) written[i] ^= 0xff;
        break;
    }
    TSDB_RETURN_IF_ERROR(base()->Append(written));
    offset_behind_ = base()->offset() - start;
    TSDB_RETURN_IF_ERROR(Rewind());
    return FaultError(*fault, FileCall::kAppend, path_);
  }

  absl::Status Preallocate(uint64_t size) override {
    TSDB_RETURN_IF_ERROR(files_->Check(FileCall::kPreallocate, path_));
    return base()->Preallocate(size);
  }
  absl::Status Truncate(uint64_t size) override {
    TSDB_RETURN_IF_ERROR(files_->Check(FileCall::kTruncate, path_));
    return base()->Truncate(size);
  }
  absl::Status SyncData() override {
    const std::optional<absl::Status> answer = CheckSync();
    return answer ? *answer : base()->SyncData();
  }
  absl::Status Sync() override {
    const std::optional<absl::Status> answer = CheckSync();
    return answer ? *answer : base()->Sync();
  }
  absl::Status Close() override {
    TSDB_RETURN_IF_ERROR(files_->Check(FileCall::kClose, path_));
    return base()->Close();
  }
  uint64_t offset() const override { return base()->offset(); }

 private:
  std::shared_ptr<WritableFile> base() const {
    MutexLock lock(&mutex_);
    return base_;
  }
  // A failed Append leaves offset() where it was and its bytes in the file: the file is opened
  // again there.
  absl::Status Rewind() {
    const uint64_t offset = base()->offset() - std::exchange(offset_behind_, 0);
    TSDB_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> reopened,
                          files_->base_->OpenWritable(path_, offset));
    MutexLock lock(&mutex_);
    base_ = std::move(reopened);
    return absl::OkStatus();
  }
  std::optional<absl::Status> CheckSync() {
    std::optional<absl::Status> answer = files_->CheckSync(FileCall::kSync, path_);
    if (answer && !answer->ok() && files_->sync_failure_hook_) files_->sync_failure_hook_(path_);
    return answer;
  }

  FaultFileSystem* const files_;
  const std::string path_;
  // Replaced after a failed Append, beside which a SyncData may run.
  mutable Mutex mutex_;
  std::shared_ptr<WritableFile> base_ ABSL_GUARDED_BY(mutex_);
  uint64_t offset_behind_ = 0;
};

class FaultReadableFile final : public ReadableFile {
 public:
  FaultReadableFile(FaultFileSystem* files, std::string path, std::unique_ptr<ReadableFile> base)
      : files_(files), path_(std::move(path)), base_(std::move(base)) {}
  absl::StatusOr<size_t> Read(uint64_t offset, std::span<uint8_t> bytes) const override {
    TSDB_RETURN_IF_ERROR(files_->Check(FileCall::kRead, path_));
    return base_->Read(offset, bytes);
  }

 private:
  FaultFileSystem* const files_;
  const std::string path_;
  const std::unique_ptr<ReadableFile> base_;
};

absl::Status FaultError(FileFault fault, FileCall call, const std::string& path) {
  const int error = fault == FileFault::kNoSpace  ? ENOSPC
                    : fault == FileFault::kDenied ? EACCES
                                                  : EIO;
  return FileError(error, absl::StrCat("(injected fault) do call ", static_cast<int>(call), " on"),
                   path);
}

void FaultFileSystem::Inject(const Fault& fault) {
  MutexLock lock(&mutex_);
  fault_ = fault;
  seen_ = 0;
}

void FaultFileSystem::ClearFault() {
  MutexLock lock(&mutex_);
  fault_.reset();
}

uint64_t FaultFileSystem::failures() const {
  MutexLock lock(&mutex_);
  return failures_;
}

uint64_t FaultFileSystem::calls() const {
  MutexLock lock(&mutex_);
  return std::accumulate(counts_.begin(), counts_.end(), uint64_t{0});
}

uint64_t FaultFileSystem::calls(FileCall call) const {
  MutexLock lock(&mutex_);
  return counts_[static_cast<size_t>(call)];
}

void FaultFileSystem::ResetCounts() {
  MutexLock lock(&mutex_);
  counts_ = {};
  failures_ = 0;
}

std::optional<FileFault> FaultFileSystem::Enter(FileCall call, const std::string& path) {
  if (hook_) hook_(call, path);
  MutexLock lock(&mutex_);
  ++counts_[static_cast<size_t>(call)];
  if (!fault_ || (fault_->call && *fault_->call != call)) return std::nullopt;
  ++seen_;
  if (fault_->sticky ? seen_ < fault_->nth : seen_ != fault_->nth) return std::nullopt;
  ++failures_;
  return fault_->fault;
}

absl::Status FaultFileSystem::Check(FileCall call, const std::string& path) {
  const std::optional<FileFault> fault = Enter(call, path);
  return fault ? FaultError(*fault, call, path) : absl::OkStatus();
}

std::optional<absl::Status> FaultFileSystem::CheckSync(FileCall call, const std::string& path) {
  const std::optional<FileFault> fault = Enter(call, path);
  if (!fault) return std::nullopt;
  return *fault == FileFault::kSkip ? absl::OkStatus() : FaultError(*fault, call, path);
}

absl::StatusOr<std::unique_ptr<WritableFile>> FaultFileSystem::Create(const std::string& path,
                                                                      CreateMode mode) {
  TSDB_RETURN_IF_ERROR(Check(FileCall::kCreate, path));
  TSDB_ASSIGN_OR_RETURN(auto file, base_->Create(path, mode));
  return std::make_unique<FaultWritableFile>(this, path, std::move(file));
}

absl::StatusOr<std::unique_ptr<WritableFile>> FaultFileSystem::OpenWritable(const std::string& path,
                                                                            uint64_t offset) {
  TSDB_RETURN_IF_ERROR(Check(FileCall::kOpenWritable, path));
  TSDB_ASSIGN_OR_RETURN(auto file, base_->OpenWritable(path, offset));
  return std::make_unique<FaultWritableFile>(this, path, std::move(file));
}

absl::StatusOr<std::unique_ptr<ReadableFile>> FaultFileSystem::OpenReadable(
    const std::string& path) {
  TSDB_RETURN_IF_ERROR(Check(FileCall::kOpenReadable, path));
  TSDB_ASSIGN_OR_RETURN(auto file, base_->OpenReadable(path));
  return std::make_unique<FaultReadableFile>(this, path, std::move(file));
}

absl::StatusOr<std::unique_ptr<MappedFile>> FaultFileSystem::Map(const std::string& path) {
  TSDB_RETURN_IF_ERROR(Check(FileCall::kMap, path));
  return base_->Map(path);
}

absl::Status FaultFileSystem::Rename(const std::string& from, const std::string& to) {
  TSDB_RETURN_IF_ERROR(Check(FileCall::kRename, to));
  return base_->Rename(from, to);
}

absl::Status FaultFileSystem::Remove(const std::string& path) {
  TSDB_RETURN_IF_ERROR(Check(FileCall::kRemove, path));
  return base_->Remove(path);
}

absl::Status FaultFileSystem::Link(const std::string& from, const std::string& to) {
  TSDB_RETURN_IF_ERROR(Check(FileCall::kLink, to));
  return base_->Link(from, to);
}

absl::StatusOr<uint64_t> FaultFileSystem::FileSize(const std::string& path) {
  TSDB_RETURN_IF_ERROR(Check(FileCall::kFileSize, path));
  return base_->FileSize(path);
}

absl::StatusOr<std::vector<std::string>> FaultFileSystem::List(const std::string& directory) {
  TSDB_RETURN_IF_ERROR(Check(FileCall::kList, directory));
  return base_->List(directory);
}

absl::Status FaultFileSystem::CreateDirectory(const std::string& path) {
  TSDB_RETURN_IF_ERROR(Check(FileCall::kCreateDirectory, path));
  return base_->CreateDirectory(path);
}

absl::Status FaultFileSystem::RemoveDirectory(const std::string& path) {
  TSDB_RETURN_IF_ERROR(Check(FileCall::kRemoveDirectory, path));
  return base_->RemoveDirectory(path);
}

absl::Status FaultFileSystem::SyncDirectory(const std::string& path) {
  const std::optional<absl::Status> answer = CheckSync(FileCall::kSyncDirectory, path);
  return answer ? *answer : base_->SyncDirectory(path);
}

absl::StatusOr<uint64_t> FaultFileSystem::FreeSpace(const std::string& path) {
  TSDB_RETURN_IF_ERROR(Check(FileCall::kFreeSpace, path));
  return base_->FreeSpace(path);
}

absl::StatusOr<std::unique_ptr<FileLock>> FaultFileSystem::Lock(const std::string& path) {
  TSDB_RETURN_IF_ERROR(Check(FileCall::kLock, path));
  return base_->Lock(path);
}

}  // namespace tsdb

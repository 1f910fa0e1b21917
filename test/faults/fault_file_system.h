// A file system that fails on demand: it passes every call on to another one, counts it, and makes
// chosen ones fail. "The n-th call, for every n until all succeed, once and for ever" is the loop
// that finds unchecked errors.
//
// Thread safety: every method from any thread; files are as their interfaces say.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/file_system.h"
#include "storage/base/mutex.h"

namespace tsdb {

// A call of the seam. kSync is Sync and SyncData.
enum class FileCall : uint8_t {
  kCreate,
  kOpenWritable,
  kOpenReadable,
  kMap,
  kRename,
  kRemove,
  kLink,
  kFileSize,
  kList,
  kCreateDirectory,
  kRemoveDirectory,
  kSyncDirectory,
  kFreeSpace,
  kLock,
  kAppend,
  kPreallocate,
  kTruncate,
  kSync,
  kClose,
  kRead,
};
inline constexpr size_t kFileCallCount = 20;

enum class FileFault : uint8_t {
  kIoError,     // EIO; nothing is done
  kNoSpace,     // ENOSPC; of an append the first half is written
  kShortWrite,  // EIO; of an append the first half is written
  kTornWrite,   // EIO; of an append everything is written, but the second half inverted
  kSkip,        // of a sync, of a file or a directory: OK, and nothing is done; else as kIoError
  kDenied,      // EACCES; nothing is done
};

struct Fault {
  FileFault fault = FileFault::kIoError;
  // The n-th call from now, of `call` or of all calls. REQUIRES: nth >= 1.
  uint64_t nth = 1;
  std::optional<FileCall> call = std::nullopt;
  // That one only, or all from there on.
  bool sticky = false;
};

class FaultFileSystem final : public FileSystem {
 public:
  // `base` must outlive this and all files.
  explicit FaultFileSystem(FileSystem* base) : base_(base) {}

  // Replaces the fault there was.
  void Inject(const Fault& fault);
  void ClearFault();
  // Calls so far that were failed.
  uint64_t failures() const;
  uint64_t calls() const;
  uint64_t calls(FileCall call) const;
  void ResetCounts();

  // Called before each call with its kind and path, without a lock: it may block the call, or look
  // at (or copy) the file system below. Set it before files are in use.
  void SetHook(std::function<void(FileCall, const std::string&)> hook) { hook_ = std::move(hook); }
  // Called when a sync was made to fail, with its path: MemoryFileSystem::ForgetUnsynced, say.
  void SetSyncFailureHook(std::function<void(const std::string&)> hook) {
    sync_failure_hook_ = std::move(hook);
  }

  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path,
                                                       CreateMode mode) override;
  absl::StatusOr<std::unique_ptr<WritableFile>> OpenWritable(const std::string& path,
                                                             uint64_t offset) override;
  absl::StatusOr<std::unique_ptr<ReadableFile>> OpenReadable(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<MappedFile>> Map(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status Link(const std::string& from, const std::string& to) override;
  absl::StatusOr<uint64_t> FileSize(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) override;
  absl::Status CreateDirectory(const std::string& path) override;
  absl::Status RemoveDirectory(const std::string& path) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::StatusOr<uint64_t> FreeSpace(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

 private:
  friend class FaultWritableFile;
  friend class FaultReadableFile;

  // Counts the call; what is to go wrong with it, if anything.
  std::optional<FileFault> Enter(FileCall call, const std::string& path);
  // The same for calls that can only fail whole.
  absl::Status Check(FileCall call, const std::string& path);
  // The same for syncs: nullopt where the call is to be passed on.
  std::optional<absl::Status> CheckSync(FileCall call, const std::string& path);

  FileSystem* const base_;
  std::function<void(FileCall, const std::string&)> hook_;
  std::function<void(const std::string&)> sync_failure_hook_;

  mutable Mutex mutex_;
  std::array<uint64_t, kFileCallCount> counts_ ABSL_GUARDED_BY(mutex_) = {};
  std::optional<Fault> fault_ ABSL_GUARDED_BY(mutex_);
  uint64_t seen_ ABSL_GUARDED_BY(mutex_) = 0;  // calls the fault may hit, since Inject
  uint64_t failures_ ABSL_GUARDED_BY(mutex_) = 0;
};

// The error that an injected fault of a call ends in.
absl::Status FaultError(FileFault fault, FileCall call, const std::string& path);

}  // namespace tsdb

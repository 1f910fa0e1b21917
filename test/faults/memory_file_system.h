// Files in memory that know what was synced, so that a test can ask what a power loss would leave.
//
// The model is POSIX at its most hostile. A file's bytes and size are durable once it was synced. A
// name made, renamed, linked or removed is durable once its directory was synced; syncing the file
// does not do it. Each unsynced write may or may not have reached the disk, sector by sector (512
// bytes) and in any order; so may each unsynced change of a directory (a rename within one
// directory is atomic).
//
// Thread safety: every method from any thread, except that files are as their interfaces say.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/base/file_system.h"
#include "storage/base/mutex.h"

namespace tsdb {

class MemoryFileSystem final : public FileSystem {
 public:
  // Holds "/" and `directories`, durably.
  explicit MemoryFileSystem(const std::vector<std::string>& directories = {});

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

  // What a crash of the process leaves: everything, synced or not, and no lock. All of it counts as
  // durable in the copy.
  std::unique_ptr<MemoryFileSystem> AfterProcessCrash() const;
  // What a power loss leaves at the least: what was synced.
  std::unique_ptr<MemoryFileSystem> AfterPowerLoss() const;
  // The same with a random part of the rest, decided by `seed`.
  std::unique_ptr<MemoryFileSystem> AfterPowerLoss(uint64_t seed) const;

  // What a kernel does when a sync of `path` fails: its unsynced bytes count as clean from now on,
  // so that no later sync writes them.
  void ForgetUnsynced(const std::string& path);

  // For tests that damage files: the content of `path`, which exists, and a durable new content.
  std::vector<uint8_t> Content(const std::string& path) const;
  void SetContent(const std::string& path, std::vector<uint8_t> content);

  // Bytes all files together may have; ENOSPC past that, after writing what fits.
  void SetCapacity(uint64_t bytes);

 private:
  friend class MemoryWritableFile;
  friend class MemoryReadableFile;
  friend class MemoryFileLock;

  // Since the last sync, in order: `bytes` written at `offset`, or, if `is_resize`, the size set.
  struct Change {
    bool is_resize;
    uint64_t offset;
    std::vector<uint8_t> bytes;
  };
  struct Node {
    bool is_directory = false;
    std::vector<uint8_t> content;
    std::vector<uint8_t> durable;
    std::vector<Change> changes;
  };
  using NodePointer = std::shared_ptr<Node>;
  // `name` removed (if not empty), then `node` (if not null) put at `target`, at once.
  struct DirectoryChange {
    std::string removed;
    std::string target;
    NodePointer node;
  };
  using Names = std::map<std::string, NodePointer>;

  static void Apply(const DirectoryChange& change, Names* names);
  static std::vector<uint8_t> AfterLoss(const Node& node, class Coin* coin);
  std::unique_ptr<MemoryFileSystem> Copy(const Names& names, bool keep_all, class Coin* coin) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ChangeDirectory(const std::string& directory, DirectoryChange change)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The file at `path`, else an error of `operation`.
  absl::StatusOr<NodePointer> Find(const std::string& path, std::string_view operation) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckParent(const std::string& path, std::string_view operation) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasChildren(const std::string& path) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Sets the size of `node` as far as the capacity allows; false if it does not.
  bool Resize(Node* node, uint64_t size) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  Names names_ ABSL_GUARDED_BY(mutex_);          // by full path
  Names durable_names_ ABSL_GUARDED_BY(mutex_);  // the same as the disk has it
  std::map<std::string, std::vector<DirectoryChange>> pending_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, bool> locked_ ABSL_GUARDED_BY(mutex_);
  uint64_t bytes_used_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t capacity_ ABSL_GUARDED_BY(mutex_) = uint64_t{1} << 40;
};

}  // namespace tsdb

#include "test/faults/memory_file_system.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/status_macros.h"

namespace tsdb {

// Decides by seed; a null Coin means that nothing unsynced is kept.
class Coin {
 public:
  explicit Coin(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  uint64_t Below(uint64_t bound) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return (state_ * 0x2545f4914f6cdd1d >> 33) % bound;
  }

 private:
  uint64_t state_;
};

class MemoryWritableFile final : public WritableFile {
 public:
  MemoryWritableFile(MemoryFileSystem* files, std::string path, MemoryFileSystem::NodePointer node,
                     uint64_t offset)
      : files_(files), path_(std::move(path)), node_(std::move(node)), offset_(offset) {}

  absl::Status Append(std::span<const uint8_t> bytes) override {
    MutexLock lock(&files_->mutex_);
    const uint64_t old_size = node_->content.size();
    size_t fits = bytes.size();
    if (offset_ + fits > old_size && !files_->Resize(node_.get(), offset_ + fits)) {
      const uint64_t room = files_->capacity_ - files_->bytes_used_;
      fits = static_cast<size_t>(std::min<uint64_t>(fits, old_size - offset_ + room));
      files_->Resize(node_.get(), std::max(old_size, offset_ + fits));
    }
    if (fits > 0) {
      std::memcpy(node_->content.data() + offset_, bytes.data(), fits);
      node_->changes.push_back({false, offset_, {bytes.begin(), bytes.begin() + fits}});
    }
    if (fits < bytes.size()) {
      return FileError(ENOSPC, absl::StrCat("write at offset ", offset_ + fits, " of"), path_);
    }
    offset_ += bytes.size();
    return absl::OkStatus();
  }

  absl::Status Preallocate(uint64_t size) override {
    MutexLock lock(&files_->mutex_);
    if (size <= node_->content.size()) return absl::OkStatus();
    if (!files_->Resize(node_.get(), size)) return FileError(ENOSPC, "allocate", path_);
    node_->changes.push_back({true, size, {}});
    return absl::OkStatus();
  }

  absl::Status Truncate(uint64_t size) override {
    MutexLock lock(&files_->mutex_);
    if (!files_->Resize(node_.get(), size)) return FileError(ENOSPC, "cut", path_);
    node_->changes.push_back({true, size, {}});
    offset_ = size;
    return absl::OkStatus();
  }

  absl::Status SyncData() override { return Sync(); }
  absl::Status Sync() override {
    MutexLock lock(&files_->mutex_);
    // Replayed, not copied, because forgotten changes must stay lost.
    for (const MemoryFileSystem::Change& change : node_->changes) {
      const uint64_t end = change.offset + change.bytes.size();
      if (change.is_resize || end > node_->durable.size()) node_->durable.resize(end);
      std::copy(change.bytes.begin(), change.bytes.end(), node_->durable.begin() + change.offset);
    }
    node_->changes.clear();
    return absl::OkStatus();
  }

  absl::Status Close() override { return absl::OkStatus(); }
  uint64_t offset() const override { return offset_; }

 private:
  MemoryFileSystem* const files_;
  const std::string path_;
  const MemoryFileSystem::NodePointer node_;
  uint64_t offset_;
};

class MemoryReadableFile final : public ReadableFile {
 public:
  MemoryReadableFile(MemoryFileSystem* files, MemoryFileSystem::NodePointer node)
      : files_(files), node_(std::move(node)) {}

  absl::StatusOr<size_t> Read(uint64_t offset, std::span<uint8_t> bytes) const override {
    MutexLock lock(&files_->mutex_);
    if (offset >= node_->content.size()) return size_t{0};
    const size_t count = std::min<uint64_t>(bytes.size(), node_->content.size() - offset);
    std::memcpy(bytes.data(), node_->content.data() + offset, count);
    return count;
  }

 private:
  MemoryFileSystem* const files_;
  const MemoryFileSystem::NodePointer node_;
};

namespace {

class MemoryMappedFile final : public MappedFile {
 public:
  explicit MemoryMappedFile(std::vector<uint8_t> content) : content_(std::move(content)) {
    bytes_ = content_;
  }
  void Advise(ReadPattern, uint64_t, uint64_t) const override {}

 private:
  const std::vector<uint8_t> content_;
};

}  // namespace

class MemoryFileLock final : public FileLock {
 public:
  MemoryFileLock(MemoryFileSystem* files, std::string path)
      : files_(files), path_(std::move(path)) {}
  ~MemoryFileLock() override {
    MutexLock lock(&files_->mutex_);
    files_->locked_.erase(path_);
  }

 private:
  MemoryFileSystem* const files_;
  const std::string path_;
};

MemoryFileSystem::MemoryFileSystem(const std::vector<std::string>& directories) {
  MutexLock lock(&mutex_);
  const auto directory = std::make_shared<Node>();
  directory->is_directory = true;
  names_["/"] = directory;
  for (const std::string& path : directories) {
    names_[path] = std::make_shared<Node>(*directory);
  }
  durable_names_ = names_;
}

absl::StatusOr<MemoryFileSystem::NodePointer> MemoryFileSystem::Find(
    const std::string& path, std::string_view operation) const {
  const auto found = names_.find(path);
  if (found == names_.end()) return FileError(ENOENT, operation, path);
  if (found->second->is_directory) return FileError(EISDIR, operation, path);
  return found->second;
}

absl::Status MemoryFileSystem::CheckParent(const std::string& path,
                                           std::string_view operation) const {
  const auto found = names_.find(ParentPath(path));
  if (found == names_.end()) return FileError(ENOENT, operation, path);
  if (!found->second->is_directory) return FileError(ENOTDIR, operation, path);
  return absl::OkStatus();
}

bool MemoryFileSystem::HasChildren(const std::string& path) const {
  const auto next = names_.upper_bound(path + "/");
  return next != names_.end() && next->first.starts_with(path + "/");
}

bool MemoryFileSystem::Resize(Node* node, uint64_t size) {
  const uint64_t others = bytes_used_ - node->content.size();
  if (size > node->content.size() && others + size > capacity_) return false;
  node->content.resize(size);
  bytes_used_ = others + size;
  return true;
}

void MemoryFileSystem::Apply(const DirectoryChange& change, Names* names) {
  if (!change.removed.empty()) names->erase(change.removed);
  if (change.node != nullptr) (*names)[change.target] = change.node;
}

void MemoryFileSystem::ChangeDirectory(const std::string& directory, DirectoryChange change) {
  Apply(change, &names_);
  pending_[directory].push_back(std::move(change));
}

absl::StatusOr<std::unique_ptr<WritableFile>> MemoryFileSystem::Create(const std::string& path,
                                                                       CreateMode mode) {
  MutexLock lock(&mutex_);
  TSDB_RETURN_IF_ERROR(CheckParent(path, "create"));
  if (const auto found = names_.find(path); found != names_.end()) {
    if (mode == CreateMode::kNew) return FileError(EEXIST, "create", path);
    if (found->second->is_directory) return FileError(EISDIR, "create", path);
    Resize(found->second.get(), 0);
    found->second->changes.push_back({true, 0, {}});
    return std::make_unique<MemoryWritableFile>(this, path, found->second, 0);
  }
  const auto node = std::make_shared<Node>();
  ChangeDirectory(ParentPath(path), {"", path, node});
  return std::make_unique<MemoryWritableFile>(this, path, node, 0);
}

absl::StatusOr<std::unique_ptr<WritableFile>> MemoryFileSystem::OpenWritable(
    const std::string& path, uint64_t offset) {
  MutexLock lock(&mutex_);
  TSDB_ASSIGN_OR_RETURN(const NodePointer node, Find(path, "open for writing"));
  if (offset > node->content.size()) {
    return absl::OutOfRangeError(absl::StrCat("cannot open '", path, "' at offset ", offset));
  }
  return std::make_unique<MemoryWritableFile>(this, path, node, offset);
}

absl::StatusOr<std::unique_ptr<ReadableFile>> MemoryFileSystem::OpenReadable(
    const std::string& path) {
  MutexLock lock(&mutex_);
  TSDB_ASSIGN_OR_RETURN(const NodePointer node, Find(path, "open"));
  return std::make_unique<MemoryReadableFile>(this, node);
}

absl::StatusOr<std::unique_ptr<MappedFile>> MemoryFileSystem::Map(const std::string& path) {
  MutexLock lock(&mutex_);
  TSDB_ASSIGN_OR_RETURN(const NodePointer node, Find(path, "map"));
  return std::make_unique<MemoryMappedFile>(node->content);
}

absl::Status MemoryFileSystem::Rename(const std::string& from, const std::string& to) {
  MutexLock lock(&mutex_);
  TSDB_ASSIGN_OR_RETURN(const NodePointer node, Find(from, "rename"));
  TSDB_RETURN_IF_ERROR(CheckParent(to, "rename to"));
  if (ParentPath(from) == ParentPath(to)) {
    ChangeDirectory(ParentPath(from), {from, to, node});
  } else {
    ChangeDirectory(ParentPath(to), {"", to, node});
    ChangeDirectory(ParentPath(from), {from, "", nullptr});
  }
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::Remove(const std::string& path) {
  MutexLock lock(&mutex_);
  TSDB_ASSIGN_OR_RETURN(const NodePointer node, Find(path, "remove"));
  bytes_used_ -= node->content.size();
  ChangeDirectory(ParentPath(path), {path, "", nullptr});
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::Link(const std::string& from, const std::string& to) {
  MutexLock lock(&mutex_);
  TSDB_ASSIGN_OR_RETURN(const NodePointer node, Find(from, "link"));
  TSDB_RETURN_IF_ERROR(CheckParent(to, "link to"));
  if (names_.contains(to)) return FileError(EEXIST, "link to", to);
  ChangeDirectory(ParentPath(to), {"", to, node});
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> MemoryFileSystem::FileSize(const std::string& path) {
  MutexLock lock(&mutex_);
  const auto found = names_.find(path);
  if (found == names_.end()) return FileError(ENOENT, "ask the size of", path);
  return uint64_t{found->second->content.size()};
}

absl::StatusOr<std::vector<std::string>> MemoryFileSystem::List(const std::string& directory) {
  MutexLock lock(&mutex_);
  const auto found = names_.find(directory);
  if (found == names_.end()) return FileError(ENOENT, "list", directory);
  if (!found->second->is_directory) return FileError(ENOTDIR, "list", directory);
  std::vector<std::string> names;
  for (const auto& [path, node] : names_) {
    if (path != "/" && ParentPath(path) == directory) {
      names.push_back(path.substr(path.rfind('/') + 1));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status MemoryFileSystem::CreateDirectory(const std::string& path) {
  MutexLock lock(&mutex_);
  TSDB_RETURN_IF_ERROR(CheckParent(path, "make the directory"));
  if (names_.contains(path)) return FileError(EEXIST, "make the directory", path);
  const auto node = std::make_shared<Node>();
  node->is_directory = true;
  ChangeDirectory(ParentPath(path), {"", path, node});
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::RemoveDirectory(const std::string& path) {
  MutexLock lock(&mutex_);
  const auto found = names_.find(path);
  if (found == names_.end()) return FileError(ENOENT, "remove the directory", path);
  if (!found->second->is_directory) return FileError(ENOTDIR, "remove the directory", path);
  if (HasChildren(path)) return FileError(ENOTEMPTY, "remove the directory", path);
  ChangeDirectory(ParentPath(path), {path, "", nullptr});
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::SyncDirectory(const std::string& path) {
  MutexLock lock(&mutex_);
  const auto found = names_.find(path);
  if (found == names_.end()) return FileError(ENOENT, "sync the directory", path);
  if (!found->second->is_directory) return FileError(ENOTDIR, "sync the directory", path);
  for (const DirectoryChange& change : pending_[path]) Apply(change, &durable_names_);
  pending_.erase(path);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> MemoryFileSystem::FreeSpace(const std::string& path) {
  MutexLock lock(&mutex_);
  if (!names_.contains(path)) return FileError(ENOENT, "ask the free space at", path);
  return capacity_ > bytes_used_ ? capacity_ - bytes_used_ : 0;
}

absl::StatusOr<std::unique_ptr<FileLock>> MemoryFileSystem::Lock(const std::string& path) {
  MutexLock lock(&mutex_);
  TSDB_RETURN_IF_ERROR(CheckParent(path, "open the lock file"));
  if (!locked_.emplace(path, true).second) {
    return absl::FailedPreconditionError(absl::StrCat("'", path, "' is locked by this process"));
  }
  if (!names_.contains(path)) {
    ChangeDirectory(ParentPath(path), {"", path, std::make_shared<Node>()});
  }
  return std::make_unique<MemoryFileLock>(this, path);
}

std::vector<uint8_t> MemoryFileSystem::AfterLoss(const Node& node, Coin* coin) {
  constexpr uint64_t kSectorBytes = 512;
  std::vector<uint8_t> bytes = node.durable;
  if (coin == nullptr) return bytes;
  for (const Change& change : node.changes) {
    if (change.is_resize) {
      if (coin->Below(2) == 0) bytes.resize(change.offset);
      continue;
    }
    const uint64_t fate = coin->Below(4);  // lost, whole, or torn (half of the cases)
    if (fate == 0) continue;
    for (uint64_t done = 0; done < change.bytes.size();) {
      const uint64_t at = change.offset + done;
      const uint64_t count = std::min(kSectorBytes - at % kSectorBytes, change.bytes.size() - done);
      if (fate == 1 || coin->Below(2) == 0) {
        if (bytes.size() < at + count) bytes.resize(at + count);
        std::memcpy(bytes.data() + at, change.bytes.data() + done, count);
      }
      done += count;
    }
  }
  return bytes;
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::Copy(const Names& names, bool keep_all,
                                                         Coin* coin) const {
  auto copy = std::make_unique<MemoryFileSystem>();
  MutexLock lock(&copy->mutex_);
  copy->capacity_ = capacity_;
  std::map<const Node*, NodePointer> copied;  // links stay links
  for (const auto& [path, node] : names) {
    // A name whose directory did not survive is lost with it; parents sort before children.
    if (path != "/" && !copy->names_.contains(ParentPath(path))) continue;
    NodePointer& target = copied[node.get()];
    if (target == nullptr) {
      target = std::make_shared<Node>();
      target->is_directory = node->is_directory;
      target->content = keep_all ? node->content : AfterLoss(*node, coin);
      target->durable = target->content;
      copy->bytes_used_ += target->content.size();
    }
    copy->names_[path] = target;
  }
  copy->durable_names_ = copy->names_;
  return copy;
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::AfterProcessCrash() const {
  MutexLock lock(&mutex_);
  return Copy(names_, /*keep_all=*/true, nullptr);
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::AfterPowerLoss() const {
  MutexLock lock(&mutex_);
  return Copy(durable_names_, /*keep_all=*/false, nullptr);
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::AfterPowerLoss(uint64_t seed) const {
  MutexLock lock(&mutex_);
  Coin coin(seed);
  Names names = durable_names_;
  for (const auto& [directory, changes] : pending_) {
    for (const DirectoryChange& change : changes) {
      if (coin.Below(2) == 0) Apply(change, &names);
    }
  }
  return Copy(names, /*keep_all=*/false, &coin);
}

void MemoryFileSystem::ForgetUnsynced(const std::string& path) {
  MutexLock lock(&mutex_);
  if (const auto found = names_.find(path); found != names_.end()) found->second->changes.clear();
}

std::vector<uint8_t> MemoryFileSystem::Content(const std::string& path) const {
  MutexLock lock(&mutex_);
  const auto found = names_.find(path);
  TSDB_CHECK(found != names_.end());
  return found->second->content;
}

void MemoryFileSystem::SetContent(const std::string& path, std::vector<uint8_t> content) {
  MutexLock lock(&mutex_);
  NodePointer& node = names_[path];
  if (node == nullptr) node = std::make_shared<Node>();
  Resize(node.get(), content.size());
  node->content = content;
  node->durable = std::move(content);
  node->changes.clear();
  durable_names_[path] = node;
}

void MemoryFileSystem::SetCapacity(uint64_t bytes) {
  MutexLock lock(&mutex_);
  capacity_ = bytes;
}

}  // namespace tsdb

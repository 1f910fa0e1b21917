#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/file_system.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"

namespace tsdb {
namespace {

// Calls until it was not a signal that ended the call.
template <typename Call>
auto RetryInterrupted(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }
  // For whoever wants close's result.
  int Release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

absl::StatusOr<Descriptor> Open(const std::string& path, int flags, std::string_view operation) {
  const int number =
      RetryInterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0600); });
  if (number < 0) return FileError(errno, operation, path);
  return Descriptor(number);
}

absl::StatusOr<uint64_t> SizeOf(const Descriptor& descriptor, const std::string& path) {
  struct stat status;
  if (::fstat(descriptor.number(), &status) != 0) return FileError(errno, "ask the size of", path);
  return static_cast<uint64_t>(status.st_size);
}

std::string AtOffset(std::string_view operation, size_t bytes, uint64_t offset) {
  return absl::StrCat(ToAbsl(operation), " ", bytes, " bytes at offset ", offset, " of");
}

class LocalWritableFile final : public WritableFile {
 public:
  LocalWritableFile(std::string path, Descriptor descriptor, uint64_t offset)
      : path_(std::move(path)), descriptor_(std::move(descriptor)), offset_(offset) {}

  // pwrite, because what a failed write left behind must not shift the next one.
  absl::Status Append(std::span<const uint8_t> bytes) override {
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t written = RetryInterrupted([&] {
        return ::pwrite(descriptor_.number(), bytes.data() + done, bytes.size() - done,
                        static_cast<off_t>(offset_ + done));
      });
      // POSIX does not say what nothing written without an error means; it must not loop for ever.
      if (written <= 0) {
        return FileError(written < 0 ? errno : EIO,
                         AtOffset("write", bytes.size() - done, offset_ + done), path_);
      }
      done += static_cast<size_t>(written);
    }
    offset_ += bytes.size();
    return absl::OkStatus();
  }

  absl::Status Preallocate(uint64_t size) override {
    TSDB_ASSIGN_OR_RETURN(const uint64_t present, SizeOf(descriptor_, path_));
    if (size <= present) return absl::OkStatus();
    const int result = RetryInterrupted([&] {
      return ::fallocate(descriptor_.number(), 0, static_cast<off_t>(present),
                         static_cast<off_t>(size - present));
    });
    if (result == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return absl::OkStatus();
    return FileError(errno, AtOffset("allocate", size - present, present), path_);
  }

  absl::Status Truncate(uint64_t size) override {
    const int result = RetryInterrupted(
        [&] { return ::ftruncate(descriptor_.number(), static_cast<off_t>(size)); });
    if (result != 0) {
      return FileError(errno, absl::StrCat("cut to ", size, " bytes"), path_);
    }
    offset_ = size;
    return absl::OkStatus();
  }

  // Not retried, not even after EINTR: see the header.
  absl::Status SyncData() override {
    if (::fdatasync(descriptor_.number()) != 0) return FileError(errno, "sync the data of", path_);
    return absl::OkStatus();
  }
  absl::Status Sync() override {
    if (::fsync(descriptor_.number()) != 0) return FileError(errno, "sync", path_);
    return absl::OkStatus();
  }

  // Not retried: Linux has freed the descriptor even when close says EINTR.
  absl::Status Close() override {
    if (::close(descriptor_.Release()) != 0 && errno != EINTR) {
      return FileError(errno, "close", path_);
    }
    return absl::OkStatus();
  }

  uint64_t offset() const override { return offset_; }

 private:
  const std::string path_;
  Descriptor descriptor_;
  uint64_t offset_;
};

class LocalReadableFile final : public ReadableFile {
 public:
  LocalReadableFile(std::string path, Descriptor descriptor)
      : path_(std::move(path)), descriptor_(std::move(descriptor)) {}

  absl::StatusOr<size_t> Read(uint64_t offset, std::span<uint8_t> bytes) const override {
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t count = RetryInterrupted([&] {
        return ::pread(descriptor_.number(), bytes.data() + done, bytes.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (count < 0) {
        return FileError(errno, AtOffset("read", bytes.size() - done, offset + done), path_);
      }
      if (count == 0) break;
      done += static_cast<size_t>(count);
    }
    return done;
  }

 private:
  const std::string path_;
  const Descriptor descriptor_;
};

class LocalMappedFile final : public MappedFile {
 public:
  // REQUIRES: `bytes` is a whole mapping, or empty.
  explicit LocalMappedFile(std::span<const uint8_t> bytes) { bytes_ = bytes; }
  ~LocalMappedFile() override {
    if (!bytes_.empty()) ::munmap(const_cast<uint8_t*>(bytes_.data()), bytes_.size());
  }

  void Advise(ReadPattern pattern, uint64_t offset, uint64_t length) const override {
    static const uint64_t kPageBytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
    if (offset >= bytes_.size()) return;
    length = std::min<uint64_t>(length, bytes_.size() - offset);
    const uint64_t start = offset / kPageBytes * kPageBytes;
    // The kernel's refusal costs speed only.
    (void)::madvise(const_cast<uint8_t*>(bytes_.data()) + start, offset + length - start,
                    AdviceOf(pattern));
  }

 private:
  static int AdviceOf(ReadPattern pattern) {
    switch (pattern) {
      case ReadPattern::kNormal:
        return MADV_NORMAL;
      case ReadPattern::kSequential:
        return MADV_SEQUENTIAL;
      case ReadPattern::kRandom:
        return MADV_RANDOM;
      case ReadPattern::kSoon:
        return MADV_WILLNEED;
      case ReadPattern::kNotSoon:
        return MADV_DONTNEED;
    }
    return MADV_NORMAL;
  }
};

class LocalFileLock final : public FileLock {
 public:
  explicit LocalFileLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  const Descriptor descriptor_;  // its close lets go of the lock
};

// "pid 4711 (tsdb) since 2026-01-31T12:00:00Z"
std::string DescribeThisProcess() {
  char name[32] = "?";
  if (std::FILE* file = std::fopen("/proc/self/comm", "re"); file != nullptr) {
    if (std::fgets(name, sizeof(name), file) == nullptr) name[0] = '?';
    std::fclose(file);
  }
  const std::string_view program(name);
  const std::time_t now = std::time(nullptr);
  std::tm utc;
  char since[32] = "?";
  if (::gmtime_r(&now, &utc) != nullptr) {
    std::strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", &utc);
  }
  return absl::StrCat("pid ", ::getpid(), " (", ToAbsl(program.substr(0, program.find('\n'))),
                      ") since ", since);
}

class LocalFiles final : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path,
                                                       CreateMode mode) override {
    const int flags = O_WRONLY | O_CREAT | (mode == CreateMode::kNew ? O_EXCL : O_TRUNC);
    TSDB_ASSIGN_OR_RETURN(Descriptor descriptor, Open(path, flags, "create"));
    return std::make_unique<LocalWritableFile>(path, std::move(descriptor), 0);
  }

  absl::StatusOr<std::unique_ptr<WritableFile>> OpenWritable(const std::string& path,
                                                             uint64_t offset) override {
    TSDB_ASSIGN_OR_RETURN(Descriptor descriptor, Open(path, O_WRONLY, "open for writing"));
    TSDB_ASSIGN_OR_RETURN(const uint64_t size, SizeOf(descriptor, path));
    if (offset > size) {
      return absl::OutOfRangeError(absl::StrCat("cannot open '", path, "' for writing at offset ",
                                                offset, ": it has ", size, " bytes"));
    }
    return std::make_unique<LocalWritableFile>(path, std::move(descriptor), offset);
  }

  absl::StatusOr<std::unique_ptr<ReadableFile>> OpenReadable(const std::string& path) override {
    TSDB_ASSIGN_OR_RETURN(Descriptor descriptor, Open(path, O_RDONLY, "open"));
    return std::make_unique<LocalReadableFile>(path, std::move(descriptor));
  }

  absl::StatusOr<std::unique_ptr<MappedFile>> Map(const std::string& path) override {
    TSDB_ASSIGN_OR_RETURN(Descriptor descriptor, Open(path, O_RDONLY, "open for mapping"));
    TSDB_ASSIGN_OR_RETURN(const uint64_t size, SizeOf(descriptor, path));
    if (size == 0) return std::make_unique<LocalMappedFile>(std::span<const uint8_t>());
    void* address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor.number(), 0);
    if (address == MAP_FAILED)
      return FileError(errno, absl::StrCat("map ", size, " bytes of"), path);
    return std::make_unique<LocalMappedFile>(
        std::span<const uint8_t>(static_cast<const uint8_t*>(address), size));
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
    return FileError(errno, absl::StrCat("rename '", from, "' to"), to);
  }

  absl::Status Remove(const std::string& path) override {
    if (::unlink(path.c_str()) == 0) return absl::OkStatus();
    return FileError(errno, "remove", path);
  }

  absl::Status Link(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
    return FileError(errno, absl::StrCat("link '", from, "' to"), to);
  }

  absl::StatusOr<uint64_t> FileSize(const std::string& path) override {
    struct stat status;
    if (::stat(path.c_str(), &status) != 0) return FileError(errno, "ask the size of", path);
    return static_cast<uint64_t>(status.st_size);
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) override {
    DIR* stream = ::opendir(directory.c_str());
    if (stream == nullptr) return FileError(errno, "list", directory);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;
    }
    const int error = errno;
    ::closedir(stream);
    if (error != 0) return FileError(error, "list", directory);
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::Status CreateDirectory(const std::string& path) override {
    if (::mkdir(path.c_str(), 0700) == 0) return absl::OkStatus();
    return FileError(errno, "make the directory", path);
  }

  absl::Status RemoveDirectory(const std::string& path) override {
    if (::rmdir(path.c_str()) == 0) return absl::OkStatus();
    return FileError(errno, "remove the directory", path);
  }

  absl::Status SyncDirectory(const std::string& path) override {
    TSDB_ASSIGN_OR_RETURN(const Descriptor descriptor,
                          Open(path, O_RDONLY | O_DIRECTORY, "open the directory"));
    if (::fsync(descriptor.number()) == 0) return absl::OkStatus();
    return FileError(errno, "sync the directory", path);
  }

  absl::StatusOr<uint64_t> FreeSpace(const std::string& path) override {
    struct statvfs status;
    if (::statvfs(path.c_str(), &status) != 0) {
      return FileError(errno, "ask the free space at", path);
    }
    return uint64_t{status.f_bavail} * status.f_frsize;
  }

  // flock, because it belongs to the open file and so keeps this process's other openers out, too.
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    TSDB_ASSIGN_OR_RETURN(Descriptor descriptor,
                          Open(path, O_RDWR | O_CREAT, "open the lock file"));
    if (RetryInterrupted([&] { return ::flock(descriptor.number(), LOCK_EX | LOCK_NB); }) != 0) {
      if (errno != EWOULDBLOCK) return FileError(errno, "lock", path);
      return Taken(descriptor, path);
    }
    const std::string holder = DescribeThisProcess() + "\n";
    LocalWritableFile file(path, Descriptor(::fcntl(descriptor.number(), F_DUPFD_CLOEXEC, 0)), 0);
    TSDB_RETURN_IF_ERROR(file.Truncate(0));
    TSDB_RETURN_IF_ERROR(
        file.Append(std::span(reinterpret_cast<const uint8_t*>(holder.data()), holder.size())));
    return std::make_unique<LocalFileLock>(std::move(descriptor));
  }

 private:
  static absl::Status Taken(const Descriptor& descriptor, const std::string& path) {
    char text[128];
    const ssize_t length =
        RetryInterrupted([&] { return ::pread(descriptor.number(), text, sizeof(text), 0); });
    std::string_view holder(text, length > 0 ? static_cast<size_t>(length) : 0);
    holder = holder.substr(0, holder.find('\n'));
    if (holder.empty()) holder = "another process";
    return absl::FailedPreconditionError(
        absl::StrCat("'", path, "' is locked by ", ToAbsl(holder),
                     "; close the database there first, or open this one read-only"));
  }
};

}  // namespace

FileSystem* LocalFileSystem() {
  static LocalFiles files;
  return &files;
}

}  // namespace tsdb

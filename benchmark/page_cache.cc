#include "benchmark/page_cache.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "storage/base/status_macros.h"

namespace tsdb::benchmark {
namespace {

absl::Status SystemError(const std::string& doing, const std::string& path) {
  return absl::UnavailableError(doing + " " + path + ": " + std::strerror(errno));
}

// An open file, closed with the object.
class OpenFile {
 public:
  OpenFile(const std::string& path, int flags)
      : descriptor_(open(path.c_str(), flags | O_CLOEXEC)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int get() const { return descriptor_; }

 private:
  const int descriptor_;
};

absl::StatusOr<std::vector<std::string>> FilesOf(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code error;
  std::filesystem::recursive_directory_iterator entry(directory, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    if (entry->is_regular_file(error)) files.push_back(entry->path().string());
  }
  if (error) return absl::UnavailableError("listing " + directory + ": " + error.message());
  return files;
}

absl::StatusOr<uint64_t> Length(const OpenFile& file, const std::string& path) {
  struct stat status;
  if (fstat(file.get(), &status) != 0) return SystemError("looking at", path);
  return static_cast<uint64_t>(status.st_size);
}

// Bytes of the file's pages that are in memory.
absl::StatusOr<uint64_t> CachedBytes(const OpenFile& file, uint64_t bytes,
                                     const std::string& path) {
  if (bytes == 0) return 0;
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
  void* const mapped = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file.get(), 0);
  if (mapped == MAP_FAILED) return SystemError("mapping", path);
  std::vector<unsigned char> resident((bytes + page - 1) / page);
  const bool known = mincore(mapped, bytes, resident.data()) == 0;
  const absl::Status unknown = known ? absl::OkStatus() : SystemError("mincore on", path);
  munmap(mapped, bytes);
  TSDB_RETURN_IF_ERROR(unknown);
  const auto pages = static_cast<uint64_t>(std::count_if(
      resident.begin(), resident.end(), [](unsigned char flags) { return (flags & 1) != 0; }));
  return std::min(bytes, pages * page);
}

bool WriteControl(const std::string& control) {
  const OpenFile file(control, O_WRONLY);
  return file.get() >= 0 && write(file.get(), "3\n", 2) == 2;
}

}  // namespace

const char* CacheDropName(CacheDrop drop) {
  switch (drop) {
    case CacheDrop::kSystem:
      return "/proc/sys/vm/drop_caches";
    case CacheDrop::kFiles:
      return "posix_fadvise";
    case CacheDrop::kNotPermitted:
      return "not permitted";
  }
  return "";
}

absl::StatusOr<DroppedCache> DropPageCache(const std::string& directory, bool system,
                                           const std::string& control) {
  TSDB_ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesOf(directory));
  DroppedCache dropped;
  for (const std::string& path : files) {
    const OpenFile file(path, O_RDONLY);
    if (file.get() < 0) return SystemError("opening", path);
    if (fsync(file.get()) != 0) return SystemError("syncing", path);
  }
  if (system && WriteControl(control)) dropped.by = CacheDrop::kSystem;
  bool advised = true;
  for (const std::string& path : files) {
    const OpenFile file(path, O_RDONLY);
    if (file.get() < 0) return SystemError("opening", path);
    if (dropped.by != CacheDrop::kSystem) {
      advised = advised && posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED) == 0;
    }
    TSDB_ASSIGN_OR_RETURN(const uint64_t bytes, Length(file, path));
    TSDB_ASSIGN_OR_RETURN(const uint64_t cached, CachedBytes(file, bytes, path));
    dropped.file_bytes += bytes;
    dropped.cached_bytes += cached;
  }
  if (dropped.by != CacheDrop::kSystem && advised) dropped.by = CacheDrop::kFiles;
  return dropped;
}

absl::StatusOr<uint64_t> FileBytes(const std::string& directory, const std::string& suffix) {
  TSDB_ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesOf(directory));
  uint64_t sum = 0;
  for (const std::string& path : files) {
    if (!path.ends_with(suffix)) continue;
    const OpenFile file(path, O_RDONLY);
    if (file.get() < 0) return SystemError("opening", path);
    TSDB_ASSIGN_OR_RETURN(const uint64_t bytes, Length(file, path));
    sum += bytes;
  }
  return sum;
}

}  // namespace tsdb::benchmark

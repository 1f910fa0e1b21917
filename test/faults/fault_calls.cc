// A library to preload into a process, whose system calls on files below a directory it makes fail:
// the k-th, or all from there on. Nothing of ours is linked to it, so it sees what the process
// really does, in the C library's calls.
//
//   FAULT_DIRECTORY   files below this absolute path
//   FAULT_COUNTS      a file for FaultCounts, at least as long as it
//   FAULT_NTH         k, counted from 1; 0: none fails
//   FAULT_KIND        eio       the call fails with EIO, and does nothing
//                     enospc    calls that take space fail with ENOSPC; others are not counted
//                     short     half of a write is written, and the next write to the file fails
//                     torn      a write writes its second half inverted, and fails
//                     lie       the same, and says that all is well
//                     sync      fsync and fdatasync fail with EIO; others are not counted
//   FAULT_STICKY      1: the k-th and all that follow
//
// A sync that is made to fail takes what was written to the file since the last good one with it,
// as a kernel may: the bytes are what they were then, and zero past that. Syncs that do not fail
// return at once: nobody cuts the power.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "test/faults/fault_counts.h"

namespace tsdb {
namespace {

enum class Kind { kIoError, kNoSpace, kShort, kTorn, kLie, kSync };
// What a call is to the kinds: each fails some of them.
enum class Call { kOther, kTakesSpace, kWrite, kSync };

constexpr int kDescriptors = 4096;
using FileKey = std::pair<dev_t, ino_t>;

struct State {
  std::string directory;
  Kind kind = Kind::kIoError;
  uint64_t nth = 0;
  bool sticky = false;
  FaultCounts* counts = nullptr;

  std::mutex mutex;  // guards what follows
  std::array<std::string, kDescriptors> paths;
  std::array<bool, kDescriptors> next_write_fails{};
  std::map<FileKey, std::vector<char>> synced;  // as of the last good sync
  std::map<FileKey, bool> sync_failed;
};

// Null until the library is set up, and in a process that asks for no faults.
std::atomic<State*> state{nullptr};

template <typename... Arguments>
long Raw(long number, Arguments... arguments) {
  return ::syscall(number, arguments...);
}

bool Fails(Kind kind, Call call) {
  switch (kind) {
    case Kind::kIoError:
      return true;
    case Kind::kNoSpace:
      return call != Call::kOther;
    case Kind::kSync:
      return call == Call::kSync;
    default:
      return call == Call::kWrite;
  }
}

// Counts a call and says whether it is to fail.
bool Enter(State& of, Call call, const char* name, const std::string& path) {
  if (!Fails(of.kind, call)) return false;
  const uint64_t number = of.counts->calls.fetch_add(1) + 1;
  if (of.nth == 0 || (of.sticky ? number < of.nth : number != of.nth)) return false;
  if (of.counts->failed.fetch_add(1) == 0) {
    std::snprintf(of.counts->first, sizeof(of.counts->first), "%s %s", name, path.c_str());
  }
  return true;
}

int ErrorOf(const State& of) { return of.kind == Kind::kNoSpace ? ENOSPC : EIO; }

// Whether the call on `path` is to fail; errno then says why.
bool FailsOn(Call call, const char* name, const char* path) {
  State* const of = state.load(std::memory_order_acquire);
  if (of == nullptr || path == nullptr || !std::string_view(path).starts_with(of->directory)) {
    return false;
  }
  if (!Enter(*of, call, name, path)) return false;
  errno = ErrorOf(*of);
  return true;
}

std::string PathOf(State& of, int file) {
  if (file < 0 || file >= kDescriptors) return "";
  const std::lock_guard<std::mutex> lock(of.mutex);
  return of.paths[file];
}

// The same of the call on an open file.
bool FailsOn(Call call, const char* name, int file) {
  State* const of = state.load(std::memory_order_acquire);
  if (of == nullptr) return false;
  const std::string path = PathOf(*of, file);
  return !path.empty() && FailsOn(call, name, path.c_str());
}

int OpenFile(const char* path, int flags, mode_t mode) {
  const Call call = (flags & O_CREAT) != 0 ? Call::kTakesSpace : Call::kOther;
  if (FailsOn(call, "open", path)) return -1;
  const int file = static_cast<int>(Raw(SYS_openat, AT_FDCWD, path, flags, mode));
  State* const of = state.load(std::memory_order_acquire);
  if (of == nullptr || file < 0 || file >= kDescriptors) return file;
  const bool ours = std::string_view(path).starts_with(of->directory);
  const std::lock_guard<std::mutex> lock(of->mutex);
  of->paths[file] = ours ? path : "";
  struct stat status;
  if (ours && (flags & O_TRUNC) != 0 && ::fstat(file, &status) == 0) {
    // Whatever is synced from now on was written after this: a new file under an old name.
    of->sync_failed.erase({status.st_dev, status.st_ino});
    of->synced.erase({status.st_dev, status.st_ino});
  }
  of->next_write_fails[file] = false;
  return file;
}

// Writes at `offset`, or where the file stands (-1).
ssize_t RawWrite(int file, const char* bytes, size_t size, off_t offset) {
  return offset < 0 ? Raw(SYS_write, file, bytes, size)
                    : Raw(SYS_pwrite64, file, bytes, size, offset);
}

ssize_t WriteFile(const char* name, int file, const void* data, size_t size, off_t offset) {
  const char* const bytes = static_cast<const char*>(data);
  State* const of = state.load(std::memory_order_acquire);
  const std::string path = of == nullptr ? "" : PathOf(*of, file);
  if (path.empty()) return RawWrite(file, bytes, size, offset);
  {
    const std::lock_guard<std::mutex> lock(of->mutex);
    if (std::exchange(of->next_write_fails[file], false)) {
      errno = EIO;
      return -1;
    }
  }
  if (!Enter(*of, Call::kWrite, name, path)) return RawWrite(file, bytes, size, offset);
  errno = ErrorOf(*of);
  if (of->kind == Kind::kIoError || of->kind == Kind::kNoSpace || size < 2) return -1;
  if (of->kind == Kind::kShort) {
    const std::lock_guard<std::mutex> lock(of->mutex);
    of->next_write_fails[file] = true;
    return RawWrite(file, bytes, size / 2, offset);
  }
  std::string torn(bytes, size);
  for (size_t i = size / 2; i < size; ++i) torn[i] = static_cast<char>(~torn[i]);
  const ssize_t written = RawWrite(file, torn.data(), size, offset);
  if (of->kind == Kind::kLie) return written;
  errno = EIO;
  return -1;
}

std::vector<char> ContentOf(const std::string& path) {
  std::vector<char> content;
  const int file = static_cast<int>(Raw(SYS_openat, AT_FDCWD, path.c_str(), O_RDONLY, 0));
  if (file < 0) return content;
  char buffer[16384];
  for (ssize_t count; (count = Raw(SYS_read, file, buffer, sizeof(buffer))) > 0;) {
    content.insert(content.end(), buffer, buffer + count);
  }
  Raw(SYS_close, file);
  return content;
}

// The file as it was at its last good sync, and zeros past that.
void ForgetUnsynced(const std::string& path, std::vector<char> content, off_t size) {
  content.resize(static_cast<size_t>(size));
  const int file = static_cast<int>(Raw(SYS_openat, AT_FDCWD, path.c_str(), O_WRONLY, 0));
  if (file < 0) return;
  for (size_t done = 0; done < content.size();) {
    const ssize_t count =
        RawWrite(file, content.data() + done, content.size() - done, static_cast<off_t>(done));
    if (count <= 0) break;
    done += static_cast<size_t>(count);
  }
  Raw(SYS_close, file);
}

int SyncFile(const char* name, int file) {
  State* const of = state.load(std::memory_order_acquire);
  const std::string opened_as = of == nullptr ? "" : PathOf(*of, file);
  struct stat status;
  if (opened_as.empty() || ::fstat(file, &status) != 0)
    return static_cast<int>(Raw(SYS_fsync, file));
  // It may have been renamed since.
  char now[512];
  const ssize_t length =
      ::readlink(("/proc/self/fd/" + std::to_string(file)).c_str(), now, sizeof(now));
  const std::string path(now, length > 0 ? static_cast<size_t>(length) : 0);
  const FileKey key(status.st_dev, status.st_ino);
  const bool regular = S_ISREG(status.st_mode);
  const bool fails = Enter(*of, Call::kSync, name, path);
  const std::lock_guard<std::mutex> lock(of->mutex);
  if (regular && of->sync_failed[key]) of->counts->syncs_after_failure.fetch_add(1);
  if (!fails) {
    if (regular) of->synced[key] = ContentOf(path);
    return 0;
  }
  if (path.find("/log/") != std::string::npos) of->counts->failed_log_syncs.fetch_add(1);
  if (regular) {
    of->sync_failed[key] = true;
    ForgetUnsynced(path, of->synced[key], status.st_size);
  }
  errno = ErrorOf(*of);
  return -1;
}

__attribute__((constructor)) void SetUp() {
  const char* directory = std::getenv("FAULT_DIRECTORY");
  const char* counts = std::getenv("FAULT_COUNTS");
  if (directory == nullptr || counts == nullptr) return;
  const auto text = [](const char* name) {
    const char* given = std::getenv(name);
    return std::string(given != nullptr ? given : "");
  };
  static State all;
  all.directory = directory;
  all.nth = std::strtoull(text("FAULT_NTH").c_str(), nullptr, 10);
  all.sticky = text("FAULT_STICKY") == "1";
  const std::array<const char*, 6> kinds = {"eio", "enospc", "short", "torn", "lie", "sync"};
  const auto kind = std::find(kinds.begin(), kinds.end(), text("FAULT_KIND"));
  const int file = static_cast<int>(Raw(SYS_openat, AT_FDCWD, counts, O_RDWR, 0));
  void* const mapped =
      ::mmap(nullptr, sizeof(FaultCounts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (kind == kinds.end() || file < 0 || mapped == MAP_FAILED) {
    std::fputs("fault_calls: FAULT_KIND or FAULT_COUNTS is wrong\n", stderr);
    std::_Exit(3);
  }
  all.kind = static_cast<Kind>(kind - kinds.begin());
  all.counts = static_cast<FaultCounts*>(mapped);
  Raw(SYS_close, file);
  state.store(&all, std::memory_order_release);
}

}  // namespace
}  // namespace tsdb

// The C library's functions, under its names. Those with 64 are what programs with large files
// call; here they are the same.
extern "C" {

using tsdb::Call;
using tsdb::FailsOn;
using tsdb::Raw;

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return tsdb::OpenFile(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return tsdb::OpenFile(path, flags, mode);
}
int creat(const char* path, mode_t mode) {
  return tsdb::OpenFile(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
int close(int file) {
  const bool fails = FailsOn(Call::kOther, "close", file);
  tsdb::State* const of = tsdb::state.load(std::memory_order_acquire);
  if (of != nullptr && file >= 0 && file < tsdb::kDescriptors) {
    const std::lock_guard<std::mutex> lock(of->mutex);
    of->paths[file].clear();
  }
  // It is closed all the same, as by Linux.
  const int result = static_cast<int>(Raw(SYS_close, file));
  if (fails) errno = EIO;
  return fails ? -1 : result;
}

ssize_t write(int file, const void* bytes, size_t size) {
  return tsdb::WriteFile("write", file, bytes, size, -1);
}
ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) {
  return tsdb::WriteFile("pwrite", file, bytes, size, offset);
}
ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t offset) {
  return tsdb::WriteFile("pwrite", file, bytes, size, offset);
}
ssize_t writev(int file, const struct iovec* parts, int count) {
  if (FailsOn(Call::kWrite, "writev", file)) return -1;
  return Raw(SYS_writev, file, parts, count);
}
ssize_t read(int file, void* bytes, size_t size) {
  if (FailsOn(Call::kOther, "read", file)) return -1;
  return Raw(SYS_read, file, bytes, size);
}
ssize_t pread(int file, void* bytes, size_t size, off_t offset) {
  if (FailsOn(Call::kOther, "pread", file)) return -1;
  return Raw(SYS_pread64, file, bytes, size, offset);
}
ssize_t pread64(int file, void* bytes, size_t size, off64_t offset) {
  return pread(file, bytes, size, offset);
}
void* mmap(void* address, size_t size, int protection, int flags, int file, off_t offset) noexcept {
  // An allocator maps memory before there is anything to look at, and must not be called back.
  if ((flags & MAP_ANONYMOUS) == 0 && FailsOn(Call::kOther, "mmap", file)) return MAP_FAILED;
  return reinterpret_cast<void*>(Raw(SYS_mmap, address, size, protection, flags, file, offset));
}
void* mmap64(void* address, size_t size, int protection, int flags, int file,
             off64_t offset) noexcept {
  return mmap(address, size, protection, flags, file, offset);
}

int fsync(int file) { return tsdb::SyncFile("fsync", file); }
int fdatasync(int file) { return tsdb::SyncFile("fdatasync", file); }
int ftruncate(int file, off_t size) noexcept {
  if (FailsOn(Call::kTakesSpace, "ftruncate", file)) return -1;
  return static_cast<int>(Raw(SYS_ftruncate, file, size));
}
int ftruncate64(int file, off64_t size) noexcept { return ftruncate(file, size); }
int fallocate(int file, int mode, off_t offset, off_t size) {
  if (FailsOn(Call::kTakesSpace, "fallocate", file)) return -1;
  return static_cast<int>(Raw(SYS_fallocate, file, mode, offset, size));
}
int fallocate64(int file, int mode, off64_t offset, off64_t size) {
  return fallocate(file, mode, offset, size);
}

// A descriptor made of another one is of the same file.
int fcntl(int file, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  const int result = static_cast<int>(Raw(SYS_fcntl, file, command, argument));
  tsdb::State* const of = tsdb::state.load(std::memory_order_acquire);
  if (of == nullptr || result < 0 || result >= tsdb::kDescriptors) return result;
  if (command != F_DUPFD && command != F_DUPFD_CLOEXEC) return result;
  const std::lock_guard<std::mutex> lock(of->mutex);
  of->paths[result] = of->paths[file];
  return result;
}

int rename(const char* from, const char* to) noexcept {
  if (FailsOn(Call::kTakesSpace, "rename", to)) return -1;
  return static_cast<int>(Raw(SYS_rename, from, to));
}
int link(const char* from, const char* to) noexcept {
  if (FailsOn(Call::kTakesSpace, "link", to)) return -1;
  return static_cast<int>(Raw(SYS_link, from, to));
}
int unlink(const char* path) noexcept {
  if (FailsOn(Call::kOther, "unlink", path)) return -1;
  return static_cast<int>(Raw(SYS_unlink, path));
}
int mkdir(const char* path, mode_t mode) noexcept {
  if (FailsOn(Call::kTakesSpace, "mkdir", path)) return -1;
  return static_cast<int>(Raw(SYS_mkdir, path, mode));
}
int rmdir(const char* path) noexcept {
  if (FailsOn(Call::kOther, "rmdir", path)) return -1;
  return static_cast<int>(Raw(SYS_rmdir, path));
}
DIR* opendir(const char* path) {
  if (FailsOn(Call::kOther, "opendir", path)) return nullptr;
  using Function = DIR* (*)(const char*);
  static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "opendir"));
  return real(path);
}

}  // extern "C"

#include "storage/base/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tsdb {
namespace {

constexpr size_t kUnlimited = std::numeric_limits<size_t>::max();

size_t PageBytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

absl::Status Refused(const char* call, size_t bytes, int error) {
  return absl::ResourceExhaustedError(
      absl::StrCat(call, " of ", bytes, " bytes failed: ", std::generic_category().message(error),
                   " (errno ", error, ")"));
}

// Has every page of the mapping backed by memory. Returns 0 or an errno.
int Prefault(char* data, size_t bytes) {
#ifdef MADV_POPULATE_WRITE
  if (madvise(data, bytes, MADV_POPULATE_WRITE) == 0) return 0;
  if (errno != EINVAL) return errno;
#endif
  // A kernel before 5.14. The volatile keeps the stores, which write what is there already.
  for (size_t offset = 0; offset < bytes; offset += PageBytes()) {
    *static_cast<volatile char*>(data + offset) = 0;
  }
  return 0;
}

// The number in `path`; kUnlimited if there is no such file or it says "max".
size_t ReadLimit(const std::string& path) {
  std::ifstream file(path);
  size_t limit = 0;
  return file >> limit ? limit : kUnlimited;
}

// The lowest limit in files called `name` in `mount` + `group` and the folders above it, up to
// `mount`. (In a container the group's path may be the host's and not exist: its parents do.)
size_t LowestLimit(const std::string& mount, std::string group, const std::string& name) {
  size_t lowest = kUnlimited;
  while (true) {
    lowest = std::min(lowest, ReadLimit(absl::StrCat(mount, group, "/", name)));
    if (group.empty()) return lowest;
    const size_t slash = group.rfind('/');
    group.resize(slash == std::string::npos ? 0 : slash);
  }
}

// The number after `key` in /proc/self/status, which is in KiB there, in bytes.
size_t ReadStatusBytes(const std::string& key) {
  std::ifstream file("/proc/self/status");
  std::string word;
  while (file >> word) {
    size_t kibibytes = 0;
    if (word == key && file >> kibibytes) return kibibytes * 1024;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

}  // namespace

absl::StatusOr<HugeRegion> HugeRegion::Map(size_t bytes, bool prefault) {
  if (bytes == 0) return HugeRegion();
  const size_t page = PageBytes();
  if (bytes > kUnlimited - 2 * kAlignment) return Refused("mmap", bytes, ENOMEM);
  const size_t whole = (bytes + page - 1) & ~(page - 1);

  // The kernel aligns to its small page: map too much, then give back both ends.
  void* mapped =
      mmap(nullptr, whole + kAlignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return Refused("mmap", bytes, errno);
  char* const first = static_cast<char*>(mapped);
  const size_t before = -reinterpret_cast<uintptr_t>(first) & (kAlignment - 1);
  char* const data = first + before;
  if (before > 0) munmap(first, before);
  munmap(data + whole, kAlignment - before);
  HugeRegion region(data, bytes);

  // Only a wish: without huge pages the memory is slower, not less.
  if (bytes >= kAlignment) madvise(data, whole, MADV_HUGEPAGE);
  if (prefault) {
    if (const int error = Prefault(data, whole); error != 0) {
      return Refused("prefault", bytes, error);
    }
  }
  return region;
}

HugeRegion::~HugeRegion() {
  if (data_ == nullptr) return;
  const size_t page = PageBytes();
  munmap(data_, (bytes_ + page - 1) & ~(page - 1));
}

size_t PhysicalMemoryBytes() {
  const size_t machine = static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * PageBytes();
  std::ifstream file("/proc/self/cgroup");
  std::ostringstream groups;
  groups << file.rdbuf();
  return std::min(machine, internal::ControlGroupLimitBytes(groups.str(), "/sys/fs/cgroup"));
}

size_t ResidentBytes() { return ReadStatusBytes("VmRSS:"); }

size_t PeakResidentBytes() { return ReadStatusBytes("VmHWM:"); }

namespace internal {

size_t ControlGroupLimitBytes(const std::string& groups, const std::string& mount) {
  size_t lowest = kUnlimited;
  std::istringstream lines(groups);
  // hierarchy:controllers:path, where version 2 has hierarchy 0 and no controllers.
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers =
        absl::StrCat(",", line.substr(first + 1, second - first - 1), ",");
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    if (controllers == ",,") {
      lowest = std::min(lowest, LowestLimit(mount, path, "memory.max"));
    } else if (controllers.find(",memory,") != std::string::npos) {
      lowest = std::min(lowest, LowestLimit(mount + "/memory", path, "memory.limit_in_bytes"));
    }
  }
  return lowest;
}

}  // namespace internal
}  // namespace tsdb

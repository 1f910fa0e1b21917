#include "tools/inspect/lock_holder.h"

#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "storage/base/file_system.h"
#include "storage/base/status_macros.h"
#include "tsdb/durability/layout.h"

namespace tsdb::tools {
namespace {

constexpr size_t kTextBytesMax = 256;

// Whether the kernel lists a lock of the whole file. A line of /proc/locks is
// "1: FLOCK  ADVISORY  WRITE 4711 fd:01:1234 0 EOF", the last number of the sixth word the inode.
LockHolder::Held FindInKernel(uint64_t inode, uint64_t pid) {
  std::ifstream locks("/proc/locks");
  if (!locks) return LockHolder::Held::kUnknown;
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words(line);
    std::string number, kind, manner, access, place;
    uint64_t holder = 0;
    if (!(words >> number >> kind >> manner >> access >> holder >> place)) continue;
    // By process and inode: on layered file systems the device is another than stat says.
    if (kind == "FLOCK" && place.ends_with(absl::StrCat(":", inode)) && holder == pid) {
      return LockHolder::Held::kYes;
    }
  }
  return LockHolder::Held::kNo;
}

}  // namespace

LockHolder ParseLockText(std::string_view text) {
  LockHolder holder;
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  constexpr std::string_view kPid = "pid ", kOpen = " (", kSince = ") since ";
  const size_t open = text.find(kOpen);
  const size_t since = text.rfind(kSince);
  if (!text.starts_with(kPid) || open == std::string_view::npos ||
      since == std::string_view::npos || since < open + kOpen.size()) {
    return holder;
  }
  const char* end = text.data() + open;
  const auto [stopped, error] = std::from_chars(text.data() + kPid.size(), end, holder.pid);
  if (error != std::errc() || stopped != end) {
    holder.pid = 0;
    return holder;
  }
  holder.process = text.substr(open + kOpen.size(), since - open - kOpen.size());
  holder.since = text.substr(since + kSince.size());
  return holder;
}

absl::StatusOr<std::optional<LockHolder>> FindLockHolder(const std::string& directory) {
  const std::string path = JoinPath(directory, durability::kLockName);
  struct stat status;
  if (stat(path.c_str(), &status) != 0) {
    const int error = errno;
    if (error == ENOENT) return std::nullopt;
    return FileError(error, "look at", path);
  }
  TSDB_ASSIGN_OR_RETURN(const auto file, LocalFileSystem()->OpenReadable(path));
  uint8_t bytes[kTextBytesMax];
  TSDB_ASSIGN_OR_RETURN(const size_t read, file->Read(0, bytes));
  LockHolder holder = ParseLockText({reinterpret_cast<const char*>(bytes), read});
  holder.held = FindInKernel(status.st_ino, holder.pid);
  return holder;
}

}  // namespace tsdb::tools

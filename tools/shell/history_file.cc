#include "tools/shell/history_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

#include "storage/base/file_system.h"

namespace tsdb::tools {

absl::StatusOr<std::string> HistoryPath() {
  // A path that is not absolute counts as none, as the XDG specification has it.
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state == '/') return std::string(state) + "/tsdb/history";
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home == '/') return std::string(home) + "/.local/state/tsdb/history";
  return absl::FailedPreconditionError("neither $XDG_STATE_HOME nor $HOME is set");
}

absl::Status MakeHistoryFolder(const std::string& path) {
  for (size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    const std::string folder = path.substr(0, end);
    if (mkdir(folder.c_str(), 0700) == 0) continue;
    const int error = errno;
    struct stat status;
    const bool is_there = stat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
    if (!is_there) return FileError(error, "make the folder", folder);
  }
  return absl::OkStatus();
}

}  // namespace tsdb::tools

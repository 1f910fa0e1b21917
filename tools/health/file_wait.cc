#include "tools/health/file_wait.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

namespace tsdb::tools {

FileWait::FileWait(const std::string& directory)
    : descriptor_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  if (descriptor_ < 0) return;
  if (inotify_add_watch(descriptor_, directory.c_str(), IN_MOVED_TO) >= 0) return;
  close(descriptor_);
  descriptor_ = -1;
}

FileWait::~FileWait() {
  if (descriptor_ >= 0) close(descriptor_);
}

void FileWait::Wait(std::chrono::milliseconds most) {
  // poll passes over a descriptor below 0.
  pollfd polled = {descriptor_, POLLIN, 0};
  const auto timeout = std::clamp<int64_t>(most.count(), 0, std::numeric_limits<int>::max());
  if (poll(&polled, 1, static_cast<int>(timeout)) <= 0) return;
  // What changed is not asked; it is read so that the next call waits.
  char events[4096];
  while (read(descriptor_, events, sizeof(events)) > 0) {
  }
}

}  // namespace tsdb::tools

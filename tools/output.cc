#include "tools/output.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace tsdb::tools {

absl::Status Output::Flush() {
  size_t written = 0;
  while (status_.ok() && written < buffer_.size()) {
    const ssize_t count = write(descriptor_, buffer_.data() + written, buffer_.size() - written);
    if (count >= 0) {
      written += static_cast<size_t>(count);
    } else if (errno != EINTR) {
      status_ = absl::UnavailableError("cannot write " + name_ + ": " +
                                       std::generic_category().message(errno));
    }
  }
  buffer_.clear();
  return status_;
}

}  // namespace tsdb::tools

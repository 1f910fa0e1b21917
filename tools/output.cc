#include "tools/output.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace tsdb::tools {

absl::Status Output::Write(std::string_view bytes) {
  while (status_.ok() && !bytes.empty()) {
    const ssize_t count = write(descriptor_, bytes.data(), bytes.size());
    if (count >= 0) {
      bytes.remove_prefix(static_cast<size_t>(count));
    } else if (errno != EINTR) {
      status_ = absl::UnavailableError("cannot write " + name_ + ": " +
                                       std::generic_category().message(errno));
    }
  }
  return status_;
}

absl::Status Output::Flush() {
  if (stop_.stop_requested()) {
    buffer_.clear();
    return absl::CancelledError("interrupted");
  }
  if (compressor_ == nullptr) {
    (void)Write(buffer_);
  } else if (status_.ok()) {
    compressed_.clear();
    status_ = compressor_->Add(buffer_, compressed_);
    (void)Write(compressed_);
  }
  buffer_.clear();
  return status_;
}

absl::Status Output::Finish() {
  if (!Flush().ok() || compressor_ == nullptr) return status_;
  compressed_.clear();
  status_ = compressor_->Finish(compressed_);
  compressor_.reset();
  return Write(compressed_);
}

}  // namespace tsdb::tools

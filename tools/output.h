// Buffered output whose errors are seen: a full disk behind a redirection must not look like
// success.
//
// Thread safety: one thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"

namespace tsdb::tools {

class Output {
 public:
  // Standard output.
  Output() : Output(1, "the output") {}
  // An open file, which stays the caller's; errors call it by `name`.
  Output(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {
    buffer_.reserve(2 * kFlushBytes);
  }
  ~Output() { (void)Flush(); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  Output& operator<<(std::string_view text) {
    buffer_ += text;
    if (buffer_.size() >= kFlushBytes) (void)Flush();
    return *this;
  }
  // Writes what is buffered. The first error sticks: later output is dropped and it is returned
  // again.
  absl::Status Flush();
  const absl::Status& status() const { return status_; }

 private:
  static constexpr size_t kFlushBytes = size_t{64} << 10;
  const int descriptor_;
  const std::string name_;
  std::string buffer_;
  absl::Status status_;
};

}  // namespace tsdb::tools

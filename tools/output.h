// Buffered standard output whose errors are seen: a full disk behind a redirection must not look
// like success.
//
// Thread safety: one thread.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace tsdb::tools {

class Output {
 public:
  Output() { buffer_.reserve(2 * kFlushBytes); }
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

 private:
  static constexpr size_t kFlushBytes = size_t{64} << 10;
  std::string buffer_;
  absl::Status status_;
};

}  // namespace tsdb::tools

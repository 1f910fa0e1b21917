// Buffered output whose errors are seen: a full disk behind a redirection must not look like
// success.
//
// Thread safety: one thread.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "tools/compressor.h"

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
  // What follows is written compressed. REQUIRES: nothing was written.
  void Compress(std::unique_ptr<Compressor> compressor) { compressor_ = std::move(compressor); }
  // Writes what is buffered. The first error sticks: later output is dropped and it is returned
  // again.
  absl::Status Flush();
  // The same, and ends what is compressed. Nothing may follow.
  absl::Status Finish();
  // From now on output that is not yet written is dropped once a stop is requested, and Flush
  // returns kCancelled, which does not stick: after another StopBy all is as before.
  void StopBy(std::stop_token stop) { stop_ = std::move(stop); }
  const absl::Status& status() const { return status_; }

 private:
  absl::Status Write(std::string_view bytes);

  static constexpr size_t kFlushBytes = size_t{64} << 10;
  const int descriptor_;
  const std::string name_;
  std::string buffer_;
  std::string compressed_;
  std::unique_ptr<Compressor> compressor_;  // null: as it is
  absl::Status status_;
  std::stop_token stop_;
};

}  // namespace tsdb::tools

// A buffer of compressed bytes in front of a decompressor, which consumes them at its own pace.
//
// Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "tools/import/byte_source.h"

namespace tsdb::importer {

class CompressedInput {
 public:
  explicit CompressedInput(ByteSource& source) : source_(source), buffer_(new char[kBytes]) {}

  // Reads on when everything was consumed. Afterwards empty() means the end of the input.
  absl::Status Fill() {
    if (position_ < size_ || at_end_) return absl::OkStatus();
    const absl::StatusOr<size_t> read = source_.Read(buffer_.get(), kBytes);
    if (!read.ok()) return read.status();
    position_ = 0;
    size_ = *read;
    at_end_ = *read == 0;
    return absl::OkStatus();
  }

  bool empty() const { return position_ == size_; }
  std::string_view bytes() const { return {buffer_.get() + position_, size_ - position_}; }
  void Consume(size_t bytes) {
    position_ += bytes;
    offset_ += bytes;
  }
  // Bytes consumed so far: the place in the file an error is reported at.
  uint64_t offset() const { return offset_; }

  absl::Status Damaged(std::string_view format, std::string_view what) const {
    return absl::DataLossError(std::string(format) + " data is damaged at byte " +
                               std::to_string(offset_) + ": " + std::string(what));
  }
  absl::Status CutShort(std::string_view format) const {
    return absl::DataLossError(std::string(format) + " data is cut short: it ends at byte " +
                               std::to_string(offset_) + ", before its end mark");
  }

 private:
  static constexpr size_t kBytes = size_t{128} << 10;
  ByteSource& source_;
  const std::unique_ptr<char[]> buffer_;
  size_t position_ = 0;
  size_t size_ = 0;
  uint64_t offset_ = 0;
  bool at_end_ = false;
};

// One per format, each in a file of its own. The input must outlive the result.
absl::StatusOr<std::unique_ptr<ByteSource>> DecompressGzip(ByteSource& input);
absl::StatusOr<std::unique_ptr<ByteSource>> DecompressZstd(ByteSource& input);
absl::StatusOr<std::unique_ptr<ByteSource>> DecompressLz4(ByteSource& input);

}  // namespace tsdb::importer

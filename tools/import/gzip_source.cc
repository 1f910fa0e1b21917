// gzip (RFC 1952): one member or several in a row, each with a checksum and a length at its end,
// which zlib verifies.
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "tools/import/compressed_input.h"

namespace tsdb::importer {
namespace {

class GzipSource : public ByteSource {
 public:
  explicit GzipSource(ByteSource& input) : input_(input) {}
  ~GzipSource() override {
    if (open_) inflateEnd(&stream_);
  }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

  bool Open() {
    constexpr int kGzipOnly = 16;
    open_ = inflateInit2(&stream_, MAX_WBITS + kGzipOnly) == Z_OK;
    return open_;
  }

  absl::StatusOr<size_t> Read(char* buffer, size_t bytes) override {
    const size_t wanted = std::min<size_t>(bytes, std::numeric_limits<uInt>::max());
    stream_.next_out = reinterpret_cast<Bytef*>(buffer);
    stream_.avail_out = static_cast<uInt>(wanted);
    while (stream_.avail_out == wanted) {
      if (absl::Status status = input_.Fill(); !status.ok()) return status;
      if (input_.empty()) {
        if (inside_) return input_.CutShort("gzip");
        return size_t{0};
      }
      if (absl::Status status = Inflate(); !status.ok()) return status;
    }
    return wanted - stream_.avail_out;
  }

 private:
  absl::Status Inflate() {
    if (!inside_) {
      inflateReset(&stream_);
      inside_ = true;
    }
    const std::string_view bytes = input_.bytes();
    // zlib's interface predates const; it does not write to its input.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    const int result = inflate(&stream_, Z_NO_FLUSH);
    input_.Consume(bytes.size() - stream_.avail_in);
    if (result == Z_STREAM_END) {
      inside_ = false;
      return absl::OkStatus();
    }
    if (result == Z_OK || result == Z_BUF_ERROR) return absl::OkStatus();
    return input_.Damaged("gzip", stream_.msg != nullptr ? stream_.msg : "unreadable");
  }

  CompressedInput input_;
  z_stream stream_ = {};
  bool open_ = false;
  bool inside_ = false;  // a member, that is, past its first byte and before its end mark
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> DecompressGzip(ByteSource& input) {
  auto source = std::make_unique<GzipSource>(input);
  if (!source->Open()) return absl::ResourceExhaustedError("no memory to decompress gzip");
  return std::unique_ptr<ByteSource>(std::move(source));
}

}  // namespace tsdb::importer

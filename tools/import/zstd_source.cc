// zstd (RFC 8878): one frame or several in a row. The library verifies a frame's checksum if it has
// one.
#include <zstd.h>

#include <utility>

#include "tools/import/compressed_input.h"

namespace tsdb::importer {
namespace {

class ZstdSource : public ByteSource {
 public:
  ZstdSource(ByteSource& input, ZSTD_DStream* stream) : input_(input), stream_(stream) {}
  ~ZstdSource() override { ZSTD_freeDStream(stream_); }
  ZstdSource(const ZstdSource&) = delete;
  ZstdSource& operator=(const ZstdSource&) = delete;

  absl::StatusOr<size_t> Read(char* buffer, size_t bytes) override {
    ZSTD_outBuffer out = {buffer, bytes, 0};
    while (out.pos == 0) {
      if (absl::Status status = input_.Fill(); !status.ok()) return status;
      const bool at_end = input_.empty();
      if (at_end && !inside_) return size_t{0};
      // At the end of the input there may still be output inside the stream.
      ZSTD_inBuffer in = {input_.bytes().data(), input_.bytes().size(), 0};
      const size_t result = ZSTD_decompressStream(stream_, &out, &in);
      input_.Consume(in.pos);
      if (ZSTD_isError(result)) return input_.Damaged("zstd", ZSTD_getErrorName(result));
      inside_ = result != 0;
      if (at_end && inside_ && out.pos == 0) return input_.CutShort("zstd");
    }
    return out.pos;
  }

 private:
  CompressedInput input_;
  ZSTD_DStream* const stream_;
  bool inside_ = false;  // a frame
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> DecompressZstd(ByteSource& input) {
  ZSTD_DStream* stream = ZSTD_createDStream();
  if (stream == nullptr) return absl::ResourceExhaustedError("no memory to decompress zstd");
  return std::unique_ptr<ByteSource>(new ZstdSource(input, stream));
}

}  // namespace tsdb::importer

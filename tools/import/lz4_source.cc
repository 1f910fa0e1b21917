// LZ4 frames, one or several in a row. The library verifies the checksums a frame has.
#include <lz4frame.h>

#include <utility>

#include "tools/import/compressed_input.h"

namespace tsdb::importer {
namespace {

class Lz4Source : public ByteSource {
 public:
  Lz4Source(ByteSource& input, LZ4F_dctx* context) : input_(input), context_(context) {}
  ~Lz4Source() override { LZ4F_freeDecompressionContext(context_); }
  Lz4Source(const Lz4Source&) = delete;
  Lz4Source& operator=(const Lz4Source&) = delete;

  absl::StatusOr<size_t> Read(char* buffer, size_t bytes) override {
    while (true) {
      if (absl::Status status = input_.Fill(); !status.ok()) return status;
      const bool at_end = input_.empty();
      if (at_end && !inside_) return size_t{0};
      size_t written = bytes;
      size_t consumed = input_.bytes().size();
      // At the end of the input there may still be output inside the context.
      const size_t result =
          LZ4F_decompress(context_, buffer, &written, input_.bytes().data(), &consumed, nullptr);
      if (LZ4F_isError(result)) return input_.Damaged("lz4", LZ4F_getErrorName(result));
      input_.Consume(consumed);
      inside_ = result != 0;
      if (written > 0) return written;
      if (at_end && inside_) return input_.CutShort("lz4");
    }
  }

 private:
  CompressedInput input_;
  LZ4F_dctx* const context_;
  bool inside_ = false;  // a frame
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> DecompressLz4(ByteSource& input) {
  LZ4F_dctx* context = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) {
    return absl::ResourceExhaustedError("no memory to decompress lz4");
  }
  return std::unique_ptr<ByteSource>(new Lz4Source(input, context));
}

}  // namespace tsdb::importer

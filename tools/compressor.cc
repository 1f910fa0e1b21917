#include "tools/compressor.h"

#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace tsdb::tools {
namespace {

constexpr size_t kPieceBytes = size_t{64} << 10;

absl::Status NoMemory(const char* format) {
  return absl::ResourceExhaustedError(std::string("no memory to compress ") + format);
}

absl::Status Failed(const char* format, const char* what) {
  return absl::InternalError(std::string("compressing ") + format + ": " + what);
}

class GzipCompressor : public Compressor {
 public:
  ~GzipCompressor() override {
    if (open_) deflateEnd(&stream_);
  }
  bool Open() {
    constexpr int kGzip = 16;
    constexpr int kMemoryLevel = 8;
    open_ = deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + kGzip,
                         kMemoryLevel, Z_DEFAULT_STRATEGY) == Z_OK;
    return open_;
  }
  absl::Status Add(std::string_view text, std::string& out) override {
    while (!text.empty()) {
      const size_t piece = std::min<size_t>(text.size(), std::numeric_limits<uInt>::max());
      // zlib's interface predates const; it does not write to its input.
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
      stream_.avail_in = static_cast<uInt>(piece);
      if (absl::Status status = Deflate(Z_NO_FLUSH, out); !status.ok()) return status;
      text.remove_prefix(piece);
    }
    return absl::OkStatus();
  }
  absl::Status Finish(std::string& out) override { return Deflate(Z_FINISH, out); }

 private:
  absl::Status Deflate(int flush, std::string& out) {
    char piece[kPieceBytes];
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(piece);
      stream_.avail_out = kPieceBytes;
      if (deflate(&stream_, flush) == Z_STREAM_ERROR) return Failed("gzip", "inconsistent state");
      out.append(piece, kPieceBytes - stream_.avail_out);
    } while (stream_.avail_out == 0);
    return absl::OkStatus();
  }

  z_stream stream_ = {};
  bool open_ = false;
};

class ZstdCompressor : public Compressor {
 public:
  explicit ZstdCompressor(ZSTD_CCtx* context) : context_(context) {}
  ~ZstdCompressor() override { ZSTD_freeCCtx(context_); }
  absl::Status Add(std::string_view text, std::string& out) override {
    return Compress(text, ZSTD_e_continue, out);
  }
  absl::Status Finish(std::string& out) override { return Compress({}, ZSTD_e_end, out); }

 private:
  absl::Status Compress(std::string_view text, ZSTD_EndDirective mode, std::string& out) {
    ZSTD_inBuffer input = {text.data(), text.size(), 0};
    char piece[kPieceBytes];
    size_t left = 1;
    while (mode == ZSTD_e_end ? left != 0 : input.pos < input.size) {
      ZSTD_outBuffer output = {piece, kPieceBytes, 0};
      left = ZSTD_compressStream2(context_, &output, &input, mode);
      if (ZSTD_isError(left)) return Failed("zstd", ZSTD_getErrorName(left));
      out.append(piece, output.pos);
    }
    return absl::OkStatus();
  }

  ZSTD_CCtx* const context_;
};

class Lz4Compressor : public Compressor {
 public:
  explicit Lz4Compressor(LZ4F_cctx* context) : context_(context) {
    preferences_.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  }
  ~Lz4Compressor() override { LZ4F_freeCompressionContext(context_); }
  absl::Status Add(std::string_view text, std::string& out) override {
    while (!text.empty()) {
      const std::string_view piece = text.substr(0, kPieceBytes);
      if (absl::Status status = Begin(out); !status.ok()) return status;
      const size_t before = out.size();
      out.resize(before + LZ4F_compressBound(piece.size(), &preferences_));
      const size_t written = LZ4F_compressUpdate(context_, out.data() + before, out.size() - before,
                                                 piece.data(), piece.size(), nullptr);
      if (absl::Status status = Keep(written, before, out); !status.ok()) return status;
      text.remove_prefix(piece.size());
    }
    return absl::OkStatus();
  }
  absl::Status Finish(std::string& out) override {
    if (absl::Status status = Begin(out); !status.ok()) return status;
    const size_t before = out.size();
    out.resize(before + LZ4F_compressBound(0, &preferences_));
    const size_t written =
        LZ4F_compressEnd(context_, out.data() + before, out.size() - before, nullptr);
    return Keep(written, before, out);
  }

 private:
  absl::Status Begin(std::string& out) {
    if (std::exchange(begun_, true)) return absl::OkStatus();
    const size_t before = out.size();
    out.resize(before + LZ4F_HEADER_SIZE_MAX);
    const size_t written =
        LZ4F_compressBegin(context_, out.data() + before, LZ4F_HEADER_SIZE_MAX, &preferences_);
    return Keep(written, before, out);
  }
  static absl::Status Keep(size_t written, size_t before, std::string& out) {
    if (LZ4F_isError(written)) return Failed("lz4", LZ4F_getErrorName(written));
    out.resize(before + written);
    return absl::OkStatus();
  }

  LZ4F_cctx* const context_;
  LZ4F_preferences_t preferences_ = {};
  bool begun_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Compressor>> CompressorFor(std::string_view file_name) {
  if (file_name.ends_with(".gz")) {
    auto gzip = std::make_unique<GzipCompressor>();
    if (!gzip->Open()) return NoMemory("gzip");
    return std::unique_ptr<Compressor>(std::move(gzip));
  }
  if (file_name.ends_with(".zst")) {
    ZSTD_CCtx* const context = ZSTD_createCCtx();
    if (context == nullptr) return NoMemory("zstd");
    auto zstd = std::make_unique<ZstdCompressor>(context);
    const size_t set = ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    if (ZSTD_isError(set)) return Failed("zstd", ZSTD_getErrorName(set));
    return std::unique_ptr<Compressor>(std::move(zstd));
  }
  if (file_name.ends_with(".lz4")) {
    LZ4F_cctx* context = nullptr;
    if (LZ4F_isError(LZ4F_createCompressionContext(&context, LZ4F_VERSION))) return NoMemory("lz4");
    return std::unique_ptr<Compressor>(std::make_unique<Lz4Compressor>(context));
  }
  return std::unique_ptr<Compressor>();
}

}  // namespace tsdb::tools

// Where imported bytes come from: a file or standard input, decompressed on the way. What a file is
// compressed with is told by its first bytes, not by its name.
//
// Memory is constant: one buffer of compressed bytes and the decompressor's window (at most 128
// MiB, zstd's own bound; 8 MiB for what zstd writes unless asked for more).
//
// Thread safety: none; one thread reads. A source owns the one it reads from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tsdb::importer {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Reads up to `bytes` bytes (at least one unless at the end); 0 at the end. kDataLoss for
  // compressed data that is damaged or cut short, kUnavailable when the system cannot read,
  // kCancelled when the user interrupted a read that waited.
  virtual absl::StatusOr<size_t> Read(char* buffer, size_t bytes) = 0;
};

enum class Compression { kNone, kGzip, kZstd, kLz4 };

// By the magic number at the start of a file.
Compression DetectCompression(std::string_view head);

// The bytes as they lie in the file.
class FileSource : public ByteSource {
 public:
  // `path` "-" is standard input. kNotFound, kPermissionDenied, kInvalidArgument (a directory) or
  // kUnavailable, saying why.
  static absl::StatusOr<std::unique_ptr<FileSource>> Open(const std::string& path);
  ~FileSource() override;
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  absl::StatusOr<size_t> Read(char* buffer, size_t bytes) override;
  // The first bytes, up to a dozen; they are still to be read.
  absl::StatusOr<std::string_view> Peek();
  // The last bytes of a regular file, up to `bytes`; empty when there is no telling (a pipe).
  std::string ReadTail(size_t bytes) const;

  uint64_t bytes_read() const { return bytes_read_; }
  // Bytes in a regular file; nothing for a pipe.
  std::optional<uint64_t> size() const { return size_; }

 private:
  FileSource(int descriptor, bool owned, std::optional<uint64_t> size)
      : descriptor_(descriptor), owned_(owned), size_(size) {}
  absl::StatusOr<size_t> ReadDescriptor(char* buffer, size_t bytes);

  const int descriptor_;
  const bool owned_;
  const std::optional<uint64_t> size_;
  std::string peeked_;  // read, not yet handed out
  uint64_t bytes_read_ = 0;
};

// `input`'s bytes decompressed; `input` itself for kNone. Several gzip members or frames in a row
// are read as one, as their tools do. The input must outlive the result.
absl::StatusOr<std::unique_ptr<ByteSource>> Decompress(ByteSource& input, Compression compression);

}  // namespace tsdb::importer

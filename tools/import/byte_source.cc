#include "tools/import/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "tools/import/compressed_input.h"

namespace tsdb::importer {
namespace {

constexpr size_t kPeekBytes = 12;

absl::Status SystemError(std::string_view what, int error) {
  const std::string message = std::string(what) + ": " + std::generic_category().message(error);
  switch (error) {
    case ENOENT:
      return absl::NotFoundError(message);
    case EACCES:
      return absl::PermissionDeniedError(message);
    case EINTR:
      return absl::CancelledError("interrupted");
    default:
      return absl::UnavailableError(message);
  }
}

// An uncompressed file is its own content.
class PassThrough : public ByteSource {
 public:
  explicit PassThrough(ByteSource& input) : input_(input) {}
  absl::StatusOr<size_t> Read(char* buffer, size_t bytes) override {
    return input_.Read(buffer, bytes);
  }

 private:
  ByteSource& input_;
};

}  // namespace

Compression DetectCompression(std::string_view head) {
  using namespace std::string_view_literals;
  if (head.starts_with("\x1F\x8B"sv)) return Compression::kGzip;
  if (head.starts_with("\x28\xB5\x2F\xFD"sv)) return Compression::kZstd;
  if (head.starts_with("\x04\x22\x4D\x18"sv)) return Compression::kLz4;
  return Compression::kNone;
}

absl::StatusOr<std::unique_ptr<FileSource>> FileSource::Open(const std::string& path) {
  const bool standard_input = path == "-";
  const int descriptor = standard_input ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return SystemError("cannot open the file", errno);
  struct stat status;
  if (fstat(descriptor, &status) != 0) {
    const absl::Status error = SystemError("cannot look at the file", errno);
    if (!standard_input) close(descriptor);
    return error;
  }
  if (S_ISDIR(status.st_mode)) {
    if (!standard_input) close(descriptor);
    return absl::InvalidArgumentError("it is a directory");
  }
  std::optional<uint64_t> size;
  if (S_ISREG(status.st_mode)) size = static_cast<uint64_t>(status.st_size);
  return std::unique_ptr<FileSource>(new FileSource(descriptor, !standard_input, size));
}

FileSource::~FileSource() {
  if (owned_) close(descriptor_);
}

absl::StatusOr<size_t> FileSource::ReadDescriptor(char* buffer, size_t bytes) {
  // A signal the program handles ends the read: its handler has noted that the user wants out.
  const ssize_t read_bytes = read(descriptor_, buffer, bytes);
  if (read_bytes < 0) return SystemError("cannot read the file", errno);
  return static_cast<size_t>(read_bytes);
}

absl::StatusOr<size_t> FileSource::Read(char* buffer, size_t bytes) {
  absl::StatusOr<size_t> count = size_t{0};
  if (!peeked_.empty()) {
    count = std::min(bytes, peeked_.size());
    std::memcpy(buffer, peeked_.data(), *count);
    peeked_.erase(0, *count);
  } else {
    count = ReadDescriptor(buffer, bytes);
    if (!count.ok()) return count;
  }
  bytes_read_ += *count;
  return count;
}

absl::StatusOr<std::string_view> FileSource::Peek() {
  while (peeked_.size() < kPeekBytes) {
    char bytes[kPeekBytes];
    const absl::StatusOr<size_t> count = ReadDescriptor(bytes, kPeekBytes - peeked_.size());
    if (!count.ok()) return count.status();
    if (*count == 0) break;
    peeked_.append(bytes, *count);
  }
  return std::string_view(peeked_);
}

std::string FileSource::ReadTail(size_t bytes) const {
  if (!size_) return {};
  std::string tail(std::min<uint64_t>(bytes, *size_), '\0');
  const ssize_t count =
      pread(descriptor_, tail.data(), tail.size(), static_cast<off_t>(*size_ - tail.size()));
  tail.resize(count < 0 ? 0 : static_cast<size_t>(count));
  return tail;
}

absl::StatusOr<std::unique_ptr<ByteSource>> Decompress(ByteSource& input, Compression compression) {
  switch (compression) {
    case Compression::kGzip:
      return DecompressGzip(input);
    case Compression::kZstd:
      return DecompressZstd(input);
    case Compression::kLz4:
      return DecompressLz4(input);
    case Compression::kNone:
      break;
  }
  return std::make_unique<PassThrough>(input);
}

}  // namespace tsdb::importer

// The one way in which the library touches files, so that tests can put a failing, counting or
// power-losing file system in the place of the machine's.
//
// Every error names the operation, the path, where there is one the offset, and errno's text.
// Codes: NotFound, AlreadyExists, PermissionDenied as they say; ResourceExhausted when space,
// quota, memory or descriptors ran out (worth trying again after somebody made room);
// FailedPrecondition when a lock is taken; DataLoss for EIO; Unknown for the rest.
//
// Durability: what Append wrote is in the page cache, so it survives the process. It survives power
// loss once SyncData or Sync returned OK. A created, renamed, linked or removed name survives once
// SyncDirectory of its directory returned OK. After a failed sync the kernel may have marked the
// lost pages clean: a second sync then lies. Never retry one.
//
// Thread safety: a FileSystem, a ReadableFile and a MappedFile from any thread; a WritableFile from
// one thread at a time, except that SyncData may run beside Append of another thread (it then
// covers what was appended before it began).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tsdb {

// A file that grows at its end. The destructor closes it, without a sync, and swallows the error of
// close; whoever cares calls Close.
class WritableFile {
 public:
  virtual ~WritableFile() = default;

  // Writes all of `bytes` at offset(), which then moves past them. On error offset() is unchanged
  // and the bytes from there on are undefined; the next Append overwrites them.
  virtual absl::Status Append(std::span<const uint8_t> bytes) = 0;

  // Makes the file `size` bytes long, if it is shorter, by allocating blocks that read as zeros;
  // offset() stays. Appends within them then need no space (ENOSPC shows here and not in the middle
  // of a batch) and do not change the file's size, which every SyncData would have to journal. A
  // file system that cannot do it ignores it.
  virtual absl::Status Preallocate(uint64_t size) = 0;

  // Cuts (or extends, with zeros) the file to `size` bytes and moves offset() there.
  virtual absl::Status Truncate(uint64_t size) = 0;

  // Waits until the bytes, and as much metadata as it takes to read them, are on the disk.
  virtual absl::Status SyncData() = 0;
  // The same with all metadata.
  virtual absl::Status Sync() = 0;

  // No call may follow, whatever it returns. Does not sync.
  virtual absl::Status Close() = 0;

  // Where the next Append goes.
  virtual uint64_t offset() const = 0;
};

class ReadableFile {
 public:
  virtual ~ReadableFile() = default;

  // Fills `bytes` from `offset` and returns how many there were: fewer than asked only at the end
  // of the file.
  virtual absl::StatusOr<size_t> Read(uint64_t offset, std::span<uint8_t> bytes) const = 0;
};

// How a mapping is about to be read.
enum class ReadPattern : uint8_t { kNormal, kSequential, kRandom, kSoon, kNotSoon };

// The bytes of a file as it was when mapped; unmapped by the destructor. The file must not be
// shortened meanwhile (reading past its end would be a bus error): ours are immutable once mapped.
class MappedFile {
 public:
  virtual ~MappedFile() = default;

  std::span<const uint8_t> bytes() const { return bytes_; }
  const uint8_t* data() const { return bytes_.data(); }
  size_t size() const { return bytes_.size(); }

  // A hint for [offset, offset + length), clipped to the file. Never fails.
  virtual void Advise(ReadPattern pattern, uint64_t offset, uint64_t length) const = 0;
  void Advise(ReadPattern pattern) const { Advise(pattern, 0, size()); }

 protected:
  std::span<const uint8_t> bytes_;
};

// Holds a lock file until destruction. The file itself stays: removing it would let two processes
// hold locks on two files of one name.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class CreateMode : uint8_t {
  kNew,       // AlreadyExists if there is such a file
  kTruncate,  // an existing file loses its content
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // Files are made with mode 0600, directories with 0700; parents must exist.
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path,
                                                               CreateMode mode) = 0;
  // An existing file, to go on at `offset`, which may lie anywhere up to its size. What follows it
  // stays until it is overwritten or cut off. OutOfRange if `offset` is past the end.
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> OpenWritable(const std::string& path,
                                                                     uint64_t offset) = 0;
  virtual absl::StatusOr<std::unique_ptr<ReadableFile>> OpenReadable(const std::string& path) = 0;
  virtual absl::StatusOr<std::unique_ptr<MappedFile>> Map(const std::string& path) = 0;

  // Atomic; replaces what is at `to`.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  virtual absl::Status Remove(const std::string& path) = 0;
  // A second name for the same file. AlreadyExists if `to` exists.
  virtual absl::Status Link(const std::string& from, const std::string& to) = 0;
  virtual absl::StatusOr<uint64_t> FileSize(const std::string& path) = 0;

  // Names of everything in it but "." and "..", sorted.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& directory) = 0;
  virtual absl::Status CreateDirectory(const std::string& path) = 0;
  // An empty one.
  virtual absl::Status RemoveDirectory(const std::string& path) = 0;
  virtual absl::Status SyncDirectory(const std::string& path) = 0;

  // Bytes an ordinary user can still write where `path`, which exists, lies.
  virtual absl::StatusOr<uint64_t> FreeSpace(const std::string& path) = 0;

  // Makes `path` if need be and locks it against every other opener, of this process too. Leaves in
  // it who holds it since when. FailedPrecondition, naming the holder, if it is taken.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
};

// The machine's. Lives for ever.
FileSystem* LocalFileSystem();

// `directory` + "/" + `name`.
std::string JoinPath(std::string_view directory, std::string_view name);
// What precedes the last "/": "/" for "/a", "." for "a".
std::string ParentPath(std::string_view path);

// "cannot <operation> '<path>': <text of error>" with the code as above. For implementations.
absl::Status FileError(int error, std::string_view operation, std::string_view path);

}  // namespace tsdb

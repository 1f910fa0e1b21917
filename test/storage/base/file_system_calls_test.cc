// What local files ask of the system, and what they make of its answers: the calls below stand in
// the place of the C library's, count, and answer what a test has planned.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <deque>
#include <string>

#include "storage/base/file_system.h"
#include "test/bytes.h"
#include "test/tsdb/local_directory.h"

namespace tsdb {
namespace {

struct Answer {
  int error = 0;                // the call fails with it, if it is not 0
  size_t bytes_max = SIZE_MAX;  // else it does no more than that
};

// Calls of one kind: how many there were, and what the next ones are to answer.
struct Calls {
  int count = 0;
  std::deque<Answer> planned;

  Answer Next() {
    ++count;
    if (planned.empty()) return {};
    const Answer answer = planned.front();
    planned.pop_front();
    return answer;
  }
};

struct System {
  Calls write, read, truncate, sync, sync_data, allocate, lock, close;
  // Allocators ask for advice, too, so that nothing may be allocated for it.
  const uint8_t* advised_from = nullptr;
  size_t advised_bytes = 0;
};
System calls;

// The system's answer, unless an error was planned.
long Ask(const Answer& answer, long number, long a, long b = 0, long c = 0, long d = 0) {
  if (answer.error == 0) return ::syscall(number, a, b, c, d);
  errno = answer.error;
  return -1;
}

long Number(const void* pointer) { return reinterpret_cast<long>(pointer); }

}  // namespace
}  // namespace tsdb

extern "C" {
ssize_t pwrite(int file, const void* bytes, size_t count, off_t offset) {
  const tsdb::Answer answer = tsdb::calls.write.Next();
  const size_t most = std::min(count, answer.bytes_max);
  if (most == 0) return 0;
  return tsdb::Ask(answer, SYS_pwrite64, file, tsdb::Number(bytes), static_cast<long>(most),
                   offset);
}
ssize_t pread(int file, void* bytes, size_t count, off_t offset) {
  const tsdb::Answer answer = tsdb::calls.read.Next();
  return tsdb::Ask(answer, SYS_pread64, file, tsdb::Number(bytes),
                   static_cast<long>(std::min(count, answer.bytes_max)), offset);
}
int ftruncate(int file, off_t length) noexcept {
  return static_cast<int>(tsdb::Ask(tsdb::calls.truncate.Next(), SYS_ftruncate, file, length));
}
int madvise(void* start, size_t bytes, int advice) noexcept {
  tsdb::calls.advised_from = static_cast<const uint8_t*>(start);
  tsdb::calls.advised_bytes = bytes;
  return static_cast<int>(::syscall(SYS_madvise, start, bytes, advice));
}
int fsync(int file) {
  return static_cast<int>(tsdb::Ask(tsdb::calls.sync.Next(), SYS_fsync, file));
}
int fdatasync(int file) {
  return static_cast<int>(tsdb::Ask(tsdb::calls.sync_data.Next(), SYS_fdatasync, file));
}
int fallocate(int file, int mode, off_t offset, off_t length) {
  const tsdb::Answer answer = tsdb::calls.allocate.Next();
  return static_cast<int>(tsdb::Ask(answer, SYS_fallocate, file, mode, offset, length));
}
int flock(int file, int operation) noexcept {
  return static_cast<int>(tsdb::Ask(tsdb::calls.lock.Next(), SYS_flock, file, operation));
}
int close(int file) {
  return static_cast<int>(tsdb::Ask(tsdb::calls.close.Next(), SYS_close, file));
}
}

namespace tsdb {
namespace {

// A file in a directory of its own; nothing is planned yet.
class Fixture {
 public:
  Fixture() {
    auto made = LocalFileSystem()->Create(path_, CreateMode::kNew);
    REQUIRE(made.ok());
    file_ = *std::move(made);
    calls = {};
  }
  ~Fixture() { calls = {}; }

  WritableFile& file() { return *file_; }
  const std::string& path() const { return path_; }
  const std::string& home() const { return home_.path(); }
  absl::StatusOr<std::string> Read(size_t bytes_max = 100) const {
    auto opened = LocalFileSystem()->OpenReadable(path_);
    REQUIRE(opened.ok());
    std::string text(bytes_max, '\0');
    const auto read = (*opened)->Read(0, {reinterpret_cast<uint8_t*>(text.data()), text.size()});
    if (!read.ok()) return read.status();
    text.resize(*read);
    return text;
  }

 private:
  const LocalDirectory home_;
  const std::string path_ = home_.File("a");
  std::unique_ptr<WritableFile> file_;
};

TEST_CASE("local files: each sync is one of the system's, of the kind that was asked for",
          "[base]") {
  Fixture fixture;
  REQUIRE(fixture.file().SyncData().ok());
  CHECK(calls.sync_data.count == 1);
  CHECK(calls.sync.count == 0);
  REQUIRE(fixture.file().Sync().ok());
  CHECK(calls.sync.count == 1);
  REQUIRE(LocalFileSystem()->SyncDirectory(fixture.home()).ok());
  CHECK(calls.sync.count == 2);
}

TEST_CASE(
    "local files: descriptor zero, free where standard input is closed, is one like any other",
    "[base]") {
  Fixture fixture;
  REQUIRE(fixture.file().Append(Bytes("abc")).ok());
  const int input = ::dup(0);
  ::syscall(SYS_close, 0);
  const auto text = fixture.Read();
  const auto opened = LocalFileSystem()->OpenReadable(fixture.path());
  const bool zero_taken = ::fcntl(0, F_GETFD) >= 0;
  if (input >= 0) {
    ::dup2(input, 0);
    ::syscall(SYS_close, input);
  }
  CHECK(zero_taken);
  REQUIRE(text.ok());
  CHECK(*text == "abc");
}

TEST_CASE("local files: a sync that fails is said, and never tried again", "[base]") {
  const int error = GENERATE(EIO, ENOSPC, EINTR);
  Fixture fixture;
  calls.sync_data.planned = {{error}};
  CHECK(fixture.file().SyncData() == FileError(error, "sync the data of", fixture.path()));
  CHECK(calls.sync_data.count == 1);
  calls.sync.planned = {{error}, {error}};
  CHECK(fixture.file().Sync() == FileError(error, "sync", fixture.path()));
  CHECK(calls.sync.count == 1);
  CHECK(LocalFileSystem()->SyncDirectory(fixture.home()) ==
        FileError(error, "sync the directory", fixture.home()));
  CHECK(calls.sync.count == 2);
}

TEST_CASE("local files: writes and reads that end early or are interrupted go on", "[base]") {
  Fixture fixture;
  calls.write.planned = {{0, 3}, {EINTR}, {0, 1}};
  REQUIRE(fixture.file().Append(Bytes("0123456789")).ok());
  CHECK(calls.write.count == 4);
  CHECK(fixture.file().offset() == 10);
  calls.read.planned = {{0, 3}, {EINTR}, {0, 1}};
  CHECK(*fixture.Read(10) == "0123456789");
  CHECK(calls.read.count == 4);
  calls.read.planned = {{0, 3}, {EIO}};
  CHECK(fixture.Read(10).status() == FileError(EIO, "read 7 bytes at offset 3 of", fixture.path()));
}

TEST_CASE("local files: a write that fails leaves the offset, and the next one takes its place",
          "[base]") {
  Fixture fixture;
  REQUIRE(fixture.file().Append(Bytes("ab")).ok());
  calls.write.planned = {{0, 1}, {EIO}};
  CHECK(fixture.file().Append(Bytes("xyz")) ==
        FileError(EIO, "write 2 bytes at offset 3 of", fixture.path()));
  CHECK(fixture.file().offset() == 2);
  // Nothing written and no error: it would be asked for ever.
  calls.write.planned = {{0, 0}};
  CHECK(fixture.file().Append(Bytes("xyz")) ==
        FileError(EIO, "write 3 bytes at offset 2 of", fixture.path()));
  REQUIRE(fixture.file().Append(Bytes("cd")).ok());
  CHECK(*fixture.Read() == "abcd");
}

TEST_CASE("local files: a file system that cannot allocate ahead is none the worse", "[base]") {
  Fixture fixture;
  calls.allocate.planned = {{EOPNOTSUPP}, {ENOSYS}, {EINTR}};
  CHECK(fixture.file().Preallocate(10).ok());
  CHECK(fixture.file().Preallocate(10).ok());
  CHECK(*LocalFileSystem()->FileSize(fixture.path()) == 0);
  CHECK(fixture.file().Preallocate(10).ok());
  CHECK(calls.allocate.count == 4);
  CHECK(*LocalFileSystem()->FileSize(fixture.path()) == 10);
  calls.allocate.planned = {{ENOSPC}};
  CHECK(fixture.file().Preallocate(12) ==
        FileError(ENOSPC, "allocate 2 bytes at offset 10 of", fixture.path()));
  CHECK(fixture.file().Preallocate(10).ok());
  CHECK(calls.allocate.count == 5);
}

TEST_CASE("local files: a failed close is said, an interrupted one has closed", "[base]") {
  Fixture fixture;
  const int error = GENERATE(0, EINTR, EIO);
  calls.close.planned = {{error}};
  const absl::Status status = fixture.file().Close();
  CHECK(calls.close.count == 1);
  if (error == EIO) {
    CHECK(status == FileError(EIO, "close", fixture.path()));
  } else {
    CHECK(status.ok());
  }
}

TEST_CASE("local files: what a closed file is asked fails", "[base]") {
  Fixture fixture;
  REQUIRE(fixture.file().Close().ok());
  for (const absl::Status& status :
       {fixture.file().Append(Bytes("x")), fixture.file().Truncate(1),
        fixture.file().Preallocate(1), fixture.file().Sync(), fixture.file().SyncData()}) {
    CHECK_THAT(std::string(status.message()),
               Catch::Contains("Bad file descriptor") && Catch::Contains(fixture.path()));
  }
  CHECK(fixture.file().offset() == 0);
}

TEST_CASE("local files: a lock that cannot be had is told from one that another has", "[base]") {
  Fixture fixture;
  const std::string path = JoinPath(fixture.home(), "LOCK");
  calls.lock.planned = {{ENOLCK}};
  CHECK(LocalFileSystem()->Lock(path).status() == FileError(ENOLCK, "lock", path));
  calls.lock.planned = {{EINTR}, {EWOULDBLOCK}};
  const absl::Status taken = LocalFileSystem()->Lock(path).status();
  CHECK(absl::IsFailedPrecondition(taken));
  // The file says nothing of its holder.
  CHECK_THAT(std::string(taken.message()), Catch::Contains("is locked by another process;"));
  CHECK(calls.lock.count == 3);
  calls.write.planned = {{ENOSPC}};
  CHECK(absl::IsResourceExhausted(LocalFileSystem()->Lock(path).status()));
  calls.truncate.planned = {{EIO}};
  CHECK(LocalFileSystem()->Lock(path).status() == FileError(EIO, "cut to 0 bytes", path));
  // It was let go with that.
  CHECK(LocalFileSystem()->Lock(path).ok());
  calls.lock.planned = {{EWOULDBLOCK}};
  calls.read.planned = {{EIO}};
  CHECK_THAT(std::string(LocalFileSystem()->Lock(path).status().message()),
             Catch::Contains("is locked by another process;"));
}

TEST_CASE("local files: advice is for the pages that hold the range, and no others", "[base]") {
  Fixture fixture;
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  REQUIRE(fixture.file().Append(std::vector<uint8_t>(4 * page + 10)).ok());
  const auto mapped = LocalFileSystem()->Map(fixture.path());
  REQUIRE(mapped.ok());
  const uint8_t* begin = (*mapped)->bytes().data();
  struct Advice {
    ReadPattern pattern;
    size_t offset, length;    // asked for
    size_t from_page, bytes;  // of the system
  };
  for (const Advice& advice : {Advice{ReadPattern::kRandom, 2 * page, page, 2, page},
                               Advice{ReadPattern::kRandom, page + 7, 2 * page, 1, 2 * page + 7},
                               Advice{ReadPattern::kSequential, 0, 4 * page + 10, 0, 4 * page + 10},
                               Advice{ReadPattern::kRandom, 4 * page + 9, 100, 4, 10}}) {
    (*mapped)->Advise(advice.pattern, advice.offset, advice.length);
    const uint8_t* const from = calls.advised_from;
    const size_t bytes = calls.advised_bytes;
    CAPTURE(advice.offset, advice.length);
    CHECK(from == begin + advice.from_page * page);
    CHECK(bytes == advice.bytes);
  }
}

TEST_CASE("local files: a directory is not read, and not mapped", "[base]") {
  Fixture fixture;
  auto directory = LocalFileSystem()->OpenReadable(fixture.home());
  REQUIRE(directory.ok());
  uint8_t byte;
  CHECK(absl::IsFailedPrecondition((*directory)->Read(0, {&byte, 1}).status()));
  const absl::Status mapped = LocalFileSystem()->Map(fixture.home()).status();
  CHECK_THAT(std::string(mapped.message()), Catch::StartsWith("cannot map "));
  CHECK(absl::IsFailedPrecondition(LocalFileSystem()->SyncDirectory(fixture.path())));
}

TEST_CASE("file errors: the code says what can be done about it", "[base]") {
  const auto code = [](int error) { return FileError(error, "write", "x").code(); };
  CHECK(code(ENOENT) == absl::StatusCode::kNotFound);
  CHECK(code(EEXIST) == absl::StatusCode::kAlreadyExists);
  for (const int error : {EACCES, EPERM, EROFS})
    CHECK(code(error) == absl::StatusCode::kPermissionDenied);
  for (const int error : {ENOSPC, EDQUOT, ENOMEM, EMFILE, ENFILE})
    CHECK(code(error) == absl::StatusCode::kResourceExhausted);
  for (const int error : {ENOTDIR, EISDIR, ENOTEMPTY})
    CHECK(code(error) == absl::StatusCode::kFailedPrecondition);
  CHECK(code(EIO) == absl::StatusCode::kDataLoss);
  CHECK(code(EINVAL) == absl::StatusCode::kUnknown);
}

}  // namespace
}  // namespace tsdb

#include "storage/base/file_system.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "test/bytes.h"
#include "test/tsdb/local_directory.h"

namespace tsdb {
namespace {

std::string Content(const std::string& path) {
  auto file = LocalFileSystem()->OpenReadable(path);
  REQUIRE(file.ok());
  std::string text(1000, '\0');
  auto length = (*file)->Read(0, {reinterpret_cast<uint8_t*>(text.data()), text.size()});
  REQUIRE(length.ok());
  text.resize(*length);
  return text;
}

TEST_CASE("local files: what was appended is read, mapped and measured", "[base]") {
  LocalDirectory directory;
  const std::string path = directory.File("a");
  FileSystem* files = LocalFileSystem();
  auto file = files->Create(path, CreateMode::kNew);
  REQUIRE(file.ok());
  REQUIRE((*file)->Append(Bytes("hello ")).ok());
  REQUIRE((*file)->Append(Bytes("world")).ok());
  CHECK((*file)->offset() == 11);
  CHECK((*file)->SyncData().ok());
  CHECK((*file)->Sync().ok());
  CHECK((*file)->Close().ok());
  CHECK(files->SyncDirectory(directory.path()).ok());
  CHECK(*files->FileSize(path) == 11);
  CHECK(Content(path) == "hello world");
  struct stat status;
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  auto map = files->Map(path);
  REQUIRE(map.ok());
  CHECK(std::string((*map)->bytes().begin(), (*map)->bytes().end()) == "hello world");
  (*map)->Advise(ReadPattern::kSequential);
  (*map)->Advise(ReadPattern::kSoon, 5, UINT64_MAX);
  (*map)->Advise(ReadPattern::kRandom, 100, 1);
  CHECK((*map)->data()[4] == 'o');
}

TEST_CASE("local files: an existing file is refused, emptied or gone on with", "[base]") {
  LocalDirectory directory;
  const std::string path = directory.File("a");
  FileSystem* files = LocalFileSystem();
  REQUIRE((*files->Create(path, CreateMode::kNew))->Append(Bytes("0123456789")).ok());
  CHECK(files->Create(path, CreateMode::kNew).status().code() == absl::StatusCode::kAlreadyExists);
  REQUIRE((*files->OpenWritable(path, 4))->Append(Bytes("xy")).ok());
  CHECK(Content(path) == "0123xy6789");
  CHECK(files->OpenWritable(path, 11).status().code() == absl::StatusCode::kOutOfRange);
  REQUIRE((*files->OpenWritable(path, 10))->Truncate(5).ok());
  CHECK(Content(path) == "0123x");
  REQUIRE(files->Create(path, CreateMode::kTruncate).ok());
  CHECK(Content(path).empty());
  CHECK((*files->Map(path))->size() == 0);
}

TEST_CASE("local files: allocated space reads as zeros and leaves the offset alone", "[base]") {
  LocalDirectory directory;
  const std::string path = directory.File("a");
  auto file = LocalFileSystem()->Create(path, CreateMode::kNew);
  REQUIRE(file.ok());
  REQUIRE((*file)->Append(Bytes("ab")).ok());
  REQUIRE((*file)->Preallocate(10).ok());
  REQUIRE((*file)->Append(Bytes("cd")).ok());
  REQUIRE((*file)->Preallocate(3).ok());
  CHECK(Content(path) == std::string("abcd\0\0\0\0\0\0", 10));
  REQUIRE((*file)->Truncate(4).ok());
  CHECK(Content(path) == "abcd");
}

TEST_CASE("local files: names change as asked", "[base]") {
  LocalDirectory directory;
  FileSystem* files = LocalFileSystem();
  REQUIRE(files->Create(directory.File("b"), CreateMode::kNew).ok());
  REQUIRE(files->CreateDirectory(directory.File("d")).ok());
  REQUIRE(files->Link(directory.File("b"), directory.File("c")).ok());
  REQUIRE(files->Rename(directory.File("b"), directory.File("a")).ok());
  CHECK(*files->List(directory.path()) == std::vector<std::string>{"a", "c", "d"});
  REQUIRE(files->Remove(directory.File("a")).ok());
  REQUIRE(files->RemoveDirectory(directory.File("d")).ok());
  CHECK(*files->List(directory.path()) == std::vector<std::string>{"c"});
  CHECK(*files->FreeSpace(directory.path()) > 0);
}

TEST_CASE("local files: an error names the operation, the path and the reason", "[base]") {
  LocalDirectory directory;
  const std::string path = directory.File("missing");
  FileSystem* files = LocalFileSystem();
  for (const absl::Status& status :
       {files->OpenReadable(path).status(), files->Map(path).status(), files->Remove(path),
        files->FileSize(path).status(), files->List(path).status(), files->SyncDirectory(path),
        files->OpenWritable(path, 0).status(), files->Rename(path, path), files->Link(path, path),
        files->Create(path + "/x", CreateMode::kNew).status(), files->FreeSpace(path).status(),
        files->RemoveDirectory(path), files->CreateDirectory(path + "/x"),
        files->Lock(path + "/x").status()}) {
    CHECK(status.code() == absl::StatusCode::kNotFound);
    CHECK_THAT(std::string(status.message()), Catch::StartsWith("cannot ") &&
                                                  Catch::Contains(path) &&
                                                  Catch::Contains("No such file or directory"));
  }
  CHECK(FileError(ENOSPC, "write", "x").code() == absl::StatusCode::kResourceExhausted);
  CHECK(FileError(EIO, "write", "x").code() == absl::StatusCode::kDataLoss);
}

TEST_CASE("local files: a disk that is full says so", "[base]") {
  auto file = LocalFileSystem()->OpenWritable("/dev/full", 0);
  REQUIRE(file.ok());
  const absl::Status status = (*file)->Append(Bytes("x"));
  CHECK(status.code() == absl::StatusCode::kResourceExhausted);
  CHECK((*file)->offset() == 0);
}

TEST_CASE("local files: a second locker is refused and told who holds it", "[base]") {
  LocalDirectory directory;
  const std::string path = directory.File("LOCK");
  auto lock = LocalFileSystem()->Lock(path);
  REQUIRE(lock.ok());
  const absl::Status refused = LocalFileSystem()->Lock(path).status();
  CHECK(refused.code() == absl::StatusCode::kFailedPrecondition);
  CHECK_THAT(std::string(refused.message()),
             Catch::Contains(path) && Catch::Contains("pid " + std::to_string(::getpid())));
  std::ifstream comm("/proc/self/comm");
  std::string name;
  REQUIRE(std::getline(comm, name));
  CHECK_THAT(std::string(refused.message()), Catch::Contains("(" + name + ") since "));
  lock->reset();
  const auto descriptors = [] {
    const std::filesystem::directory_iterator open("/proc/self/fd");
    return std::distance(begin(open), end(open));
  };
  const auto before = descriptors();
  for (int i = 0; i < 3; ++i) REQUIRE(LocalFileSystem()->Lock(path).ok());
  CHECK(descriptors() == before);
}

TEST_CASE("paths: parents and joins", "[base]") {
  CHECK(JoinPath("/a", "b") == "/a/b");
  CHECK(JoinPath("/", "b") == "/b");
  CHECK(ParentPath("/a/b") == "/a");
  CHECK(ParentPath("/a") == "/");
  CHECK(ParentPath("a") == ".");
}

}  // namespace
}  // namespace tsdb

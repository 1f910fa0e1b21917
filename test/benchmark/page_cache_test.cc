#include "benchmark/page_cache.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "benchmark/scratch_directory.h"

namespace tsdb::benchmark {
namespace {

// A directory with a file in it and one below it, 8000 bytes together.
class Fixture {
 public:
  Fixture() : scratch_(std::filesystem::temp_directory_path().string() + "/page_cache_test") {
    std::filesystem::create_directories(scratch_.path() + "/below");
    std::ofstream(scratch_.path() + "/a.log") << std::string(3000, 'a');
    std::ofstream(scratch_.path() + "/below/b.segment") << std::string(5000, 'b');
  }
  const std::string& path() const { return scratch_.path(); }

 private:
  ScratchDirectory scratch_;
};

TEST_CASE("page cache: all files in and below the directory are dropped", "[benchmark]") {
  const Fixture directory;
  const auto dropped = DropPageCache(directory.path(), /*system=*/false);
  REQUIRE(dropped.ok());
  CHECK(dropped->by == CacheDrop::kFiles);
  CHECK(dropped->file_bytes == 8000);
  CHECK(dropped->cached_bytes <= 8000);
}

TEST_CASE("page cache: the system's is dropped where that is permitted", "[benchmark]") {
  const Fixture directory, elsewhere;
  // Stands in for the kernel's, so that the test disturbs nothing else on the machine.
  const std::string control = elsewhere.path() + "/a.log";
  const auto dropped = DropPageCache(directory.path(), /*system=*/true, control);
  REQUIRE(dropped.ok());
  CHECK(dropped->by == CacheDrop::kSystem);
  std::ifstream file(control);
  const std::string written(std::istreambuf_iterator<char>(file), {});
  CHECK(written.substr(0, 2) == "3\n");
}

TEST_CASE("page cache: that of the files, where the system's must not be dropped", "[benchmark]") {
  const Fixture directory;
  const auto dropped = DropPageCache(directory.path(), /*system=*/true, directory.path() + "/none");
  REQUIRE(dropped.ok());
  CHECK(dropped->by == CacheDrop::kFiles);
}

TEST_CASE("page cache: a directory that is not there is an error", "[benchmark]") {
  const Fixture directory;
  CHECK_FALSE(DropPageCache(directory.path() + "/none", false).ok());
  CHECK_FALSE(FileBytes(directory.path() + "/none").ok());
}

TEST_CASE("page cache: file lengths are summed by the ends of names", "[benchmark]") {
  const Fixture directory;
  CHECK(FileBytes(directory.path()).value() == 8000);
  CHECK(FileBytes(directory.path(), ".segment").value() == 5000);
  CHECK(FileBytes(directory.path(), ".none").value() == 0);
}

}  // namespace
}  // namespace tsdb::benchmark

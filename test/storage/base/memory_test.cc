#include "storage/base/memory.h"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

namespace tsdb {
namespace {

constexpr size_t kMebibyte = size_t{1} << 20;

// A folder of control group files, removed at the end.
class ControlGroups {
 public:
  ControlGroups() {
    std::string path = (std::filesystem::temp_directory_path() / "memory_test_XXXXXX").string();
    REQUIRE(mkdtemp(path.data()) != nullptr);
    mount_ = path;
  }
  ~ControlGroups() { std::filesystem::remove_all(mount_); }

  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((mount_ / path).parent_path());
    std::ofstream(mount_ / path) << text << "\n";
  }
  size_t Limit(const std::string& groups) const {
    return internal::ControlGroupLimitBytes(groups, mount_.string());
  }

 private:
  std::filesystem::path mount_;
};

TEST_CASE("huge region: is aligned, zeroed and writable to its last byte", "[memory]") {
  const size_t bytes = GENERATE(size_t{1}, size_t{4095}, size_t{4096}, 2 * kMebibyte - 1,
                                2 * kMebibyte, 2 * kMebibyte + 1, 5 * kMebibyte);
  const bool prefault = GENERATE(false, true);
  auto region = HugeRegion::Map(bytes, prefault);
  REQUIRE(region.ok());
  CHECK(region->bytes() == bytes);
  CHECK(reinterpret_cast<uintptr_t>(region->data()) % HugeRegion::kAlignment == 0);
  auto* const data = static_cast<unsigned char*>(region->data());
  CHECK(std::all_of(data, data + bytes, [](unsigned char byte) { return byte == 0; }));
  std::fill(data, data + bytes, 0xff);
}

TEST_CASE("huge region: of no bytes is empty", "[memory]") {
  auto region = HugeRegion::Map(0, true);
  REQUIRE(region.ok());
  CHECK(region->data() == nullptr);
  CHECK(region->bytes() == 0);
}

TEST_CASE("huge region: what the system cannot give is refused by bytes and errno", "[memory]") {
  const size_t bytes = GENERATE(size_t{1} << 60, std::numeric_limits<size_t>::max());
  const auto region = HugeRegion::Map(bytes, false);
  REQUIRE(absl::IsResourceExhausted(region.status()));
  const std::string message(region.status().message());
  CHECK(message.find(std::to_string(bytes) + " bytes") != std::string::npos);
  CHECK(message.find("errno 12") != std::string::npos);
}

TEST_CASE("huge region: moves, and is given back once", "[memory]") {
  HugeRegion first = HugeRegion::Map(kMebibyte, false).value();
  void* const data = first.data();
  HugeRegion second = std::move(first);
  CHECK(second.data() == data);
  CHECK(first.data() == nullptr);
  first = std::move(second);
  CHECK(first.data() == data);
  CHECK(first.bytes() == kMebibyte);
}

TEST_CASE("resident bytes: grow with a prefaulted region", "[memory]") {
  const size_t before = ResidentBytes();
  CHECK(before > 0);
  auto region = HugeRegion::Map(32 * kMebibyte, true);
  REQUIRE(region.ok());
  CHECK(ResidentBytes() >= before + 31 * kMebibyte);
  CHECK(PeakResidentBytes() >= before + 31 * kMebibyte);
}

TEST_CASE("physical memory: is no more than the machine has", "[memory]") {
  CHECK(PhysicalMemoryBytes() > kMebibyte);
  CHECK(PhysicalMemoryBytes() <=
        static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE)));
}

TEST_CASE("control groups: version 2 takes the lowest limit up the path", "[memory]") {
  ControlGroups groups;
  groups.Write("a/memory.max", "5000");
  groups.Write("a/b/memory.max", "7000");
  groups.Write("a/b/c/memory.max", "max");
  CHECK(groups.Limit("0::/a/b/c\n") == 5000);
  CHECK(groups.Limit("0::/\n") == std::numeric_limits<size_t>::max());
}

TEST_CASE("control groups: version 1 looks at the memory controller only", "[memory]") {
  ControlGroups groups;
  groups.Write("memory/a/memory.limit_in_bytes", "6000");
  groups.Write("cpu/a/memory.limit_in_bytes", "1");
  CHECK(groups.Limit("5:cpu,cpuacct:/a\n4:memory:/a\n") == 6000);
  CHECK(groups.Limit("4:hugetlb,memory:/a\n") == 6000);
}

TEST_CASE("control groups: a path of the host's falls back to the mount itself", "[memory]") {
  ControlGroups groups;
  groups.Write("memory.max", "8000");
  CHECK(groups.Limit("0::/not/here\n") == 8000);
  CHECK(groups.Limit("") == std::numeric_limits<size_t>::max());
  CHECK(groups.Limit("no colons\n1:one\n") == std::numeric_limits<size_t>::max());
}

}  // namespace
}  // namespace tsdb

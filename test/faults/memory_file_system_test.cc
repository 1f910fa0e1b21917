#include "test/faults/memory_file_system.h"

#include <catch2/catch.hpp>
#include <set>

#include "test/bytes.h"

namespace tsdb {
namespace {

std::string Text(const MemoryFileSystem& files, const std::string& path) {
  const std::vector<uint8_t> content = files.Content(path);
  return std::string(content.begin(), content.end());
}

TEST_CASE("memory files: power loss drops what was not synced", "[faults]") {
  MemoryFileSystem files({"/d"});
  auto file = files.Create("/d/a", CreateMode::kNew);
  REQUIRE(file.ok());
  REQUIRE((*file)->Append(Bytes("one")).ok());
  REQUIRE((*file)->SyncData().ok());
  CHECK(files.AfterPowerLoss()->List("/d")->empty());  // the name was not synced
  REQUIRE(files.SyncDirectory("/d").ok());
  REQUIRE((*file)->Append(Bytes("two")).ok());
  CHECK(Text(*files.AfterPowerLoss(), "/d/a") == "one");
  CHECK(Text(*files.AfterProcessCrash(), "/d/a") == "onetwo");
  CHECK(Text(files, "/d/a") == "onetwo");
}

TEST_CASE("memory files: a rename and a removal are durable with their directory", "[faults]") {
  MemoryFileSystem files({"/d"});
  REQUIRE(files.Create("/d/a", CreateMode::kNew).ok());
  REQUIRE(files.Create("/d/x", CreateMode::kNew).ok());
  REQUIRE(files.SyncDirectory("/d").ok());
  REQUIRE(files.Rename("/d/a", "/d/b").ok());
  REQUIRE(files.Remove("/d/x").ok());
  CHECK(*files.AfterPowerLoss()->List("/d") == std::vector<std::string>{"a", "x"});
  REQUIRE(files.SyncDirectory("/d").ok());
  CHECK(*files.AfterPowerLoss()->List("/d") == std::vector<std::string>{"b"});
}

TEST_CASE("memory files: seeds reach lost, whole and torn writes and both names", "[faults]") {
  MemoryFileSystem files({"/d"});
  auto file = files.Create("/d/a", CreateMode::kNew);
  REQUIRE(files.SyncDirectory("/d").ok());
  REQUIRE((*file)->Append(Bytes(std::string(1024, 'x'))).ok());
  REQUIRE(files.Rename("/d/a", "/d/b").ok());
  std::set<std::string> names;
  std::set<std::string> contents;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const auto after = files.AfterPowerLoss(seed);
    const std::vector<std::string> list = *after->List("/d");
    REQUIRE(list.size() == 1);
    names.insert(list[0]);
    contents.insert(Text(*after, "/d/" + list[0]));
    CHECK(Text(*files.AfterPowerLoss(seed), "/d/" + list[0]) == Text(*after, "/d/" + list[0]));
  }
  CHECK(names == std::set<std::string>{"a", "b"});
  CHECK(contents == std::set<std::string>{"", std::string(512, 'x'), std::string(1024, 'x'),
                                          std::string(512, '\0') + std::string(512, 'x')});
}

TEST_CASE("memory files: what a failed sync forgot, a later sync does not bring", "[faults]") {
  MemoryFileSystem files({"/d"});
  auto file = files.Create("/d/a", CreateMode::kNew);
  REQUIRE(files.SyncDirectory("/d").ok());
  REQUIRE((*file)->Append(Bytes("lost")).ok());
  files.ForgetUnsynced("/d/a");
  REQUIRE((*file)->Append(Bytes("kept")).ok());
  REQUIRE((*file)->SyncData().ok());
  CHECK(Text(files, "/d/a") == "lostkept");
  CHECK(Text(*files.AfterPowerLoss(), "/d/a") == std::string(4, '\0') + "kept");
}

TEST_CASE("memory files: a full disk takes what fits and then refuses", "[faults]") {
  MemoryFileSystem files({"/d"});
  files.SetCapacity(5);
  auto file = files.Create("/d/a", CreateMode::kNew);
  CHECK((*file)->Append(Bytes("12345678")).code() == absl::StatusCode::kResourceExhausted);
  CHECK((*file)->offset() == 0);
  CHECK(Text(files, "/d/a") == "12345");
  CHECK(*files.FreeSpace("/d") == 0);
  REQUIRE((*file)->Truncate(0).ok());
  CHECK((*file)->Append(Bytes("1234")).ok());
}

TEST_CASE("memory files: one holder of a lock", "[faults]") {
  MemoryFileSystem files({"/d"});
  auto lock = files.Lock("/d/LOCK");
  REQUIRE(lock.ok());
  CHECK(files.Lock("/d/LOCK").status().code() == absl::StatusCode::kFailedPrecondition);
  CHECK(files.AfterProcessCrash()->Lock("/d/LOCK").ok());
  lock->reset();
  CHECK(files.Lock("/d/LOCK").ok());
}

}  // namespace
}  // namespace tsdb

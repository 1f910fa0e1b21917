#include "test/faults/fault_file_system.h"

#include <catch2/catch.hpp>

#include "test/bytes.h"
#include "test/faults/memory_file_system.h"

namespace tsdb {
namespace {

struct Files {
  MemoryFileSystem memory{{"/d"}};
  FaultFileSystem files{&memory};
  std::string Text() const {
    const std::vector<uint8_t> content = memory.Content("/d/a");
    return std::string(content.begin(), content.end());
  }
};

TEST_CASE("faults: the n-th call fails once, or for ever", "[faults]") {
  Files f;
  for (bool sticky : {false, true}) {
    f.files.Inject({.nth = 2, .sticky = sticky});
    CHECK(f.files.List("/d").ok());
    CHECK(f.files.FileSize("/d").status().code() == absl::StatusCode::kDataLoss);
    CHECK(f.files.List("/d").ok() == !sticky);
  }
  f.files.ClearFault();
  CHECK(f.files.List("/d").ok());
  CHECK(f.files.failures() == 3);
}

TEST_CASE("faults: a fault of one kind passes the others by, and all are counted", "[faults]") {
  Files f;
  f.files.Inject({.nth = 1, .call = FileCall::kAppend});
  auto file = f.files.Create("/d/a", CreateMode::kNew);
  REQUIRE(file.ok());
  CHECK_FALSE((*file)->Append(Bytes("x")).ok());
  CHECK((*file)->Append(Bytes("x")).ok());
  CHECK(f.files.calls(FileCall::kAppend) == 2);
  CHECK(f.files.calls() == 3);
}

TEST_CASE("faults: a failed append writes what its kind says, and the next one over it",
          "[faults]") {
  const struct {
    FileFault fault;
    std::string left;
    absl::StatusCode code;
  } cases[] = {
      {FileFault::kIoError, "", absl::StatusCode::kDataLoss},
      {FileFault::kNoSpace, "ab", absl::StatusCode::kResourceExhausted},
      {FileFault::kShortWrite, "ab", absl::StatusCode::kDataLoss},
      {FileFault::kTornWrite, "ab\x9c\x9b", absl::StatusCode::kDataLoss},
  };
  for (const auto& [fault, left, code] : cases) {
    Files f;
    auto file = f.files.Create("/d/a", CreateMode::kNew);
    f.files.Inject({.fault = fault});
    CHECK((*file)->Append(Bytes("abcd")).code() == code);
    CHECK(f.Text() == left);
    CHECK((*file)->offset() == 0);
    CHECK((*file)->Append(Bytes("ABCD")).ok());
    CHECK(f.Text() == "ABCD");
  }
}

TEST_CASE("faults: a sync that was made to fail loses its data for good", "[faults]") {
  Files f;
  f.files.SetSyncFailureHook([&](const std::string& path) { f.memory.ForgetUnsynced(path); });
  auto file = f.files.Create("/d/a", CreateMode::kNew);
  REQUIRE(f.files.SyncDirectory("/d").ok());
  REQUIRE((*file)->Append(Bytes("abcd")).ok());
  f.files.Inject({.call = FileCall::kSync});
  CHECK_FALSE((*file)->SyncData().ok());
  CHECK((*file)->SyncData().ok());
  CHECK(f.memory.AfterPowerLoss()->Content("/d/a").empty());
}

TEST_CASE("faults: a skipped sync says OK and keeps nothing", "[faults]") {
  Files f;
  auto file = f.files.Create("/d/a", CreateMode::kNew);
  REQUIRE((*file)->Append(Bytes("abcd")).ok());
  f.files.Inject({.fault = FileFault::kSkip, .call = FileCall::kSyncDirectory});
  REQUIRE((*file)->SyncData().ok());
  CHECK(f.files.SyncDirectory("/d").ok());
  CHECK_FALSE(f.memory.AfterPowerLoss()->FileSize("/d/a").ok());
  REQUIRE(f.files.SyncDirectory("/d").ok());
  REQUIRE((*file)->Append(Bytes("efgh")).ok());
  f.files.Inject({.fault = FileFault::kSkip, .call = FileCall::kSync, .sticky = true});
  CHECK((*file)->SyncData().ok());
  CHECK((*file)->Sync().ok());
  CHECK(f.memory.AfterPowerLoss()->Content("/d/a").size() == 4);
}

}  // namespace
}  // namespace tsdb

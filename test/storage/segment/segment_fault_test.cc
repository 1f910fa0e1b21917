// Files that fail while a segment is written: the final name is there whole or not at all.
#include <catch2/catch.hpp>

#include "test/faults/fault_file_system.h"
#include "test/faults/memory_file_system.h"
#include "test/storage/segment/segments.h"
#include "test/tsdb/threads.h"

namespace tsdb::segment {
namespace {

constexpr uint64_t kNumber = 7;

// Whether the directory has the segment; if so it must be whole.
bool HasWholeSegment(FileSystem* files, const SegmentContent& content) {
  if (!files->FileSize(PathOf(kNumber)).ok()) return false;
  const auto reader = OpenSegment(files, kNumber);
  REQUIRE(reader.ok());
  REQUIRE((*reader)->VerifyAll().empty());
  REQUIRE(Read(**reader) == content);
  return true;
}

TEST_CASE("segment builder: the n-th file call fails, for every n", "[segment]") {
  const auto packing = GENERATE(Packing::kPlain, Packing::kWherePays);
  const SegmentContent content = LargeContent(1500);  // several writes
  for (const FileFault fault :
       {FileFault::kIoError, FileFault::kNoSpace, FileFault::kShortWrite, FileFault::kTornWrite}) {
    for (const bool sticky : {false, true}) {
      for (uint64_t nth = FirstCall(fault);; nth += kCallStep) {
        CAPTURE(static_cast<int>(fault), sticky, nth);
        MemoryFileSystem memory({kDirectory});
        FaultFileSystem files(&memory);
        files.Inject({fault, nth, std::nullopt, sticky});
        const auto summary = Write(&files, kNumber, content, 0, packing);
        if (files.failures() == 0) {
          REQUIRE(summary.ok());
          REQUIRE(HasWholeSegment(&memory, content));
          REQUIRE(nth > 8);
          break;
        }
        // Only the removal in the destructor may fail unnoticed; that is after an error.
        REQUIRE_FALSE(summary.ok());
        // Where even the removal of the final name failed, it is whole all the same.
        const bool whole = HasWholeSegment(&memory, content);
        REQUIRE((!whole || sticky));
        if (!sticky) REQUIRE(memory.List(kDirectory)->empty());
      }
    }
  }
}

TEST_CASE("segment builder: after an error every call returns it", "[segment]") {
  MemoryFileSystem memory({kDirectory});
  FaultFileSystem files(&memory);
  auto builder = *SegmentBuilder::Create(&files, kDirectory, kNumber);
  files.Inject({FileFault::kNoSpace, 1, FileCall::kAppend, false});
  absl::Status status;
  const auto later = [&](uint32_t i) {
    return Encode(MakeLeaf(0, Timestamp{i} * 10'000'000, 2000));
  };
  uint32_t leaves = 0;
  while (status.ok()) status = builder->AddLeaf(0, later(leaves++));
  CHECK(absl::IsResourceExhausted(status));
  CHECK(builder->AddLeaf(0, later(leaves)) == status);
  CHECK(builder->AddSeries(0, "") == status);
  CHECK(builder->Supersede({0, 0}) == status);
  // Nothing is written after what is missing.
  const uint64_t appends = files.calls(FileCall::kAppend);
  CHECK(builder->WriteGathered() == status);
  CHECK(files.calls(FileCall::kAppend) == appends);
  CHECK(builder->Finish(0).status() == status);
}

TEST_CASE("segment builder: once finished it survives any power loss", "[segment]") {
  const auto packing = GENERATE(Packing::kPlain, Packing::kWherePays);
  const SegmentContent content = LargeContent(100);
  MemoryFileSystem memory({kDirectory});
  REQUIRE(Write(&memory, kNumber, content, 0, packing).ok());
  REQUIRE(HasWholeSegment(memory.AfterPowerLoss().get(), content));
}

TEST_CASE("segment builder: power lost at any call leaves all or nothing", "[segment]") {
  const auto packing = GENERATE(Packing::kPlain, Packing::kWherePays);
  const SegmentContent content = packing == Packing::kPlain ? SmallContent() : PackableContent();
  MemoryFileSystem memory({kDirectory});
  FaultFileSystem files(&memory);
  size_t states = 0, whole = 0;
  files.SetHook([&](FileCall, const std::string&) {
    if (HasWholeSegment(memory.AfterPowerLoss().get(), content)) ++whole;
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const auto after = memory.AfterPowerLoss(seed);
      if (HasWholeSegment(after.get(), content)) ++whole;
      ++states;
    }
    HasWholeSegment(memory.AfterProcessCrash().get(), content);
  });
  REQUIRE(Write(&files, kNumber, content, 0, packing).ok());
  CHECK(states >= 50 * 8);
  CHECK(whole > 0);  // renamed, the directory not yet synced: sometimes it made it
  CHECK(whole < states / 4);
}

}  // namespace
}  // namespace tsdb::segment

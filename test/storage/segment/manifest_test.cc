#include <algorithm>
#include <catch2/catch.hpp>

#include "test/bytes.h"
#include "test/faults/memory_file_system.h"
#include "test/storage/segment/manifests.h"

namespace tsdb::segment {
namespace {

std::unique_ptr<Manifest> Created(FileSystem* files) {
  auto manifest = Manifest::Create(files, kManifestDirectory, kIdentity);
  REQUIRE(manifest.ok());
  return *std::move(manifest);
}

ManifestState Reread(FileSystem* files) {
  const auto replay = Manifest::Read(files, kManifestDirectory);
  REQUIRE(replay.ok());
  CHECK(replay->torn_bytes == 0);
  CHECK(replay->damaged_copies == 0);
  return replay->state;
}

bool Refused(Manifest& manifest, const ManifestEdit& edit) {
  const ManifestState before = manifest.state();
  const uint64_t bytes = manifest.bytes();
  const absl::Status status = manifest.Apply(edit);
  CHECK(manifest.state() == before);
  CHECK(manifest.bytes() == bytes);
  CHECK(manifest.status().ok());
  return absl::IsInvalidArgument(status);
}

TEST_CASE("manifest: a new one is empty and has its identity", "[manifest]") {
  MemoryFileSystem files({kManifestDirectory});
  CHECK(absl::IsNotFound(Manifest::Open(&files, kManifestDirectory).status()));
  const auto manifest = Created(&files);
  ManifestState expected;
  expected.identity = kIdentity;
  CHECK(manifest->state() == expected);
  CHECK(Reread(&files) == expected);
  CHECK(absl::IsAlreadyExists(Manifest::Create(&files, kManifestDirectory, kIdentity).status()));
}

TEST_CASE("manifest: every edit is there after reading and after opening", "[manifest]") {
  MemoryFileSystem files({kManifestDirectory});
  auto manifest = Created(&files);
  const auto edits = SampleEdits();
  const auto states = StatesAfter(edits);
  REQUIRE(states.size() == edits.size() + 1);
  for (size_t i = 0; i < edits.size(); ++i) {
    REQUIRE(manifest->Apply(edits[i]).ok());
    REQUIRE(manifest->state() == states[i + 1]);
    REQUIRE(Reread(&files) == states[i + 1]);
    // Half of them through a writer that is opened again.
    if (i % 2 == 0) {
      manifest.reset();
      manifest = *Manifest::Open(&files, kManifestDirectory);
      REQUIRE(manifest->state() == states[i + 1]);
      REQUIRE(manifest->bytes() == files.Content(kManifestPath).size());
    }
  }
  CHECK(files.List(kManifestDirectory)->size() == 1);
}

TEST_CASE("manifest: any edit ends the clean shutdown, opening does not", "[manifest]") {
  MemoryFileSystem files({kManifestDirectory});
  auto manifest = Created(&files);
  REQUIRE(manifest->Apply(ManifestEdit().MarkCleanShutdown({1, 2, 3})).ok());
  manifest = *Manifest::Open(&files, kManifestDirectory);
  CHECK(manifest->state().clean_shutdown == CleanShutdown{1, 2, 3});
  REQUIRE(manifest->Apply(ManifestEdit()).ok());
  CHECK_FALSE(manifest->state().clean_shutdown);
  CHECK_FALSE(Reread(&files).clean_shutdown);
}

TEST_CASE("manifest: an edit that breaks a rule changes nothing", "[manifest]") {
  MemoryFileSystem files({kManifestDirectory});
  auto manifest = Created(&files);
  const Tombstone tombstone{5, {1, 2}, "x"};
  REQUIRE(manifest
              ->Apply(ManifestEdit()
                          .SetNextFileNumber(10)
                          .AddSegment(MakeSegment(3))
                          .TruncateLogBefore(7)
                          .AddTombstone(tombstone))
              .ok());
  CHECK(Refused(*manifest, ManifestEdit().AddSegment(MakeSegment(3))));
  CHECK(Refused(*manifest, ManifestEdit().AddSegment(MakeSegment(10))));
  CHECK(Refused(*manifest, ManifestEdit().AddSegment(MakeSegment(4)).RemoveSegment(5)));
  CHECK(Refused(*manifest, ManifestEdit().RemoveSegment(3).RemoveSegment(3)));
  CHECK(Refused(*manifest, ManifestEdit().AddSegment({4, 1, 1, 5, 4})));
  CHECK(Refused(*manifest, ManifestEdit().AddSegment({4, 1, 1, kTimestampMax, kTimestampMin})));
  CHECK(Refused(*manifest, ManifestEdit().SetNextFileNumber(9)));
  CHECK(Refused(*manifest, ManifestEdit().TruncateLogBefore(6)));
  CHECK(Refused(*manifest, ManifestEdit().SetSeriesCheckpoint({10, 1})));
  CHECK(Refused(*manifest, ManifestEdit().AddTombstone(tombstone)));
  CHECK(Refused(*manifest, ManifestEdit().AddTombstone({6, {2, 2}, "x"})));
  CHECK(Refused(*manifest, ManifestEdit().RemoveTombstone(6)));
  CHECK(Refused(*manifest,
                ManifestEdit().AddTombstone({6, {1, 2}, std::string(kManifestEditBytesMax, 'x')})));
  REQUIRE(manifest->Apply(ManifestEdit().AddSegment(MakeSegment(9))).ok());
  CHECK(Reread(&files) == manifest->state());
}

TEST_CASE("manifest: extreme numbers and times", "[manifest]") {
  MemoryFileSystem files({kManifestDirectory});
  auto manifest = Created(&files);
  ManifestEdit edit;
  edit.SetNextFileNumber(UINT64_MAX).TruncateLogBefore(UINT64_MAX);
  edit.AddSegment({UINT64_MAX - 1, UINT64_MAX, UINT64_MAX, kTimestampMin, kTimestampMax});
  edit.AddSegment({0, 0, 0, 0, 0});
  edit.AddTombstone({UINT64_MAX, TimeRange::All(), ""});
  edit.SetSeriesCheckpoint({0, UINT64_MAX}).MarkCleanShutdown({UINT64_MAX, 0, UINT64_MAX});
  REQUIRE(manifest->Apply(edit).ok());
  manifest = *Manifest::Open(&files, kManifestDirectory);
  CHECK(manifest->state().segments.at(UINT64_MAX - 1).time_first == kTimestampMin);
  CHECK(manifest->state().segments.at(UINT64_MAX - 1).time_last == kTimestampMax);
  CHECK(manifest->state() == Reread(&files));
}

TEST_CASE("manifest: a large state is written in several edits", "[manifest]") {
  MemoryFileSystem files({kManifestDirectory});
  auto manifest = Created(&files);
  ManifestEdit edit;
  edit.SetNextFileNumber(20'000);
  for (uint64_t i = 0; i < 20'000; ++i) edit.AddSegment(MakeSegment(i));
  REQUIRE(manifest->Apply(edit).ok());
  for (uint64_t i = 0; i < 3; ++i) {
    REQUIRE(manifest
                ->Apply(ManifestEdit().AddTombstone(
                    {i, {0, 1}, std::string(kManifestEditBytesMax - 64, 'x')}))
                .ok());
  }
  REQUIRE(manifest->Apply(ManifestEdit().MarkCleanShutdown({1, 2, 3})).ok());
  const ManifestState before = manifest->state();
  manifest = *Manifest::Open(&files, kManifestDirectory);
  CHECK(manifest->state() == before);
  CHECK(Reread(&files) == before);
}

TEST_CASE("manifest: tombstones of half an edit's bytes go into an edit each", "[manifest]") {
  ManifestState state;
  state.identity = kIdentity;
  constexpr size_t kBytes = 40'000;
  for (uint64_t i = 0; i < 4; ++i) state.tombstones[i] = {i, {0, 1}, std::string(kBytes, 'x')};
  const std::vector<ManifestEdit> edits = SnapshotEdits(state);
  CHECK(edits.size() == 4);
  for (const ManifestEdit& edit : edits) CHECK(edit.bytes().size() < kBytes + 64);
}

TEST_CASE("manifest: it does not grow for ever", "[manifest]") {
  MemoryFileSystem files({kManifestDirectory});
  auto manifest = Created(&files);
  uint64_t most = 0;
  for (uint64_t i = 1; i <= 20'000; ++i) {
    ManifestEdit edit;
    edit.SetNextFileNumber(i + 1).AddSegment(MakeSegment(i));
    if (i > 10) edit.RemoveSegment(i - 10);
    REQUIRE(manifest->Apply(edit).ok());
    most = std::max(most, manifest->bytes());
  }
  CHECK(manifest->rewrite_status().ok());
  CHECK(most < (256 << 10) + 200);
  CHECK(most > (256 << 10) - 200);
  CHECK(files.Content(kManifestPath).size() == manifest->bytes());
  CHECK(manifest->state().segments.size() == 10);
  CHECK(Reread(&files) == manifest->state());
}

TEST_CASE("golden: the worked example of docs/formats/manifest.md", "[manifest]") {
  MemoryFileSystem files({kManifestDirectory});
  auto manifest = Created(&files);
  REQUIRE(manifest->Apply(ManifestEdit().SetNextFileNumber(8).AddSegment({7, 336, 4, 1000, 4000}))
              .ok());
  CHECK(Hex(files.Content(kManifestPath)) ==
        "747364626d616e69 0102030405060708 090a0b0c0d0e0fff 8000000000000000 "
        "01000000d5908104 747364626d616e69 0102030405060708 090a0b0c0d0e0fff "
        "8000000000000000 01000000d5908104 4be064ee04000000 0100000000000000 "
        "0401030000000000 4be064ee04000000 0100000000000000 0401030000000000 "
        "4a74800f0b000000 0200000000000000 04080107d00204d0 0fb8170000000000 "
        "4a74800f0b000000 0200000000000000 04080107d00204d0 0fb8170000000000");
}

TEST_CASE("golden: every kind of field", "[manifest]") {
  std::string text;
  for (const ManifestEdit& edit : SampleEdits()) text += Hex(edit.bytes()) + "\n";
  CHECK(text ==
        "04040101e8074d01 8180808080200103 b817e70105838080 808060\n"
        "0502e8070337\n"
        "073c09feffffffff ffffffff01040073 6574\n"
        "0201020304050104 a01fb40207848080 80808001\n"
        "073d142800083c\n"
        "0663b402e807\n"
        "04ac0201ab02f89f 12efb301d504ab82 808080e04a\n");
}

}  // namespace
}  // namespace tsdb::segment

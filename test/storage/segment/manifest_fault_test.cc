// Files that fail and power that goes while a manifest is edited: what was acknowledged is there,
// and at most the edit in flight besides.
#include <algorithm>
#include <catch2/catch.hpp>

#include "test/faults/fault_file_system.h"
#include "test/faults/memory_file_system.h"
#include "test/storage/segment/manifests.h"

namespace tsdb::segment {
namespace {

std::optional<ManifestState> StateOn(FileSystem* files) {
  const auto replay = Manifest::Read(files, kManifestDirectory);
  if (absl::IsNotFound(replay.status())) return std::nullopt;
  INFO(std::string(replay.status().message()));
  REQUIRE(replay.ok());
  return replay->state;
}

// Creates a manifest, applies all sample edits, opening it anew in the middle; goes on after errors
// as long as the manifest says that it is usable.
class Run {
 public:
  // The states that may be found on the disk now: nullopt for no manifest.
  using States = std::vector<std::optional<ManifestState>>;

  void Go(FileSystem* files) {
    auto manifest = Manifest::Create(files, kManifestDirectory, kIdentity);
    ManifestState created;
    created.identity = kIdentity;
    allowed = {std::nullopt, created};
    if (!manifest.ok()) return;
    allowed = {created};
    const auto edits = SampleEdits();
    for (size_t i = 0; i < edits.size(); ++i) {
      if (i == 3) {
        manifest = Manifest::Open(files, kManifestDirectory);
        if (!manifest.ok()) return;
      }
      ManifestState next = (*manifest)->state();
      if (!ApplyEdit(edits[i].bytes(), &next).ok()) continue;  // builds on one that failed
      allowed.push_back(next);
      const absl::Status status = (*manifest)->Apply(edits[i]);
      if (status.ok()) {
        allowed = {next};
        ++applied;
      } else if ((*manifest)->status().ok()) {
        allowed.pop_back();  // it promises that the edit is not in the file
      } else {
        CHECK((*manifest)->Apply(edits[i]) == (*manifest)->status());
        return;
      }
    }
    complete = true;
  }

  bool Allows(const std::optional<ManifestState>& state) const {
    return std::find(allowed.begin(), allowed.end(), state) != allowed.end();
  }

  States allowed = {std::nullopt};
  size_t applied = 0;
  bool complete = false;
};

TEST_CASE("manifest: the n-th file call fails, for every n", "[manifest]") {
  size_t went_on = 0;
  for (const FileFault fault :
       {FileFault::kIoError, FileFault::kNoSpace, FileFault::kShortWrite, FileFault::kTornWrite}) {
    for (const bool sticky : {false, true}) {
      for (uint64_t nth = 1;; ++nth) {
        CAPTURE(static_cast<int>(fault), sticky, nth);
        MemoryFileSystem memory({kManifestDirectory});
        FaultFileSystem files(&memory);
        files.SetSyncFailureHook([&](const std::string& path) { memory.ForgetUnsynced(path); });
        files.Inject({fault, nth, std::nullopt, sticky});
        Run run;
        run.Go(&files);
        REQUIRE(run.Allows(StateOn(&memory)));
        REQUIRE(run.Allows(StateOn(memory.AfterPowerLoss().get())));
        for (uint64_t seed = 0; seed < 20; ++seed) {
          REQUIRE(run.Allows(StateOn(memory.AfterPowerLoss(seed).get())));
        }
        if (files.failures() == 0) {
          REQUIRE(run.complete);
          REQUIRE(run.applied == SampleEdits().size());
          REQUIRE(nth > 20);
          break;
        }
        if (run.complete) ++went_on;
      }
    }
  }
  CHECK(went_on > 20);  // failed appends do not end it
}

TEST_CASE("manifest: power lost at any call", "[manifest]") {
  MemoryFileSystem memory({kManifestDirectory});
  FaultFileSystem files(&memory);
  Run run;
  size_t states = 0;
  files.SetHook([&](FileCall, const std::string&) {
    REQUIRE(run.Allows(StateOn(memory.AfterProcessCrash().get())));
    REQUIRE(run.Allows(StateOn(memory.AfterPowerLoss().get())));
    for (uint64_t seed = 0; seed < 100; ++seed) {
      REQUIRE(run.Allows(StateOn(memory.AfterPowerLoss(seed).get())));
      ++states;
    }
  });
  ManifestState created;
  created.identity = kIdentity;
  run.allowed = {std::nullopt, created};
  run.Go(&files);
  CHECK(run.complete);
  CHECK(states > 2000);
}

// Applies edits until the file is about to be written anew.
uint64_t ApplyUntilLong(Manifest* manifest) {
  uint64_t next = manifest->state().next_file_number;
  // An edit takes less than 2200 bytes, so that none steps over the limit.
  while (manifest->bytes() < (256 << 10) - 2500) {
    const Tombstone tombstone{next, {0, 1}, std::string(1000, 'x')};
    ManifestEdit edit;
    edit.SetNextFileNumber(++next).AddTombstone(tombstone);
    if (next > 3) edit.RemoveTombstone(next - 3);
    REQUIRE(manifest->Apply(edit).ok());
  }
  return next;
}

TEST_CASE("manifest: writing it anew fails at the n-th call, for every n", "[manifest]") {
  size_t broken = 0, served_on = 0;
  for (uint64_t nth = 1;; ++nth) {
    CAPTURE(nth);
    MemoryFileSystem memory({kManifestDirectory});
    FaultFileSystem files(&memory);
    auto manifest = *Manifest::Create(&files, kManifestDirectory, kIdentity);
    const uint64_t next = ApplyUntilLong(manifest.get());
    ManifestEdit edit;
    edit.SetNextFileNumber(next + 1).AddTombstone({next, {0, 1}, std::string(2000, 'y')});
    files.Inject({FileFault::kIoError, nth + 2, std::nullopt, false});  // past append and sync
    REQUIRE(manifest->Apply(edit).ok());
    if (files.failures() == 0) {
      CHECK(manifest->bytes() < 20'000);
      REQUIRE(nth > 6);
      break;
    }
    CHECK_FALSE(manifest->rewrite_status().ok());
    const ManifestState state = manifest->state();
    CHECK(StateOn(memory.AfterPowerLoss().get()) == state);
    CHECK(StateOn(memory.AfterProcessCrash().get()) == state);
    const absl::Status status = manifest->Apply(ManifestEdit().SetNextFileNumber(next + 2));
    CHECK(status == manifest->status());
    ++(status.ok() ? served_on : broken);
    CHECK(StateOn(memory.AfterPowerLoss().get()) == manifest->state());
  }
  CHECK(broken > 0);
  CHECK(served_on > 0);
}

TEST_CASE("manifest: a full disk ends no manifest", "[manifest]") {
  MemoryFileSystem memory({kManifestDirectory});
  auto manifest = *Manifest::Create(&memory, kManifestDirectory, kIdentity);
  const auto edits = SampleEdits();
  REQUIRE(manifest->Apply(edits[0]).ok());
  memory.SetCapacity(manifest->bytes() + 40);
  CHECK(absl::IsResourceExhausted(manifest->Apply(edits[1])));
  CHECK(manifest->status().ok());
  CHECK(StateOn(&memory) == manifest->state());
  memory.SetCapacity(uint64_t{1} << 20);
  REQUIRE(manifest->Apply(edits[1]).ok());
  CHECK(StateOn(memory.AfterPowerLoss().get()) == StatesAfter(edits)[2]);
}

}  // namespace
}  // namespace tsdb::segment

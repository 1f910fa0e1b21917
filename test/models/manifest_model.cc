// The manifest: a segment is durable, name and all, before an edit names it, and goes after the
// edit that does not; the file is replaced by a temporary one, synced, renamed, its directory
// synced. After a loss of power, and for somebody who reads meanwhile, the manifest names segments
// that are there. (Manifest::AppendRecord, WriteAnew; SegmentBuilder::Finish;
// SegmentStore::Publish, RemoveObsolete; Engine::OpenReadOnly.)
//
// Threads: a writer with two edits, each of which adds a segment and drops the one before, the file
// written anew after the first; another process that opens the database read-only; the loss of
// power, at any time.
#include "test/models/protocols.h"
#include "test/models/shared.h"

namespace tsdb::models {
namespace {

constexpr int kEdits = 2;

enum class Fault {
  kNone,
  kTemporaryNotSynced,
  kDirectoryNotSynced,
  kEditNotSynced,
  kRemovedFirst,
  kSegmentNotSynced,
  kSegmentNameNotSynced,
  kWrittenInPlace,
  kReaderLooksOnce
};

class Manifests : public Model {
 public:
  explicit Manifests(Fault fault) : fault_(fault) {
    segments_[0] = {.there = true, .synced = true, .name_synced = true};
    files_[0] = {.edits = 0, .synced = 0};
  }

  void Run(size_t thread) override {
    if (thread == 0) {
      for (int edit = 1; edit <= kEdits; ++edit) Publish(edit);
    } else if (thread == 1) {
      OpenReadOnly();
    } else {
      LosePower();
    }
  }

  void CheckEnd() override { Expect(acknowledged_ == kEdits, "an edit was not made"); }

 private:
  static constexpr int kEmpty = -1;
  // State n of the manifest, after n edits, names segment n alone.
  struct File {
    int edits = kEmpty;  // in it
    int synced = kEmpty;
  };
  struct Segment {
    bool there = false;
    bool synced = false;  // its content
    bool name_synced = false;
    bool removed = false;
    bool removal_synced = false;
  };

  void Publish(int edit) {
    WriteSegment(segments_[edit]);
    if (fault_ == Fault::kRemovedFirst) Remove(segments_[edit - 1]);
    Step("append the edit");
    files_[open_].edits = edit;
    if (fault_ != Fault::kEditNotSynced) {
      Step("sync the manifest");
      files_[open_].synced = edit;
    }
    acknowledged_ = edit;
    if (edit == 1) WriteAnew(edit);
    if (fault_ != Fault::kRemovedFirst) Remove(segments_[edit - 1]);
  }

  void WriteSegment(Segment& segment) {
    Step("write a temporary segment");
    if (fault_ != Fault::kSegmentNotSynced) {
      Step("sync the segment");
      segment.synced = true;
    }
    Step("rename the segment");
    segment.there = true;
    if (fault_ != Fault::kSegmentNameNotSynced) {
      Step("sync the segments' directory");
      segment.name_synced = true;
    }
  }

  void Remove(Segment& segment) {
    Step("remove a segment");
    segment.there = false;
    segment.removed = true;
    Step("sync the segments' directory");
    segment.removal_synced = true;
  }

  void WriteAnew(int state) {
    if (fault_ == Fault::kWrittenInPlace) {
      Step("cut the manifest");
      files_[0].edits = kEmpty;
      Step("write the manifest");
      files_[0].edits = state;
      Step("sync the manifest");
      files_[0].synced = state;
      return;
    }
    Step("write the temporary manifest");
    files_[1].edits = state;
    if (fault_ != Fault::kTemporaryNotSynced) {
      Step("sync the temporary manifest");
      files_[1].synced = state;
    }
    Step("rename it");
    named_ = 1;
    if (fault_ != Fault::kDirectoryNotSynced) {
      Step("sync the directory");
      named_synced_ = 1;
    }
    open_ = 1;
  }

  int ReadManifest() {
    Step("open the manifest");
    const File& file = files_[named_];
    Step("read the manifest");
    Expect(file.edits != kEmpty, "the manifest has no content");
    return file.edits;
  }

  // Starts over when files went away and the manifest has changed; else they are lost.
  void OpenReadOnly() {
    int state = ReadManifest();
    for (;;) {
      Step("open the segment");
      if (segments_[state].there) return;
      const int again = ReadManifest();
      Expect(again != state && fault_ != Fault::kReaderLooksOnce, "a reader misses a segment");
      state = again;
    }
  }

  void LosePower() {
    Step("power fails");
    int named = named_synced_;
    if (named_ != named_synced_ && Choose(2, "the manifest's rename is there") == 1) {
      named = named_;
    }
    const File& file = files_[named];
    int state = file.synced;
    if (file.edits != file.synced && Choose(2, "what was not synced of it is there") == 1) {
      state = file.edits;
    }
    Expect(state != kEmpty, "the manifest has no content");
    Expect(state >= acknowledged_, "an edit that counted is lost");
    const Segment& segment = segments_[state];
    Expect(segment.synced && segment.name_synced, "the manifest names a segment not durable");
    if (segment.removed) {
      Expect(!segment.removal_synced && Choose(2, "the removal is there") == 0,
             "the manifest names a segment that is gone");
    }
    EndSchedule();
  }

  const Fault fault_;
  File files_[2];
  size_t named_ = 0;         // file that the name stands for
  size_t named_synced_ = 0;  // after a loss of power
  size_t open_ = 0;          // for edits
  Segment segments_[kEdits + 1];
  int acknowledged_ = 0;
};

Protocol Of(const char* name, Fault fault) {
  return MakeProtocol<Manifests>(name, {{"writer"}, {"reader"}, {"power", Role::kCrash}}, fault);
}

}  // namespace

ProtocolModel ManifestModel() {
  return {"manifest",
          {Of("", Fault::kNone)},
          {Of("temporary file not synced", Fault::kTemporaryNotSynced),
           Of("directory not synced after the rename", Fault::kDirectoryNotSynced),
           Of("edit not synced", Fault::kEditNotSynced),
           Of("segment removed before the edit", Fault::kRemovedFirst),
           Of("segment not synced", Fault::kSegmentNotSynced),
           Of("segment's name not synced", Fault::kSegmentNameNotSynced),
           Of("written anew in place", Fault::kWrittenInPlace),
           Of("a reader takes a missing segment for damage", Fault::kReaderLooksOnce)}};
}

}  // namespace tsdb::models

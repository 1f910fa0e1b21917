// Checkpoints: leaves go from memory and log into segments, and log files go only when segments and
// manifest are durable; whatever a loss of power leaves is a prefix of what was handed out, with
// all that was acknowledged. (Engine::WriteCheckpoint, WriteSegments; CheckpointWriter::Write;
// SegmentStore::Publish; LocalLog::TruncateBefore.)
//
// Threads: a writer whose records go to the log and then to the tree, in turn to two series; a
// client that is told when the first records are durable; the log's syncer; checkpoints; the loss
// of power, at any time.
#include "test/models/protocols.h"
#include "test/models/shared.h"

namespace tsdb::models {
namespace {

constexpr int kRecords = 3;
constexpr int kRecordsPerFile = 2;  // of the log
constexpr int kAcknowledged = 2;

enum class Fault {
  kNone,
  kLogNotSynced,
  kLogCutFirst,
  kPositionLate,
  kNotFlushed,
  kEditNotSynced,
  kSegmentNotSynced,
  kCutPastPosition
};

class Checkpoints : public Model {
 public:
  Checkpoints(int checkpoints, Fault fault) : checkpoints_(checkpoints), fault_(fault) {}

  void Run(size_t thread) override {
    switch (thread) {
      case 0: {
        for (int record = 1; record <= kRecords; ++record) HandOut(record);
        break;
      }
      case 1: {
        Acknowledge();
        break;
      }
      case 2: {
        for (;;) Sync();
      }
      case 3: {
        for (int i = 0; i < checkpoints_; ++i) WriteCheckpoint();
        break;
      }
      default:
        LosePower();
    }
  }

 private:
  struct Checkpoint {
    int position = 0;        // of the log
    uint32_t records = 0;    // a bit for each
    bool synced = true;      // its segments
    int log_cut_before = 1;  // by it
  };

  static uint32_t BitOf(int record) { return uint32_t{1} << record; }

  void HandOut(int record) {
    {
      const MutexLock lock(&mutex_);
      appended_ = record;
    }
    appended_changed_.NotifyAll();
    {
      const MutexLock lock(&mutex_);
      tree_ |= BitOf(record);
      merged_ = record;
    }
    merged_changed_.NotifyAll();
  }

  void AwaitDurable(int record) {
    const MutexLock lock(&mutex_);
    while (durable_ < record) durable_changed_.Wait(&mutex_);
  }

  void Acknowledge() {
    {
      const MutexLock lock(&mutex_);
      while (merged_ < kAcknowledged) merged_changed_.Wait(&mutex_);
    }
    AwaitDurable(kAcknowledged);
    acknowledged_ = kAcknowledged;
  }

  void Sync() {
    int appended;
    {
      const MutexLock lock(&mutex_);
      while (durable_ == appended_) appended_changed_.Wait(&mutex_);
      appended = appended_;
    }
    {
      const MutexLock lock(&mutex_);
      durable_ = appended;
    }
    durable_changed_.NotifyAll();
  }

  int Position() {
    const MutexLock lock(&mutex_);
    return appended_;
  }

  void Flush() {
    const MutexLock lock(&mutex_);
    const int submitted = appended_;
    while (merged_ < submitted) merged_changed_.Wait(&mutex_);
  }

  void WriteCheckpoint() {
    Checkpoint next;
    next.position = Position();
    if (fault_ != Fault::kNotFlushed) Flush();
    next.synced = false;
    for (int series = 0; series < 2; ++series) {
      Step("export a series");
      for (int record = 1; record <= kRecords; ++record) {
        if (record % 2 == series) next.records |= tree_ & BitOf(record);
      }
    }
    if (fault_ == Fault::kPositionLate) next.position = Position();
    next_ = next;
    if (fault_ != Fault::kSegmentNotSynced) {
      Step("sync the segments");
      next_.synced = true;
    }
    if (fault_ != Fault::kLogNotSynced) AwaitDurable(Position());
    if (fault_ == Fault::kLogCutFirst) CutLog(next_.position);
    Step("append the edit");
    edit_appended_ = true;
    if (fault_ != Fault::kEditNotSynced) {
      Step("sync the manifest");
      current_ = next_;
      edit_appended_ = false;
    }
    if (fault_ != Fault::kLogCutFirst) CutLog(next_.position);
  }

  // Files of which the next one begins at `position` + 1 or before.
  void CutLog(int position) {
    if (fault_ == Fault::kCutPastPosition) position += kRecordsPerFile - 1;
    while (log_first_ + kRecordsPerFile <= position + 1) {
      Step("remove a log file");
      log_first_ += kRecordsPerFile;
    }
  }

  void LosePower() {
    Step("power fails");
    Checkpoint found = current_;
    if (edit_appended_ && Choose(2, "the edit is there") == 1) found = next_;
    Expect(found.synced, "the manifest names a segment that is not durable");
    const int more = static_cast<int>(
        Choose(static_cast<size_t>(appended_ - durable_ + 1), "batches of the log not synced"));
    const int last = durable_ + more;
    uint32_t records = found.records;
    Expect(last <= found.position || log_first_ <= found.position + 1,
           "the log has a gap before what is to be replayed");
    for (int record = found.position + 1; record <= last; ++record) records |= BitOf(record);
    int prefix = 0;
    while (prefix < kRecords && (records & BitOf(prefix + 1)) != 0) ++prefix;
    Expect(records == (BitOf(prefix + 1) - 1 - 1), "a record is there without one before it");
    Expect(prefix >= acknowledged_, "an acknowledged record is lost");
    EndSchedule();
  }

  const int checkpoints_;
  const Fault fault_;
  Mutex mutex_{"mutex"};
  CondVar appended_changed_{"appended"};
  CondVar merged_changed_{"merged"};
  CondVar durable_changed_{"durable"};
  int appended_ = 0;  // to the log
  int durable_ = 0;
  int merged_ = 0;
  uint32_t tree_ = 0;  // records
  int acknowledged_ = 0;
  Checkpoint current_;          // as the manifest has it, durably
  Checkpoint next_;             // as an edit would make it
  bool edit_appended_ = false;  // and not synced
  int log_first_ = 1;           // first record of the oldest file
};

Protocol Of(const char* name, int checkpoints, Fault fault) {
  return MakeProtocol<Checkpoints>(
      name,
      {{"writer"}, {"client"}, {"syncer", Role::kServer}, {"checkpoint"}, {"power", Role::kCrash}},
      checkpoints, fault);
}

}  // namespace

ProtocolModel CheckpointModel() {
  return {"checkpoint",
          {Of("one", 1, Fault::kNone), Of("two", 2, Fault::kNone)},
          {Of("log not made durable before the manifest", 1, Fault::kLogNotSynced),
           Of("log files removed before the manifest is durable", 1, Fault::kLogCutFirst),
           Of("position read after the tree", 1, Fault::kPositionLate),
           Of("no flush before the export", 1, Fault::kNotFlushed),
           Of("edit not synced", 1, Fault::kEditNotSynced),
           Of("segments not synced", 1, Fault::kSegmentNotSynced),
           Of("a log file removed that is still needed", 1, Fault::kCutPastPosition)}};
}

}  // namespace tsdb::models

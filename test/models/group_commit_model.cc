// The log: appending copies into a buffer, a thread writes it, another syncs, one sync for all who
// wait; a file ends only when it is durable; a full disk stalls, a failed sync ends it all.
// (storage/wal/local_log.cc, but for the bytes.)
//
// Threads: two clients that append and await durability; one of which closes the log when both are
// done; the log's two. What the disk has after a sync is what was in the file when the sync began.
#include "test/models/protocols.h"
#include "test/models/shared.h"

namespace tsdb::models {
namespace {

enum class Fault {
  kNone,
  kDurableIsWritten,
  kFileEndsEarly,
  kSyncerNotTold,
  kDurableNotTold,
  kWriterLooksOutside,
  kStallNotTold,
  kFailureNotTold,
  kFailedSyncCounts
};

struct Setup {
  int file_batches = 100;
  int staged_batches = 100;  // at most, one may pass it
  bool full_at_first = false;
  bool sync_may_fail = false;
  bool space_comes_back = true;
};

class GroupCommit : public Model {
 public:
  GroupCommit(Setup setup, Fault fault)
      : setup_(setup), fault_(fault), disk_full_(setup.full_at_first) {}

  void Run(size_t thread) override {
    if (thread <= 1) {
      AppendAndAwait();
      if (thread == 0) return;
      Join(0);
      Close();
    } else if (thread == 2) {
      WriteLoop();
    } else if (thread == 3) {
      SyncLoop();
    } else {
      Step("space comes back");
      disk_full_ = false;
    }
  }

  void CheckStep() override {
    if (mutex_.held()) return;
    Expect(durable_ <= OnDisk(), "durable is past what the disk has");
    Expect(durable_ <= written_ && written_ <= appended_, "durable <= written <= appended");
  }

  void CheckEnd() override {
    if (!failed_) Expect(OnDisk() == appended_, "closed well, and a batch is not on the disk");
  }

 private:
  struct File {
    int first = 0;    // batch
    int content = 0;  // last batch in it
    int synced = 0;   // last batch of it on the disk
  };

  // The last batch that an opening after a loss of power is sure to find.
  int OnDisk() const {
    int last = 0;
    for (const File& file : files_) {
      if (file.first != last + 1) Fail("a gap before a file's first batch");
      if (file.synced > last) last = file.synced;
    }
    return last;
  }

  void AppendAndAwait() {
    const int batch = Append();
    if (batch == 0) return;
    if (AwaitDurable(batch)) Expect(OnDisk() >= batch, "acknowledged, and not on the disk");
  }

  int Append() {
    const MutexLock lock(&mutex_);
    if (staged_ > 0 && staged_ + 1 > setup_.staged_batches) {
      ++write_waiters_;
      while (!failed_ && !stalled_ && staged_ > 0 && staged_ + 1 > setup_.staged_batches) {
        written_changed_.Wait(&mutex_);
      }
      --write_waiters_;
    }
    if (failed_ || closing_) return 0;
    ++appended_;
    if (++staged_ == 1) staged_changed_.NotifyOne();
    return appended_;
  }

  bool AwaitDurable(int batch) {
    const MutexLock lock(&mutex_);
    if (durable_ >= batch) return true;
    if (sync_wanted_ < batch) {
      sync_wanted_ = batch;
      sync_changed_.NotifyOne();
    }
    while (!failed_ && durable_ < batch && (!stalled_ || batch <= written_)) {
      durable_changed_.Wait(&mutex_);
    }
    return durable_ >= batch;
  }

  void FailWith() {
    const MutexLock lock(&mutex_);
    failed_ = true;
    if (fault_ == Fault::kFailureNotTold) return;
    written_changed_.NotifyAll();
    durable_changed_.NotifyAll();
    staged_changed_.NotifyAll();
    sync_changed_.NotifyAll();
  }

  bool WaitForStaged(int& last) {
    if (fault_ == Fault::kWriterLooksOutside) {
      Step("look for staged batches");
      if (staged_ == 0 && !closing_ && !failed_) {
        const MutexLock lock(&mutex_);
        staged_changed_.Wait(&mutex_);
      }
    }
    const MutexLock lock(&mutex_);
    while (!failed_ && staged_ == 0 && !closing_) staged_changed_.Wait(&mutex_);
    if (failed_ || staged_ == 0) return false;
    staged_ = 0;
    last = appended_;
    if (write_waiters_ > 0) written_changed_.NotifyAll();
    return true;
  }

  void WriteLoop() {
    int last = 0;
    while (WaitForStaged(last)) {
      if (!WriteWhenThereIsSpace(last)) {
        FailWith();
        break;
      }
      const MutexLock lock(&mutex_);
      const bool first_to_sync = written_ == durable_;
      written_ = last;
      if (write_waiters_ > 0) written_changed_.NotifyAll();
      const bool told = fault_ != Fault::kSyncerNotTold;
      if (told && (sync_wanted_ > durable_ || first_to_sync)) sync_changed_.NotifyOne();
    }
    const MutexLock lock(&mutex_);
    writer_ended_ = true;
    sync_changed_.NotifyAll();
  }

  bool WriteWhenThereIsSpace(int last) {
    for (;;) {
      const bool full = !WriteStaged(last);
      const MutexLock lock(&mutex_);
      stalled_ = full && !failed_ && !closing_;
      if (!stalled_) return !full && !failed_;
      if (fault_ != Fault::kStallNotTold) {
        written_changed_.NotifyAll();
        durable_changed_.NotifyAll();
      }
      staged_changed_.WaitFor(&mutex_);
    }
  }

  // False: the disk is full.
  bool WriteStaged(int last) {
    {
      const MutexLock lock(&mutex_);
      if (file_ >= 0 && last - files_[static_cast<size_t>(file_)].first >= setup_.file_batches) {
        if (sync_wanted_ < written_) sync_wanted_ = written_;
        sync_changed_.NotifyOne();
        while (!failed_ && durable_ < written_ && fault_ != Fault::kFileEndsEarly) {
          durable_changed_.Wait(&mutex_);
        }
        if (failed_) return true;
        file_ = -1;
      }
    }
    Step("write to the file");
    if (disk_full_) return false;
    if (file_ < 0) {
      File file;
      file.first = written_ + 1;
      files_.push_back(file);
      const MutexLock lock(&mutex_);
      file_ = static_cast<int>(files_.size()) - 1;
    }
    files_[static_cast<size_t>(file_)].content = last;
    return true;
  }

  bool WaitUntilSyncDue(int& written) {
    const MutexLock lock(&mutex_);
    for (bool due = false;;) {
      if (failed_) return false;
      if (written_ > durable_) {
        if (sync_wanted_ > durable_ || writer_ended_ || due) break;
        due = sync_changed_.WaitFor(&mutex_);
      } else {
        if (writer_ended_) return false;
        sync_changed_.Wait(&mutex_);
        due = false;
      }
    }
    written = written_;
    return true;
  }

  void SyncLoop() {
    int written = 0;
    while (WaitUntilSyncDue(written)) {
      int file;
      {
        const MutexLock lock(&mutex_);
        file = file_;
      }
      if (!Sync(file) && fault_ != Fault::kFailedSyncCounts) {
        FailWith();
        return;
      }
      const MutexLock lock(&mutex_);
      durable_ = fault_ == Fault::kDurableIsWritten ? written_ : written;
      if (fault_ != Fault::kDurableNotTold) durable_changed_.NotifyAll();
    }
  }

  bool Sync(int index) {
    Step("sync begins");
    Expect(index >= 0, "what is not durable is in no file");
    File& file = files_[static_cast<size_t>(index)];
    const int content = file.content;
    if (setup_.sync_may_fail && Choose(2, "sync fails") == 1) return false;
    Step("sync ends");
    file.synced = content;
    return true;
  }

  void Close() {
    int last;
    {
      const MutexLock lock(&mutex_);
      last = appended_;
    }
    if (AwaitDurable(last) && last > 0) Append();  // the closing batch
    {
      const MutexLock lock(&mutex_);
      closing_ = true;
      staged_changed_.NotifyAll();
      sync_changed_.NotifyAll();
    }
    Join(2);
    Join(3);
  }

  const Setup setup_;
  const Fault fault_;
  bool disk_full_;
  FixedList<File, 8> files_;
  Mutex mutex_{"log"};
  CondVar staged_changed_{"staged"};
  CondVar sync_changed_{"sync"};
  CondVar written_changed_{"written"};
  CondVar durable_changed_{"durable"};
  int file_ = -1;
  int staged_ = 0;
  int appended_ = 0;
  int written_ = 0;
  int durable_ = 0;
  int sync_wanted_ = 0;
  int write_waiters_ = 0;
  bool closing_ = false;
  bool writer_ended_ = false;
  bool failed_ = false;
  bool stalled_ = false;
};

Protocol Of(const char* name, Setup setup, Fault fault) {
  std::vector<ThreadSpec> threads{{"client a"}, {"client b"}, {"writer"}, {"syncer"}};
  if (setup.full_at_first && setup.space_comes_back) threads.push_back({"space", Role::kEvent});
  return MakeProtocol<GroupCommit>(name, std::move(threads), setup, fault);
}

}  // namespace

ProtocolModel GroupCommitModel() {
  const Setup plain;
  const Setup small_files{.file_batches = 1};
  const Setup small_buffer{.staged_batches = 1};
  const Setup full{.staged_batches = 1, .full_at_first = true};
  const Setup stays_full{.full_at_first = true, .space_comes_back = false};
  const Setup failing{.sync_may_fail = true};
  return {"group commit",
          {Of("one file", plain, Fault::kNone), Of("a file a batch", small_files, Fault::kNone),
           Of("a buffer of one batch", small_buffer, Fault::kNone),
           Of("a full disk", full, Fault::kNone),
           Of("a disk that stays full", stays_full, Fault::kNone),
           Of("a failing sync", failing, Fault::kNone)},
          {Of("durable raised to what is written now", plain, Fault::kDurableIsWritten),
           Of("a file ends before it is durable", small_files, Fault::kFileEndsEarly),
           Of("syncer not told of what is written", plain, Fault::kSyncerNotTold),
           Of("waiters not told of what is durable", plain, Fault::kDurableNotTold),
           Of("writer looks without the mutex before it waits", plain, Fault::kWriterLooksOutside),
           Of("waiters not told of a full disk", stays_full, Fault::kStallNotTold),
           Of("waiters not told of a failure", failing, Fault::kFailureNotTold),
           Of("a failed sync counts", failing, Fault::kFailedSyncCounts)}};
}

}  // namespace tsdb::models

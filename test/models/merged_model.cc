// From applied to merged: a part counts as merged after its records are readable and counted and
// its chunk is given back. (MergePipeline::FinishItems, RecordFinished, AwaitMerged,
// applied_records.)
//
// Threads: two appliers, each with an item of the batch on a page of its own, one of which also
// walks the items (the one more of `unfinished`); a reader that awaits the part; one that reads the
// counters.
#include "test/models/protocols.h"
#include "test/models/shared.h"

namespace tsdb::models {
namespace {

enum class Fault {
  kNone,
  kFinishRelaxed,
  kFinishReleaseOnly,
  kFinishBeforeApplied,
  kNotifyBeforeRemoval,
  kCountRelaxed
};

class Merged : public Model {
 public:
  explicit Merged(Fault fault) : fault_(fault) {}

  void Run(size_t thread) override {
    if (thread < 2) {
      Apply(thread);
    } else if (thread == 2) {
      AwaitMerged();
      ReadAll();
      Expect(chunk_released_.Read(), "merged, and its chunk not given back");
      Expect(applied_records_.Load(Order::kAcquire) == 1, "merged, and not counted");
    } else if (applied_records_.Load(Order::kAcquire) == 1) {
      ReadAll();  // the ledger: what is applied is in the tree's counts
    }
  }

  void CheckEnd() override { Expect(!in_flight_, "a batch was left in flight"); }

 private:
  void Apply(size_t thread) {
    const bool early = fault_ == Fault::kFinishBeforeApplied && thread == 1;
    if (!early) pages_[thread].Write(1);
    bool last = FinishItem();
    if (early) pages_[thread].Write(1);
    if (thread == 0) last |= FinishItem();  // it walked the items
    if (!last) return;
    chunk_released_.Write(true);
    applied_records_.FetchAdd(1,
                              fault_ == Fault::kCountRelaxed ? Order::kRelaxed : Order::kRelease);
    RecordFinished();
  }

  bool FinishItem() {
    Order order = Order::kAcqRel;
    if (fault_ == Fault::kFinishRelaxed) order = Order::kRelaxed;
    if (fault_ == Fault::kFinishReleaseOnly) order = Order::kRelease;
    return unfinished_.FetchSub(1, order) == 1;
  }

  void RecordFinished() {
    bool wake;
    {
      const MutexLock lock(&mutex_);
      wake = merged_waiters_ > 0;
      if (fault_ != Fault::kNotifyBeforeRemoval) in_flight_ = false;
    }
    if (wake) merged_or_work_.NotifyAll();
    if (fault_ == Fault::kNotifyBeforeRemoval) {
      const MutexLock lock(&mutex_);
      in_flight_ = false;
    }
  }

  void AwaitMerged() {
    const MutexLock lock(&mutex_);
    while (in_flight_) {
      ++merged_waiters_;
      merged_or_work_.Wait(&mutex_);
      --merged_waiters_;
    }
  }

  void ReadAll() {
    for (Data<int>& page : pages_) Expect(page.Read() == 1, "a record that is not readable");
  }

  const Fault fault_;
  Data<int> pages_[2] = {Data<int>("page 0"), Data<int>("page 1")};
  Atomic<int> unfinished_{"unfinished", 3};
  Data<bool> chunk_released_{"chunk"};
  Atomic<int> applied_records_{"applied", 0};
  Mutex mutex_{"mutex"};
  CondVar merged_or_work_{"merged"};
  bool in_flight_ = true;
  int merged_waiters_ = 0;
};

Protocol Of(const char* name, Fault fault) {
  return MakeProtocol<Merged>(name, {{"walker"}, {"owner"}, {"reader"}, {"ledger"}}, fault);
}

}  // namespace

ProtocolModel MergedModel() {
  return {"applied to merged",
          {Of("", Fault::kNone)},
          {Of("item finished relaxed", Fault::kFinishRelaxed),
           Of("item finished with release alone", Fault::kFinishReleaseOnly),
           Of("item finished before it is applied", Fault::kFinishBeforeApplied),
           Of("waiters notified before the batch is taken out", Fault::kNotifyBeforeRemoval),
           Of("applied records counted relaxed", Fault::kCountRelaxed)}};
}

}  // namespace tsdb::models

// Commit order: parts that many threads sort reach a page's queue in the order of one writer's, and
// of commits. (MergePipeline::Submit, Commit, Take, HandOut, TakeTurn.)
//
// Threads: two writers that hand parts in, one with a commit between, and merge what lies in the
// queue after each; a thread of the pool that takes parts, too.
#include "test/models/protocols.h"
#include "test/models/shared.h"

namespace tsdb::models {
namespace {

enum class Fault {
  kNone,
  kTakenInTwoSteps,
  kTurnBeforeItems,
  kCommitIgnored,
  kWriterIgnored,
  kOwnTurnOnly
};

class MergeOrder : public Model {
 public:
  explicit MergeOrder(Fault fault) : fault_(fault) {}

  void Run(size_t thread) override {
    if (thread == 0) {
      Submit(0);
      Commit();
      MergeOne();
      Submit(0);
      MergeOne();
    } else if (thread == 1) {
      Submit(1);
      Submit(1);
      MergeOne();
      MergeOne();
    } else {
      MergeOne();
    }
  }

  void CheckEnd() override {
    Expect(queue_.empty() && sorted_.empty() && page_.size() == 4, "a part stays behind");
  }

 private:
  struct Part {
    int sequence = 0, after = 0, writer = 0;
  };

  static bool Precedes(const Part& first, const Part& second) {
    return first.sequence <= second.after ||
           (first.writer == second.writer && first.sequence < second.sequence);
  }

  void Submit(int writer) {
    const MutexLock lock(&mutex_);
    queue_.push_back({next_sequence_, committed_, writer});
    ++next_sequence_;
  }

  void Commit() {
    const MutexLock lock(&mutex_);
    committed_ = next_sequence_ - 1;
  }

  void MergeOne() {
    Part part;
    {
      const MutexLock lock(&mutex_);
      if (queue_.empty()) return;
      part = queue_.front();
      queue_.pop_front();
      if (fault_ != Fault::kTakenInTwoSteps) not_handed_out_.push_back(part);
    }
    if (fault_ == Fault::kTakenInTwoSteps) {
      const MutexLock lock(&mutex_);
      not_handed_out_.push_back(part);
    }
    // It sorts here; then a thread may be far behind another.
    HandOut(part);
  }

  void HandOut(const Part& part) {
    if (fault_ == Fault::kTurnBeforeItems) {
      HandOutInTwoSteps(part);
      return;
    }
    const MutexLock lock(&order_mutex_);
    sorted_.push_back(part);
    Part turn;
    while (!sorted_.empty() && TakeTurn(turn)) {
      QueueItem(turn);
      if (fault_ == Fault::kOwnTurnOnly) return;
    }
  }

  void HandOutInTwoSteps(const Part& part) {
    bool first = true;
    for (;;) {
      Part turn;
      {
        const MutexLock lock(&order_mutex_);
        if (first) sorted_.push_back(part);
        first = false;
        if (sorted_.empty() || !TakeTurn(turn)) return;
      }
      QueueItem(turn);
    }
  }

  bool TakeTurn(Part& turn) {
    const MutexLock lock(&mutex_);
    for (size_t i = 0; i < sorted_.size(); ++i) {
      if (Waits(sorted_[i])) continue;
      turn = sorted_[i];
      sorted_.erase(i);
      for (size_t j = 0; j < not_handed_out_.size(); ++j) {
        if (not_handed_out_[j].sequence == turn.sequence) not_handed_out_.erase(j--);
      }
      return true;
    }
    return false;
  }

  bool Waits(const Part& part) const {
    for (const Part& other : not_handed_out_) {
      const bool commit = other.sequence <= part.after && fault_ != Fault::kCommitIgnored;
      const bool writer = other.writer == part.writer && other.sequence < part.sequence &&
                          fault_ != Fault::kWriterIgnored;
      if (commit || writer) return true;
    }
    return false;
  }

  void QueueItem(const Part& part) {
    Step("queue the item");
    for (const Part& before : page_) {
      Expect(!Precedes(part, before), "a part comes after one that it precedes");
    }
    page_.push_back(part);
  }

  const Fault fault_;
  Mutex mutex_{"mutex"};
  FixedList<Part> queue_;
  FixedList<Part> not_handed_out_;
  int next_sequence_ = 1;
  int committed_ = 0;
  Mutex order_mutex_{"order"};
  FixedList<Part> sorted_;
  FixedList<Part> page_;  // items in its queue, oldest first
};

Protocol Of(const char* name, Fault fault) {
  return MakeProtocol<MergeOrder>(name, {{"writer a"}, {"writer b"}, {"drain"}}, fault);
}

}  // namespace

ProtocolModel MergeOrderModel() {
  return {"commit order",
          {Of("", Fault::kNone)},
          {Of("part leaves the queue before it is in the list", Fault::kTakenInTwoSteps),
           Of("turn ends before the items are queued", Fault::kTurnBeforeItems),
           Of("a commit between is ignored", Fault::kCommitIgnored),
           Of("one writer's order is ignored", Fault::kWriterIgnored),
           Of("whoever hands out stops after one part", Fault::kOwnTurnOnly)}};
}

}  // namespace tsdb::models

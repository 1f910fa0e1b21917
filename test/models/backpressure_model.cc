// Backpressure: writers that find no chunk merge, then wait; those who await a position likewise;
// parts are merged by whoever is at hand. Nobody sleeps for ever, and no part is left in the queue.
// (MergePipeline: MergeOrHandOver, MergeUpTo, Drain, WakeForWork, Fire; backpressure.cc whole.)
//
// Threads: two writers that take a chunk and hand it in, again and again; one that awaits what they
// submitted, or a third writer; a thread of the pool, for drains. A batch that is sorted out of
// turn is left to whoever is first in order, as in HandOut, and all its pages' items with it.
#include <algorithm>

#include "test/models/protocols.h"
#include "test/models/shared.h"

namespace tsdb::models {
namespace {

enum class Fault {
  kNone,
  kMergeEndsSilently,
  kStateEndsSilently,
  kChunkKeepsWake,
  kWaitsWithNothingUnderWay,
  kDrainEndsLate,
  kAwaitEndsSilently,
  kReleaseNotSeen,
  kNextNotWoken
};

struct Setup {
  int chunks = 1;
  int contexts = 1;
  int batches = 1;
  bool busy = true;  // as many active writers as cores: no core beyond them
  int releases_per_wake = 16;
  int parts_at_once = 4;  // merged by a writer before it goes on
  int chunks_each = 2;    // that a writer takes
  // Writer b keeps its last chunk, with nothing in it, until the others have ended.
  bool holds_on = false;
  bool three_writers = false;
};

class Backpressure : public Model {
 public:
  Backpressure(Setup setup, Fault fault)
      : setup_(setup),
        fault_(fault),
        free_chunks_(setup.chunks),
        free_contexts_(setup.contexts),
        free_batches_(setup.batches) {}

  void Run(size_t thread) override {
    if (thread <= 1 || (thread == 2 && setup_.three_writers)) {
      Write(/*holds_on=*/thread == 1 && setup_.holds_on);
    } else if (thread == 2) {
      AwaitMerged(Submitted());
    } else {
      for (;;) RunDrain();
    }
  }

  void CheckEnd() override {
    Expect(queue_.empty() && in_flight_.empty(), "a part stays in the queue");
    Expect(free_contexts_ == setup_.contexts && free_batches_ == setup_.batches,
           "a context or batch is missing");
    Expect(free_chunks_ == setup_.chunks + grown_, "a chunk is missing");
  }

 private:
  struct Wakes {
    bool all_for_merged = false, one_for_merged = false, one_for_chunk = false, drain = false;
  };

  void Write(bool holds_on) {
    for (int i = 0; i < setup_.chunks_each; ++i) {
      AcquireChunk();
      if (holds_on && i == setup_.chunks_each - 1) {
        Join(0);
        Join(2);
        DropChunk();
        return;
      }
      Submit();
      MergeOrHandOver();
    }
  }

  bool CanMerge() const { return !queue_.empty() && free_contexts_ > 0 && free_batches_ > 0; }

  int Take() {
    const int part = queue_.front();
    queue_.pop_front();
    --free_contexts_;
    --free_batches_;
    in_flight_.push_back(part);
    return part;
  }

  void Submit() {
    const MutexLock lock(&mutex_);
    queue_.push_back(next_sequence_++);
  }

  int Submitted() {
    const MutexLock lock(&mutex_);
    return next_sequence_ - 1;
  }

  void MergeOrHandOver() {
    int part = 0;
    Wakes wakes;
    {
      const MutexLock lock(&mutex_);
      if (queue_.empty()) return;
      if (!setup_.busy && queue_.size() <= 2) {
        ScheduleDrain(wakes);
      } else if (CanMerge()) {
        part = Take();
      }
    }
    if (part != 0) MergeUpTo(setup_.parts_at_once, part);
    Fire(wakes);
  }

  void MergeUpTo(int most, int part) {
    for (int merged = 1;; ++merged) {
      DropChunk();  // sorted
      FixedList<int> mine;
      HandOut(part, mine);
      Wakes wakes;
      bool more = false;
      {
        const MutexLock lock(&mutex_);
        RecordFinished(mine, wakes);
        ++free_contexts_;
        if (merged < most && CanMerge()) {
          part = Take();
          more = true;
        } else if (fault_ != Fault::kMergeEndsSilently) {
          WakeForWork(wakes);
        }
      }
      Fire(wakes);
      if (!more) return;
    }
  }

  // All parts in order, as if a commit lay between any two.
  void HandOut(int part, FixedList<int>& mine) {
    const MutexLock lock(&order_mutex_);
    sorted_.push_back(part);
    for (size_t i = 0; i < sorted_.size(); ++i) {
      if (sorted_[i] != next_turn_) continue;
      mine.push_back(next_turn_++);
      sorted_.erase(i);
      i = SIZE_MAX;  // from the first again
    }
  }

  void RecordFinished(const FixedList<int>& mine, Wakes& wakes) {
    if (mine.empty()) return;
    for (const int part : mine) {
      for (size_t i = 0; i < in_flight_.size(); ++i) {
        if (in_flight_[i] == part) in_flight_.erase(i--);
      }
      ++free_batches_;
    }
    if (merged_waiters_ > 0) wakes.all_for_merged = true;
    if (in_flight_.empty() && fault_ != Fault::kStateEndsSilently) wakes.one_for_chunk = true;
  }

  void WakeForWork(Wakes& wakes) {
    if (!CanMerge()) return;
    if (merged_waiters_ > 0) {
      wakes.one_for_merged = true;
    } else if (chunk_waiters_.Load(Order::kRelaxed) > 0) {
      wakes.one_for_chunk = true;
    } else if (free_contexts_ == setup_.contexts || !setup_.busy) {
      ScheduleDrain(wakes);
    }
  }

  void ScheduleDrain(Wakes& wakes) {
    if (drains_ == 1) return;
    ++drains_;
    wakes.drain = true;
  }

  void Fire(const Wakes& wakes) {
    if (wakes.all_for_merged) {
      merged_or_work_.NotifyAll();
    } else if (wakes.one_for_merged) {
      merged_or_work_.NotifyOne();
    }
    if (wakes.one_for_chunk) chunk_or_work_.NotifyOne();
    if (wakes.drain) {
      {
        const MutexLock lock(&tasks_mutex_);
        ++tasks_;
      }
      tasks_added_.NotifyOne();
    }
  }

  void RunDrain() {
    {
      const MutexLock lock(&tasks_mutex_);
      while (tasks_ == 0) tasks_added_.Wait(&tasks_mutex_);
      --tasks_;
    }
    for (;;) {
      int part;
      {
        const MutexLock lock(&mutex_);
        if (!CanMerge()) {
          if (fault_ != Fault::kDrainEndsLate) --drains_;
          break;
        }
        part = Take();
      }
      MergeUpTo(1000, part);
    }
    if (fault_ == Fault::kDrainEndsLate) {
      const MutexLock lock(&mutex_);
      --drains_;
    }
  }

  bool MergeOne() {
    int part;
    {
      const MutexLock lock(&mutex_);
      if (!CanMerge()) return false;
      part = Take();
    }
    MergeUpTo(1, part);
    return true;
  }

  void DropChunk() {
    {
      const MutexLock lock(&chunks_mutex_);
      ++free_chunks_;
    }
    chunk_releases_.FetchAdd(1, Order::kSeqCst);
    if (chunk_waiters_.Load(Order::kSeqCst) == 0) return;
    if (++releases_beside_waiters_ % setup_.releases_per_wake != 0) return;
    { const MutexLock lock(&mutex_); }
    chunk_or_work_.NotifyOne();
  }

  bool TryAcquire() {
    const MutexLock lock(&chunks_mutex_);
    if (free_chunks_ == 0) return false;
    --free_chunks_;
    return true;
  }

  void AcquireChunk() {
    bool owes_wake = false;
    for (;;) {
      const int releases = chunk_releases_.Load(Order::kSeqCst);
      if (TryAcquire()) {
        if (owes_wake && fault_ != Fault::kChunkKeepsWake) PassWakeOn();
        return;
      }
      if (MergeOne()) {
        owes_wake = true;
        continue;
      }
      const MutexLock lock(&mutex_);
      chunk_waiters_.FetchAdd(1, Order::kSeqCst);
      const bool unseen = chunk_releases_.Load(Order::kSeqCst) != releases;
      if ((unseen && fault_ != Fault::kReleaseNotSeen) || CanMerge()) {
        chunk_waiters_.FetchSub(1, Order::kRelaxed);
        continue;
      }
      if (queue_.empty() && in_flight_.empty() && fault_ != Fault::kWaitsWithNothingUnderWay) {
        chunk_waiters_.FetchSub(1, Order::kRelaxed);
        if (fault_ != Fault::kNextNotWoken) chunk_or_work_.NotifyOne();
        ++grown_;
        return;
      }
      chunk_or_work_.Wait(&mutex_);
      owes_wake = true;
      const bool others = chunk_waiters_.FetchSub(1, Order::kRelaxed) > 1;
      if (others && CanMerge()) chunk_or_work_.NotifyOne();
    }
  }

  void PassWakeOn() {
    Wakes wakes;
    {
      const MutexLock lock(&mutex_);
      WakeForWork(wakes);
      const bool nothing = queue_.empty() && in_flight_.empty();
      if (nothing && fault_ != Fault::kNextNotWoken) wakes.one_for_chunk = true;
    }
    Fire(wakes);
  }

  int MergedLocked() const {
    if (!in_flight_.empty()) return *std::min_element(in_flight_.begin(), in_flight_.end()) - 1;
    return queue_.empty() ? next_sequence_ - 1 : queue_.front() - 1;
  }

  void AwaitMerged(int sequence) {
    Wakes wakes;
    for (;;) {
      int part;
      {
        const MutexLock lock(&mutex_);
        if (MergedLocked() >= sequence) {
          if (fault_ != Fault::kAwaitEndsSilently) WakeForWork(wakes);
          break;
        }
        if (!CanMerge()) {
          ++merged_waiters_;
          merged_or_work_.Wait(&mutex_);
          --merged_waiters_;
          continue;
        }
        part = Take();
      }
      MergeUpTo(1, part);
    }
    Fire(wakes);
  }

  const Setup setup_;
  const Fault fault_;
  Mutex chunks_mutex_{"chunk pool"};
  int free_chunks_;
  int grown_ = 0;  // chunks past the pool's bound
  Mutex mutex_{"mutex"};
  CondVar chunk_or_work_{"chunk or work"};
  CondVar merged_or_work_{"merged or work"};
  FixedList<int> queue_;
  FixedList<int> in_flight_;
  int free_contexts_;
  int free_batches_;
  int next_sequence_ = 1;
  Atomic<int> chunk_releases_{"chunk releases", 0};
  Atomic<int> chunk_waiters_{"chunk waiters", 0};
  int releases_beside_waiters_ = 0;  // relaxed in the code: only a count
  int merged_waiters_ = 0;
  int drains_ = 0;
  Mutex order_mutex_{"order"};
  FixedList<int> sorted_;
  int next_turn_ = 1;
  Mutex tasks_mutex_{"tasks"};
  CondVar tasks_added_{"tasks added"};
  int tasks_ = 0;
};

Protocol Of(const char* name, Setup setup, Fault fault) {
  const char* third = setup.three_writers ? "writer c" : "awaiter";
  return MakeProtocol<Backpressure>(
      name, {{"writer a"}, {"writer b"}, {third}, {"pool", Role::kServer}}, setup, fault);
}

}  // namespace

ProtocolModel BackpressureModel() {
  const Setup busy;
  const Setup one_by_one{.chunks = 2, .parts_at_once = 1};
  const Setup idle{.busy = false};
  const Setup wide{.contexts = 2, .batches = 2, .releases_per_wake = 1};
  const Setup holding{.parts_at_once = 1, .holds_on = true};
  const Setup three{.parts_at_once = 1, .chunks_each = 1, .holds_on = true, .three_writers = true};
  return {
      "backpressure",
      {Of("all cores busy", busy, Fault::kNone), Of("parts one by one", one_by_one, Fault::kNone),
       Of("idle cores", idle, Fault::kNone), Of("two contexts", wide, Fault::kNone),
       Of("a chunk held", holding, Fault::kNone), Of("three writers", three, Fault::kNone),
       // Those who wait are woken all the same, only later.
       Of("releases not looked for", three, Fault::kReleaseNotSeen)},
      {Of("a merge ends without waking for what is left", one_by_one, Fault::kMergeEndsSilently),
       Of("the last merge wakes no writer", busy, Fault::kStateEndsSilently),
       Of("a writer leaves with its chunk and its wake-up", holding, Fault::kChunkKeepsWake),
       Of("a writer waits though nothing is under way", holding, Fault::kWaitsWithNothingUnderWay),
       Of("a drain counts until after its last look", idle, Fault::kDrainEndsLate),
       Of("who awaited a position leaves silently", holding, Fault::kAwaitEndsSilently),
       Of("who takes a chunk does not wake the next", three, Fault::kNextNotWoken)}};
}

}  // namespace tsdb::models

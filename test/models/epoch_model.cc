// Epochs: what a reader found under a pin is not freed before it unpins. (index/tree/epoch.h,
// epoch.cc: SlotOfThisThread, Pin, Retire, Reclaim, ReachReaders, OldestPinned; a page's owner
// replacing. Here every Retire reclaims.)
//
// Threads: readers that pin, load a pointer and read the block; writers that replace their blocks
// and retire the old ones. With membarrier(2), and without.
#include "test/models/protocols.h"
#include "test/models/shared.h"

namespace tsdb::models {
namespace {

enum class Fault {
  kNone,
  kNoBarrier,
  kPinReleaseOnly,
  kNoLoadAfterPin,
  kAdvanceFirst,
  kUnpinRelaxed,
  kBlocksRaisedLate,
  kFreeAtOnce,
  kPinnedEpochFreed
};

struct Setup {
  bool asymmetric = true;  // membarrier(2) is there
  size_t readers = 2;
  size_t writers = 1;
  int reads = 1;     // of each reader
  int replaces = 2;  // of each writer
};

class Epochs : public Model {
 public:
  Epochs(Setup setup, Fault fault) : setup_(setup), fault_(fault) {}

  void Run(size_t thread) override {
    if (thread < setup_.readers) {
      for (int i = 0; i < setup_.reads; ++i) Read(thread);
    } else {
      Write(thread - setup_.readers);
    }
  }

 private:
  static constexpr int kBlocks = 3;
  static constexpr int kFreed = -1;
  struct Batch {
    int epoch;
    size_t page;
    int block;
  };
  struct Page {
    Atomic<int> pointer{"pointer", 0};
    Data<int> blocks[kBlocks] = {Data<int>("block 0"), Data<int>("block 1"), Data<int>("block 2")};
  };

  void Read(size_t reader) {
    FindSlot();
    Pin(reader);
    for (size_t i = 0; i < setup_.writers; ++i) {
      const int block = pages_[i].pointer.Load(Order::kAcquire);
      Step("look at the block");
      Expect(pages_[i].blocks[block].Read() != kFreed, "a reader looks at a freed block");
    }
    pinned_[reader].Store(0, fault_ == Fault::kUnpinRelaxed ? Order::kRelaxed : Order::kRelease);
  }

  // The readers' slots are in one block, which the first of them makes.
  void FindSlot() {
    if (slots_.Load(Order::kSeqCst) != 0) return;
    if (fault_ != Fault::kBlocksRaisedLate) RaiseBlocks();
    int none = 0;
    slots_.CompareExchange(none, 1, Order::kSeqCst);
    if (fault_ == Fault::kBlocksRaisedLate) RaiseBlocks();
  }

  void RaiseBlocks() {
    int seen = slot_blocks_.Load(Order::kSeqCst);
    while (seen == 0 && !slot_blocks_.CompareExchange(seen, 1, Order::kSeqCst)) {
    }
  }

  void Pin(size_t reader) {
    const int epoch = epoch_.Load(Order::kSeqCst);
    if (setup_.asymmetric) {
      pinned_[reader].Store(epoch, Order::kRelaxed);
      return;
    }
    const bool release = fault_ == Fault::kPinReleaseOnly;
    pinned_[reader].Store(epoch, release ? Order::kRelease : Order::kSeqCst);
    if (!release && fault_ != Fault::kNoLoadAfterPin) epoch_.Load(Order::kSeqCst);
  }

  void Write(size_t page) {
    for (int i = 0; i < setup_.replaces; ++i) {
      pages_[page].blocks[i + 1].Write(i + 1);
      int early = 0;
      if (fault_ == Fault::kAdvanceFirst) early = epoch_.FetchAdd(1, Order::kSeqCst);
      pages_[page].pointer.Store(i + 1, Order::kRelease);
      Retire({early, page, i});
    }
  }

  void Retire(Batch batch) {
    FixedList<Batch> free;
    {
      const MutexLock lock(&mutex_);
      if (batch.epoch == 0) batch.epoch = epoch_.FetchAdd(1, Order::kSeqCst);
      batches_.push_back(batch);
      ReachReaders();
      int oldest = fault_ == Fault::kFreeAtOnce ? INT32_MAX : OldestPinned();
      if (fault_ == Fault::kPinnedEpochFreed && oldest != INT32_MAX) ++oldest;
      while (!batches_.empty() && batches_.front().epoch < oldest) {
        free.push_back(batches_.front());
        batches_.pop_front();
      }
    }
    for (const Batch& each : free) pages_[each.page].blocks[each.block].Write(kFreed);
  }

  void ReachReaders() {
    if (!setup_.asymmetric || fault_ == Fault::kNoBarrier) return;
    if (slot_blocks_.Load(Order::kSeqCst) == 0) return;
    Membarrier();
  }

  int OldestPinned() {
    int oldest = INT32_MAX;
    if (slot_blocks_.Load(Order::kSeqCst) == 0 || slots_.Load(Order::kSeqCst) == 0) return oldest;
    for (size_t i = 0; i < setup_.readers; ++i) {
      const int pinned = pinned_[i].Load(Order::kSeqCst);
      if (pinned != 0 && pinned < oldest) oldest = pinned;
    }
    return oldest;
  }

  const Setup setup_;
  const Fault fault_;
  Page pages_[2];
  Atomic<int> epoch_{"epoch", 1};
  Atomic<int> slot_blocks_{"slot blocks", 0};
  Atomic<int> slots_{"slots", 0};  // not null: 1
  Atomic<int> pinned_[2] = {{"pin a", 0}, {"pin b", 0}};
  Mutex mutex_{"epochs"};
  FixedList<Batch> batches_;
};

Protocol Of(const char* name, Setup setup, Fault fault) {
  std::vector<ThreadSpec> threads{{"reader a"}};
  if (setup.readers == 2) threads.push_back({"reader b"});
  threads.push_back({"writer"});
  if (setup.writers == 2) threads.push_back({"other writer"});
  return MakeProtocol<Epochs>(name, std::move(threads), setup, fault);
}

}  // namespace

ProtocolModel EpochModel() {
  const Setup barrier;
  const Setup consistent{.asymmetric = false};
  const Setup again{.readers = 1, .reads = 2};
  const Setup two_writers{.readers = 1, .writers = 2, .replaces = 1};
  const Setup two_writers_consistent{
      .asymmetric = false, .readers = 1, .writers = 2, .replaces = 1};
  return {
      "epochs",
      {Of("membarrier", barrier, Fault::kNone), Of("seq_cst", consistent, Fault::kNone),
       Of("membarrier, pinned again", again, Fault::kNone),
       Of("membarrier, two writers", two_writers, Fault::kNone),
       Of("seq_cst, two writers", two_writers_consistent, Fault::kNone)},
      {Of("no membarrier before the look at the pins", barrier, Fault::kNoBarrier),
       Of("pin stored with release alone", consistent, Fault::kPinReleaseOnly),
       Of("no load of the epoch after the pin", consistent, Fault::kNoLoadAfterPin),
       Of("epoch advanced before the pointer is replaced", barrier, Fault::kAdvanceFirst),
       Of("unpinned relaxed", consistent, Fault::kUnpinRelaxed),
       Of("slot can be found before it is looked for", barrier, Fault::kBlocksRaisedLate),
       Of("freed when retired", barrier, Fault::kFreeAtOnce),
       Of("what was retired in the pinned epoch is freed", consistent, Fault::kPinnedEpochFreed)}};
}

}  // namespace tsdb::models

// Epoch-based reclamation (Fraser, "Practical lock-freedom", 2004, section 5.2.3): readers look at
// published memory without locks, and what has been replaced is freed once no reader can hold it.
//
// Invariants
//  1. A block is retired only after the pointer to it was replaced by a store that readers load.
//  2. A block retired in epoch e is freed when every pinned reader pinned an epoch > e.
//  3. A reader that pins an epoch > e loads its pointers after the replacing store: Retire reads
//  the
//     epoch after that store, and the epoch passes e only later.
// Pin's store and the reclaimer's look at the slots are sequentially consistent: either the
// reclaimer sees the pin, or the reader's loads come after the reclaimer's look and so after the
// replacement.
//
// Thread safety: every method from any thread. Pins nest. A pin is released on the thread that took
// it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "storage/base/mutex.h"
#include "storage/base/slab_pool.h"

namespace tsdb::tree {

// A block of the pool that nobody new can find.
struct Retired {
  void* block;
  size_t bytes;
};

class EpochDomain {
 private:
  struct alignas(64) ReaderSlot {
    std::atomic<uint64_t> pinned{0};  // epoch of the outermost pin, 0 when none
    uint32_t depth = 0;               // nested pins; the slot's thread only
  };

 public:
  // Keeps everything alive that can be found while it exists.
  class Guard {
   public:
    explicit Guard(ReaderSlot* slot) : slot_(slot) {}
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() {
      if (--slot_->depth == 0) {
        // Pairs with the look at the slots in OldestPinned: our loads come before the free.
        slot_->pinned.store(0, std::memory_order_release);
      }
    }

   private:
    ReaderSlot* slot_;
  };

  explicit EpochDomain(SlabPool* pool);
  ~EpochDomain();  // frees all that is retired. REQUIRES: no pins.
  EpochDomain(const EpochDomain&) = delete;
  EpochDomain& operator=(const EpochDomain&) = delete;

  Guard Pin() {
    ReaderSlot* slot = SlotOfThisThread();
    if (slot->depth++ == 0) {
      // Pairs with the advance in Retire: an epoch past a block's shows its replacement.
      // Sequentially consistent for the first reader, which ReachReaders does not reach: its slot
      // was made before.
      const uint64_t epoch = epoch_.load(std::memory_order_seq_cst);
      if (asymmetric_) {
        slot->pinned.store(epoch, std::memory_order_relaxed);
        // Keeps the compiler from moving loads up; for the processor see ReachReaders.
        std::atomic_signal_fence(std::memory_order_seq_cst);
      } else {
        slot->pinned.store(epoch, std::memory_order_seq_cst);
        // Later acquire loads may pass the store on some processors; they cannot pass this load.
        (void)epoch_.load(std::memory_order_seq_cst);
      }
    }
    return Guard(slot);
  }

  // Takes over `blocks` (left empty), which nobody new can find. When some have come together,
  // looks which can be freed, as Reclaim does.
  void Retire(std::vector<Retired>& blocks) ABSL_LOCKS_EXCLUDED(mutex_);
  // Frees what was retired, as far as readers allow.
  void Reclaim() ABSL_LOCKS_EXCLUDED(mutex_);

  // For what is reclaimed elsewhere: call Advance once nobody new can find it; it may go when all
  // readers are after the epoch returned.
  uint64_t Advance() { return epoch_.fetch_add(1, std::memory_order_seq_cst); }
  bool AllReadersAfter(uint64_t epoch) const;

  size_t retired_bytes() const { return retired_bytes_.load(std::memory_order_relaxed); }
  // Rounds of reclamation since the oldest pinned reader pinned; 0 when none is pinned.
  uint64_t OldestReaderAge() const;

 private:
  static constexpr size_t kSlotsPerBlock = 64;
  static constexpr size_t kBlocks = 1024;
  struct Waiting {
    uint64_t epoch;
    Retired retired;
  };

  ReaderSlot* SlotOfThisThread();
  // After it, every reader's pin made before is visible, or its loads see what is stored before it.
  void ReachReaders() const;
  uint64_t OldestPinned() const;

  SlabPool* const pool_;
  const bool asymmetric_;  // membarrier(2) is there
  std::atomic<uint64_t> epoch_{1};
  std::atomic<size_t> retired_bytes_{0};
  std::array<std::atomic<ReaderSlot*>, kBlocks> slots_{};
  std::atomic<size_t> slot_blocks_{0};  // blocks below this may hold pins

  Mutex mutex_;
  std::vector<Waiting> waiting_ ABSL_GUARDED_BY(mutex_);  // oldest first
  std::vector<Waiting> spare_ ABSL_GUARDED_BY(mutex_);    // empty; its room is used again
  // Retired since the last look.
  size_t fresh_blocks_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t fresh_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace tsdb::tree

// Work for something that one task at a time may change: anybody may add items, whoever finds the
// thing unowned takes it, works off all items, and lets go only when none are left. Nobody ever
// waits: a task that finds it owned leaves its item to the owner (flat combining: Hendler, Incze,
// Shavit, Tzafrir, SPAA 2010).
//
// One word holds both the newest item and the owned bit, so an item added as the owner lets go is
// either seen by the owner (its release fails) or finds the thing unowned: no wake-up is lost.
//
// Thread safety: Add from any thread; TryOwn from any thread; Release by the owner. Items added by
// one thread, or by several in an order that they agree on, come out in that order.
#pragma once

#include <atomic>
#include <cstdint>

namespace tsdb::tree {

// Embedded in whatever is queued; must stay alive until worked off.
struct WorkItem {
  WorkItem* next = nullptr;
};

class OwnerQueue {
 public:
  void Add(WorkItem* item) {
    uintptr_t seen = word_.load(std::memory_order_relaxed);
    do {
      item->next = reinterpret_cast<WorkItem*>(seen & ~kOwned);
      // Release pairs with the acquire in TryOwn and Release: the owner sees the item's contents.
    } while (!word_.compare_exchange_weak(seen, reinterpret_cast<uintptr_t>(item) | (seen & kOwned),
                                          std::memory_order_release, std::memory_order_relaxed));
  }

  // Becomes the owner if there are items and no owner; `items` is then the oldest of a list of all
  // of them.
  bool TryOwn(WorkItem*& items) {
    uintptr_t seen = word_.load(std::memory_order_relaxed);
    do {
      if (seen == 0 || (seen & kOwned) != 0) return false;
      // Acquire pairs with Add's release, and with Release's release: what the owner before us
      // changed.
    } while (!word_.compare_exchange_weak(seen, kOwned, std::memory_order_acquire,
                                          std::memory_order_relaxed));
    items = OldestFirst(seen);
    return true;
  }

  // Whether there is an owner or work for one; a hint, out of date on return.
  bool Busy() const { return word_.load(std::memory_order_relaxed) != 0; }

  // Becomes the owner even when there is nothing to do. False when there is one already.
  bool TryOwnIdle(WorkItem*& items) {
    uintptr_t seen = word_.load(std::memory_order_relaxed);
    do {
      if ((seen & kOwned) != 0) return false;
    } while (!word_.compare_exchange_weak(seen, kOwned, std::memory_order_acquire,
                                          std::memory_order_relaxed));
    items = OldestFirst(seen);
    return true;
  }

  // Lets go and returns true, or, when items have come in meanwhile, stays the owner, hands them
  // out in `items`, and returns false.
  bool Release(WorkItem*& items) {
    uintptr_t seen = kOwned;
    // Release pairs with TryOwn's acquire: the next owner sees our changes.
    if (word_.compare_exchange_strong(seen, 0, std::memory_order_release,
                                      std::memory_order_relaxed)) {
      return true;
    }
    items = OldestFirst(word_.exchange(kOwned, std::memory_order_acquire));
    return false;
  }

 private:
  static constexpr uintptr_t kOwned = 1;

  static WorkItem* OldestFirst(uintptr_t word) {
    auto* item = reinterpret_cast<WorkItem*>(word & ~kOwned);
    WorkItem* oldest = nullptr;
    while (item != nullptr) {
      WorkItem* next = item->next;
      item->next = oldest;
      oldest = item;
      item = next;
    }
    return oldest;
  }

  std::atomic<uintptr_t> word_{0};
};

}  // namespace tsdb::tree

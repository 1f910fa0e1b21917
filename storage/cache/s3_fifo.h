// Which entries of a cache stay: S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi, "FIFO queues are all you
// need for cache eviction", SOSP 2023). New entries pass through a small queue; those used again
// there move to the main one, the rest go, and are remembered for a while (the "ghost"): one that
// is wanted again soon after comes back into the main queue. So a scan, which uses everything once,
// washes out the small queue only.
//
// A use counts only if the entry has been there for a while: a scan takes one leaf of a group after
// the other, which is one use (the correlated references of O'Neil, O'Neil, Weikum, "LRU-K", 1993).
//
// Thread safety: Touch by any thread; the rest by one at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace tsdb::cache {

struct CacheEntry {
  // Of Touch; relaxed, since a use lost or counted twice is no harm.
  std::atomic<uint8_t> uses{0};
  std::atomic<uint32_t> counted{0};  // Admissions when it came in or was last counted
  // The policy's.
  bool in_main = false;
  uint64_t left = 0;  // evictions when it was evicted from the small queue, from 1; 0: never
};

class S3Fifo {
 public:
  static constexpr uint8_t kUsesMax = 3;

  // For a hit.
  void Touch(CacheEntry& entry) const {
    const uint32_t now = admissions_.load(std::memory_order_relaxed);
    if (now - entry.counted.load(std::memory_order_relaxed) <
        correlated_.load(std::memory_order_relaxed)) {
      return;
    }
    const uint8_t uses = entry.uses.load(std::memory_order_relaxed);
    if (uses >= kUsesMax) return;
    entry.counted.store(now, std::memory_order_relaxed);
    entry.uses.store(static_cast<uint8_t>(uses + 1), std::memory_order_relaxed);
  }

  // What the queues aim at, in entries. The cache itself says when to Evict.
  void SetCapacity(size_t entries);
  // REQUIRES: it is not in. It must not move until it is evicted or forgotten.
  void Admit(CacheEntry* entry);
  // Takes out the one to go; null when there is none.
  CacheEntry* Evict();
  // Takes out all entries in [begin, end), which lie in one array.
  void Forget(const CacheEntry* begin, const CacheEntry* end);

  size_t size() const { return small_.size() + main_.size(); }

 private:
  size_t capacity_ = 1;
  std::deque<CacheEntry*> small_;  // oldest first
  std::deque<CacheEntry*> main_;
  uint64_t evictions_ = 0;  // from the small queue
  std::atomic<uint32_t> admissions_{0};
  std::atomic<uint32_t> correlated_{0};  // uses closer together than these admissions are one
};

}  // namespace tsdb::cache

#include "storage/cache/s3_fifo.h"

#include <algorithm>

namespace tsdb::cache {
namespace {

// Of the capacity, the small queue's share (the paper's) and the time within which uses are one.
constexpr size_t kSmallShare = 10;
constexpr size_t kCorrelatedShare = 20;

}  // namespace

void S3Fifo::SetCapacity(size_t entries) {
  capacity_ = std::max<size_t>(entries, 1);
  correlated_.store(static_cast<uint32_t>(capacity_ / kCorrelatedShare), std::memory_order_relaxed);
}

void S3Fifo::Admit(CacheEntry* entry) {
  const uint32_t now = admissions_.load(std::memory_order_relaxed) + 1;
  admissions_.store(now, std::memory_order_relaxed);
  entry->uses.store(0, std::memory_order_relaxed);
  entry->counted.store(now, std::memory_order_relaxed);
  // As many are remembered as the main queue holds.
  const size_t ghosts = capacity_ - capacity_ / kSmallShare;
  entry->in_main = entry->left != 0 && evictions_ - entry->left < ghosts;
  (entry->in_main ? main_ : small_).push_back(entry);
}

CacheEntry* S3Fifo::Evict() {
  while (!small_.empty() && (small_.size() > capacity_ / kSmallShare || main_.empty())) {
    CacheEntry* entry = small_.front();
    small_.pop_front();
    if (entry->uses.load(std::memory_order_relaxed) == 0) {
      entry->left = ++evictions_;
      return entry;
    }
    entry->uses.store(0, std::memory_order_relaxed);
    entry->in_main = true;
    main_.push_back(entry);
  }
  while (!main_.empty()) {
    CacheEntry* entry = main_.front();
    main_.pop_front();
    const uint8_t uses = entry->uses.load(std::memory_order_relaxed);
    if (uses == 0) {
      entry->left = 0;
      return entry;
    }
    // Once more round; at most kUsesMax times, since Touch counts rarely.
    entry->uses.store(static_cast<uint8_t>(uses - 1), std::memory_order_relaxed);
    main_.push_back(entry);
  }
  return nullptr;
}

void S3Fifo::Forget(const CacheEntry* begin, const CacheEntry* end) {
  const auto gone = [&](const CacheEntry* entry) { return entry >= begin && entry < end; };
  std::erase_if(small_, gone);
  std::erase_if(main_, gone);
}

}  // namespace tsdb::cache

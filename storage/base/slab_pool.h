// Memory for what the tree publishes and replaces all the time: leaves, open leaves, inner nodes.
// It comes from the system in 2 MiB regions with huge pages behind them where the kernel gives them
// (first touch of 4 KiB pages runs at 2 GB/s here, of huge pages at 8). A region is cut into spans
// of whole pages, a span into blocks of one size class. Blocks are recycled through free lists
// per class, most recently freed first, so that a replaced block's cache lines are used again.
//
// Spans of which every block is free can be taken by other classes, and regions of which every page
// is free go back to the system: Collect looks for the first, before the pool takes another region;
// Trim for both. This is what slab allocators do (Bonwick, "The Slab Allocator", USENIX 1994, and
// its working sets for what goes back); neighbouring blocks are never joined.
//
// Free blocks lie scattered over spans that others still use, the more the longer sizes change.
// Trim therefore drains regions: of those of which the least is out, more than what is out now will
// need, nothing is given any more (but from a span that is being cut there), so that they become
// idle as what is out of them comes back. When blocks run out, they are used again, one region
// after the other, before more is taken from the system.
//
// Thread safety: every method from any thread. Each processor has lists of its own and a span that
// it cuts blocks from, a lock for each class, held for a few loads and stores; callers come here
// about once per 512 records.
#pragma once

#include <array>
#include <atomic>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "storage/base/memory.h"
#include "storage/base/mutex.h"
#include "storage/base/processor.h"

namespace tsdb {

class SlabPool {
 public:
  SlabPool();
  ~SlabPool();
  SlabPool(const SlabPool&) = delete;
  SlabPool& operator=(const SlabPool&) = delete;

  // At least `bytes` bytes, 16-byte aligned (64-byte aligned from 1 KiB on), contents undefined.
  // When the system has no memory, a patient thread (storage/base/patience.h) waits, any other gets
  // std::bad_alloc.
  void* Allocate(size_t bytes);
  // Maps and touches about `bytes` in advance, for Allocate to take regions from.
  // kResourceExhausted when the system has not so much.
  absl::Status Prefault(size_t bytes) ABSL_LOCKS_EXCLUDED(carve_mutex_);
  // REQUIRES: `block` came from Allocate(bytes) of this pool.
  void Free(void* block, size_t bytes);
  // Gives regions back to the system of which nothing was used since the last call, and chooses
  // those that drain until the next. Looks at every free block: to be called after much was freed.
  void Trim() ABSL_LOCKS_EXCLUDED(carve_mutex_);

  // Bytes in blocks that are out, rounded up to their classes / bytes taken from the system, but
  // for those touched in advance and not yet used / of these, in pages that any class can take now
  // / bytes touched in advance and not yet used.
  size_t allocated_bytes() const;
  size_t reserved_bytes() const { return reserved_bytes_.load(std::memory_order_relaxed); }
  size_t free_page_bytes() const { return free_page_bytes_.load(std::memory_order_relaxed); }
  size_t spare_bytes() const { return spare_bytes_.load(std::memory_order_relaxed); }

  // What Allocate(bytes) takes out of the pool.
  static constexpr size_t RoundUp(size_t bytes) {
    if (bytes <= kFineBytesMax) return bytes < 16 ? 16 : (bytes + 15) & ~size_t{15};
    if (bytes <= kCoarseBytesMax) return (bytes + 63) & ~size_t{63};
    return (bytes + kPageBytes - 1) & ~(kPageBytes - 1);
  }

 private:
  static constexpr size_t kPageBytes = 4096;
  static constexpr size_t kFineBytesMax = 1024;     // classes of 16 bytes up to here,
  static constexpr size_t kCoarseBytesMax = 16384;  // of 64 bytes up to here,
  static constexpr size_t kLargeBytesMax = 262144;  // of 4 KiB up to here, above: from the heap
  static constexpr size_t kFineClasses = kFineBytesMax / 16 + 1;
  static constexpr size_t kCoarseClasses = (kCoarseBytesMax - kFineBytesMax) / 64;
  static constexpr size_t kClasses =
      kFineClasses + kCoarseClasses + (kLargeBytesMax - kCoarseBytesMax) / kPageBytes;
  static constexpr size_t kRegionBytes = size_t{2} << 20;
  static constexpr size_t kRegionPages = kRegionBytes / kPageBytes;
  static constexpr size_t kPagesPerList = 64;
  static constexpr size_t kLists = kRegionPages / kPagesPerList + 1;

  // What is left to cut of a span.
  struct Carving {
    char* at = nullptr;
    char* end = nullptr;
  };

  // A size class on one stripe.
  struct alignas(64) SizeClass {
    Mutex mutex;
    // How many are free, to be read without the mutex: others look here for blocks when they have
    // none, and mostly there are none. Relaxed: a hint.
    std::atomic<uint32_t> free_count{0};
    // Beside the blocks, not threaded through them: taking one must not wait for its first line.
    std::vector<void*> free ABSL_GUARDED_BY(mutex);
    // Becomes other than empty under carve_mutex_ as well.
    Carving carving ABSL_GUARDED_BY(mutex);

    void CountFree() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
      free_count.store(static_cast<uint32_t>(free.size()), std::memory_order_relaxed);
    }
  };

  // What was allocated less what was freed there, modulo 2^64. On a line of its own: every block
  // counts.
  struct alignas(64) AllocatedBytes {
    std::atomic<size_t> bytes{0};
  };

  // What a withheld block begins with: noting it elsewhere could fail for want of memory.
  struct Withheld {
    Withheld* next;
    size_t size_class;
  };

  struct Region {
    HugeRegion memory;
    std::bitset<kRegionPages> used;
    size_t free_pages = kRegionPages;
    size_t run_max = kRegionPages;  // no more free pages than this lie side by side
    size_t first_free = 0;          // all pages before it are used
    size_t place = 0;               // in its list of `open_`
    // Of each used page: the first of its span. Of first pages: blocks found free by Collect.
    std::array<uint16_t, kRegionPages> span;
    std::array<uint16_t, kRegionPages> free_blocks{};
    size_t free_block_bytes = 0;  // as Collect found them, in spans that are not free
    bool drains = false;
    Withheld* withheld = nullptr;

    size_t bytes_out() const { return (kRegionPages - free_pages) * kPageBytes - free_block_bytes; }
  };

  static constexpr size_t ClassOf(size_t rounded) {
    if (rounded <= kFineBytesMax) return rounded / 16;
    if (rounded <= kCoarseBytesMax) return kFineClasses - 1 + (rounded - kFineBytesMax) / 64;
    return kFineClasses + kCoarseClasses - 1 + (rounded - kCoarseBytesMax) / kPageBytes;
  }
  // The size of a class's blocks.
  static constexpr size_t BytesOf(size_t size_class) {
    if (size_class < kFineClasses) return size_class * 16;
    if (size_class < kFineClasses + kCoarseClasses) {
      return kFineBytesMax + (size_class - kFineClasses + 1) * 64;
    }
    return kCoarseBytesMax + (size_class - kFineClasses - kCoarseClasses + 1) * kPageBytes;
  }
  // Small enough to be free as a whole, large enough for little to be left over at its end.
  static constexpr size_t PagesOfSpan(size_t rounded) {
    if (rounded > kCoarseBytesMax) return rounded / kPageBytes;
    return rounded <= 2048 ? 4 : (8 * rounded + kPageBytes - 1) / kPageBytes;
  }

  // Of the calling thread's processor.
  size_t Stripe() const { return CurrentProcessor() & (stripes_ - 1); }
  void* AllocateSmall(size_t rounded);
  // Null when there is none in the class, not even to be cut.
  static void* TakeBlock(SizeClass& size_class, size_t rounded);
  // Null when the system has no memory; so Carve and TakeSpan.
  void* TryAllocate(size_t rounded);
  void* Carve(size_t number, size_t stripe, size_t rounded) ABSL_LOCKS_EXCLUDED(carve_mutex_);
  char* TakeSpan(size_t pages) ABSL_EXCLUSIVE_LOCKS_REQUIRED(carve_mutex_);
  // Null when no region has so many free pages side by side.
  char* FindPages(size_t pages) ABSL_EXCLUSIVE_LOCKS_REQUIRED(carve_mutex_);
  // The first of them, marked as used; kRegionPages if there are none.
  static size_t TakePages(Region& region, size_t pages);
  bool AddRegion() ABSL_EXCLUSIVE_LOCKS_REQUIRED(carve_mutex_);
  void Collect() ABSL_EXCLUSIVE_LOCKS_REQUIRED(carve_mutex_);
  void CollectClass(size_t size_class) ABSL_EXCLUSIVE_LOCKS_REQUIRED(carve_mutex_);
  void ReturnSpan(Region& region, size_t first, size_t pages)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(carve_mutex_);
  // Chooses the regions that drain. REQUIRES: none does, and Collect has just been called.
  void Drain() ABSL_EXCLUSIVE_LOCKS_REQUIRED(carve_mutex_);
  void WithholdBlocks(size_t size_class) ABSL_EXCLUSIVE_LOCKS_REQUIRED(carve_mutex_);
  // False if the block's region does not drain.
  bool Withhold(void* block, size_t size_class) ABSL_LOCKS_EXCLUDED(carve_mutex_);
  // Makes one of them as any other again, with its blocks in the stripe's lists. False: none
  // drains.
  bool EndDrain(size_t stripe) ABSL_EXCLUSIVE_LOCKS_REQUIRED(carve_mutex_);
  // Puts a region with free pages into its list; takes it out of that.
  void List(Region& region) ABSL_EXCLUSIVE_LOCKS_REQUIRED(carve_mutex_);
  void Unlist(Region& region) ABSL_EXCLUSIVE_LOCKS_REQUIRED(carve_mutex_);
  std::vector<Region*>& ListOf(const Region& region) ABSL_EXCLUSIVE_LOCKS_REQUIRED(carve_mutex_) {
    return open_[region.free_pages / kPagesPerList];
  }
  size_t idle() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(carve_mutex_) { return open_.back().size(); }
  Region& RegionOf(const void* block) ABSL_EXCLUSIVE_LOCKS_REQUIRED(carve_mutex_);

  SizeClass& ClassOf(size_t size_class, size_t stripe) {
    return classes_[stripe * kClasses + size_class];
  }

  // Whether a region drains: a hint, to be read without the mutex; regions may share a bit.
  // Relaxed.
  struct DrainBits {
    std::array<std::atomic<uint64_t>, 64> words{};

    static constexpr size_t kBits = 64 * 64;
    static size_t BitOf(const void* block) {
      return reinterpret_cast<uintptr_t>(block) / kRegionBytes % kBits;
    }
    bool Get(const void* block) const {
      const size_t bit = BitOf(block);
      return (words[bit / 64].load(std::memory_order_relaxed) >> (bit % 64) & 1) != 0;
    }
    void Set(const void* block, bool drains) {
      const size_t bit = BitOf(block);
      const uint64_t mask = uint64_t{1} << (bit % 64);
      if (drains) {
        words[bit / 64].fetch_or(mask, std::memory_order_relaxed);
      } else {
        words[bit / 64].fetch_and(~mask, std::memory_order_relaxed);
      }
    }
  };

  const size_t stripes_;                               // of processors; a power of two
  std::unique_ptr<SizeClass[]> classes_;               // stripe after stripe
  std::unique_ptr<AllocatedBytes[]> allocated_bytes_;  // of each stripe
  std::atomic<size_t> reserved_bytes_{0};
  std::atomic<size_t> free_page_bytes_{0};  // changed under carve_mutex_, as the next
  std::atomic<size_t> spare_bytes_{0};
  Mutex carve_mutex_;  // taken with no class lock held, and before them
  absl::flat_hash_map<uintptr_t, std::unique_ptr<Region>> regions_ ABSL_GUARDED_BY(carve_mutex_);
  // Regions with free pages, those with the fewest first; the last list has those that are idle, of
  // which nothing is used.
  std::array<std::vector<Region*>, kLists> open_ ABSL_GUARDED_BY(carve_mutex_);
  DrainBits drain_bits_;  // changed under carve_mutex_
  // Regions that drain, in no list of `open_`; the last is used again first.
  std::vector<Region*> draining_ ABSL_GUARDED_BY(carve_mutex_);
  size_t probe_ ABSL_GUARDED_BY(carve_mutex_) = 0;  // where lists are looked through from
  // The least number of idle regions since the last Trim.
  size_t idle_min_ ABSL_GUARDED_BY(carve_mutex_) = 0;
  size_t collect_from_ ABSL_GUARDED_BY(carve_mutex_) = 0;  // regions
  std::vector<HugeRegion> spare_ ABSL_GUARDED_BY(carve_mutex_);
};

}  // namespace tsdb

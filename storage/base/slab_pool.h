// Memory for what the tree publishes and replaces all the time: leaves, open leaves, inner nodes.
// Blocks are cut from 2 MiB regions with huge pages behind them where the kernel gives them (first
// touch of 4 KiB pages runs at 2 GB/s here, of huge pages at 8), and recycled through one free list
// per size class, most recently freed first, so that a replaced block's cache lines are used again.
//
// Freed blocks stay with the pool: it never gives a region back before it dies, and never joins
// neighbours. Sizes repeat in this engine, so a class refills from its own list.
//
// Thread safety: every method from any thread. A class has its own lock, held for a few loads and
// stores; callers come here about once per 512 records.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "storage/base/memory.h"
#include "storage/base/mutex.h"

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

  // Bytes in blocks that are out, rounded up to their classes / bytes taken from the system, but
  // for those touched in advance and not yet used / these.
  size_t allocated_bytes() const { return allocated_bytes_.load(std::memory_order_relaxed); }
  size_t reserved_bytes() const { return reserved_bytes_.load(std::memory_order_relaxed); }

  size_t spare_bytes() const { return spare_bytes_.load(std::memory_order_relaxed); }

  // What Allocate(bytes) takes out of the pool.
  static constexpr size_t RoundUp(size_t bytes) {
    if (bytes <= kFineBytesMax) return bytes < 16 ? 16 : (bytes + 15) & ~size_t{15};
    if (bytes <= kCoarseBytesMax) return (bytes + 63) & ~size_t{63};
    return (bytes + 4095) & ~size_t{4095};
  }

 private:
  static constexpr size_t kFineBytesMax = 1024;     // classes of 16 bytes up to here,
  static constexpr size_t kCoarseBytesMax = 16384;  // of 64 bytes up to here,
  static constexpr size_t kLargeBytesMax = 262144;  // of 4 KiB up to here, above: from the heap
  static constexpr size_t kFineClasses = kFineBytesMax / 16 + 1;
  static constexpr size_t kCoarseClasses = (kCoarseBytesMax - kFineBytesMax) / 64;
  static constexpr size_t kClasses =
      kFineClasses + kCoarseClasses + (kLargeBytesMax - kCoarseBytesMax) / 4096;
  static constexpr size_t kRegionBytes = size_t{2} << 20;

  struct SizeClass {
    Mutex mutex;
    // Beside the blocks, not threaded through them: taking one must not wait for its first line.
    std::vector<void*> free ABSL_GUARDED_BY(mutex);
  };

  static size_t ClassOf(size_t rounded) {
    if (rounded <= kFineBytesMax) return rounded / 16;
    if (rounded <= kCoarseBytesMax) return kFineClasses - 1 + (rounded - kFineBytesMax) / 64;
    return kFineClasses + kCoarseClasses - 1 + (rounded - kCoarseBytesMax) / 4096;
  }
  void* AllocateSmall(size_t rounded);
  // Null when the system has no memory; so Carve.
  void* TryAllocate(size_t rounded);
  void* Carve(size_t rounded) ABSL_LOCKS_EXCLUDED(carve_mutex_);

  SizeClass& ClassOf(size_t rounded, size_t stripe) {
    return classes_[stripe * kClasses + ClassOf(rounded)];
  }

  const size_t stripes_;                  // of processors; a power of two
  std::unique_ptr<SizeClass[]> classes_;  // stripe after stripe
  std::atomic<size_t> allocated_bytes_{0};
  std::atomic<size_t> reserved_bytes_{0};
  std::atomic<size_t> spare_bytes_{0};  // changed under carve_mutex_
  Mutex carve_mutex_;                   // taken with no class lock held
  char* carve_ ABSL_GUARDED_BY(carve_mutex_) = nullptr;
  size_t carve_left_ ABSL_GUARDED_BY(carve_mutex_) = 0;
  std::vector<HugeRegion> regions_ ABSL_GUARDED_BY(carve_mutex_);
  std::vector<HugeRegion> spare_ ABSL_GUARDED_BY(carve_mutex_);
};

}  // namespace tsdb

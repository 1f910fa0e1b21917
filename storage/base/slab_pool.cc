#include "storage/base/slab_pool.h"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "storage/base/check.h"
#include "storage/base/parallel.h"
#include "storage/base/patience.h"
#include "storage/base/processor.h"
#include "storage/base/status_macros.h"

namespace tsdb {

namespace {

// Free lists for more processors than this are shared.
constexpr size_t kStripesMax = 8;

}  // namespace

SlabPool::SlabPool()
    : stripes_(std::bit_ceil(std::min(ProcessorCount(), kStripesMax))),
      classes_(std::make_unique<SizeClass[]>(stripes_ * kClasses)) {}

SlabPool::~SlabPool() = default;

void* SlabPool::Allocate(size_t bytes) {
  const size_t rounded = RoundUp(bytes);
  void* block = rounded > kLargeBytesMax ? ::operator new (rounded, std::align_val_t{64})
                                         : AllocateSmall(rounded);
  allocated_bytes_.fetch_add(rounded, std::memory_order_relaxed);
  if (rounded > kLargeBytesMax) reserved_bytes_.fetch_add(rounded, std::memory_order_relaxed);
  return block;
}

void* SlabPool::AllocateSmall(size_t rounded) {
  for (;;) {
    if (void* block = TryAllocate(rounded)) return block;
    AwaitMemory();  // or until another thread frees a block
  }
}

void* SlabPool::TryAllocate(size_t rounded) {
  // This core's blocks first, then those that other cores have freed.
  const size_t home = CurrentProcessor();
  for (size_t i = 0; i < stripes_; ++i) {
    SizeClass& size_class = ClassOf(rounded, (home + i) & (stripes_ - 1));
    MutexLock lock(&size_class.mutex);
    if (size_class.free.empty()) continue;
    void* block = size_class.free.back();
    size_class.free.pop_back();
    return block;
  }
  return Carve(rounded);
}

void SlabPool::Free(void* block, size_t bytes) {
  const PatientScope patient;  // the list of what is free may grow, and destructors come here
  const size_t rounded = RoundUp(bytes);
  allocated_bytes_.fetch_sub(rounded, std::memory_order_relaxed);
  if (rounded > kLargeBytesMax) {
    reserved_bytes_.fetch_sub(rounded, std::memory_order_relaxed);
    ::operator delete (block, std::align_val_t{64});
    return;
  }
  SizeClass& size_class = ClassOf(rounded, CurrentProcessor() & (stripes_ - 1));
  MutexLock lock(&size_class.mutex);
  size_class.free.push_back(block);
}

absl::Status SlabPool::Prefault(size_t bytes) {
  MutexLock lock(&carve_mutex_);
  while (spare_.size() * kRegionBytes < bytes) {
    TSDB_ASSIGN_OR_RETURN(HugeRegion region, HugeRegion::Map(kRegionBytes, /*prefault=*/true));
    spare_.push_back(std::move(region));
    spare_bytes_.fetch_add(kRegionBytes, std::memory_order_relaxed);
  }
  return absl::OkStatus();
}

void* SlabPool::Carve(size_t rounded) {
  MutexLock lock(&carve_mutex_);
  if (rounded >= kFineBytesMax) {
    const size_t skip = -reinterpret_cast<uintptr_t>(carve_) & 63;
    if (skip <= carve_left_) {
      carve_ += skip;
      carve_left_ -= skip;
    }
  }
  if (carve_left_ < rounded) {
    if (!spare_.empty()) {
      regions_.emplace_back();
      regions_.back() = std::move(spare_.back());
      spare_.pop_back();
      spare_bytes_.fetch_sub(kRegionBytes, std::memory_order_relaxed);
    } else {
      auto region = HugeRegion::Map(kRegionBytes, /*prefault=*/false);
      if (!region.ok()) return nullptr;
      regions_.push_back(*std::move(region));
    }
    carve_ = static_cast<char*>(regions_.back().data());
    carve_left_ = kRegionBytes;
    reserved_bytes_.fetch_add(kRegionBytes, std::memory_order_relaxed);
  }
  void* block = carve_;
  carve_ += rounded;
  carve_left_ -= rounded;
  return block;
}

}  // namespace tsdb

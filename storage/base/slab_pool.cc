#include "storage/base/slab_pool.h"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "storage/base/check.h"
#include "storage/base/parallel.h"
#include "storage/base/patience.h"
#include "storage/base/status_macros.h"

namespace tsdb {

namespace {

// Free lists for more processors than this are shared.
constexpr size_t kStripesMax = 8;

// Before more is taken from the system, spans that are free are looked for if this part of what was
// taken is in free blocks.
constexpr size_t kCollectPart = 8;

// Regions drain that are not needed to hold what is out, this part of it more, and so many bytes.
constexpr size_t kKeptPart = 4;
constexpr size_t kKeptBytes = size_t{8} << 20;

// Regions of a list that are asked for pages: enough to find some, few enough for a long list.
constexpr size_t kTriesPerList = 8;

// In the place of a count of free blocks.
constexpr uint16_t kReturned = 0xFFFF;

}  // namespace

SlabPool::SlabPool()
    : stripes_(std::bit_ceil(std::min(ProcessorCount(), kStripesMax))),
      classes_(std::make_unique<SizeClass[]>(stripes_ * kClasses)),
      allocated_bytes_(std::make_unique<AllocatedBytes[]>(stripes_)) {}

SlabPool::~SlabPool() = default;

size_t SlabPool::allocated_bytes() const {
  size_t all = 0;
  for (size_t stripe = 0; stripe < stripes_; ++stripe) {
    all += allocated_bytes_[stripe].bytes.load(std::memory_order_relaxed);
  }
  // Stripes are read one after the other: a block that is taken and freed meanwhile may count as
  // freed alone.
  return static_cast<ptrdiff_t>(all) < 0 ? 0 : all;
}

void* SlabPool::Allocate(size_t bytes) {
  const size_t rounded = RoundUp(bytes);
  void* block = rounded > kLargeBytesMax ? ::operator new (rounded, std::align_val_t{64})
                                         : AllocateSmall(rounded);
  allocated_bytes_[Stripe()].bytes.fetch_add(rounded, std::memory_order_relaxed);
  if (rounded > kLargeBytesMax) reserved_bytes_.fetch_add(rounded, std::memory_order_relaxed);
  return block;
}

void* SlabPool::AllocateSmall(size_t rounded) {
  for (;;) {
    if (void* block = TryAllocate(rounded)) return block;
    AwaitMemory();  // or until another thread frees a block
  }
}

void* SlabPool::TakeBlock(SizeClass& size_class, size_t rounded) {
  MutexLock lock(&size_class.mutex);
  if (!size_class.free.empty()) {
    void* block = size_class.free.back();
    size_class.free.pop_back();
    size_class.CountFree();
    return block;
  }
  Carving& carving = size_class.carving;
  if (carving.at == carving.end) return nullptr;
  void* block = carving.at;
  carving.at += rounded;
  return block;
}

void* SlabPool::TryAllocate(size_t rounded) {
  // This core's blocks first, then those that other cores have freed.
  const size_t home = Stripe();
  const size_t number = ClassOf(rounded);
  SizeClass& own = ClassOf(number, home);
  if (void* block = TakeBlock(own, rounded)) return block;
  for (size_t i = 1; i < stripes_; ++i) {
    SizeClass& other = ClassOf(number, (home + i) & (stripes_ - 1));
    if (other.free_count.load(std::memory_order_relaxed) == 0) continue;
    if (void* block = TakeBlock(other, rounded)) return block;
  }
  return Carve(number, home, rounded);
}

void SlabPool::Free(void* block, size_t bytes) {
  const PatientScope patient;  // the list of what is free may grow, and destructors come here
  const size_t rounded = RoundUp(bytes);
  allocated_bytes_[Stripe()].bytes.fetch_sub(rounded, std::memory_order_relaxed);
  if (rounded > kLargeBytesMax) {
    reserved_bytes_.fetch_sub(rounded, std::memory_order_relaxed);
    ::operator delete (block, std::align_val_t{64});
    return;
  }
  if (drain_bits_.Get(block) && Withhold(block, ClassOf(rounded))) return;
  SizeClass& size_class = ClassOf(ClassOf(rounded), Stripe());
  MutexLock lock(&size_class.mutex);
  size_class.free.push_back(block);
  size_class.CountFree();
}

bool SlabPool::Withhold(void* block, size_t size_class) {
  MutexLock lock(&carve_mutex_);
  Region& region = RegionOf(block);
  if (region.drains) region.withheld = new (block) Withheld{region.withheld, size_class};
  return region.drains;
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

void* SlabPool::Carve(size_t number, size_t stripe, size_t rounded) {
  SizeClass& size_class = ClassOf(number, stripe);
  const size_t pages = PagesOfSpan(rounded);
  MutexLock lock(&carve_mutex_);
  char* span = nullptr;
  do {
    // Another thread of this processor may have been here, or a region has brought blocks.
    if (void* block = TakeBlock(size_class, rounded)) return block;
    span = FindPages(pages);
  } while (span == nullptr && EndDrain(stripe));
  if (span == nullptr) span = TakeSpan(pages);
  if (span == nullptr) return nullptr;
  MutexLock class_lock(&size_class.mutex);
  size_class.carving = {span + rounded, span + pages * kPageBytes / rounded * rounded};
  return span;
}

char* SlabPool::TakeSpan(size_t pages) {
  const size_t reserved = reserved_bytes();
  const size_t blocks_free = reserved - std::min(reserved, allocated_bytes() + free_page_bytes());
  if (regions_.size() >= collect_from_ && blocks_free >= reserved / kCollectPart) {
    Collect();
    if (char* span = FindPages(pages)) return span;
  }
  if (!AddRegion()) Collect();
  return FindPages(pages);
}

char* SlabPool::FindPages(size_t pages) {
  // Those that are in use most come first, so that others become idle.
  for (std::vector<Region*>& list : open_) {
    for (size_t tried = 0; tried < std::min(list.size(), kTriesPerList); ++tried) {
      Region& region = *list[probe_ % list.size()];
      size_t first = kRegionPages;
      if (region.run_max >= pages) {
        Unlist(region);
        first = TakePages(region, pages);
        List(region);
      }
      if (first == kRegionPages) {
        ++probe_;
        continue;
      }
      free_page_bytes_.fetch_sub(pages * kPageBytes, std::memory_order_relaxed);
      idle_min_ = std::min(idle_min_, idle());
      return static_cast<char*>(region.memory.data()) + first * kPageBytes;
    }
  }
  return nullptr;
}

void SlabPool::List(Region& region) {
  if (region.free_pages == 0) return;
  std::vector<Region*>& list = ListOf(region);
  region.place = list.size();
  list.push_back(&region);  // it has room for it: AddRegion saw to that
}

void SlabPool::Unlist(Region& region) {
  if (region.free_pages == 0) return;
  std::vector<Region*>& list = ListOf(region);
  list.back()->place = region.place;
  list[region.place] = list.back();
  list.pop_back();
}

size_t SlabPool::TakePages(Region& region, size_t pages) {
  while (region.first_free < kRegionPages && region.used[region.first_free]) ++region.first_free;
  size_t run = 0;
  for (size_t page = region.first_free; page < kRegionPages; ++page) {
    run = region.used[page] ? 0 : run + 1;
    if (run < pages) continue;
    const size_t first = page + 1 - pages;
    for (size_t taken = first; taken <= page; ++taken) {
      region.used.set(taken);
      region.span[taken] = static_cast<uint16_t>(first);
    }
    region.free_blocks[first] = 0;
    region.free_pages -= pages;
    return first;
  }
  region.run_max = pages - 1;
  return kRegionPages;
}

bool SlabPool::AddRegion() {
  auto region = std::make_unique<Region>();
  // What can fail comes before what takes memory out of `spare_`.
  regions_.reserve(regions_.size() + 1);
  for (std::vector<Region*>& list : open_) {
    if (list.capacity() <= regions_.size()) list.reserve(2 * regions_.size() + 1);
  }
  draining_.reserve(open_[0].capacity());
  if (!spare_.empty()) {
    region->memory = std::move(spare_.back());
    spare_.pop_back();
    spare_bytes_.fetch_sub(kRegionBytes, std::memory_order_relaxed);
  } else {
    auto mapped = HugeRegion::Map(kRegionBytes, /*prefault=*/false);
    if (!mapped.ok()) return false;
    region->memory = *std::move(mapped);
  }
  List(*region);
  free_page_bytes_.fetch_add(kRegionBytes, std::memory_order_relaxed);
  reserved_bytes_.fetch_add(kRegionBytes, std::memory_order_relaxed);
  const auto address = reinterpret_cast<uintptr_t>(region->memory.data());
  regions_.emplace(address, std::move(region));
  return true;
}

void SlabPool::Trim() {
  const PatientScope patient;  // lists of what is free may grow
  MutexLock lock(&carve_mutex_);
  while (EndDrain(Stripe())) {
  }
  Collect();
  for (size_t left = std::min(idle_min_, idle()); left > 0; --left) {
    const Region& region = *open_.back().back();
    open_.back().pop_back();
    free_page_bytes_.fetch_sub(kRegionBytes, std::memory_order_relaxed);
    reserved_bytes_.fetch_sub(kRegionBytes, std::memory_order_relaxed);
    regions_.erase(reinterpret_cast<uintptr_t>(region.memory.data()));
  }
  idle_min_ = idle();
  collect_from_ = 0;  // what will be freed until the next call is worth one look before it
  Drain();
}

void SlabPool::Drain() {
  // AddRegion saw to its room.
  for (const auto& [address, region] : regions_) {
    if (region->free_pages < kRegionPages) draining_.push_back(region.get());
  }
  std::ranges::sort(draining_, {}, &Region::bytes_out);
  const size_t out = allocated_bytes();
  const size_t needed = out + out / kKeptPart + kKeptBytes;
  const size_t kept = (needed - std::min(needed, idle() * kRegionBytes)) / kRegionBytes + 1;
  draining_.resize(draining_.size() - std::min(draining_.size(), kept));
  while (!draining_.empty() && draining_.back()->bytes_out() > kRegionBytes / 2) {
    draining_.pop_back();
  }
  if (draining_.empty()) return;
  for (Region* region : draining_) {
    Unlist(*region);
    region->drains = true;
    drain_bits_.Set(region->memory.data(), true);
  }
  for (size_t number = 1; number < kClasses; ++number) WithholdBlocks(number);
}

// The analysis does not see locks in a loop.
void SlabPool::WithholdBlocks(size_t number) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  for (size_t stripe = 0; stripe < stripes_; ++stripe) {
    SizeClass& size_class = ClassOf(number, stripe);
    MutexLock lock(&size_class.mutex);
    std::erase_if(size_class.free, [&](void* block) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      Region& region = RegionOf(block);
      if (!region.drains) return false;
      region.withheld = new (block) Withheld{region.withheld, number};
      return true;
    });
    size_class.CountFree();
  }
}

bool SlabPool::EndDrain(size_t stripe) {
  if (draining_.empty()) return false;
  Region& region = *draining_.back();
  while (region.withheld != nullptr) {
    const Withheld block = *region.withheld;
    SizeClass& size_class = ClassOf(block.size_class, stripe);
    MutexLock lock(&size_class.mutex);
    size_class.free.push_back(region.withheld);
    size_class.CountFree();
    region.withheld = block.next;
  }
  region.drains = false;
  drain_bits_.Set(region.memory.data(), false);
  draining_.pop_back();
  List(region);
  return true;
}

void SlabPool::Collect() {
  const size_t before = free_page_bytes();
  for (const auto& [address, region] : regions_) region->free_block_bytes = 0;
  for (size_t number = 1; number < kClasses; ++number) CollectClass(number);
  // As much work again is worth its while after as much has been taken as it found, or when there
  // is more to look through.
  const bool found_much = free_page_bytes() - before >= reserved_bytes() / kCollectPart / 2;
  collect_from_ = found_much ? 0 : regions_.size() + regions_.size() / 8 + 1;
}

// The analysis does not see locks of all stripes.
void SlabPool::CollectClass(size_t number) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const size_t bytes = BytesOf(number);
  const size_t pages = PagesOfSpan(bytes);
  const size_t whole = pages * kPageBytes / bytes;
  struct Span {
    Region& region;
    size_t first;
    uint16_t& free_blocks;
  };
  auto span_of = [&](const void* block) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    Region& region = RegionOf(block);
    const size_t offset = reinterpret_cast<uintptr_t>(block) % kRegionBytes;
    const size_t first = region.span[offset / kPageBytes];
    return Span{region, first, region.free_blocks[first]};
  };
  // Of the span that ends there, if blocks are still cut from it.
  auto carving_of = [&](const char* end) ABSL_NO_THREAD_SAFETY_ANALYSIS -> Carving* {
    for (size_t stripe = 0; stripe < stripes_; ++stripe) {
      Carving& carving = ClassOf(number, stripe).carving;
      if (carving.end == end) return &carving;
    }
    return nullptr;
  };
  auto return_if_free = [&](const void* block) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const Span span = span_of(block);
    if (span.free_blocks == kReturned) return true;
    char* const begin = static_cast<char*>(span.region.memory.data()) + span.first * kPageBytes;
    char* const end = begin + whole * bytes;
    Carving* const carving = carving_of(end);
    const size_t cut =
        static_cast<size_t>((carving != nullptr ? carving->at : end) - begin) / bytes;
    if (span.free_blocks < cut) return false;
    if (carving != nullptr) *carving = {};
    ReturnSpan(span.region, span.first, pages);
    span.free_blocks = kReturned;
    return true;
  };
  for (size_t stripe = 0; stripe < stripes_; ++stripe) ClassOf(number, stripe).mutex.Lock();
  for (size_t stripe = 0; stripe < stripes_; ++stripe) {
    for (const void* block : ClassOf(number, stripe).free) ++span_of(block).free_blocks;
  }
  for (size_t stripe = 0; stripe < stripes_; ++stripe) {
    std::erase_if(ClassOf(number, stripe).free, return_if_free);
  }
  for (size_t stripe = 0; stripe < stripes_; ++stripe) {
    SizeClass& size_class = ClassOf(number, stripe);
    for (const void* block : size_class.free) {
      const Span span = span_of(block);
      span.free_blocks = 0;
      span.region.free_block_bytes += bytes;
    }
    size_class.CountFree();
    size_class.mutex.Unlock();
  }
}

void SlabPool::ReturnSpan(Region& region, size_t first, size_t pages) {
  Unlist(region);
  for (size_t page = first; page < first + pages; ++page) region.used.reset(page);
  region.free_pages += pages;
  region.run_max = kRegionPages;
  region.first_free = std::min(region.first_free, first);
  List(region);
  free_page_bytes_.fetch_add(pages * kPageBytes, std::memory_order_relaxed);
}

SlabPool::Region& SlabPool::RegionOf(const void* block) {
  return *regions_.find(reinterpret_cast<uintptr_t>(block) & ~(kRegionBytes - 1))->second;
}

}  // namespace tsdb

#include "index/tree/tree.h"

#include <new>

namespace tsdb::tree {

Tree::Tree(KeepDuplicate keep)
    : keep_(keep),
      epochs_(&pool_),
      directory_(std::make_unique<std::atomic<Segment*>[]>(kSegments)) {}

Tree::~Tree() {
  // Leaves, nodes, versions and pages are plain memory of the pool, which frees its regions whole;
  // only what it takes from the heap, blocks over its largest class, never stays in the tree.
  for (size_t i = 0; i < kSegments; ++i) delete directory_[i].load(std::memory_order_relaxed);
}

Page* Tree::FindOrCreatePage(SeriesId series) {
  std::atomic<Segment*>& entry = directory_[series >> kSegmentSeriesBits];
  Segment* segment = entry.load(std::memory_order_relaxed);
  if (segment == nullptr) {
    segment = new Segment;
    segments_.fetch_add(1, std::memory_order_relaxed);
    entry.store(segment, std::memory_order_release);  // pairs with FindPage
  }
  std::atomic<Page*>& slot = segment->pages[(series >> kPageSeriesBits) & (kSegmentPages - 1)];
  Page* page = slot.load(std::memory_order_relaxed);
  if (page == nullptr) {
    page = new (pool_.Allocate(sizeof(Page))) Page;
    page_bytes_.fetch_add(SlabPool::RoundUp(sizeof(Page)), std::memory_order_relaxed);
    slot.store(page, std::memory_order_release);  // pairs with FindPage
  }
  return page;
}

void Tree::AddCounts(const Counts& delta) {
  size_t at = 0;
  auto add = [&](const auto& values) {
    for (int64_t value : values) {
      if (value != 0) counts_[at].fetch_add(value, std::memory_order_relaxed);
      ++at;
    }
  };
  add(delta.values);
  add(delta.timestamp_encodings);
  add(delta.value_encodings);
}

Counts Tree::ReadCounts() const {
  Counts counts;
  size_t at = 0;
  auto read = [&](auto& values) {
    for (int64_t& value : values) value = counts_[at++].load(std::memory_order_relaxed);
  };
  read(counts.values);
  read(counts.timestamp_encodings);
  read(counts.value_encodings);
  counts[Counter::kIndexBytes] +=
      static_cast<int64_t>(page_bytes_.load(std::memory_order_relaxed) + directory_bytes());
  return counts;
}

void Tree::DropOutside(Timestamp from, Timestamp last, std::vector<SeriesId>* series) const {
  SeriesId page_of = 0;
  bool any = false, inside = false;
  size_t kept = 0;
  for (const SeriesId id : *series) {
    if (!any || id >> kPageSeriesBits != page_of) {
      any = true;
      page_of = id >> kPageSeriesBits;
      const Page* page = FindPage(id);
      inside = page != nullptr && page->earliest.load(std::memory_order_relaxed) <= last &&
               page->latest.load(std::memory_order_relaxed) >= from;
    }
    (*series)[kept] = id;
    kept += inside;
  }
  series->resize(kept);
}

}  // namespace tsdb::tree

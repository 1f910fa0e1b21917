// The B+tree keyed by (series, time) that holds everything merged. This class owns the memory,
// finds pages and keeps the counts; TreeWriter changes pages, SeriesReader reads them.
//
// Series numbers are dense, so the levels above a page are two arrays indexed by series number;
// below a page the levels are searched by time (page.h draws them).
//
// Thread safety: FindPage, counters and memory figures from any thread. FindOrCreatePage by one
// thread at a time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "index/tree/epoch.h"
#include "index/tree/page.h"
#include "storage/base/slab_pool.h"
#include "storage/base/types.h"

namespace tsdb::tree {

// Of two records with one key, which stays.
enum class KeepDuplicate : uint8_t { kLater, kEarlier };

// What the tree holds and what was done to it, in records unless the name says otherwise.
enum class Counter : uint8_t {
  kMerged,          // put into leaves, duplicates included
  kReplaced,        // duplicates that gave way
  kDeleted,         // taken out
  kInTree,          // in leaves, open and shared ones included
  kLate,            // in late buffers and deltas
  kLeaves,          // encoded leaves
  kEncodedRecords,  // in encoded leaves and shared bases
  kEncodedBytes,    // of these, in memory
  kMappedLeaves,    // of the encoded leaves, those in mapped files
  kMappedBytes,
  kOpenBytes,  // versions, late buffers, shared leaves less their bases
  kIndexBytes,
  kSplits,
  kRewrites,
  kCount
};
inline constexpr size_t kEncodings = 8;

struct Counts {
  std::array<int64_t, static_cast<size_t>(Counter::kCount)> values{};
  std::array<int64_t, kEncodings> timestamp_encodings{};
  std::array<int64_t, kEncodings> value_encodings{};

  int64_t& operator[](Counter counter) { return values[static_cast<size_t>(counter)]; }
  int64_t operator[](Counter counter) const { return values[static_cast<size_t>(counter)]; }
};

class Tree {
 public:
  explicit Tree(KeepDuplicate keep);
  ~Tree();  // REQUIRES: no reader is pinned, no writer at work.
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  static uint32_t SlotOf(SeriesId series) { return series & (kPageSeries - 1); }
  // Null when nothing of the page's series was ever merged.
  Page* FindPage(SeriesId series) const {
    // Both acquires pair with the releases in FindOrCreatePage.
    const Segment* segment =
        directory_[series >> kSegmentSeriesBits].load(std::memory_order_acquire);
    if (segment == nullptr) return nullptr;
    return segment->pages[(series >> kPageSeriesBits) & (kSegmentPages - 1)].load(
        std::memory_order_acquire);
  }
  Page* FindOrCreatePage(SeriesId series);

  // Takes those series out of `series`, ascending, that have no record in [from, last]; some may
  // stay that have none. Cost: some 2 ns a series where neighbours share their page's answer.
  void DropOutside(Timestamp from, Timestamp last, std::vector<SeriesId>* series) const;

  KeepDuplicate keep() const { return keep_; }
  SlabPool& pool() { return pool_; }
  const SlabPool& pool() const { return pool_; }
  EpochDomain& epochs() const { return epochs_; }

  void AddCounts(const Counts& delta);
  Counts ReadCounts() const;
  // Bytes taken from the system.
  size_t memory_bytes() const { return pool_.reserved_bytes() + directory_bytes(); }

 private:
  static constexpr uint32_t kSegmentPageBits = 12;
  static constexpr uint32_t kSegmentPages = 1u << kSegmentPageBits;
  static constexpr uint32_t kSegmentSeriesBits = kSegmentPageBits + kPageSeriesBits;
  static constexpr size_t kSegments = size_t{1} << (32 - kSegmentSeriesBits);
  struct Segment {
    std::atomic<Page*> pages[kSegmentPages] = {};
  };
  size_t directory_bytes() const {
    return kSegments * sizeof(void*) + segments_.load(std::memory_order_relaxed) * sizeof(Segment);
  }

  const KeepDuplicate keep_;
  SlabPool pool_;
  mutable EpochDomain epochs_;
  std::unique_ptr<std::atomic<Segment*>[]> directory_;
  std::atomic<size_t> segments_{0};
  std::atomic<size_t> page_bytes_{0};
  std::array<std::atomic<int64_t>, static_cast<size_t>(Counter::kCount) + 2 * kEncodings> counts_{};
};

}  // namespace tsdb::tree

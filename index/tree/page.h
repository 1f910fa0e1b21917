// A page: what the tree holds of 64 neighbouring series. The upper levels of the tree are addressed
// by series number (dense, so position stands for key); a page is where they end.
//
//   page ─┬─ dense[0..63] ─► SeriesVersion ─┬─ columns: the series' open leaf, appended in place
//         │   (null: sparse)                ├─ root: inner nodes over time ─► encoded leaves
//         │                                 └─ late: buffer of late records, appended in place
//         └─ shared ─► SharedLeaf: the records of all sparse series of the page,
//                      an encoded base and a delta, appended in place
//
// Invariants
//  1. One task at a time changes a page: the owner of its queue. Readers run beside it, pinned.
//  2. A SeriesVersion or SharedLeaf is published by one pointer store (release; readers acquire).
//  In a
//     published one only these change: counts of in-place columns grow (release; readers acquire),
//     and, while the open leaf is empty, leaves are added to root; `late` is replaced by a larger
//     copy.
//  3. A series is dense for ever once it is. Its version is published before the shared leaf
//  without
//     it: a reader that finds a null dense[] and then nothing shared looks at dense[] again.
//  4. Every leaf's timestamps lie below the first timestamp of the leaf after it, and of the open
//  leaf.
//     Late records may lie anywhere at or below `last`.
//  5. A record in `late` replaces the one with its timestamp in leaf or open leaf (or yields to it,
//     under kFirstWins); of two in `late` the one appended later replaces (yields) likewise.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "index/tree/block_memory.h"
#include "index/tree/inner_node.h"
#include "index/tree/owner_queue.h"
#include "storage/base/types.h"
#include "storage/codec/block.h"

namespace tsdb::tree {

inline constexpr uint32_t kPageSeriesBits = 6;
inline constexpr uint32_t kPageSeries = 1u << kPageSeriesBits;
// Samples of a leaf encoded from a full open leaf. 512: half the lookup cost of 1024, at most 5 %
// more bytes.
inline constexpr uint32_t kLeafSamples = 512;
// A leaf that late records have grown beyond this is cut in equal parts.
inline constexpr uint32_t kLeafSamplesMax = 768;
// A series with this many samples in a shared leaf gets leaves of its own.
inline constexpr uint32_t kPromoteSamples = 32;

// Columns of timestamps and values with room for `capacity`, appended in place by the page's owner.
class SampleColumns {
 public:
  static size_t BytesFor(uint32_t capacity) {
    return capacity * (sizeof(Timestamp) + sizeof(double));
  }

  uint32_t capacity() const { return capacity_; }
  // Acquire pairs with Publish's release: samples below it are whole.
  uint32_t count() const { return count_.load(std::memory_order_acquire); }
  const Timestamp* times() const { return times_; }
  const double* values() const { return values_; }

  // For the owner of the page only.
  Timestamp* times() { return times_; }
  double* values() { return values_; }
  uint32_t owner_count() const { return count_.load(std::memory_order_relaxed); }
  uint32_t room() const { return capacity_ - owner_count(); }
  void Publish(uint32_t count) { count_.store(count, std::memory_order_release); }
  void Append(const Timestamp* times, const double* values, uint32_t count);  // count <= room()

 protected:
  SampleColumns(uint32_t capacity, void* storage)
      : capacity_(capacity),
        times_(static_cast<Timestamp*>(storage)),
        values_(reinterpret_cast<double*>(times_ + capacity)) {}

 private:
  const uint32_t capacity_;
  std::atomic<uint32_t> count_{0};
  Timestamp* const times_;
  double* const values_;
};

// Late records of one series in order of arrival.
class LateBuffer : public SampleColumns {
 public:
  static LateBuffer* Create(BlockMemory& memory, uint32_t capacity);
  size_t bytes() const { return sizeof(LateBuffer) + BytesFor(capacity()); }

 private:
  using SampleColumns::SampleColumns;
};

// One version of a dense series.
class SeriesVersion : public SampleColumns {
 public:
  static SeriesVersion* Create(BlockMemory& memory, uint32_t capacity);
  size_t bytes() const { return sizeof(SeriesVersion) + BytesFor(capacity()); }

  // Inner nodes over the encoded leaves; null while there are none. Stored with release while the
  // open leaf is empty (invariant 2), otherwise before the version is published.
  std::atomic<InnerNode*> root{nullptr};
  std::atomic<LateBuffer*> late{nullptr};  // null: none. Stored with release.

  // For the owner of the page only.
  Timestamp last = kTimestampMin;  // highest timestamp in leaves and open leaf
  bool any = false;                // whether there is one
  uint64_t leaf_records = 0;       // records in encoded leaves
  codec::EncodeHint hint;

 private:
  using SampleColumns::SampleColumns;
};

// The records of a page's sparse series.
//
//   [header][base block][delta times][delta values][delta slots]
//
// The base holds series after series; starts[s] .. starts[s + 1] are the positions of slot s.
class alignas(8) SharedLeaf {
 public:
  static SharedLeaf* Create(BlockMemory& memory, size_t base_bytes, uint32_t delta_capacity);
  size_t bytes() const { return BytesFor(base_bytes_, delta_capacity_); }

  uint32_t base_count() const { return starts[kPageSeries]; }
  codec::BlockView base() const { return codec::BlockView::Trusted(base_bytes()); }
  const uint8_t* base_bytes() const { return reinterpret_cast<const uint8_t*>(this + 1); }
  uint8_t* base_bytes() { return reinterpret_cast<uint8_t*>(this + 1); }
  size_t base_size() const { return base_bytes_; }

  uint32_t delta_capacity() const { return delta_capacity_; }
  uint32_t delta_count() const { return delta_count_.load(std::memory_order_acquire); }
  const Timestamp* delta_times() const {
    return reinterpret_cast<const Timestamp*>(base_bytes() + base_bytes_);
  }
  const double* delta_values() const {
    return reinterpret_cast<const double*>(delta_times() + delta_capacity_);
  }
  const uint8_t* delta_slots() const {
    return reinterpret_cast<const uint8_t*>(delta_values() + delta_capacity_);
  }

  // For the owner of the page only.
  uint32_t delta_room() const {
    return delta_capacity_ - delta_count_.load(std::memory_order_relaxed);
  }
  void AppendDelta(uint8_t slot, const Timestamp* times, const double* values, uint32_t count);

  uint16_t starts[kPageSeries + 1] = {};

 private:
  static size_t BytesFor(size_t base_bytes, uint32_t delta_capacity) {
    return sizeof(SharedLeaf) + base_bytes +
           delta_capacity * (sizeof(Timestamp) + sizeof(double) + 1);
  }
  SharedLeaf(size_t base_bytes, uint32_t delta_capacity)
      : base_bytes_(static_cast<uint32_t>(base_bytes)), delta_capacity_(delta_capacity) {}

  uint32_t base_bytes_;
  uint32_t delta_capacity_;
  std::atomic<uint32_t> delta_count_{0};
};
static_assert(sizeof(SharedLeaf) % 8 == 0);

struct Page {
  // No record of the page's series that a reader can find lies outside [earliest, latest]: series
  // registered together mostly live and die together, so a reader of another time need not look at
  // them one by one. Written by the owner before the records, in coarse steps, and never narrowed.
  std::atomic<Timestamp> earliest{kTimestampMax};
  std::atomic<Timestamp> latest{kTimestampMin};
  std::atomic<SeriesVersion*> dense[kPageSeries] = {};
  std::atomic<SharedLeaf*> shared{nullptr};
  OwnerQueue queue;
  // For the owner only: records in dense series' late buffers and in the shared delta.
  uint64_t late_records = 0;
  codec::EncodeHint shared_hint;

  // For the owner only: records from `first` to `last` will be put in.
  void Cover(Timestamp first, Timestamp last) {
    if (first < earliest.load(std::memory_order_relaxed)) [[unlikely]] {
      const bool far = first < kTimestampMin + kExtentStep;
      earliest.store(far ? kTimestampMin : first - kExtentStep, std::memory_order_relaxed);
    }
    if (last > latest.load(std::memory_order_relaxed)) [[unlikely]] {
      const bool far = last > kTimestampMax - kExtentStep;
      latest.store(far ? kTimestampMax : last + kExtentStep, std::memory_order_relaxed);
    }
  }

 private:
  static constexpr Timestamp kExtentStep = 15 * 60 * 1000;
};

}  // namespace tsdb::tree

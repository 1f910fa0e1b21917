// Changes pages of the tree: appends runs, merges late records and shared leaves. One TreeWriter
// per merge task; it brings the scratch memory, and gathers counts and retired blocks until Finish.
//
// Thread safety: one thread at a time per TreeWriter; each Page only by its owner (Page::queue).
// No heap allocation per record: scratch grows to its working size and stays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/tree/block_memory.h"
#include "index/tree/inner_node.h"
#include "index/tree/page.h"
#include "index/tree/tree.h"
#include "storage/base/types.h"

namespace tsdb::tree {

inline constexpr SeriesId kNoSeries = ~SeriesId{0};

// Two growing columns of samples.
struct SampleScratch {
  std::vector<Timestamp> times;
  std::vector<double> values;
  void Clear() {
    times.clear();
    values.clear();
  }
  void Resize(size_t count) {
    times.resize(count);
    values.resize(count);
  }
  void Push(Timestamp time, double value) {
    times.push_back(time);
    values.push_back(value);
  }
  size_t size() const { return times.size(); }
};

// Leaves of a run that were encoded before the page was owned: leaf i holds the run's samples from
// position begin + i * kLeafSamples on.
struct EncodedAhead {
  size_t begin = 0;
  std::span<const uint8_t* const> leaves;
};

// A leaf that now lies in a mapped file, too.
struct MappedLeaf {
  SeriesId series;
  Timestamp first;
  const uint8_t* block;  // 8-byte aligned
  bool packed;           // to be unpacked by the cache before it is read
};

class TreeWriter {
 public:
  explicit TreeWriter(Tree* tree);
  TreeWriter(const TreeWriter&) = delete;
  TreeWriter& operator=(const TreeWriter&) = delete;

  // Merges `count` records of one series, in the order in which they were appended, timestamps in
  // any order. REQUIRES: the caller owns `page`, which is the series' page.
  void AppendRun(Page& page, SeriesId series, const Timestamp* times, const double* values,
                 size_t count) {
    AppendRun(page, series, times, values, count, EncodedAhead());
  }
  // The same; takes over the leaves `ahead` of the run, and uses those that fit.
  void AppendRun(Page& page, SeriesId series, const Timestamp* times, const double* values,
                 size_t count, EncodedAhead ahead);

  // Encodes the leaves that a long run will probably fill, for AppendRun by whichever writer comes
  // to own the page: so a hot series is encoded by many threads at once, each its stretch of time,
  // and its page's owner only links the leaves in. Appends the leaves to `leaves`, and returns the
  // position in the run of the first one's first sample. None for runs out of order, or short ones,
  // or while the series has no leaves of its own. REQUIRES: nothing; the page may have any owner.
  size_t EncodeAhead(const Page& page, SeriesId series, const Timestamp* times,
                     const double* values, size_t count, std::vector<const uint8_t*>& leaves);

  // Takes in an encoded block of one series, strictly increasing, as a leaf if it can be one (it
  // lies above all the series has, which is in leaves, and is not small), else sample by sample.
  // REQUIRES: the caller owns `page`, and the block was checked.
  void AppendBlock(Page& page, SeriesId series, std::span<const uint8_t> block);

  // The same, but the leaf, if it can be one, is used where it lies, in a mapped file. One of any
  // size can.
  void LinkMapped(Page& page, SeriesId series, std::span<const uint8_t> block, bool packed);
  // Lets the tree use leaves of a mapped file in the place of its own, or of those in other files,
  // where the bytes are the same: what has changed since the file was written stays. `leaves`:
  // ascending by (series, first), all of the page's series. REQUIRES: the caller owns `page`.
  void UseMapped(Page& page, std::span<const MappedLeaf> leaves);

  // Ask for the memory that AppendRun of this series will touch: its version, some runs ahead, and
  // then, once that has come, the end of its open leaf, where `count` samples will go.
  static void PrefetchVersion(const Page& page, SeriesId series) {
    __builtin_prefetch(page.dense[Tree::SlotOf(series)].load(std::memory_order_relaxed));
  }
  static void PrefetchTail(const Page& page, SeriesId series, size_t count);

  // Merges what is in late buffers and the shared delta into leaves. REQUIRES: as above.
  void SettlePage(Page& page);

  // Deletes the series' records in the range; returns how many there were. REQUIRES: as above.
  uint64_t DeleteRange(Page& page, SeriesId series, TimeRange range);

  // Publishes counts and retires replaced blocks. Call at the end of every batch.
  void Finish();

 private:
  using Times = const Timestamp*;
  using Values = const double*;
  // A sorted stretch of late records, timestamps strictly increasing.
  struct Late {
    Times times;
    Values values;
    size_t count;
  };

  // tree_writer.cc: the right edge of dense series
  void AppendDense(Page& page, uint32_t slot, Times times, Values values, size_t count,
                   EncodedAhead ahead);
  size_t AppendInOrder(Page& page, uint32_t slot, Times times, Values values, size_t count,
                       EncodedAhead ahead);
  const uint8_t* EncodeInOrder(SeriesVersion* version, Times times, Values values);
  void AppendMixed(Page& page, uint32_t slot, Times times, Values values, size_t count);
  SeriesVersion* Succeed(SeriesVersion* version, uint32_t capacity);
  void Replace(Page& page, uint32_t slot, SeriesVersion* version, SeriesVersion* successor);
  SeriesVersion* Seal(Page& page, uint32_t slot, SeriesVersion* version, Times times, Values values,
                      size_t count, size_t after);
  const uint8_t* EncodeLeaf(Times times, Values values, size_t count, codec::EncodeHint& hint);
  void AddLeaf(SeriesVersion* version, Times times, Values values, size_t count);
  // `child`: as InnerNode holds it, here and below.
  void LinkLeaf(SeriesVersion* version, Timestamp first, const void* child, size_t count);
  void DropAhead(EncodedAhead ahead, size_t used);
  void CountLeaf(const void* child, int64_t sign);
  void RetireLeaf(const void* child);

  // delete_range.cc
  uint64_t DeleteShared(Page& page, uint32_t slot, TimeRange range);
  uint64_t DeleteDense(Page& page, uint32_t slot, TimeRange range);
  InnerNode* DeleteFromRoot(InnerNode* root, TimeRange range, bool copy_edge,
                            codec::EncodeHint& hint);
  static bool Touches(const InnerNode& node, TimeRange range);
  void DeleteUnder(const InnerNode* node, TimeRange range, bool rightmost, codec::EncodeHint& hint,
                   std::vector<Entry>& out);
  void DeleteFromLeaf(const void* child, TimeRange range, codec::EncodeHint& hint,
                      std::vector<Entry>& out);

  // mapped_leaves.cc: leaves in files
  bool LinkBlock(Page& page, uint32_t slot, const void* child);
  void UseMappedUnder(InnerNode& node, std::span<const MappedLeaf>& leaves);

  // late_merge.cc: late records into leaves
  void AppendLate(Page& page, uint32_t slot, Times times, Values values, size_t count);
  void MergeLate(Page& page, uint32_t slot);
  void RebuildNode(const InnerNode* node, Late late, bool rightmost, codec::EncodeHint& hint,
                   std::vector<Entry>& out);
  void RebuildLeaf(const void* child, Late late, codec::EncodeHint& hint, std::vector<Entry>& out);
  InnerNode* RebuildRoot(InnerNode* root, Late late, codec::EncodeHint& hint);
  // Of nodes of `level`; null of none.
  InnerNode* MakeRoot(uint32_t level, std::vector<Entry> nodes);
  // Merges two strictly increasing columns into `out`; returns how many keys were in both.
  size_t MergeSorted(Times times, Values values, size_t count, Late late, SampleScratch& out);
  size_t MergeEvenly(Times times, Values values, size_t count, Late late, SampleScratch& out);
  void SortKeys(uint32_t skip, uint32_t bits);
  // Sorts samples in order of arrival by time and drops duplicates as the policy says.
  void SortLate(Times times, Values values, size_t count, SampleScratch& out);

  // shared_merge.cc: sparse series
  void AppendShared(Page& page, uint32_t slot, Times times, Values values, size_t count);
  void GroupDelta(const SharedLeaf& shared, uint32_t* offsets);
  void ReplaceShared(Page& page, const uint16_t* starts);
  void MergeShared(Page& page, int promote_slot);
  void MakeDense(Page& page, uint32_t slot);
  void PromoteSeries(Page& page, uint32_t slot, Times times, Values values, size_t count);

  Tree* const tree_;
  const KeepDuplicate keep_;
  std::vector<Retired> retired_;
  BlockMemory leaf_memory_;
  BlockMemory open_memory_;
  BlockMemory index_memory_;
  Counts counts_;

  std::vector<uint64_t> encode_buffer_;
  // Of the run that EncodeAhead saw last: the next one is often the same series'.
  SeriesId ahead_series_ = kNoSeries;
  codec::EncodeHint ahead_hint_;
  SampleScratch in_order_, sealed_, late_, sorted_, decoded_, merged_, shared_, block_;
  std::vector<uint64_t> sort_keys_, sort_swap_;
};

// The capacity of an open leaf for `count` samples in place of one of `capacity`, which is too
// small: by half more at least, so that samples that come one by one are moved three times each at
// most, on average.
uint32_t OpenCapacityFor(size_t count, uint32_t capacity);

// Whether times[0] < times[1] < ... < times[count - 1].
bool StrictlyIncreasing(const Timestamp* times, size_t count);

}  // namespace tsdb::tree

#include "index/tree/tree_writer.h"

#include <algorithm>
#include <cstring>

#include "storage/base/check.h"

namespace tsdb::tree {
namespace {

// Capacities of open leaves are multiples of it: most series stay short.
constexpr uint32_t kOpenCapacityStep = 64;

constexpr size_t kLineSamples = 64 / sizeof(Timestamp);
constexpr size_t kPrefetchSamples = 8 * kLineSamples;

constexpr size_t kStretch = 8;

// Replaced blocks that are worth handing over in the middle of a pass.
constexpr size_t kRetiredTogether = 16;

// Whether the next kStretch timestamps increase strictly from above `last`.
inline bool Continues(const Timestamp* times, Timestamp last) {
  bool increasing = times[0] > last;
  for (size_t i = 1; i < kStretch; ++i) increasing &= times[i] > times[i - 1];
  return increasing;
}

}  // namespace

uint32_t OpenCapacityFor(size_t count, uint32_t capacity) {
  const size_t wanted = std::max<size_t>(count, capacity + capacity / 2);
  const size_t rounded = (wanted + kOpenCapacityStep - 1) / kOpenCapacityStep * kOpenCapacityStep;
  return static_cast<uint32_t>(std::min<size_t>(rounded, kLeafSamples));
}

TreeWriter::TreeWriter(Tree* tree)
    : tree_(tree),
      keep_(tree->keep()),
      leaf_memory_(&tree->pool(), &retired_),
      open_memory_(&tree->pool(), &retired_),
      index_memory_(&tree->pool(), &retired_),
      encode_buffer_(codec::EncodedBytesMax(codec::kBlockSamplesMax) / sizeof(uint64_t) + 1) {}

void TreeWriter::AppendRun(Page& page, SeriesId series, Times times, Values values, size_t count,
                           EncodedAhead ahead) {
  const uint32_t slot = Tree::SlotOf(series);
  if (page.dense[slot].load(std::memory_order_relaxed) != nullptr) {
    AppendDense(page, slot, times, values, count, ahead);
  } else {
    AppendShared(page, slot, times, values, count);
    DropAhead(ahead, 0);
  }
  // Nothing that was replaced can be reached now: it is used again while it is still in cache, and
  // a pass over many series that fill their open leaves together needs few new ones.
  if (retired_.size() >= kRetiredTogether) tree_->epochs().Retire(retired_);
}

size_t TreeWriter::EncodeAhead(const Page& page, SeriesId series, Times times, Values values,
                               size_t count, std::vector<const uint8_t*>& leaves) {
  if (count < 2 * kLeafSamples || !StrictlyIncreasing(times, count)) return 0;
  uint32_t open;
  {
    const auto guard = tree_->epochs().Pin();
    // Acquire pairs with the release in Replace.
    const SeriesVersion* version = page.dense[Tree::SlotOf(series)].load(std::memory_order_acquire);
    if (version == nullptr) return 0;
    open = version->count();
    if (open > 0 && times[0] <= version->times()[open - 1]) return 0;  // late
  }
  if (ahead_series_ != series) {
    ahead_series_ = series;
    ahead_hint_ = codec::EncodeHint();
  }
  // The run's first samples fill the open leaf, if nothing else comes between. Of parts that do,
  // most are whole chunks, multiples of a leaf.
  const size_t begin = open % kLeafSamples == 0 ? 0 : kLeafSamples - open;
  for (size_t at = begin; at + kLeafSamples <= count; at += kLeafSamples) {
    leaves.push_back(EncodeLeaf(times + at, values + at, kLeafSamples, ahead_hint_));
  }
  return begin;
}

void TreeWriter::DropAhead(EncodedAhead ahead, size_t used) {
  for (const uint8_t* leaf : ahead.leaves.subspan(used)) {
    leaf_memory_.Retire(leaf, codec::BlockView::Trusted(leaf).bytes());
  }
}

void TreeWriter::PrefetchTail(const Page& page, SeriesId series, size_t count) {
  SeriesVersion* version = page.dense[Tree::SlotOf(series)].load(std::memory_order_relaxed);
  if (version == nullptr) return;
  const uint32_t open = version->owner_count();
  count = std::min<size_t>(count, std::min<size_t>(kPrefetchSamples, version->room()));
  for (size_t i = 0; i < count; i += kLineSamples) {
    __builtin_prefetch(version->times() + open + i, 1);
    __builtin_prefetch(version->values() + open + i, 1);
  }
}

void TreeWriter::SettlePage(Page& page) {
  if (page.late_records == 0) return;
  SharedLeaf* shared = page.shared.load(std::memory_order_relaxed);
  if (shared != nullptr && shared->delta_count() > 0) MergeShared(page, -1);
  for (uint32_t slot = 0; slot < kPageSeries; ++slot) {
    const SeriesVersion* version = page.dense[slot].load(std::memory_order_relaxed);
    if (version == nullptr) continue;
    const LateBuffer* late = version->late.load(std::memory_order_relaxed);
    if (late != nullptr && late->owner_count() > 0) MergeLate(page, slot);
  }
  TSDB_CHECK(page.late_records == 0);
}

void TreeWriter::Finish() {
  counts_[Counter::kEncodedBytes] += leaf_memory_.TakeNetBytes();
  counts_[Counter::kOpenBytes] += open_memory_.TakeNetBytes();
  counts_[Counter::kIndexBytes] += index_memory_.TakeNetBytes();
  tree_->AddCounts(counts_);
  counts_ = Counts();
  tree_->epochs().Retire(retired_);
}

void TreeWriter::AppendDense(Page& page, uint32_t slot, Times times, Values values, size_t count,
                             EncodedAhead ahead) {
  const size_t in_order = AppendInOrder(page, slot, times, values, count, ahead);
  if (in_order < count) {
    AppendMixed(page, slot, times + in_order, values + in_order, count - in_order);
  }
}

// Appends what increases strictly, from above the version's last; returns how many. It is looked at
// a leaf at a time, and so still in cache when it is encoded.
size_t TreeWriter::AppendInOrder(Page& page, uint32_t slot, Times times, Values values,
                                 size_t count, EncodedAhead ahead) {
  SeriesVersion* version = page.dense[slot].load(std::memory_order_relaxed);
  size_t done = 0;
  size_t linked = 0;
  while (done < count) {
    const Times first = times + done;
    const uint32_t open = version->owner_count();
    const size_t taken = std::min<size_t>(count - done, kLeafSamples - open);
    if (version->any && first[0] <= version->last) break;
    const uint8_t* leaf = nullptr;
    if (taken == kLeafSamples) {
      const bool is_ahead =
          linked < ahead.leaves.size() && done == ahead.begin + linked * kLeafSamples;
      leaf = is_ahead ? ahead.leaves[linked++] : EncodeInOrder(version, first, values + done);
      if (leaf == nullptr) break;
    } else if (!StrictlyIncreasing(first, taken)) {
      break;
    }
    page.Cover(first[0], first[taken - 1]);
    if (leaf != nullptr) {
      // A long run is encoded where it lies. While the open leaf is empty a leaf may be added to
      // the published version: readers of it see no sample twice.
      LinkLeaf(version, first[0], leaf, kLeafSamples);
    } else if (open + taken == kLeafSamples) {
      const size_t after = count - done - taken;
      version = Seal(page, slot, version, first, values + done, taken, after);
    } else {
      if (taken > version->room()) {
        SeriesVersion* larger =
            Succeed(version, OpenCapacityFor(open + taken, version->capacity()));
        larger->Append(version->times(), version->values(), open);
        Replace(page, slot, version, larger);
        version = larger;
      }
      version->Append(first, values + done, static_cast<uint32_t>(taken));
    }
    version->last = first[taken - 1];
    version->any = true;
    done += taken;
  }
  DropAhead(ahead, linked);
  counts_[Counter::kMerged] += static_cast<int64_t>(done);
  counts_[Counter::kInTree] += static_cast<int64_t>(done);
  return done;
}

// Encodes a whole leaf; null if its timestamps do not increase strictly. What they are encoded as
// mostly shows that they do, so in a series without late records, where a leaf is hardly ever
// encoded for nothing, they are not read a second time.
const uint8_t* TreeWriter::EncodeInOrder(SeriesVersion* version, Times times, Values values) {
  const bool likely = version->late.load(std::memory_order_relaxed) == nullptr;
  if (!likely && !StrictlyIncreasing(times, kLeafSamples)) return nullptr;
  const uint8_t* leaf = EncodeLeaf(times, values, kLeafSamples, version->hint);
  const auto view = codec::BlockView::Trusted(leaf);
  if (!likely || view.SurelyIncreases() || StrictlyIncreasing(times, kLeafSamples)) return leaf;
  leaf_memory_.Retire(leaf, view.bytes());
  return nullptr;
}

// Parts the records that continue the series from those at or below its highest timestamp so far.
void TreeWriter::AppendMixed(Page& page, uint32_t slot, Times times, Values values, size_t count) {
  const SeriesVersion* version = page.dense[slot].load(std::memory_order_relaxed);
  in_order_.Resize(count);
  late_.Resize(count);
  size_t in_order = 0;
  size_t late = 0;
  Timestamp last = version->last;
  bool any = version->any;
  for (size_t i = 0; i < count; ++i) {
    // Late records are few and far between in most series that have any: stretches without move
    // whole.
    while (i + kStretch <= count && any && Continues(times + i, last)) {
      std::memcpy(in_order_.times.data() + in_order, times + i, kStretch * sizeof(Timestamp));
      std::memcpy(in_order_.values.data() + in_order, values + i, kStretch * sizeof(double));
      in_order += kStretch;
      i += kStretch;
      last = times[i - 1];
    }
    if (i == count) break;
    const Timestamp time = times[i];
    const double value = values[i];
    const bool continues = !any || time > last;
    // Both written, one kept: which of the two a record is cannot be predicted.
    in_order_.times[in_order] = time;
    in_order_.values[in_order] = value;
    late_.times[late] = time;
    late_.values[late] = value;
    in_order += continues;
    late += !continues;
    last = continues ? time : last;
    any = true;
  }
  const size_t appended = AppendInOrder(page, slot, in_order_.times.data(), in_order_.values.data(),
                                        in_order, EncodedAhead());
  TSDB_CHECK(appended == in_order);
  AppendLate(page, slot, late_.times.data(), late_.values.data(), late);
}

// A new version with an empty open leaf and everything else as in `version`; not published.
SeriesVersion* TreeWriter::Succeed(SeriesVersion* version, uint32_t capacity) {
  SeriesVersion* successor = SeriesVersion::Create(open_memory_, capacity);
  successor->root.store(version->root.load(std::memory_order_relaxed), std::memory_order_relaxed);
  successor->late.store(version->late.load(std::memory_order_relaxed), std::memory_order_relaxed);
  successor->last = version->last;
  successor->any = version->any;
  successor->leaf_records = version->leaf_records;
  successor->hint = version->hint;
  return successor;
}

void TreeWriter::Replace(Page& page, uint32_t slot, SeriesVersion* version,
                         SeriesVersion* successor) {
  // Pairs with the readers' acquire: they see the version whole.
  page.dense[slot].store(successor, std::memory_order_release);
  open_memory_.Retire(version, version->bytes());
}

// Encodes the open leaf with the `count` samples that fill it, and publishes a version with an
// empty one. `after`: how many samples of the run come then.
SeriesVersion* TreeWriter::Seal(Page& page, uint32_t slot, SeriesVersion* version, Times times,
                                Values values, size_t count, size_t after) {
  // A long run leaves its last samples alone in the open leaf, which has room for one more; of
  // short ones many will come.
  const bool is_long = after >= kLeafSamples;
  const uint32_t capacity = is_long ? OpenCapacityFor(after % kLeafSamples + 1, 0) : kLeafSamples;
  SeriesVersion* successor = Succeed(version, capacity);
  // Late records wait to be merged, so more are likely to come for this leaf.
  const LateBuffer* late = version->late.load(std::memory_order_relaxed);
  successor->hint.provisional = late != nullptr && late->owner_count() > 0;
  if (count <= version->room()) {
    version->Append(times, values, static_cast<uint32_t>(count));
    AddLeaf(successor, version->times(), version->values(), kLeafSamples);
  } else {
    // No larger open leaf is made for a moment.
    const uint32_t open = version->owner_count();
    sealed_.Resize(kLeafSamples);
    std::copy_n(version->times(), open, sealed_.times.data());
    std::copy_n(version->values(), open, sealed_.values.data());
    std::copy_n(times, count, sealed_.times.data() + open);
    std::copy_n(values, count, sealed_.values.data() + open);
    AddLeaf(successor, sealed_.times.data(), sealed_.values.data(), kLeafSamples);
  }
  Replace(page, slot, version, successor);
  return successor;
}

void TreeWriter::AddLeaf(SeriesVersion* version, Times times, Values values, size_t count) {
  LinkLeaf(version, times[0], EncodeLeaf(times, values, count, version->hint), count);
}

void TreeWriter::LinkLeaf(SeriesVersion* version, Timestamp first, const void* child,
                          size_t count) {
  CountLeaf(child, 1);
  InnerNode* root = version->root.load(std::memory_order_relaxed);
  InnerNode* grown = AppendLeaf(index_memory_, root, first, child);
  // Pairs with the readers' acquire: they see the nodes whole.
  if (grown != root) version->root.store(grown, std::memory_order_release);
  version->leaf_records += count;
}

const uint8_t* TreeWriter::EncodeLeaf(Times times, Values values, size_t count,
                                      codec::EncodeHint& hint) {
  auto* buffer = reinterpret_cast<uint8_t*>(encode_buffer_.data());
  const size_t bytes = codec::EncodeBlock(times, values, count, hint, buffer);
  auto* leaf = static_cast<uint8_t*>(leaf_memory_.Allocate(bytes));
  std::memcpy(leaf, buffer, bytes);
  return leaf;
}

void TreeWriter::CountLeaf(const void* child, int64_t sign) {
  const auto guard = tree_->epochs().Pin();
  const auto view = codec::BlockView::Trusted(InnerNode::LeafOf(child));
  counts_[Counter::kLeaves] += sign;
  counts_[Counter::kEncodedRecords] += sign * static_cast<int64_t>(view.count());
  if (InnerNode::IsMapped(child)) {
    counts_[Counter::kMappedLeaves] += sign;
    counts_[Counter::kMappedBytes] += sign * static_cast<int64_t>(view.bytes());
  }
  counts_.timestamp_encodings[static_cast<size_t>(view.timestamp_encoding())] += sign;
  counts_.value_encodings[static_cast<size_t>(view.value_encoding())] += sign;
}

void TreeWriter::RetireLeaf(const void* child) {
  CountLeaf(child, -1);
  if (InnerNode::IsMapped(child)) return;  // the file's
  const uint8_t* leaf = InnerNode::AddressOf(child);
  leaf_memory_.Retire(leaf, codec::BlockView::Trusted(leaf).bytes());
}

}  // namespace tsdb::tree

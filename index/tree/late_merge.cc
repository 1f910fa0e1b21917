// Late records: buffered beside the series' leaves, then merged into all leaves they fall into at
// once. A buffer per series, growing with it, instead of a delta per leaf: appending to it costs no
// descent, and a leaf is rewritten once for many late records (a shuffled series of n samples is
// rewritten about 3 n samples' worth in all).

#include <algorithm>
#include <bit>
#include <utility>

#include "index/tree/tree_writer.h"
#include "storage/base/check.h"

namespace tsdb::tree {
namespace {

constexpr uint32_t kLateCapacityFirst = 32;
constexpr uint64_t kLateCapacityMin = 512;   // a buffer grows at least to this before it is merged,
constexpr uint64_t kLateCapacityMax = 4096;  // at most to this
// With one late record for fewer than this many others, finding the stretches between them does not
// pay.
constexpr size_t kEvenFactor = 6;
// Fewer keys are compared rather than counted by digits.
constexpr size_t kRadixCountMin = 64;

}  // namespace

void TreeWriter::AppendLate(Page& page, uint32_t slot, Times times, Values values, size_t count) {
  if (count == 0) return;
  const auto [first, last] = std::minmax_element(times, times + count);
  page.Cover(*first, *last);
  while (count > 0) {
    SeriesVersion* version = page.dense[slot].load(std::memory_order_relaxed);
    LateBuffer* late = version->late.load(std::memory_order_relaxed);
    if (late == nullptr || late->room() == 0) {
      const uint64_t records = version->leaf_records + version->owner_count();
      const uint64_t limit = std::clamp(records, kLateCapacityMin, kLateCapacityMax);
      if (late != nullptr && late->capacity() * 2 > limit) {
        MergeLate(page, slot);
        continue;
      }
      LateBuffer* larger = LateBuffer::Create(
          open_memory_, late == nullptr ? kLateCapacityFirst : late->capacity() * 2);
      if (late != nullptr) {
        larger->Append(late->times(), late->values(), late->owner_count());
        open_memory_.Retire(late, late->bytes());
      }
      version->late.store(larger, std::memory_order_release);  // pairs with the readers' acquire
      late = larger;
    }
    const auto taken = static_cast<uint32_t>(std::min<size_t>(count, late->room()));
    late->Append(times, values, taken);
    counts_[Counter::kLate] += taken;
    page.late_records += taken;
    times += taken;
    values += taken;
    count -= taken;
  }
}

// Sorts sort_keys_, whose lowest `skip` bits (positions, ascending already) need no sorting and
// whose bits above `bits` are zero: least significant digit first, stable.
void TreeWriter::SortKeys(uint32_t skip, uint32_t bits) {
  // Wider digits save passes over many keys; over few, clearing their counters costs more.
  const uint32_t digit_bits = sort_keys_.size() < 1024 ? 8 : 11;
  const uint64_t mask = (uint64_t{1} << digit_bits) - 1;
  sort_swap_.resize(sort_keys_.size());
  for (uint32_t shift = skip; shift < bits; shift += digit_bits) {
    uint32_t offsets[2048];
    std::fill_n(offsets, mask + 1, 0);
    for (const uint64_t key : sort_keys_) ++offsets[(key >> shift) & mask];
    uint32_t sum = 0;
    for (uint64_t digit = 0; digit <= mask; ++digit) sum += std::exchange(offsets[digit], sum);
    for (const uint64_t key : sort_keys_) sort_swap_[offsets[(key >> shift) & mask]++] = key;
    sort_keys_.swap(sort_swap_);
  }
}

void TreeWriter::SortLate(Times times, Values values, size_t count, SampleScratch& out) {
  if (StrictlyIncreasing(times, count)) {
    // Nearly always so for sparse series, whose new records wait here too.
    out.Resize(count);
    std::copy_n(times, count, out.times.data());
    std::copy_n(values, count, out.values.data());
    return;
  }
  // Keys are offsets from the lowest timestamp, so that few bits are in use, above the position.
  const Timestamp lowest = *std::min_element(times, times + count);
  const auto offset = [&](size_t i) {
    return static_cast<uint64_t>(times[i]) - static_cast<uint64_t>(lowest);
  };
  uint64_t used = 0;
  for (size_t i = 0; i < count; ++i) used |= offset(i);
  const auto position_bits = static_cast<uint32_t>(std::bit_width(count));
  const auto key_bits = static_cast<uint32_t>(std::bit_width(used)) + position_bits;
  const uint64_t position_mask = (uint64_t{1} << position_bits) - 1;
  sort_keys_.resize(count);
  if (key_bits <= 64) {
    for (size_t i = 0; i < count; ++i) sort_keys_[i] = offset(i) << position_bits | i;
    if (count < kRadixCountMin) {
      std::sort(sort_keys_.begin(), sort_keys_.end());
    } else {
      SortKeys(position_bits, key_bits);
    }
  } else {
    for (size_t i = 0; i < count; ++i) sort_keys_[i] = i;
    std::sort(sort_keys_.begin(), sort_keys_.end(), [&](uint64_t a, uint64_t b) {
      return times[a] != times[b] ? times[a] < times[b] : a < b;
    });
  }
  out.Clear();
  for (const uint64_t key : sort_keys_) {
    const auto position = static_cast<size_t>(key & position_mask);
    const Timestamp time = times[position];
    if (out.size() > 0 && out.times.back() == time) {
      if (keep_ == KeepDuplicate::kLater) out.values.back() = values[position];
    } else {
      out.Push(time, values[position]);
    }
  }
}

// Merges columns of about equal lengths: which comes next cannot be predicted, so nothing branches
// on it. Returns the number of keys in both.
size_t TreeWriter::MergeEvenly(Times times, Values values, size_t count, Late late,
                               SampleScratch& out) {
  Timestamp* to_time = out.times.data();
  double* to_value = out.values.data();
  const bool later = keep_ == KeepDuplicate::kLater;
  size_t i = 0;
  size_t j = 0;
  size_t duplicates = 0;
  while (i < count && j < late.count) {
    const Timestamp time = times[i];
    const Timestamp late_time = late.times[j];
    const bool late_first = late_time < time;
    const bool both = late_time == time;
    *to_time++ = late_first ? late_time : time;
    const double* from = late_first | (both & later) ? late.values + j : values + i;
    *to_value++ = *from;
    i += !late_first;
    j += late_first | both;
    duplicates += both;
  }
  to_time = std::copy_n(times + i, count - i, to_time);
  to_value = std::copy_n(values + i, count - i, to_value);
  std::copy_n(late.times + j, late.count - j, to_time);
  std::copy_n(late.values + j, late.count - j, to_value);
  return duplicates;
}

size_t TreeWriter::MergeSorted(Times times, Values values, size_t count, Late late,
                               SampleScratch& out) {
  out.Resize(count + late.count);
  if (late.count * kEvenFactor > count) {
    const size_t in_both = MergeEvenly(times, values, count, late, out);
    out.Resize(count + late.count - in_both);
    return in_both;
  }
  Timestamp* to_time = out.times.data();
  double* to_value = out.values.data();
  size_t i = 0;
  size_t duplicates = 0;
  for (size_t j = 0; j < late.count; ++j) {
    const Timestamp time = late.times[j];
    // The stretch before the late record, found by doubling steps, moves as a whole.
    size_t step = 1;
    size_t low = i;
    while (low + step < count && times[low + step] < time) {
      low += step;
      step *= 2;
    }
    const size_t high = std::min(count, low + step + 1);
    const auto until =
        static_cast<size_t>(std::lower_bound(times + low, times + high, time) - times);
    to_time = std::copy_n(times + i, until - i, to_time);
    to_value = std::copy_n(values + i, until - i, to_value);
    i = until;
    *to_time++ = time;
    if (i < count && times[i] == time) {
      *to_value++ = keep_ == KeepDuplicate::kLater ? late.values[j] : values[i];
      ++duplicates;
      ++i;
    } else {
      *to_value++ = late.values[j];
    }
  }
  std::copy_n(times + i, count - i, to_time);
  std::copy_n(values + i, count - i, to_value);
  out.Resize(count + late.count - duplicates);
  return duplicates;
}

void TreeWriter::MergeLate(Page& page, uint32_t slot) {
  SeriesVersion* version = page.dense[slot].load(std::memory_order_relaxed);
  LateBuffer* buffer = version->late.load(std::memory_order_relaxed);
  const uint32_t arrived = buffer->owner_count();
  SortLate(buffer->times(), buffer->values(), arrived, sorted_);
  size_t duplicates = arrived - sorted_.size();

  // What lies below the open leaf goes into leaves, the rest into the open leaf.
  const uint32_t open = version->owner_count();
  InnerNode* root = version->root.load(std::memory_order_relaxed);
  size_t below = sorted_.size();
  if (root == nullptr) {
    below = 0;
  } else if (open > 0) {
    below = static_cast<size_t>(
        std::lower_bound(sorted_.times.begin(), sorted_.times.end(), version->times()[0]) -
        sorted_.times.begin());
  }
  version->hint.provisional = false;
  const int64_t leaf_records_before = counts_[Counter::kEncodedRecords];
  if (below > 0) {
    root = RebuildRoot(root, {sorted_.times.data(), sorted_.values.data(), below}, version->hint);
  }
  const int64_t added_to_leaves = counts_[Counter::kEncodedRecords] - leaf_records_before;
  duplicates += below - static_cast<size_t>(added_to_leaves);

  const size_t above = sorted_.size() - below;
  duplicates +=
      MergeSorted(version->times(), version->values(), open,
                  {sorted_.times.data() + below, sorted_.values.data() + below, above}, merged_);
  uint32_t capacity = version->capacity();
  const size_t left = merged_.size() % kLeafSamples;
  if (capacity < left) capacity = OpenCapacityFor(left, capacity);
  SeriesVersion* successor = Succeed(version, capacity);
  successor->late.store(nullptr, std::memory_order_relaxed);
  successor->root.store(root, std::memory_order_relaxed);
  successor->leaf_records =
      static_cast<uint64_t>(static_cast<int64_t>(version->leaf_records) + added_to_leaves);
  size_t at = 0;
  for (; at + kLeafSamples <= merged_.size(); at += kLeafSamples) {
    AddLeaf(successor, merged_.times.data() + at, merged_.values.data() + at, kLeafSamples);
  }
  successor->Append(merged_.times.data() + at, merged_.values.data() + at,
                    static_cast<uint32_t>(left));
  Replace(page, slot, version, successor);
  open_memory_.Retire(buffer, buffer->bytes());

  counts_[Counter::kLate] -= arrived;
  counts_[Counter::kMerged] += arrived;
  counts_[Counter::kReplaced] += static_cast<int64_t>(duplicates);
  counts_[Counter::kInTree] += arrived - static_cast<int64_t>(duplicates);
  page.late_records -= arrived;
}

InnerNode* TreeWriter::RebuildRoot(InnerNode* root, Late late, codec::EncodeHint& hint) {
  std::vector<Entry> entries;
  RebuildNode(root, late, /*rightmost=*/true, hint, entries);
  return MakeRoot(root->level(), std::move(entries));
}

InnerNode* TreeWriter::MakeRoot(uint32_t level, std::vector<Entry> nodes) {
  if (nodes.empty()) return nullptr;
  while (nodes.size() > 1) {
    std::vector<Entry> parents;
    PackNodes(index_memory_, ++level, nodes, parents);
    nodes.swap(parents);
  }
  return static_cast<InnerNode*>(const_cast<void*>(nodes[0].child));
}

void TreeWriter::RebuildNode(const InnerNode* node, Late late, bool rightmost,
                             codec::EncodeHint& hint, std::vector<Entry>& out) {
  std::vector<Entry> entries;
  const uint32_t count = node->count();
  for (uint32_t i = 0; i < count; ++i) {
    Late part = late;
    if (i + 1 < count) {
      part.count = static_cast<size_t>(
          std::lower_bound(late.times, late.times + late.count, node->first(i + 1)) - late.times);
    }
    late = {late.times + part.count, late.values + part.count, late.count - part.count};
    const bool edge = rightmost && i + 1 == count;
    if (part.count == 0 && (node->level() == 0 || !edge)) {
      entries.push_back({node->first(i), node->child(i)});
    } else if (node->level() == 0) {
      RebuildLeaf(node->child(i), part, hint, entries);
    } else {
      RebuildNode(node->node(i), part, edge, hint, entries);
    }
  }
  PackNodes(index_memory_, node->level(), entries, out);
  index_memory_.Retire(node, node->bytes());
}

void TreeWriter::RebuildLeaf(const void* child, Late late, codec::EncodeHint& hint,
                             std::vector<Entry>& out) {
  const auto guard = tree_->epochs().Pin();
  const auto view = codec::BlockView::Trusted(InnerNode::LeafOf(child));
  const size_t room = (view.count() + 63) / 64 * 64;
  decoded_.Resize(room);
  view.DecodeTimestamps(decoded_.times.data());
  view.DecodeValues(decoded_.values.data());
  MergeSorted(decoded_.times.data(), decoded_.values.data(), view.count(), late, merged_);
  const size_t total = merged_.size();
  const size_t parts = total <= kLeafSamplesMax ? 1 : (total + kLeafSamples - 1) / kLeafSamples;
  for (size_t i = 0; i < parts; ++i) {
    const size_t begin = total * i / parts;
    const size_t end = total * (i + 1) / parts;
    const uint8_t* rebuilt =
        EncodeLeaf(merged_.times.data() + begin, merged_.values.data() + begin, end - begin, hint);
    CountLeaf(rebuilt, 1);
    out.push_back({merged_.times[begin], rebuilt});
  }
  counts_[Counter::kRewrites] += 1;
  counts_[Counter::kSplits] += static_cast<int64_t>(parts) - 1;
  RetireLeaf(child);
}

}  // namespace tsdb::tree

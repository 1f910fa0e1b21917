// Sparse series: the 64 neighbours of a page share one leaf until each has enough samples for
// leaves of its own. Ten million series of ten samples so cost 160,000 leaves, not ten million.

#include <algorithm>
#include <cstring>

#include "index/tree/tree_writer.h"
#include "storage/base/check.h"

namespace tsdb::tree {
namespace {

constexpr uint32_t kDeltaCapacityMin = 128;
constexpr uint32_t kDeltaCapacityMax = 512;

// A delta half the size of the base bounds what a merge rewrites to three records per new one.
uint32_t DeltaCapacityFor(size_t base_count) {
  return static_cast<uint32_t>(
      std::clamp<size_t>(base_count / 2, kDeltaCapacityMin, kDeltaCapacityMax));
}

bool HoldsSlot(const SharedLeaf& shared, uint32_t slot) {
  return shared.starts[slot] != shared.starts[slot + 1] ||
         std::memchr(shared.delta_slots(), static_cast<int>(slot), shared.delta_count()) != nullptr;
}

}  // namespace

void TreeWriter::AppendShared(Page& page, uint32_t slot, Times times, Values values, size_t count) {
  SharedLeaf* shared = page.shared.load(std::memory_order_relaxed);
  if (count >= kPromoteSamples) {
    MakeDense(page, slot);
    AppendDense(page, slot, times, values, count, EncodedAhead());
    return;
  }
  if (shared != nullptr && shared->delta_room() < count) {
    MergeShared(page, -1);
    if (page.dense[slot].load(std::memory_order_relaxed) != nullptr) {
      AppendDense(page, slot, times, values, count, EncodedAhead());
      return;
    }
    shared = page.shared.load(std::memory_order_relaxed);
  }
  if (shared == nullptr) {
    shared = SharedLeaf::Create(open_memory_, 0, kDeltaCapacityMin);
    page.shared.store(shared, std::memory_order_release);  // pairs with the readers' acquire
  }
  const auto [first, last] = std::minmax_element(times, times + count);
  page.Cover(*first, *last);
  shared->AppendDelta(static_cast<uint8_t>(slot), times, values, static_cast<uint32_t>(count));
  counts_[Counter::kLate] += static_cast<int64_t>(count);
  page.late_records += count;
}

// Gives a sparse series leaves of its own.
void TreeWriter::MakeDense(Page& page, uint32_t slot) {
  const SharedLeaf* shared = page.shared.load(std::memory_order_relaxed);
  if (shared != nullptr && HoldsSlot(*shared, slot)) {
    MergeShared(page, static_cast<int>(slot));
  } else {
    PromoteSeries(page, slot, nullptr, nullptr, 0);
  }
}

// Makes a series dense with these samples, strictly increasing, already counted.
void TreeWriter::PromoteSeries(Page& page, uint32_t slot, Times times, Values values,
                               size_t count) {
  uint32_t capacity = kPromoteSamples * 2;
  while (capacity <= count && capacity < kLeafSamples) capacity *= 2;
  SeriesVersion* version = SeriesVersion::Create(open_memory_, capacity);
  if (count > 0) {
    version->any = true;
    version->last = times[count - 1];
  }
  // A forced promotion can bring a full delta's worth.
  for (; count >= kLeafSamples; count -= kLeafSamples) {
    AddLeaf(version, times, values, kLeafSamples);
    times += kLeafSamples;
    values += kLeafSamples;
  }
  if (count > 0) version->Append(times, values, static_cast<uint32_t>(count));
  page.dense[slot].store(version, std::memory_order_release);  // pairs with the readers' acquire
}

// Puts the delta's records into late_ by slot, in order of arrival within each; offsets[s] ..
// offsets[s + 1] are the positions of slot s.
void TreeWriter::GroupDelta(const SharedLeaf& shared, uint32_t* offsets) {
  const uint32_t count = shared.delta_count();
  const uint8_t* slots = shared.delta_slots();
  std::fill_n(offsets, kPageSeries + 1, 0);
  for (uint32_t i = 0; i < count; ++i) ++offsets[slots[i] + 1];
  for (uint32_t s = 0; s < kPageSeries; ++s) offsets[s + 1] += offsets[s];
  uint32_t place[kPageSeries];
  std::copy_n(offsets, kPageSeries, place);
  late_.Resize(count);
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t at = place[slots[i]]++;
    late_.times[at] = shared.delta_times()[i];
    late_.values[at] = shared.delta_values()[i];
  }
}

// Replaces the shared leaf by one with the samples in shared_ as its base and an empty delta.
void TreeWriter::ReplaceShared(Page& page, const uint16_t* starts) {
  SharedLeaf* shared = page.shared.load(std::memory_order_relaxed);
  auto* buffer = reinterpret_cast<uint8_t*>(encode_buffer_.data());
  const size_t bytes = shared_.size() == 0
                           ? 0
                           : codec::EncodeBlock(shared_.times.data(), shared_.values.data(),
                                                shared_.size(), page.shared_hint, buffer);
  SharedLeaf* successor = SharedLeaf::Create(open_memory_, bytes, DeltaCapacityFor(shared_.size()));
  std::copy_n(buffer, bytes, successor->base_bytes());
  std::copy_n(starts, kPageSeries + 1, successor->starts);
  page.shared.store(successor, std::memory_order_release);  // pairs with the readers' acquire
  open_memory_.Retire(shared, shared->bytes());
  const auto base_bytes = static_cast<int64_t>(bytes) - static_cast<int64_t>(shared->base_size());
  counts_[Counter::kEncodedBytes] += base_bytes;
  counts_[Counter::kOpenBytes] -= base_bytes;
  counts_[Counter::kEncodedRecords] +=
      static_cast<int64_t>(shared_.size()) - static_cast<int64_t>(shared->base_count());
}

// Merges the delta into the base; series that have grown enough, and `promote_slot` in any case
// (-1: no such), become dense.
void TreeWriter::MergeShared(Page& page, int promote_slot) {
  const SharedLeaf* shared = page.shared.load(std::memory_order_relaxed);
  const uint32_t delta_count = shared->delta_count();
  uint32_t offsets[kPageSeries + 1];
  GroupDelta(*shared, offsets);
  const uint32_t base_count = shared->base_count();
  if (base_count > 0) {
    decoded_.Resize((base_count + 63) / 64 * 64);
    shared->base().DecodeTimestamps(decoded_.times.data());
    shared->base().DecodeValues(decoded_.values.data());
  }

  shared_.Clear();
  uint16_t starts[kPageSeries + 1] = {};
  size_t kept = 0;
  for (uint32_t slot = 0; slot < kPageSeries; ++slot) {
    starts[slot] = static_cast<uint16_t>(shared_.size());
    const uint32_t base = shared->starts[slot + 1] - shared->starts[slot];
    const uint32_t arrived = offsets[slot + 1] - offsets[slot];
    if (base + arrived == 0) continue;
    const Times base_times = decoded_.times.data() + shared->starts[slot];
    const Values base_values = decoded_.values.data() + shared->starts[slot];
    sorted_.Clear();
    if (arrived > 0) {
      SortLate(late_.times.data() + offsets[slot], late_.values.data() + offsets[slot], arrived,
               sorted_);
    }
    MergeSorted(base_times, base_values, base,
                {sorted_.times.data(), sorted_.values.data(), sorted_.size()}, merged_);
    kept += merged_.size();
    if (merged_.size() >= kPromoteSamples || static_cast<int>(slot) == promote_slot) {
      PromoteSeries(page, slot, merged_.times.data(), merged_.values.data(), merged_.size());
      continue;
    }
    shared_.times.insert(shared_.times.end(), merged_.times.begin(), merged_.times.end());
    shared_.values.insert(shared_.values.end(), merged_.values.begin(), merged_.values.end());
  }
  starts[kPageSeries] = static_cast<uint16_t>(shared_.size());

  const int64_t replaced =
      static_cast<int64_t>(base_count) + delta_count - static_cast<int64_t>(kept);
  // After the series promoted above are published: see invariant 3 of the page.
  ReplaceShared(page, starts);
  counts_[Counter::kLate] -= delta_count;
  counts_[Counter::kMerged] += delta_count;
  counts_[Counter::kReplaced] += replaced;
  counts_[Counter::kInTree] += delta_count - replaced;
  page.late_records -= delta_count;
}

}  // namespace tsdb::tree

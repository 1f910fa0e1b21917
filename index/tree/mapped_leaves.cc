// Leaves that come encoded: out of another tree, or lying in a mapped file.
#include <cstring>

#include "index/tree/tree_writer.h"

namespace tsdb::tree {

// Adds the leaf at the right edge, if that is where it belongs. False: nothing was changed.
bool TreeWriter::LinkBlock(Page& page, uint32_t slot, const void* child) {
  SeriesVersion* version = page.dense[slot].load(std::memory_order_relaxed);
  if (version == nullptr || version->owner_count() > 0 ||
      version->late.load(std::memory_order_relaxed) != nullptr) {
    return false;
  }
  const auto guard = tree_->epochs().Pin();
  const codec::BlockStatistics statistics =
      codec::BlockView::Trusted(InnerNode::LeafOf(child)).Statistics();
  if (version->any && statistics.time_first <= version->last) return false;
  page.Cover(statistics.time_first, statistics.time_last);
  LinkLeaf(version, statistics.time_first, child, statistics.count);
  version->last = statistics.time_last;
  version->any = true;
  counts_[Counter::kMerged] += statistics.count;
  counts_[Counter::kInTree] += statistics.count;
  return true;
}

void TreeWriter::AppendBlock(Page& page, SeriesId series, std::span<const uint8_t> block) {
  const auto view = codec::BlockView::Trusted(block.data());
  const uint32_t count = view.count();
  const uint32_t slot = Tree::SlotOf(series);
  if (count >= kLeafSamples / 2 && count <= kLeafSamplesMax) {
    if (page.dense[slot].load(std::memory_order_relaxed) == nullptr) MakeDense(page, slot);
    auto* leaf = static_cast<uint8_t*>(leaf_memory_.Allocate(block.size()));
    std::memcpy(leaf, block.data(), block.size());
    if (LinkBlock(page, slot, leaf)) return;
    leaf_memory_.Retire(leaf, block.size());
  }
  const size_t room = (size_t{count} + 63) / 64 * 64;
  block_.Resize(room);  // not decoded_: merging what is late or shared uses that
  view.DecodeTimestamps(block_.times.data());
  view.DecodeValues(block_.values.data());
  AppendRun(page, series, block_.times.data(), block_.values.data(), count);
}

void TreeWriter::LinkMapped(Page& page, SeriesId series, std::span<const uint8_t> block,
                            bool packed) {
  const auto guard = tree_->epochs().Pin();
  const uint32_t slot = Tree::SlotOf(series);
  if (page.dense[slot].load(std::memory_order_relaxed) == nullptr) MakeDense(page, slot);
  const void* child = InnerNode::MappedChild(block.data(), packed);
  if (!LinkBlock(page, slot, child)) {
    AppendBlock(page, series, {InnerNode::LeafOf(child), block.size()});
  }
}

void TreeWriter::UseMapped(Page& page, std::span<const MappedLeaf> leaves) {
  while (!leaves.empty()) {
    const SeriesId series = leaves.front().series;
    size_t count = 1;
    while (count < leaves.size() && leaves[count].series == series) ++count;
    const SeriesVersion* version = page.dense[Tree::SlotOf(series)].load(std::memory_order_relaxed);
    InnerNode* root = version == nullptr ? nullptr : version->root.load(std::memory_order_relaxed);
    std::span<const MappedLeaf> of_series = leaves.first(count);
    if (root != nullptr) UseMappedUnder(*root, of_series);
    leaves = leaves.subspan(count);
  }
}

// Takes from the front of `leaves` those that begin under `node`.
void TreeWriter::UseMappedUnder(InnerNode& node, std::span<const MappedLeaf>& leaves) {
  const uint32_t count = node.count();
  uint32_t i = 0;
  while (!leaves.empty()) {
    const Timestamp first = leaves.front().first;
    if (first < node.first(0)) {  // its leaf is gone, with what was before this node
      leaves = leaves.subspan(1);
      continue;
    }
    // Most leaves follow the one before; the first lies anywhere.
    if (i + 1 < count && first >= node.first(i + 1)) {
      ++i;
      if (i + 1 < count && first >= node.first(i + 1)) i = node.Find(first, count);
    }
    if (node.level() > 0) {
      std::span<const MappedLeaf> under = leaves;
      if (i + 1 < count) {
        size_t covered = 0;
        while (covered < leaves.size() && leaves[covered].first < node.first(i + 1)) ++covered;
        under = leaves.first(covered);
      }
      const size_t covered = under.size();
      UseMappedUnder(const_cast<InnerNode&>(*node.node(i)), under);
      leaves = leaves.subspan(covered);
      continue;
    }
    const MappedLeaf& mapped = leaves.front();
    leaves = leaves.subspan(1);
    const void* present = node.child(i);
    if (node.first(i) != first || InnerNode::AddressOf(present) == mapped.block) continue;
    const auto guard = tree_->epochs().Pin();
    const uint8_t* leaf = InnerNode::LeafOf(present);
    const void* child = InnerNode::MappedChild(mapped.block, mapped.packed);
    const uint8_t* block = InnerNode::LeafOf(child);
    const size_t bytes = codec::BlockView::Trusted(block).bytes();
    if (codec::BlockView::Trusted(leaf).bytes() != bytes || std::memcmp(leaf, block, bytes) != 0) {
      continue;
    }
    CountLeaf(child, 1);
    node.SetChild(i, child);
    RetireLeaf(present);
  }
}

}  // namespace tsdb::tree

// Deleting a stretch of time from a series: leaves inside it go, leaves at its ends are written
// anew, late records are merged first so that none comes back.

#include <algorithm>
#include <cstring>

#include "index/tree/tree_writer.h"
#include "storage/base/check.h"

namespace tsdb::tree {
namespace {

// Positions [begin, end) of increasing timestamps that lie in the range.
struct Positions {
  size_t begin;
  size_t end;
};

Positions Inside(const Timestamp* times, size_t count, TimeRange range) {
  const Timestamp* last = times + count;
  const Timestamp* begin = std::lower_bound(times, last, range.begin);
  const Timestamp* end = std::upper_bound(begin, last, range.Last());
  return {static_cast<size_t>(begin - times), static_cast<size_t>(end - times)};
}

}  // namespace

uint64_t TreeWriter::DeleteRange(Page& page, SeriesId series, TimeRange range) {
  const auto guard = tree_->epochs().Pin();
  if (range.Empty()) return 0;
  const uint32_t slot = Tree::SlotOf(series);
  uint64_t deleted = 0;
  if (page.dense[slot].load(std::memory_order_relaxed) == nullptr) {
    const SharedLeaf* shared = page.shared.load(std::memory_order_relaxed);
    if (shared == nullptr) return 0;
    if (shared->delta_count() > 0) MergeShared(page, -1);  // may make the series dense
  }
  if (page.dense[slot].load(std::memory_order_relaxed) == nullptr) {
    deleted = DeleteShared(page, slot, range);
  } else {
    deleted = DeleteDense(page, slot, range);
  }
  counts_[Counter::kDeleted] += static_cast<int64_t>(deleted);
  counts_[Counter::kInTree] -= static_cast<int64_t>(deleted);
  return deleted;
}

uint64_t TreeWriter::DeleteShared(Page& page, uint32_t slot, TimeRange range) {
  const SharedLeaf* shared = page.shared.load(std::memory_order_relaxed);
  const uint32_t count = shared->base_count();
  const uint32_t begin = shared->starts[slot];
  if (begin == shared->starts[slot + 1]) return 0;
  decoded_.Resize((size_t{count} + 63) / 64 * 64);
  shared->base().DecodeTimestamps(decoded_.times.data());
  shared->base().DecodeValues(decoded_.values.data());
  const Positions inside =
      Inside(decoded_.times.data() + begin, shared->starts[slot + 1] - begin, range);
  const size_t deleted = inside.end - inside.begin;
  if (deleted == 0) return 0;
  const auto from = static_cast<std::ptrdiff_t>(begin + inside.begin);
  const auto to = static_cast<std::ptrdiff_t>(begin + inside.end);
  const auto all = static_cast<std::ptrdiff_t>(count);
  shared_.times.assign(decoded_.times.begin(), decoded_.times.begin() + from);
  shared_.times.insert(shared_.times.end(), decoded_.times.begin() + to,
                       decoded_.times.begin() + all);
  shared_.values.assign(decoded_.values.begin(), decoded_.values.begin() + from);
  shared_.values.insert(shared_.values.end(), decoded_.values.begin() + to,
                        decoded_.values.begin() + all);
  uint16_t starts[kPageSeries + 1];
  for (uint32_t s = 0; s <= kPageSeries; ++s) {
    starts[s] = static_cast<uint16_t>(shared->starts[s] - (s > slot ? deleted : 0));
  }
  ReplaceShared(page, starts);
  return deleted;
}

uint64_t TreeWriter::DeleteDense(Page& page, uint32_t slot, TimeRange range) {
  SeriesVersion* version = page.dense[slot].load(std::memory_order_relaxed);
  const LateBuffer* late = version->late.load(std::memory_order_relaxed);
  if (late != nullptr && late->owner_count() > 0) {
    MergeLate(page, slot);
    version = page.dense[slot].load(std::memory_order_relaxed);
  }
  const uint32_t open = version->owner_count();
  const Positions inside = Inside(version->times(), open, range);
  const size_t from_open = inside.end - inside.begin;
  InnerNode* root = version->root.load(std::memory_order_relaxed);
  uint64_t from_leaves = 0;
  if (root != nullptr) {
    const int64_t before = counts_[Counter::kEncodedRecords];
    // Readers of `version` pass over leaves from its first open sample on. If all of these go, one
    // that comes before may be next, and must not be put into nodes that they read.
    const bool empties_open = open > 0 && from_open == open;
    root = DeleteFromRoot(root, range, empties_open, version->hint);
    from_leaves = static_cast<uint64_t>(before - counts_[Counter::kEncodedRecords]);
  }
  if (from_open + from_leaves == 0) {
    // The nodes at the right edge may be new ones all the same.
    version->root.store(root, std::memory_order_release);
    return 0;
  }
  SeriesVersion* successor = Succeed(version, version->capacity());
  successor->root.store(root, std::memory_order_relaxed);
  successor->leaf_records -= from_leaves;
  successor->Append(version->times(), version->values(), static_cast<uint32_t>(inside.begin));
  successor->Append(version->times() + inside.end, version->values() + inside.end,
                    static_cast<uint32_t>(open - inside.end));
  if (successor->owner_count() > 0) {
    successor->last = successor->times()[successor->owner_count() - 1];
  } else if (root != nullptr) {
    const InnerNode* node = root;
    while (node->level() > 0) node = node->node(node->count() - 1);
    successor->last =
        codec::BlockView::Trusted(node->leaf(node->count() - 1)).Statistics().time_last;
  } else {
    successor->any = false;
    successor->last = kTimestampMin;
  }
  Replace(page, slot, version, successor);
  return from_open + from_leaves;
}

// Null when nothing is left. `copy_edge`: the nodes at the right edge are new ones in any case.
InnerNode* TreeWriter::DeleteFromRoot(InnerNode* root, TimeRange range, bool copy_edge,
                                      codec::EncodeHint& hint) {
  if (!copy_edge && !Touches(*root, range)) return root;
  std::vector<Entry> entries;
  DeleteUnder(root, range, /*rightmost=*/true, hint, entries);
  return MakeRoot(root->level(), std::move(entries));
}

// Whether any leaf under `node` holds a timestamp of the range's extent.
bool TreeWriter::Touches(const InnerNode& node, TimeRange range) {
  const InnerNode* right = &node;
  while (right->level() > 0) right = right->node(right->count() - 1);
  const Timestamp last =
      codec::BlockView::Trusted(right->leaf(right->count() - 1)).Statistics().time_last;
  return node.first(0) <= range.Last() && last >= range.begin;
}

void TreeWriter::DeleteUnder(const InnerNode* node, TimeRange range, bool rightmost,
                             codec::EncodeHint& hint, std::vector<Entry>& out) {
  std::vector<Entry> entries;
  const uint32_t count = node->count();
  for (uint32_t i = 0; i < count; ++i) {
    const bool edge = rightmost && i + 1 == count;
    // What begins here ends before the next entry begins.
    const bool outside =
        node->first(i) > range.Last() || (i + 1 < count && node->first(i + 1) <= range.begin);
    if (outside && (node->level() == 0 || !edge)) {
      entries.push_back({node->first(i), node->child(i)});
    } else if (node->level() == 0) {
      DeleteFromLeaf(node->child(i), range, hint, entries);
    } else {
      DeleteUnder(node->node(i), range, edge, hint, entries);
    }
  }
  if (!entries.empty()) PackNodes(index_memory_, node->level(), entries, out);
  index_memory_.Retire(node, node->bytes());
}

void TreeWriter::DeleteFromLeaf(const void* child, TimeRange range, codec::EncodeHint& hint,
                                std::vector<Entry>& out) {
  const auto guard = tree_->epochs().Pin();
  const auto view = codec::BlockView::Trusted(InnerNode::LeafOf(child));
  const codec::BlockStatistics statistics = view.Statistics();
  if (statistics.time_first > range.Last() || statistics.time_last < range.begin) {
    out.push_back({statistics.time_first, child});
    return;
  }
  if (statistics.time_first < range.begin || statistics.time_last > range.Last()) {
    decoded_.Resize((size_t{view.count()} + 63) / 64 * 64);
    view.DecodeTimestamps(decoded_.times.data());
    view.DecodeValues(decoded_.values.data());
    const Positions inside = Inside(decoded_.times.data(), view.count(), range);
    if (inside.begin == inside.end) {  // a gap
      out.push_back({statistics.time_first, child});
      return;
    }
    const size_t left = view.count() - (inside.end - inside.begin);
    std::move(decoded_.times.begin() + static_cast<std::ptrdiff_t>(inside.end),
              decoded_.times.begin() + view.count(),
              decoded_.times.begin() + static_cast<std::ptrdiff_t>(inside.begin));
    std::move(decoded_.values.begin() + static_cast<std::ptrdiff_t>(inside.end),
              decoded_.values.begin() + view.count(),
              decoded_.values.begin() + static_cast<std::ptrdiff_t>(inside.begin));
    const uint8_t* rest = EncodeLeaf(decoded_.times.data(), decoded_.values.data(), left, hint);
    CountLeaf(rest, 1);
    counts_[Counter::kRewrites] += 1;
    out.push_back({decoded_.times[0], rest});
  }
  RetireLeaf(child);
}

}  // namespace tsdb::tree

#include "index/tree/series_walk.h"

#include <algorithm>

namespace tsdb::tree {
namespace {

// This many leaves ahead statistics are asked for.
constexpr uint32_t kAhead = 6;
// Level-0 nodes in a section: up to 1,024 leaves, half a million samples, some 0.2 ms of decoding.
constexpr size_t kSectionNodes = 16;

// Statistics lie in a leaf's first two lines.
void PrefetchHead(const uint8_t* leaf) {
  __builtin_prefetch(leaf);
  __builtin_prefetch(leaf + 64);
}

// Late records of the view within [from, last], sorted by time, the one that stays of each key.
void GatherLate(const SeriesView& view, Timestamp from, Timestamp last, KeepDuplicate keep,
                std::vector<Sample>& late) {
  late.clear();
  for (uint32_t i = 0; i < view.late_count; ++i) {
    const Timestamp time = view.late->times()[i];
    if (time >= from && time <= last) late.push_back({time, view.late->values()[i]});
  }
  if (late.empty()) return;
  std::stable_sort(late.begin(), late.end(),
                   [](const Sample& a, const Sample& b) { return a.timestamp < b.timestamp; });
  size_t kept = 0;
  for (size_t i = 1; i < late.size(); ++i) {
    if (late[i].timestamp != late[kept].timestamp) {
      late[++kept] = late[i];
    } else if (keep == KeepDuplicate::kLater) {
      late[kept] = late[i];
    }
  }
  late.resize(kept + 1);
}

// Shows the leaves and the open leaf of a view in time order, late records merged in.
class ViewWalk {
 public:
  ViewWalk(const SeriesView& view, Timestamp from, Timestamp last, KeepDuplicate keep,
           WalkBuffer& buffer, SeriesVisitor& visitor)
      : view_(view), from_(from), last_(last), keep_(keep), buffer_(buffer), visitor_(visitor) {
    GatherLate(view, from, last, keep, buffer.late);
  }

  bool Run() {
    if (!view_.InOpen(from_) && !WalkNode(view_.root, 0, false)) return false;
    return ShowOpen();
  }

 private:
  // `next`: where the range of what follows the node begins, if `has_next`.
  bool WalkNode(const InnerNode* node, Timestamp next, bool has_next) {
    const uint32_t count = node->count();
    const uint32_t begin = node->Find(from_, count);
    if (node->level() == 0) {
      for (uint32_t i = begin; i < std::min(begin + kAhead, count); ++i)
        PrefetchHead(node->leaf_address(i));
    }
    for (uint32_t i = begin; i < count; ++i) {
      const Timestamp first = node->first(i);
      // Leaves from the open leaf on are newer than the view.
      if (i > 0 && (first > last_ || (view_.open > 0 && first >= view_.open_first()))) return true;
      const bool inner = i + 1 < count;
      const Timestamp child_next = inner ? node->first(i + 1) : next;
      const bool child_has_next = inner || has_next;
      if (node->level() > 0) {
        if (!WalkNode(node->node(i), child_next, child_has_next)) return false;
        continue;
      }
      if (i + kAhead < count) PrefetchHead(node->leaf_address(i + kAhead));
      if (!ShowLeaf(node->leaf(i), child_next, child_has_next,
                    inner && child_next <= last_ ? node->leaf_address(i + 1) : nullptr)) {
        return false;
      }
    }
    return true;
  }

  bool ShowLeaf(const uint8_t* leaf, Timestamp next, bool has_next, const uint8_t* following) {
    if (view_.open > 0 && (!has_next || next > view_.open_first())) {
      next = view_.open_first();
      has_next = true;
    }
    size_t late_end = buffer_.late.size();
    if (has_next) {
      late_end = late_at_;
      while (late_end < buffer_.late.size() && buffer_.late[late_end].timestamp < next) ++late_end;
    }
    WalkedLeaf shown{codec::BlockView::Trusted(leaf), {}, 0, 0, following};
    shown.statistics = shown.block.Statistics();
    if (shown.statistics.time_first <= last_ && shown.statistics.time_last >= from_) {
      shown.end = shown.statistics.count;
      if (from_ > shown.statistics.time_first) {
        shown.begin = static_cast<uint32_t>(shown.block.LowerBound(from_));
      }
      if (last_ < shown.statistics.time_last) {
        shown.end = static_cast<uint32_t>(shown.block.LowerBound(last_ + 1));
      }
    }
    if (late_end > late_at_) {
      Decode(shown);
      return ShowMerged(times_, values_, shown.end - shown.begin, late_end);
    }
    return shown.begin >= shown.end || visitor_.VisitLeaf(shown);
  }

  // Puts the leaf's samples in the range at times_ and values_.
  void Decode(const WalkedLeaf& leaf) {
    if (leaf.begin >= leaf.end) return;
    const auto [times, values] =
        DecodeColumns(leaf.block, leaf.begin, leaf.end, ColumnSet::kBoth, buffer_.room);
    times_ = times;
    values_ = values;
  }

  bool ShowOpen() {
    const Timestamp* times = view_.version->times();
    const Timestamp* begin = std::lower_bound(times, times + view_.open, from_);
    const Timestamp* end = std::upper_bound(begin, times + view_.open, last_);
    const double* values = view_.version->values() + (begin - times);
    const auto count = static_cast<size_t>(end - begin);
    if (late_at_ < buffer_.late.size()) {
      return ShowMerged(begin, values, count, buffer_.late.size());
    }
    return count == 0 || visitor_.VisitColumns(begin, values, count);
  }

  // The columns with the late records up to `late_end` merged in; there is at least one.
  bool ShowMerged(const Timestamp* times, const double* values, size_t count, size_t late_end) {
    std::vector<Timestamp>& merged_times = buffer_.merged_times;
    std::vector<double>& merged_values = buffer_.merged_values;
    merged_times.clear();
    merged_values.clear();
    size_t i = 0;
    const auto copy_to = [&](size_t end) {
      merged_times.insert(merged_times.end(), times + i, times + end);
      merged_values.insert(merged_values.end(), values + i, values + end);
      i = end;
    };
    for (; late_at_ < late_end; ++late_at_) {
      const Sample& late = buffer_.late[late_at_];
      copy_to(
          static_cast<size_t>(std::lower_bound(times + i, times + count, late.timestamp) - times));
      const bool both = i < count && times[i] == late.timestamp;
      merged_times.push_back(late.timestamp);
      merged_values.push_back(both && keep_ == KeepDuplicate::kEarlier ? values[i] : late.value);
      i += both;
    }
    copy_to(count);
    return visitor_.VisitColumns(merged_times.data(), merged_values.data(), merged_times.size());
  }

  const SeriesView& view_;
  const Timestamp from_;
  const Timestamp last_;
  const KeepDuplicate keep_;
  WalkBuffer& buffer_;
  SeriesVisitor& visitor_;
  size_t late_at_ = 0;
  const Timestamp* times_ = nullptr;
  const double* values_ = nullptr;
};

// First timestamps of the level-0 nodes under `node`, which is above them, that begin in (from,
// last].
void CollectNodes(const InnerNode* node, Timestamp from, Timestamp last,
                  std::vector<Timestamp>& firsts) {
  const uint32_t count = node->count();
  for (uint32_t i = node->Find(from, count); i < count && node->first(i) <= last; ++i) {
    if (node->level() > 1) {
      CollectNodes(node->node(i), from, last, firsts);
    } else if (node->first(i) > from) {
      firsts.push_back(node->first(i));
    }
  }
}

}  // namespace

void PrefetchWalk(const Tree& tree, SeriesId series) {
  const auto guard = tree.epochs().Pin();
  const Page* page = tree.FindPage(series);
  if (page == nullptr) return;
  const auto* version = page->dense[Tree::SlotOf(series)].load(std::memory_order_acquire);
  PrefetchVersion(version);
}

SeriesWalk::SeriesWalk(const Tree& tree, SeriesId series, Timestamp from, Timestamp last)
    : tree_(tree), guard_(tree.epochs().Pin()), series_(series), from_(from), last_(last) {
  const Page* page = tree.FindPage(series);
  if (page != nullptr) view_ = SeriesView::Load(*page, Tree::SlotOf(series));
}

size_t SeriesWalk::Split() {
  cuts_.clear();
  if (view_.root == nullptr || view_.root->level() == 0) return 1;
  std::vector<Timestamp> nodes;
  CollectNodes(view_.root, from_, last_, nodes);
  for (size_t at = kSectionNodes; at < nodes.size(); at += kSectionNodes) {
    cuts_.push_back(nodes[at]);
  }
  return cuts_.size() + 1;
}

bool SeriesWalk::Walk(size_t section, WalkBuffer& buffer, SeriesVisitor& visitor) const {
  const Timestamp from = this->from(section), last = this->last(section);
  if (from > last) return true;
  if (view_.version == nullptr) return WalkSparse(from, last, buffer, visitor);
  return ViewWalk(view_, from, last, tree_.keep(), buffer, visitor).Run();
}

bool SeriesWalk::WalkSparse(Timestamp from, Timestamp last, WalkBuffer& buffer,
                            SeriesVisitor& visitor) const {
  if (view_.shared == nullptr) return true;
  for (;;) {
    // One piece, or more if the series became dense meanwhile.
    const Piece piece = ReadPiece(tree_, series_, from, last, buffer.piece);
    if (piece.count > 0 && !visitor.VisitColumns(piece.times, piece.values, piece.count)) {
      return false;
    }
    if (!piece.more) return true;
    from = piece.next;
  }
}

}  // namespace tsdb::tree

#include "index/tree/series_reader.h"

#include <algorithm>
#include <cstring>

#include "index/tree/series_view.h"

namespace tsdb::tree {
namespace {

// Positions of a column within [from, last].
struct Extent {
  size_t begin;
  size_t end;
};

Extent ExtentOf(const Timestamp* times, size_t count, Timestamp from, Timestamp last) {
  const Timestamp* begin = std::lower_bound(times, times + count, from);
  const Timestamp* end = std::upper_bound(begin, times + count, last);
  return {static_cast<size_t>(begin - times), static_cast<size_t>(end - times)};
}

Extent ExtentOf(const codec::BlockView& block, const codec::BlockStatistics& statistics,
                Timestamp from, Timestamp last) {
  if (statistics.time_first > last || statistics.time_last < from) return {0, 0};
  Extent extent{0, statistics.count};
  if (from > statistics.time_first) extent.begin = block.LowerBound(from);
  if (last < statistics.time_last) extent.end = block.LowerBound(last + 1);
  return extent;
}

// Late records within [from, last], sorted by time, one per timestamp.
template <typename Visit>
void GatherLate(Visit visit_all, KeepDuplicate keep, PieceBuffer& buffer) {
  buffer.late.clear();
  visit_all();
  if (buffer.late.empty()) return;
  std::stable_sort(buffer.late.begin(), buffer.late.end(),
                   [](const Sample& a, const Sample& b) { return a.timestamp < b.timestamp; });
  size_t kept = 0;
  for (size_t i = 1; i < buffer.late.size(); ++i) {
    if (buffer.late[i].timestamp != buffer.late[kept].timestamp) {
      buffer.late[++kept] = buffer.late[i];
    } else if (keep == KeepDuplicate::kLater) {
      buffer.late[kept] = buffer.late[i];
    }
  }
  buffer.late.resize(kept + 1);
}

void GatherDenseLate(const SeriesView& view, Timestamp from, Timestamp last, KeepDuplicate keep,
                     PieceBuffer& buffer) {
  GatherLate(
      [&] {
        for (uint32_t i = 0; i < view.late_count; ++i) {
          const Timestamp time = view.late->times()[i];
          if (time >= from && time <= last) {
            buffer.late.push_back({time, view.late->values()[i]});
          }
        }
      },
      keep, buffer);
}

void GatherSharedLate(const SeriesView& view, uint32_t slot, Timestamp from, Timestamp last,
                      KeepDuplicate keep, PieceBuffer& buffer) {
  GatherLate(
      [&] {
        for (uint32_t i = 0; i < view.shared_delta; ++i) {
          const Timestamp time = view.shared->delta_times()[i];
          if (view.shared->delta_slots()[i] == slot && time >= from && time <= last) {
            buffer.late.push_back({time, view.shared->delta_values()[i]});
          }
        }
      },
      keep, buffer);
}

// Merges the gathered late records into the piece.
void MergeGathered(Piece& piece, KeepDuplicate keep, PieceBuffer& buffer) {
  if (buffer.late.empty()) return;
  buffer.merged_times.clear();
  buffer.merged_values.clear();
  size_t i = 0;
  auto push = [&](Timestamp time, double value) {
    buffer.merged_times.push_back(time);
    buffer.merged_values.push_back(value);
  };
  for (const Sample& late : buffer.late) {
    for (; i < piece.count && piece.times[i] < late.timestamp; ++i) {
      push(piece.times[i], piece.values[i]);
    }
    const bool both = i < piece.count && piece.times[i] == late.timestamp;
    push(late.timestamp, both && keep == KeepDuplicate::kEarlier ? piece.values[i] : late.value);
    i += both;
  }
  for (; i < piece.count; ++i) push(piece.times[i], piece.values[i]);
  piece.times = buffer.merged_times.data();
  piece.values = buffer.merged_values.data();
  piece.count = buffer.merged_times.size();
}

void CopyColumns(const Timestamp* times, const double* values, Extent extent, ColumnSet columns,
                 Piece& piece, PieceBuffer& buffer) {
  piece.count = extent.end - extent.begin;
  ColumnRoom& room = buffer.room;
  room.Reserve(piece.count + kVector);
  std::memcpy(room.values(), values + extent.begin, piece.count * sizeof(double));
  piece.values = room.values();
  if (columns == ColumnSet::kValues) return;
  std::memcpy(room.times(), times + extent.begin, piece.count * sizeof(Timestamp));
  piece.times = room.times();
}

void DecodeExtent(const codec::BlockView& block, Extent extent, ColumnSet columns, Piece& piece,
                  PieceBuffer& buffer) {
  piece.count = extent.end - extent.begin;
  if (piece.count == 0) return;
  const auto [times, values] = DecodeColumns(block, extent.begin, extent.end, columns, buffer.room);
  piece.times = times;
  piece.values = values;
}

Piece ReadShared(const SeriesView& view, uint32_t slot, Timestamp from, Timestamp last,
                 KeepDuplicate keep, PieceBuffer& buffer) {
  Piece piece;
  if (view.shared == nullptr) return piece;
  const Extent whole{view.shared->starts[slot], view.shared->starts[slot + 1]};
  if (whole.begin < whole.end) {
    DecodeExtent(view.shared->base(), whole, ColumnSet::kBoth, piece, buffer);
    const Extent inside = ExtentOf(piece.times, piece.count, from, last);
    piece.times += inside.begin;
    piece.values += inside.begin;
    piece.count = inside.end - inside.begin;
  }
  GatherSharedLate(view, slot, from, last, keep, buffer);
  MergeGathered(piece, keep, buffer);
  return piece;
}

Piece ReadDense(const SeriesView& view, Timestamp from, Timestamp last, KeepDuplicate keep,
                ColumnSet columns, PieceBuffer& buffer) {
  if (view.late_count > 0) columns = ColumnSet::kBoth;  // to find the late records' places
  for (;;) {
    Piece piece;
    Timestamp piece_last = last;
    if (view.InOpen(from)) {
      const Timestamp* times = view.version->times();
      CopyColumns(times, view.version->values(), ExtentOf(times, view.open, from, last), columns,
                  piece, buffer);
    } else {
      const LeafPosition position = FindLeaf(view, from);
      PrefetchLeaf(position.leaf);
      if (position.has_next && position.next <= last) {
        piece.more = true;
        piece.next = position.next;
        piece_last = position.next - 1;
        // Read next, it comes from memory while this one is decoded.
        if (position.following != nullptr) PrefetchLeaf(position.following);
      }
      const auto block = codec::BlockView::Trusted(position.leaf);
      Extent extent{0, block.count()};
      if (from > position.first) extent.begin = block.LowerBound(from);
      if (piece_last < block.LastTimestamp()) extent.end = block.LowerBound(piece_last + 1);
      DecodeExtent(block, extent, columns, piece, buffer);
    }
    if (view.late_count > 0) {
      GatherDenseLate(view, from, piece_last, keep, buffer);
      MergeGathered(piece, keep, buffer);
    }
    if (piece.count > 0 || !piece.more) return piece;
    from = piece.next;
  }
}

std::optional<double> FindLate(const Timestamp* times, const double* values, uint32_t count,
                               Timestamp timestamp, KeepDuplicate keep) {
  const double* found = nullptr;
  for (uint32_t i = 0; i < count; ++i) {
    if (times[i] != timestamp) continue;
    found = &values[i];
    if (keep == KeepDuplicate::kEarlier) break;
  }
  return found == nullptr ? std::nullopt : std::optional<double>(*found);
}

// The sample of an open leaf with this timestamp, or null.
const double* FindInOpen(const SeriesView& view, Timestamp timestamp) {
  const Timestamp* times = view.version->times();
  const uint32_t count = view.open;
  // Below the first one, too: a series without leaves has nothing else to look in.
  if (count == 0 || timestamp < times[0] || timestamp > times[count - 1]) return nullptr;
  // Scrapes are regular: guess from the mean stride, then walk; bisect what is not.
  const auto offset =
      static_cast<double>(static_cast<uint64_t>(timestamp) - static_cast<uint64_t>(times[0]));
  const auto width = static_cast<double>(static_cast<uint64_t>(times[count - 1]) -
                                         static_cast<uint64_t>(times[0]));
  auto at = width > 0 ? static_cast<uint32_t>(offset / width * (count - 1)) : 0;
  at = std::min(at, count - 1);
  for (int step = 0; step < 4; ++step) {
    if (times[at] == timestamp) return view.version->values() + at;
    if (times[at] < timestamp) {
      if (at + 1 >= count || times[at + 1] > timestamp) return nullptr;
      ++at;
    } else {
      if (at == 0) return nullptr;
      --at;
    }
  }
  const Timestamp* found = std::lower_bound(times, times + count, timestamp);
  if (found == times + count || *found != timestamp) return nullptr;
  return view.version->values() + (found - times);
}

std::optional<double> LookupDense(const SeriesView& view, Timestamp timestamp, KeepDuplicate keep) {
  std::optional<double> late;
  if (view.late_count > 0) [[unlikely]] {
    late = FindLate(view.late->times(), view.late->values(), view.late_count, timestamp, keep);
    if (late.has_value() && keep == KeepDuplicate::kLater) return late;
  }
  if (view.InOpen(timestamp)) {
    const double* value = FindInOpen(view, timestamp);
    return value != nullptr ? std::optional<double>(*value) : late;
  }
  const uint8_t* leaf = FindLeaf(view, timestamp).leaf;
  PrefetchLeaf(leaf);
  const auto block = codec::BlockView::Trusted(leaf);
  const size_t position = block.Find(timestamp);
  return position < block.count() ? std::optional<double>(block.ValueAt(position)) : late;
}

std::optional<double> LookupShared(const SeriesView& view, uint32_t slot, Timestamp timestamp,
                                   KeepDuplicate keep) {
  thread_local PieceBuffer buffer;  // sparse series are short; this stays at a few KB
  const Piece piece = ReadShared(view, slot, timestamp, timestamp, keep, buffer);
  return piece.count == 0 ? std::nullopt : std::optional<double>(piece.values[0]);
}

std::optional<double> LookupIn(const SeriesView& view, uint32_t slot, Timestamp timestamp,
                               KeepDuplicate keep) {
  return view.version != nullptr ? LookupDense(view, timestamp, keep)
                                 : LookupShared(view, slot, timestamp, keep);
}

}  // namespace

DecodedColumns DecodeColumns(const codec::BlockView& block, size_t begin, size_t end,
                             ColumnSet columns, ColumnRoom& room) {
  room.Reserve(RoundUpToVector(block.count()) + kVector);
  const size_t aligned = block.DecodeValueRange(begin, end, room.values());
  const double* values = room.values() + (begin - aligned);
  if (columns == ColumnSet::kValues) return {nullptr, values};
  block.DecodeTimestampRange(begin, end, room.times());
  return {room.times() + (begin - aligned), values};
}

std::optional<double> Lookup(const Tree& tree, SeriesId series, Timestamp timestamp) {
  const auto guard = tree.epochs().Pin();
  const Page* page = tree.FindPage(series);
  if (page == nullptr) return std::nullopt;
  const uint32_t slot = Tree::SlotOf(series);
  return LookupIn(SeriesView::Load(*page, slot), slot, timestamp, tree.keep());
}

std::optional<Sample> Last(const Tree& tree, SeriesId series) {
  const auto guard = tree.epochs().Pin();
  const Page* page = tree.FindPage(series);
  if (page == nullptr) return std::nullopt;
  const uint32_t slot = Tree::SlotOf(series);
  const SeriesView view = SeriesView::Load(*page, slot);
  if (view.version == nullptr) {
    PieceBuffer buffer;
    const Piece piece = ReadShared(view, slot, kTimestampMin, kTimestampMax, tree.keep(), buffer);
    if (piece.count == 0) return std::nullopt;
    return Sample{piece.times[piece.count - 1], piece.values[piece.count - 1]};
  }
  Sample sample;
  if (view.open > 0) {
    sample = {view.version->times()[view.open - 1], view.version->values()[view.open - 1]};
  } else if (view.root != nullptr) {
    const auto statistics =
        codec::BlockView::Trusted(FindLeaf(view, kTimestampMax).leaf).Statistics();
    sample = {statistics.time_last, statistics.last};
  } else {
    return std::nullopt;
  }
  // Late records never lie above the last one, but one may replace it.
  if (view.late_count > 0 && tree.keep() == KeepDuplicate::kLater) {
    const auto late = FindLate(view.late->times(), view.late->values(), view.late_count,
                               sample.timestamp, tree.keep());
    if (late.has_value()) sample.value = *late;
  }
  return sample;
}

Piece ReadPiece(const Tree& tree, SeriesId series, Timestamp from, Timestamp last,
                PieceBuffer& buffer, ColumnSet columns) {
  const auto guard = tree.epochs().Pin();
  const Page* page = tree.FindPage(series);
  if (page == nullptr || from > last) return Piece();
  const uint32_t slot = Tree::SlotOf(series);
  const SeriesView view = SeriesView::Load(*page, slot);
  return view.version == nullptr ? ReadShared(view, slot, from, last, tree.keep(), buffer)
                                 : ReadDense(view, from, last, tree.keep(), columns, buffer);
}

namespace {

// Walks the leaves under a node that may hold samples in [from, last], in time order.
class LeafSummary {
 public:
  LeafSummary(const SeriesView& view, Timestamp from, Timestamp last, bool use_statistics,
              KeepDuplicate keep, PieceBuffer& buffer)
      : view_(view),
        from_(from),
        last_(last),
        use_statistics_(use_statistics),
        keep_(keep),
        buffer_(buffer) {
    if (view.late_count == 0) return;
    GatherDenseLate(view, from, last, keep, buffer);
    late_.assign(buffer.late.begin(), buffer.late.end());
  }

  // `next`: where the range of what follows the node begins, if `has_next`.
  void Walk(const InnerNode* node, Timestamp next, bool has_next) {
    const uint32_t count = node->count();
    for (uint32_t i = node->Find(from_, count); i < count; ++i) {
      const Timestamp first = node->first(i);
      // Leaves from the open leaf on are newer than the view.
      if (i > 0 && (first > last_ || (view_.open > 0 && first >= view_.open_first()))) return;
      const bool inner = i + 1 < count;
      const Timestamp child_next = inner ? node->first(i + 1) : next;
      const bool child_has_next = inner || has_next;
      if (node->level() > 0) {
        Walk(node->node(i), child_next, child_has_next);
      } else {
        // Statistics lie in a leaf's first two lines; they come from memory in turn otherwise.
        if (i + kAhead < count) {
          __builtin_prefetch(node->leaf_address(i + kAhead));
          __builtin_prefetch(node->leaf_address(i + kAhead) + 64);
        }
        AddLeaf(codec::BlockView::Trusted(node->leaf(i)), child_next, child_has_next);
      }
    }
  }

  void AddOpen() {
    const Timestamp* times = view_.version->times();
    const Extent extent = ExtentOf(times, view_.open, from_, last_);
    if (late_at_ == late_.size()) {
      summary_.Add(view_.version->values() + extent.begin, extent.end - extent.begin);
      return;
    }
    Piece piece;
    CopyColumns(times, view_.version->values(), extent, ColumnSet::kBoth, piece, buffer_);
    AddMerged(piece, late_.size());
  }

  const Summary& summary() const { return summary_; }

 private:
  static constexpr uint32_t kAhead = 6;

  void AddLeaf(codec::BlockView block, Timestamp next, bool has_next) {
    if (view_.open > 0 && (!has_next || next > view_.open_first())) {
      next = view_.open_first();
      has_next = true;
    }
    size_t late_end = late_.size();
    if (has_next) {
      late_end = late_at_;
      while (late_end < late_.size() && late_[late_end].timestamp < next) ++late_end;
    }
    const codec::BlockStatistics statistics = block.Statistics();
    if (use_statistics_ && late_end == late_at_ && statistics.time_first >= from_ &&
        statistics.time_last <= last_) {
      summary_.Add(statistics);
      return;
    }
    Piece piece;
    const Extent extent = ExtentOf(block, statistics, from_, last_);
    const ColumnSet columns = late_end > late_at_ ? ColumnSet::kBoth : ColumnSet::kValues;
    DecodeExtent(block, extent, columns, piece, buffer_);
    AddMerged(piece, late_end);
  }

  void AddMerged(Piece& piece, size_t late_end) {
    buffer_.late.assign(late_.begin() + static_cast<std::ptrdiff_t>(late_at_),
                        late_.begin() + static_cast<std::ptrdiff_t>(late_end));
    late_at_ = late_end;
    MergeGathered(piece, keep_, buffer_);
    summary_.Add(piece.values, piece.count);
  }

  const SeriesView& view_;
  const Timestamp from_;
  const Timestamp last_;
  const bool use_statistics_;
  const KeepDuplicate keep_;
  PieceBuffer& buffer_;
  std::vector<Sample> late_;
  size_t late_at_ = 0;
  Summary summary_;
};

}  // namespace

Summary Summarize(const Tree& tree, SeriesId series, Timestamp from, Timestamp last,
                  bool use_statistics, PieceBuffer& buffer) {
  const auto guard = tree.epochs().Pin();
  Summary summary;
  const Page* page = tree.FindPage(series);
  if (page == nullptr || from > last) return summary;
  const uint32_t slot = Tree::SlotOf(series);
  const SeriesView view = SeriesView::Load(*page, slot);
  if (view.version == nullptr) {
    const Piece piece = ReadShared(view, slot, from, last, tree.keep(), buffer);
    summary.Add(piece.values, piece.count);
    return summary;
  }
  LeafSummary leaves(view, from, last, use_statistics, tree.keep(), buffer);
  if (!view.InOpen(from)) leaves.Walk(view.root, 0, false);
  leaves.AddOpen();
  return leaves.summary();
}

size_t LookupMany(const Tree& tree, std::span<const SeriesId> series,
                  std::span<const Timestamp> timestamps, std::span<double> results,
                  std::span<bool> found) {
  // Each step touches what the step before has asked for, for a whole group: the misses of a group
  // are in flight together instead of one after the other.
  constexpr size_t kGroup = 16;
  const Page* pages[kGroup];
  SeriesView views[kGroup];
  const uint8_t* leaves[kGroup];
  size_t hits = 0;
  for (size_t begin = 0; begin < series.size(); begin += kGroup) {
    const size_t count = std::min(kGroup, series.size() - begin);
    const auto guard = tree.epochs().Pin();
    for (size_t i = 0; i < count; ++i) {
      pages[i] = tree.FindPage(series[begin + i]);
      if (pages[i] != nullptr) {
        __builtin_prefetch(&pages[i]->dense[Tree::SlotOf(series[begin + i])]);
      }
    }
    for (size_t i = 0; i < count; ++i) {
      if (pages[i] == nullptr) continue;
      const uint32_t slot = Tree::SlotOf(series[begin + i]);
      const auto* version = pages[i]->dense[slot].load(std::memory_order_acquire);
      PrefetchVersion(version);
    }
    for (size_t i = 0; i < count; ++i) {
      leaves[i] = nullptr;
      if (pages[i] == nullptr) continue;
      views[i] = SeriesView::Load(*pages[i], Tree::SlotOf(series[begin + i]));
      if (views[i].root != nullptr) {
        PrefetchNode(views[i].root);
      }
    }
    for (size_t i = 0; i < count; ++i) {
      if (pages[i] == nullptr || views[i].version == nullptr ||
          views[i].InOpen(timestamps[begin + i])) {
        continue;
      }
      leaves[i] = FindLeaf(views[i], timestamps[begin + i]).leaf;
      PrefetchLeaf(leaves[i]);
    }
    for (size_t i = 0; i < count; ++i) {
      std::optional<double> value;
      if (pages[i] != nullptr) {
        const uint32_t slot = Tree::SlotOf(series[begin + i]);
        value = LookupIn(views[i], slot, timestamps[begin + i], tree.keep());
      }
      found[begin + i] = value.has_value();
      if (value.has_value()) {
        results[begin + i] = *value;
        ++hits;
      }
    }
  }
  return hits;
}

}  // namespace tsdb::tree

#include "index/label/listing.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "storage/base/labels.h"

namespace tsdb::label {
namespace {

constexpr uint32_t kValuesPerLock = 1024;  // about 0.1 ms
constexpr size_t kSeriesPerTurn = 65536;

using Count = Cardinality::Count;

bool Before(const Count& a, const Count& b) {
  if (a.count != b.count) return a.count > b.count;
  return std::tie(a.name, a.value) < std::tie(b.name, b.value);
}

// The `top` first of those it is shown.
class Top {
 public:
  explicit Top(size_t top) : top_(top) {}

  void Take(std::string_view name, std::string_view value, uint64_t count) {
    if (top_ == 0 || count == 0) return;
    if (heap_.size() == top_) {
      const Count& last = heap_.front();
      if (count < last.count) return;
      if (count == last.count && std::tie(last.name, last.value) <= std::tie(name, value)) return;
      std::pop_heap(heap_.begin(), heap_.end(), Before);
      heap_.pop_back();
    }
    heap_.push_back({std::string(name), std::string(value), count});
    std::push_heap(heap_.begin(), heap_.end(), Before);
  }
  std::vector<Count> Sorted() && {
    std::sort(heap_.begin(), heap_.end(), Before);
    return std::move(heap_);
  }

 private:
  const size_t top_;
  std::vector<Count> heap_;  // the last of them in front
};

std::vector<const NameIndex*> AllNames(const IndexState& state) {
  std::vector<const NameIndex*> names;
  ReaderMutexLock lock(&state.mutex);
  for (const auto& name : state.names.all()) names.push_back(name.get());
  return names;
}

// Calls `body(value id, posting)` for each value.
template <typename Body>
void ForEachValue(const IndexState& state, const NameIndex& name, Body body) {
  for (uint32_t begin = 0;; begin += kValuesPerLock) {
    ReaderMutexLock lock(&state.mutex);
    const uint32_t size = name.values().size();
    for (ValueId id = begin; id < std::min(size, begin + kValuesPerLock); ++id) {
      body(id, name.values().SeriesOf(id));
    }
    if (size <= begin + kValuesPerLock) return;
  }
}

struct NameView {
  const NameIndex* name = nullptr;
  uint32_t values = 0;
};

NameView FindName(const IndexState& state, std::string_view name) {
  ReaderMutexLock lock(&state.mutex);
  const NameIndex* const found = state.names.Find(name);
  return {found, found == nullptr ? 0 : found->values().size()};
}

// Those of the name's values that are marked, in order.
std::vector<std::string> Marked(const NameView& view, const std::vector<bool>& marked) {
  const ValueTable& values = view.name->values();
  const auto order = view.name->order().Get(values, view.values);
  std::vector<std::string_view> found;
  for (const ValueId id : *order) {
    if (id < view.values && marked[id]) found.push_back(values.TextOf(id));
  }
  const auto sorted = static_cast<ptrdiff_t>(found.size());
  for (auto id = static_cast<ValueId>(order->size()); id < view.values; ++id) {
    if (marked[id]) found.push_back(values.TextOf(id));
  }
  std::sort(found.begin() + sorted, found.end());
  std::inplace_merge(found.begin(), found.begin() + sorted, found.end());
  return {found.begin(), found.end()};
}

// Marks the values of a few series.
void MarkValues(const IndexState& state, const NameView& view, std::span<const SeriesId> series,
                std::vector<bool>& marked) {
  ReaderMutexLock lock(&state.mutex);
  for (const SeriesId id : series) {
    const auto* const chunk = view.name->column().ChunkAt(id / ValueColumn::kChunkIds);
    if (chunk != nullptr) {
      const uint32_t entry = (*chunk)[id % ValueColumn::kChunkIds];
      if (entry != 0) marked[entry - 1] = true;
      continue;
    }
    const std::string_view text = ValueInBytes(state.table.BytesOf(id), view.name->name());
    if (text.empty()) continue;
    const ValueId value = view.name->values().Find(text, HashOfText(text));
    if (value != kNoValue) marked[value] = true;
  }
}

}  // namespace

std::vector<std::string> NamesOf(const IndexState& state, const Roaring& series) {
  std::vector<std::string> names;
  for (const NameIndex* name : AllNames(state)) {
    ReaderMutexLock lock(&state.mutex);
    const Posting& present = name->present();
    const auto has = [&](SeriesId id) { return series.contains(id); };
    const bool any = present.is_list()
                         ? std::any_of(present.ids().begin(), present.ids().end(), has)
                         : series.intersect(present.bitmap());
    if (any) names.push_back(name->name());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> ValuesOf(const IndexState& state, std::string_view name,
                                  const Roaring& series) {
  const NameView view = FindName(state, name);
  if (view.name == nullptr || series.isEmpty()) return {};
  Roaring having;
  {
    ReaderMutexLock lock(&state.mutex);
    const Posting& present = view.name->present();
    having = present.is_list() ? series & present.ToRoaring() : series & present.bitmap();
  }
  std::vector<SeriesId> ids(having.cardinality());
  having.toUint32Array(ids.data());
  std::vector<bool> marked(view.values);
  for (size_t begin = 0; begin < ids.size(); begin += kSeriesPerTurn) {
    const size_t count = std::min(ids.size() - begin, kSeriesPerTurn);
    MarkValues(state, view, {&ids[begin], count}, marked);
  }
  return Marked(view, marked);
}

std::vector<std::string> AllValuesOf(const IndexState& state, std::string_view name,
                                     SeriesId bound) {
  const NameView view = FindName(state, name);
  if (view.name == nullptr) return {};
  std::vector<bool> marked(view.values);
  ForEachValue(state, *view.name, [&](ValueId id, const Posting& posting) {
    if (id < view.values && posting.count() > 0 && posting.First() < bound) marked[id] = true;
  });
  return Marked(view, marked);
}

Cardinality CountTop(const IndexState& state, SeriesId bound, size_t top) {
  Cardinality result;
  Top names(top), pairs(top), metrics(top);
  for (const NameIndex* name : AllNames(state)) {
    const bool metric = name->name() == kMetricNameLabel;
    uint64_t values = 0;
    ForEachValue(state, *name, [&](ValueId id, const Posting& posting) {
      const uint64_t count = posting.CountBelow(bound);
      if (count == 0) return;
      ++values;
      const std::string_view text = name->values().TextOf(id);
      pairs.Take(name->name(), text, count);
      if (metric) metrics.Take(name->name(), text, count);
    });
    names.Take(name->name(), {}, values);
    result.pairs += values;
    result.names += values > 0;
  }
  result.series = bound;
  result.names_by_values = std::move(names).Sorted();
  result.pairs_by_series = std::move(pairs).Sorted();
  result.metrics_by_series = std::move(metrics).Sorted();
  return result;
}

}  // namespace tsdb::label

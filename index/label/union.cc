#include "index/label/union.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "index/label/id_set.h"

namespace tsdb::label {
namespace {

constexpr size_t kReadPerLock = 1024;
constexpr size_t kValuesAhead = 8;
constexpr uint64_t kSortedIdsMax = 512;  // sorted by themselves, without a set of bits

// Nanoseconds, estimated, not fitted to measurements: only their ratios decide.
constexpr uint64_t kPerValue = 40;
constexpr uint64_t kPerListedId = 3;
constexpr uint64_t kPerBitmapId16 = 2;  // per 16 ids: bitmaps are joined a word at a time
constexpr uint64_t kPerColumnRead = 1;
constexpr uint64_t kPerLookedUpId = 200;

struct Sizes {
  uint64_t listed = 0;
  uint64_t in_bitmaps = 0;
};

template <typename Body>
void ForEachPosting(const IndexState& state, const NameIndex& name, std::span<const ValueId> values,
                    Body body) {
  for (size_t begin = 0; begin < values.size(); begin += kReadPerLock) {
    const size_t end = std::min(values.size(), begin + kReadPerLock);
    ReaderMutexLock lock(&state.mutex);
    for (size_t i = begin; i < end; ++i) {
      if (i + kValuesAhead < end) name.values().PrefetchSeries(values[i + kValuesAhead]);
      body(name.values().SeriesOf(values[i]));
    }
  }
}

Roaring FromPostings(const IndexState& state, const NameIndex& name,
                     std::span<const ValueId> values, SeriesId bound, const Sizes& sizes) {
  const bool sorting = sizes.listed <= kSortedIdsMax;
  std::vector<SeriesId> ids;
  IdSet set(sorting ? 0 : bound);
  Roaring result;
  ForEachPosting(state, name, values, [&](const Posting& posting) {
    if (!posting.is_list()) {
      // Lazily: counted and shrunk once, at the end.
      roaring_bitmap_lazy_or_inplace(&result.roaring, &posting.bitmap().roaring, true);
      return;
    }
    for (const SeriesId id : posting.ids()) {
      if (id >= bound) break;
      sorting ? ids.push_back(id) : set.Add(id);
    }
  });
  roaring_bitmap_repair_after_lazy(&result.roaring);
  if (sorting) {
    std::sort(ids.begin(), ids.end());
    result.addMany(ids.size(), ids.data());
  } else if (result.isEmpty()) {
    result = set.ToRoaring();
  } else {
    result |= set.ToRoaring();
  }
  return result;
}

// Bits of 64 column entries: those whose value is wanted.
uint64_t WantedBits(const uint32_t* entries, const uint8_t* wanted) {
  uint64_t bits = 0;
  for (unsigned i = 0; i < 64; ++i) bits |= uint64_t{wanted[entries[i]]} << i;
  return bits;
}

Roaring FromColumn(const IndexState& state, const NameIndex& name, uint32_t value_count,
                   std::span<const ValueId> values, SeriesId bound) {
  // By column entry: 0 for none, a value id + 1. Entries at the bound and above may be of newer
  // values, so chunks are read up to the bound only.
  const auto wanted = std::make_unique<uint8_t[]>(size_t{value_count} + 1);
  for (const ValueId value : values) wanted[value + 1] = 1;
  std::vector<const ValueColumn::Chunk*> chunks;
  std::vector<uint32_t> counts;
  {
    ReaderMutexLock lock(&state.mutex);
    const uint32_t count =
        std::min<uint32_t>(name.column().chunks(),
                           (uint64_t{bound} + ValueColumn::kChunkIds - 1) / ValueColumn::kChunkIds);
    for (uint32_t chunk = 0; chunk < count; ++chunk) {
      chunks.push_back(name.column().ChunkAt(chunk));
      counts.push_back(name.column().CountAt(chunk));
    }
  }
  IdSet set(bound);
  for (uint32_t chunk = 0; chunk < chunks.size(); ++chunk) {
    if (counts[chunk] == 0) continue;
    const SeriesId begin = chunk * ValueColumn::kChunkIds;
    const SeriesId end =
        static_cast<SeriesId>(std::min<uint64_t>(bound, uint64_t{begin} + ValueColumn::kChunkIds));
    if (chunks[chunk] == nullptr) {
      for (SeriesId series = begin; series < end; ++series) {
        const std::string_view text = ValueInBytes(state.table.BytesOf(series), name.name());
        if (text.empty()) continue;
        ReaderMutexLock lock(&state.mutex);
        const ValueId value = name.values().Find(text, HashOfText(text));
        if (value < value_count && wanted[value + 1] != 0) set.Add(series);
      }
      continue;
    }
    const uint32_t* const entries = chunks[chunk]->data();
    SeriesId series = begin;
    uint64_t* const words = set.Block(begin / IdSet::kBlockIds);
    for (; series + 64 <= end; series += 64) {
      words[series % IdSet::kBlockIds / 64] = WantedBits(entries + (series - begin), wanted.get());
    }
    for (; series < end; ++series) {
      if (wanted[entries[series - begin]] != 0) set.Add(series);
    }
  }
  return set.ToRoaring();
}

bool ColumnIsCheaper(const IndexState& state, const NameIndex& name, size_t values,
                     const Sizes& sizes) {
  const uint64_t by_postings =
      values * kPerValue + sizes.listed * kPerListedId + sizes.in_bitmaps * kPerBitmapId16 / 16;
  ReaderMutexLock lock(&state.mutex);
  const ValueColumn& column = name.column();
  const uint64_t dense_ids = uint64_t{column.dense_chunks()} * ValueColumn::kChunkIds;
  // More than this many at least are outside of dense chunks.
  const uint64_t present = name.present().count();
  const uint64_t outside = present - std::min(present, dense_ids);
  const uint64_t sparse_chunks = column.chunks() - column.dense_chunks();
  const uint64_t looked_up = std::max(outside, sparse_chunks * ValueColumn::kChunkIds / 2);
  return dense_ids * kPerColumnRead + looked_up * kPerLookedUpId < by_postings;
}

}  // namespace

Roaring UnionOfValues(const IndexState& state, const NameIndex& name, uint32_t value_count,
                      std::span<const ValueId> values, SeriesId bound, UnionWay way) {
  if (values.empty()) return {};
  if (way == UnionWay::kColumn) return FromColumn(state, name, value_count, values, bound);
  Sizes sizes;
  ForEachPosting(state, name, values, [&](const Posting& posting) {
    (posting.is_list() ? sizes.listed : sizes.in_bitmaps) += posting.count();
  });
  if (way == UnionWay::kCheaper && ColumnIsCheaper(state, name, values.size(), sizes)) {
    return FromColumn(state, name, value_count, values, bound);
  }
  return FromPostings(state, name, values, bound, sizes);
}

}  // namespace tsdb::label

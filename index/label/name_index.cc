#include "index/label/name_index.h"

#include <algorithm>

namespace tsdb::label {
namespace {

constexpr size_t kSlotsAhead = 16;  // prefetched: a look-up is a cache miss or two otherwise
constexpr size_t kSeriesAhead = 8;

}  // namespace

std::string_view ValueInBytes(std::string_view label_bytes, std::string_view name) {
  const char* position = label_bytes.data();
  const char* const end = position + label_bytes.size();
  while (position < end) {
    const std::string_view found = TextAt(position);
    const std::string_view value = TextAt(found.data() + found.size());
    if (found == name) return value;
    if (found > name) break;
    position = value.data() + value.size();
  }
  return {};
}

void NameIndex::Resolve(std::span<Entry> entries) const {
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i + kSlotsAhead < entries.size()) values_.Prefetch(entries[i + kSlotsAhead].hash);
    Entry& entry = entries[i];
    if (i > 0 && entry.hash == entries[i - 1].hash &&
        TextAt(entry.value) == TextAt(entries[i - 1].value)) {
      entry.id = entries[i - 1].id;
    } else {
      entry.id = values_.Find(TextAt(entry.value), entry.hash);
    }
  }
}

void NameIndex::Add(std::span<const Entry> entries, const SeriesTable& table) {
  const uint32_t chunk = entries[0].series / ValueColumn::kChunkIds;
  if (column_.Announce(chunk, static_cast<uint32_t>(entries.size()))) {
    FillColumn(chunk, entries[0].series, table);
  }
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i + kSeriesAhead < entries.size() && entries[i + kSeriesAhead].id != kNoValue) {
      values_.PrefetchSeries(entries[i + kSeriesAhead].id);
    }
    const Entry& entry = entries[i];
    ValueId id = entry.id;
    if (id == kNoValue) {
      // An entry before may have brought it.
      id = values_.Find(TextAt(entry.value), entry.hash);
      if (id == kNoValue) id = values_.Create(entry.value, entry.hash);
    }
    values_.AddSeries(id, entry.series);
    column_.Set(entry.series, id);
    present_.Append(entry.series);
  }
}

void NameIndex::FillColumn(uint32_t chunk, SeriesId end, const SeriesTable& table) {
  for (SeriesId series = chunk * ValueColumn::kChunkIds; series < end; ++series) {
    const std::string_view value = ValueInBytes(table.BytesOf(series), name_);
    if (!value.empty()) column_.Set(series, values_.Find(value, HashOfText(value)));
  }
}

size_t NameIndex::Bytes() const {
  return sizeof(*this) + name_.capacity() + values_.Bytes() + column_.Bytes() + present_.Bytes() +
         order_.Bytes();
}

}  // namespace tsdb::label

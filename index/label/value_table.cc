#include "index/label/value_table.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tsdb::label {
namespace {

constexpr size_t kFirstValueSlots = 8;

constexpr uint32_t ValueTagOf(uint64_t slot) { return static_cast<uint32_t>(slot >> 32); }
constexpr uint64_t ValueSlotOf(uint64_t hash, ValueId id) {
  return hash << 32 | (uint64_t{id} + 1);
}

}  // namespace

uint64_t HashOfText(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

ValueId ValueTable::Find(std::string_view text, uint64_t hash) const {
  if (slots_.empty()) return kNoValue;
  const size_t mask = slots_.size() - 1;
  const auto tag = static_cast<uint32_t>(hash);
  for (size_t i = tag & mask;; i = (i + 1) & mask) {
    const uint64_t slot = slots_[i];
    if (slot == 0) return kNoValue;
    if (ValueTagOf(slot) != tag) continue;
    const auto id = static_cast<ValueId>(static_cast<uint32_t>(slot) - 1);
    if (TextOf(id) == text) return id;
  }
}

ValueId ValueTable::Create(const char* text, uint64_t hash) {
  if (size_t{size_} + 1 > slots_.size() / 16 * 13) GrowSlots();
  const ValueId id = size_++;
  const uint64_t place = uint64_t{id} + (1u << kFirstChunkBits);
  const unsigned chunk = ChunkOf(place);
  if (chunks_[chunk] == nullptr) {
    const size_t values = size_t{1} << (chunk + kFirstChunkBits);
    chunks_[chunk] = std::make_unique<Value[]>(values);
    chunk_bytes_ += values * sizeof(Value);
  }
  At(id).text = text;
  Store(ValueSlotOf(hash, id));
  return id;
}

void ValueTable::Store(uint64_t slot) {
  const size_t mask = slots_.size() - 1;
  size_t i = ValueTagOf(slot) & mask;
  while (slots_[i] != 0) i = (i + 1) & mask;
  slots_[i] = slot;
}

void ValueTable::GrowSlots() {
  std::vector<uint64_t> old(slots_.empty() ? 2 * kFirstValueSlots : 2 * slots_.size());
  old.swap(slots_);
  for (const uint64_t slot : old) {
    if (slot != 0) Store(slot);
  }
}

void ValueTable::NoteGrowth(ValueId id, const Posting& posting) {
  if (!posting.is_list()) {
    in_bitmaps_.push_back(id);
    list_bytes_ -= Posting::kListMax * sizeof(SeriesId);
  } else if (posting.count() == 3) {
    list_bytes_ += posting.Bytes();
  } else {
    list_bytes_ += posting.Bytes() / 2;  // the list has doubled
  }
}

size_t ValueTable::Bytes() const {
  size_t bytes = sizeof(*this) + chunk_bytes_ + list_bytes_ +
                 slots_.capacity() * sizeof(slots_[0]) + in_bitmaps_.capacity() * sizeof(ValueId);
  for (const ValueId id : in_bitmaps_) bytes += At(id).series.Bytes();
  return bytes;
}

}  // namespace tsdb::label

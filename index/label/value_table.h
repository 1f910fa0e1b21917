// The values of one label name: value text -> dense value id, in order of first sight, and the
// series of each.
//
//   value --XXH3--> slot: tag u32 | value id + 1 --> value: address of the text | posting
//
// The text is not copied: it is that in the canonical label bytes of the first series that has the
// value, which never move. Values lie in chunks of 16, 32, 64, .. and never move either.
//
// Memory: 24 B a value and on average a third more in the last chunk, 10 to 20 B of slots, what
// its posting takes.
//
// Thread safety: none of its own: Create and changes of postings exclude everything else. But
// TextOf may be called at any time for values that were there when the caller last had a lock.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "index/label/posting.h"

namespace tsdb::label {

using ValueId = uint32_t;
inline constexpr ValueId kNoValue = 0xFFFFFFFF;

// The text behind a length in canonical label bytes (storage/base/labels.h).
inline std::string_view TextAt(const char* length_and_text) {
  size_t length = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<uint8_t>(*length_and_text++);
    length |= static_cast<size_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return {length_and_text, length};
  }
}

uint64_t HashOfText(std::string_view text);

class ValueTable {
 public:
  ValueTable() = default;
  ValueTable(const ValueTable&) = delete;
  ValueTable& operator=(const ValueTable&) = delete;

  uint32_t size() const { return size_; }
  ValueId Find(std::string_view text, uint64_t hash) const;
  // For a Find soon.
  void Prefetch(uint64_t hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
  }
  // A value without series. REQUIRES: Find finds none; the text at `text`, behind its length,
  // outlives the table.
  ValueId Create(const char* text, uint64_t hash);

  std::string_view TextOf(ValueId id) const { return TextAt(At(id).text); }
  const Posting& SeriesOf(ValueId id) const { return At(id).series; }
  // REQUIRES: `series` is above all series of the value.
  void AddSeries(ValueId id, SeriesId series) {
    Posting& posting = At(id).series;
    posting.Append(series);
    // Just past 2, 4, 8, .. series a posting takes new memory.
    const uint32_t before = posting.count() - 1;
    if (before > 1 && before <= Posting::kListMax && std::has_single_bit(before)) {
      NoteGrowth(id, posting);
    }
  }
  void PrefetchSeries(ValueId id) const { __builtin_prefetch(&At(id).series); }

  size_t Bytes() const;

 private:
  struct Value {
    const char* text = nullptr;
    Posting series;
  };
  static constexpr unsigned kFirstChunkBits = 4;

  static unsigned ChunkOf(uint64_t place) {
    return static_cast<unsigned>(std::bit_width(place)) - 1 - kFirstChunkBits;
  }
  // Chunk c has the places [16 << c, 32 << c).
  Value& At(ValueId id) const {
    const uint64_t place = uint64_t{id} + (1u << kFirstChunkBits);
    const unsigned chunk = ChunkOf(place);
    return chunks_[chunk][place - (uint64_t{1} << (chunk + kFirstChunkBits))];
  }
  void NoteGrowth(ValueId id, const Posting& posting);
  void GrowSlots();
  void Store(uint64_t slot);

  std::array<std::unique_ptr<Value[]>, 33 - kFirstChunkBits> chunks_;
  uint32_t size_ = 0;
  std::vector<uint64_t> slots_;  // a power of two, at most 13/16 full
  std::vector<ValueId> in_bitmaps_;
  size_t chunk_bytes_ = 0;
  size_t list_bytes_ = 0;
};

}  // namespace tsdb::label

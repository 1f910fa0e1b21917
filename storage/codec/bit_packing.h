// Lane-interleaved bit packing: the layout, and scalar access to one value.
//
// Value i lies in lane i % 8 at bits [row * width, row * width + width) of that lane, row = i / 8.
// Word j of all eight lanes is stored together, 64 bytes, lane 0 first, so one vector loop packs
// and unpacks at full width and any single value is at most two loads away:
//
//   byte 0        8        16             56
//        [lane 0 ][lane 1 ][ ...         ][lane 7 ]   word 0 of each lane: rows 0 .. 64/width
//        [lane 0 ][lane 1 ][ ...         ][lane 7 ]   word 1
//        [l0][l1] ... [l7]                            the last word, if less than full, narrowed
//
// The last word of each lane is cut to 1, 2 or 4 bytes if its bits fit, so that short columns stay
// short. A column therefore takes a multiple of 8 bytes, and none at all if width is 0.
//
// Thread safety: pure functions.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tsdb::codec {

inline constexpr uint32_t kLanes = 8;

inline uint32_t BitWidth(uint64_t value) { return 64 - std::countl_zero(value); }

// a - b for a >= b, which may be too far apart for int64_t.
inline uint64_t Difference(int64_t a, int64_t b) {
  return static_cast<uint64_t>(a) - static_cast<uint64_t>(b);
}

inline constexpr uint64_t LowBits(uint32_t width) {
  return width >= 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
}

inline constexpr uint32_t RowCount(size_t count) { return static_cast<uint32_t>((count + 7) / 8); }

// Bytes per lane of the narrowed last word that holds `bits` bits (0..63).
inline constexpr uint32_t TailBytes(uint32_t bits) {
  return bits == 0 ? 0 : bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : 8;
}

// Bytes that `count` values of `width` bits take.
inline constexpr size_t PackedBytes(size_t count, uint32_t width) {
  const uint32_t bits = RowCount(count) * width;
  return size_t{bits / 64} * 64 + size_t{TailBytes(bits % 64)} * kLanes;
}

template <typename T>
inline T LoadAs(const uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

template <typename T>
inline void StoreAs(uint8_t* bytes, T value) {
  std::memcpy(bytes, &value, sizeof(T));
}

// Word `word` of `lane` in a column of `rows` rows; the narrowed one is widened.
inline uint64_t PackedWord(const uint8_t* packed, uint32_t rows, uint32_t width, uint32_t word,
                           uint32_t lane) {
  const uint32_t full_words = rows * width / 64;
  const uint8_t* row = packed + size_t{word} * 64;
  if (word < full_words) [[likely]]
    return LoadAs<uint64_t>(row + lane * 8);
  switch (TailBytes(rows * width % 64)) {
    case 1:
      return row[lane];
    case 2:
      return LoadAs<uint16_t>(row + lane * 2);
    case 4:
      return LoadAs<uint32_t>(row + lane * 4);
    default:
      return LoadAs<uint64_t>(row + lane * 8);
  }
}

// Value `position` of a packed column of `count` values. REQUIRES: position < count.
inline uint64_t PackedValue(const uint8_t* packed, size_t count, uint32_t width, size_t position) {
  if (width == 0) return 0;
  const uint32_t rows = RowCount(count);
  const uint32_t lane = position % kLanes;
  const uint32_t bit = static_cast<uint32_t>(position / kLanes) * width;
  const uint32_t first = bit / 64, last = (bit + width - 1) / 64, shift = bit % 64;
  uint64_t value = PackedWord(packed, rows, width, first, lane) >> shift;
  if (last != first) value |= PackedWord(packed, rows, width, last, lane) << (64 - shift);
  return value & LowBits(width);
}

}  // namespace tsdb::codec

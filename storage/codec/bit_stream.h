// Plain little-endian bit streams, for columns too short for the lanes of bit_packing.h: value i
// lies at bits [i * width, i * width + width), the last byte is filled with zeros. And varints.
//
// Both sides move 64 bits at a time, so 8 bytes past a column are written (and then overwritten by
// what follows it) or read (and masked off): the memory must have them.
//
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "storage/codec/bit_packing.h"

namespace tsdb::codec {

// Bytes past its end that a column may touch.
inline constexpr size_t kBitStreamSlack = 8;

inline constexpr size_t BitStreamBytes(size_t count, uint32_t width) {
  return (count * width + 7) / 8;
}

inline uint64_t ToZigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
inline int64_t FromZigzag(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ (0 - (value & 1)));
}

inline constexpr size_t kVarintBytesMax = 10;

inline uint8_t* WriteVarint(uint64_t value, uint8_t* out) {
  for (; value >= 0x80; value >>= 7) *out++ = static_cast<uint8_t>(value | 0x80);
  *out++ = static_cast<uint8_t>(value);
  return out;
}

inline size_t VarintBytes(uint64_t value) { return (BitWidth(value | 1) + 6) / 7; }

// Returns the varint's end, or null if it does not end before `end` or has more than 64 bits.
inline const uint8_t* ReadVarint(const uint8_t* bytes, const uint8_t* end, uint64_t& value) {
  value = 0;
  for (uint32_t shift = 0; shift < 64 && bytes < end; shift += 7) {
    const uint64_t byte = *bytes++;
    if (shift == 63 && byte > 1) return nullptr;
    value |= (byte & 0x7F) << shift;
    if (byte < 0x80) return bytes;
  }
  return nullptr;
}

// Packs value(0) .. value(count - 1), each below 2^width, in order; returns the column's end.
template <typename Value>
inline uint8_t* PackBits(size_t count, uint32_t width, Value value, uint8_t* out) {
  if (width == 0) return out;
  uint64_t pending = 0;
  uint32_t bits = 0;  // of `pending`, below 8 between values
  const auto put = [&](uint64_t packed, uint32_t packed_width) {
    pending |= packed << bits;
    bits += packed_width;
    StoreAs(out, pending);
    out += bits / 8;
    pending >>= bits & 56;
    bits &= 7;
  };
  size_t i = 0;
  // Values joined first depend on each other less than stores one after the other.
  if (width <= 14) {
    for (; i + 4 <= count; i += 4) {
      const uint64_t low = value(i) | value(i + 1) << width;
      const uint64_t high = value(i + 2) | value(i + 3) << width;
      put(low | high << 2 * width, 4 * width);
    }
  }
  if (width <= 56) {
    for (; i < count; ++i) put(value(i), width);
  } else {
    for (; i < count; ++i) {
      const uint64_t whole = value(i);
      put(whole & LowBits(32), 32);
      put(whole >> 32, width - 32);
    }
  }
  StoreAs(out, pending);
  return out + (bits > 0);
}

// Calls sink(i, value) for each value in order.
template <typename Sink>
inline void UnpackBits(const uint8_t* column, size_t count, uint32_t width, Sink sink) {
  const uint64_t mask = LowBits(width);
  size_t i = 0, bit = 0;
  if (width <= 14) {
    for (; i + 4 <= count; i += 4, bit += size_t{4} * width) {
      const uint64_t four = LoadAs<uint64_t>(column + bit / 8) >> bit % 8;
      sink(i, four & mask);
      sink(i + 1, four >> width & mask);
      sink(i + 2, four >> 2 * width & mask);
      sink(i + 3, four >> 3 * width & mask);
    }
  }
  if (width <= 56) {
    for (; i < count; ++i, bit += width) {
      sink(i, LoadAs<uint64_t>(column + bit / 8) >> bit % 8 & mask);
    }
    return;
  }
  for (; i < count; ++i, bit += width) {
    const uint8_t* at = column + bit / 8;
    // With no shift the ninth byte is pushed out.
    const uint64_t high = uint64_t{at[8]} << 1 << (63 - bit % 8);
    sink(i, (LoadAs<uint64_t>(at) >> bit % 8 | high) & mask);
  }
}

}  // namespace tsdb::codec

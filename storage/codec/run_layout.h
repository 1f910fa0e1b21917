// What run.cc and run_reader.cc share: the modes of a run's columns, and the bit stream.
#pragma once

#include <cstddef>
#include <cstdint>

#include "storage/base/coding.h"

namespace tsdb::codec {

// Timestamps: 0 .. 64 a line whose residuals take so many bits, or
inline constexpr uint8_t kTimesAsBefore = 65;  // those of the run before
// Values: 0 .. 18 decimals with so many digits, as offsets from the least; 32 more: as deltas; or
inline constexpr uint8_t kDecimalDeltas = 32;
inline constexpr uint8_t kConstantValue = 64;
inline constexpr uint8_t kRawValues = 65;
// Zeros at the end of a payload, so that a packed value can be loaded whole.
inline constexpr size_t kRunsPadding = 9;

inline constexpr size_t StreamBytes(size_t count, uint32_t width) {
  return (count * width + 7) / 8;
}

// Value `i` of a stream of `width` bits each, lowest bits first. REQUIRES: kRunsPadding bytes
// follow the stream.
inline uint64_t StreamAt(const uint8_t* stream, size_t i, uint32_t width) {
  if (width == 0) return 0;
  const uint64_t bit = uint64_t{i} * width;
  const uint8_t* at = stream + (bit >> 3);
  const uint32_t shift = bit & 7;
  uint64_t value = GetFixed64(at) >> shift;
  if (shift + width > 64) value |= uint64_t{at[8]} << (64 - shift);
  return width == 64 ? value : value & ((uint64_t{1} << width) - 1);
}

}  // namespace tsdb::codec

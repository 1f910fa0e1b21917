// What the kernels share: partial rows, rows in full words, positions on a line, and integers in
// the low bits of doubles. Included by kernels_<set>.cc only, by way of kernel_loops.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "storage/codec/kernels.h"

namespace tsdb::codec {
namespace {

// Rows before this one, up to the last to produce, lie in full words entirely. A division, avoided
// where it says nothing.
inline uint32_t RowsInFullWords(const PackedRows& rows) {
  const uint32_t full_words = rows.rows * rows.width / 64;
  return rows.end * rows.width <= full_words * 64 ? rows.end : full_words * 64 / rows.width;
}

// The bits of 1.5 * 2^52: with an integer of less than 2^51 added, those of the double that is
// greater by that integer.
inline constexpr int64_t kDoubleOfInteger = 0x4338000000000000;

// Whether kDoubleOfInteger can have this taken from it, and what narrow columns add up on top.
inline bool FitsDoubleOfInteger(int64_t base) {
  return base > -(int64_t{1} << 50) && base < (int64_t{1} << 50);
}

template <class V>
struct Rows {
  using Integers = typename V::Integers;
  using Doubles = typename V::Doubles;

  // The row at `from`, of which only `lanes` exist; the others repeat the last that does.
  static Integers LoadPart(const void* from, size_t lanes) {
    uint64_t lane[8];
    std::memcpy(lane, from, lanes * 8);
    for (size_t i = lanes; i < 8; ++i) lane[i] = lane[lanes - 1];
    return V::Load(lane);
  }

  // Position i of a line: i * stride >> kLineFractionBits, eight positions at a time.
  struct Line {
    Integers scaled, step;
    Line(uint64_t stride, uint32_t row) {
      scaled = V::Add(V::Ramp(stride), V::Set(stride * 8 * row));
      step = V::Set(stride * 8);
    }
    Integers Next() {
      const Integers here = V::ShiftRight(scaled, kLineFractionBits);
      scaled = V::Add(scaled, step);
      return here;
    }
  };
};

}  // namespace
}  // namespace tsdb::codec

// Kernels that pack a column; bit_packing.h has the layout.
// Included by kernels_<set>.cc only, by way of kernel_loops.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "storage/codec/bit_packing.h"
#include "storage/codec/kernel_rows.h"
#include "storage/codec/kernels.h"

namespace tsdb::codec {
namespace {

template <class V>
struct Packing {
  using Integers = typename V::Integers;
  using Doubles = typename V::Doubles;

  using Line = typename Rows<V>::Line;

  static size_t StoreTail(Integers word, uint32_t bits, uint8_t* out) {
    uint64_t lane[8];
    V::Store(lane, word);
    const uint32_t bytes = TailBytes(bits);
    for (uint32_t i = 0; i < 8; ++i) std::memcpy(out + i * bytes, &lane[i], bytes);
    return size_t{bytes} * 8;
  }

  // Packs what source.Next() yields, a row each, every value below 2^width; source.Last(lanes)
  // yields the last row.
  template <class Source>
  static size_t Pack(Source source, size_t count, uint32_t width, uint8_t* const begin) {
    if (width == 0) return 0;
    const uint32_t rows = RowCount(count);
    const uint32_t last_lanes = static_cast<uint32_t>(count - size_t{rows - 1} * 8);
    uint8_t* out = begin;
    Integers word = V::Set(0);
    uint32_t bits = 0;
    for (uint32_t row = 0; row < rows; ++row) {
      Integers value = row + 1 < rows ? source.Next() : source.Last(last_lanes);
      // Lanes past the end are zero: bytes depend on the samples only.
      if (row + 1 == rows) value = V::FirstOf(last_lanes, value, V::Set(0));
      word = V::Or(word, V::ShiftLeft(value, bits));
      bits += width;
      if (bits >= 64) {
        V::Store(out, word);
        out += 64;
        bits -= 64;
        word = V::ShiftRight(value, width - bits);
      }
    }
    if (bits > 0) out += StoreTail(word, bits, out);
    return static_cast<size_t>(out - begin);
  }

  struct FrameSource {
    const int64_t* column;
    Integers base;
    uint32_t shift;
    Integers Next() {
      const Integers row = V::Load(column);
      column += 8;
      return V::ShiftRight(V::Subtract(row, base), shift);
    }
    Integers Last(uint32_t) { return Next(); }
  };
  struct DeltaSource {
    const int64_t* column;
    Integers before, delta_min;
    uint32_t shift;
    Integers Next() {
      const Integers row = V::Load(column);
      column += 8;
      const Integers delta = V::Subtract(row, V::Previous(row, before));
      before = row;
      return V::ShiftRight(V::Subtract(delta, delta_min), shift);
    }
    Integers Last(uint32_t) { return Next(); }
  };
  struct LineSource {
    const int64_t* column;
    Integers base;
    Line line;
    Integers Next() {
      const Integers row = V::Load(column);
      column += 8;
      return V::Subtract(V::Subtract(row, base), line.Next());
    }
    Integers Last(uint32_t lanes) {
      return V::Subtract(V::Subtract(Rows<V>::LoadPart(column, lanes), base), line.Next());
    }
  };

  static size_t PackFrame(const int64_t* column, size_t count, int64_t base, uint32_t shift,
                          uint32_t width, uint8_t* out) {
    return Pack(FrameSource{column, V::Set(static_cast<uint64_t>(base)), shift}, count, width, out);
  }
  static size_t PackDelta(const int64_t* column, size_t count, int64_t carry, int64_t delta_min,
                          uint32_t shift, uint32_t width, uint8_t* out) {
    return Pack(DeltaSource{column, V::Set(static_cast<uint64_t>(carry)),
                            V::Set(static_cast<uint64_t>(delta_min)), shift},
                count, width, out);
  }
  static size_t PackLine(const int64_t* column, size_t count, int64_t base, uint64_t stride,
                         uint32_t width, uint8_t* out) {
    return Pack(LineSource{column, V::Set(static_cast<uint64_t>(base)), Line(stride, 0)}, count,
                width, out);
  }
};

}  // namespace
}  // namespace tsdb::codec

#include "tsdb/merge/transpose.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tsdb::merge {
namespace {

constexpr uint32_t kTile = 8;

// Rows [row_begin, row_end) of columns [column_begin, column_end), one value at a time.
void TransposeValues(const uint64_t* from, uint32_t columns, const uint32_t* begins, uint64_t* to,
                     uint32_t row_begin, uint32_t row_end, uint32_t column_begin,
                     uint32_t column_end) {
  for (uint32_t column = column_begin; column < column_end; ++column) {
    uint64_t* run = to + begins[column];
    for (uint32_t row = row_begin; row < row_end; ++row) {
      run[row] = from[uint64_t{row} * columns + column];
    }
  }
}

void TransposePortable(const uint64_t* from, uint32_t rows, uint32_t columns,
                       const uint32_t* begins, uint64_t* to) {
  for (uint32_t column = 0; column < columns; column += kTile) {
    const uint32_t column_end = column + kTile < columns ? column + kTile : columns;
    for (uint32_t row = 0; row < rows; row += kTile) {
      const uint32_t row_end = row + kTile < rows ? row + kTile : rows;
      TransposeValues(from, columns, begins, to, row, row_end, column, column_end);
    }
  }
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) inline void TransposeTile(const uint64_t* from, uint32_t columns,
                                                             const uint32_t* begins, uint64_t* to,
                                                             uint32_t row, uint32_t column) {
  __m512i r[kTile];
  for (uint32_t i = 0; i < kTile; ++i) {
    r[i] = _mm512_loadu_si512(from + uint64_t{row + i} * columns + column);
  }
  // Pairs of rows, then pairs of 128-bit lanes, then of 256-bit halves.
  __m512i p[kTile];
  for (uint32_t i = 0; i < kTile; i += 2) {
    p[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
    p[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
  }
  __m512i q[kTile];
  for (uint32_t half = 0; half < kTile; half += 4) {
    for (uint32_t odd = 0; odd < 2; ++odd) {
      const __m512i a = p[half + odd];
      const __m512i b = p[half + 2 + odd];
      q[half + odd] = _mm512_shuffle_i64x2(a, b, 0x88);
      q[half + 2 + odd] = _mm512_shuffle_i64x2(a, b, 0xdd);
    }
  }
  // q[half + odd] holds, of rows half .. half + 3, columns odd and odd + 4; q[half + 2 + odd]
  // columns odd + 2 and odd + 6.
  for (uint32_t c = 0; c < 4; ++c) {
    const __m512i top = q[c];
    const __m512i bottom = q[4 + c];
    const uint32_t low = c;
    const uint32_t high = c + 4;
    _mm512_storeu_si512(to + begins[column + low] + row, _mm512_shuffle_i64x2(top, bottom, 0x88));
    _mm512_storeu_si512(to + begins[column + high] + row, _mm512_shuffle_i64x2(top, bottom, 0xdd));
  }
}

__attribute__((target("avx512f"))) void TransposeAvx512(const uint64_t* from, uint32_t rows,
                                                        uint32_t columns, const uint32_t* begins,
                                                        uint64_t* to) {
  const uint32_t tile_rows = rows / kTile * kTile;
  const uint32_t tile_columns = columns / kTile * kTile;
  for (uint32_t row = 0; row < tile_rows; row += kTile) {
    for (uint32_t column = 0; column < tile_columns; column += kTile) {
      TransposeTile(from, columns, begins, to, row, column);
    }
  }
  TransposeValues(from, columns, begins, to, 0, tile_rows, tile_columns, columns);
  TransposeValues(from, columns, begins, to, tile_rows, rows, 0, columns);
}
#endif

}  // namespace

void Transpose(const uint64_t* from, uint32_t rows, uint32_t columns, const uint32_t* begins,
               uint64_t* to) {
  using Function = void (*)(const uint64_t*, uint32_t, uint32_t, const uint32_t*, uint64_t*);
  static const Function transpose = [] {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return &TransposeAvx512;
#endif
    return &TransposePortable;
  }();
  transpose(from, rows, columns, begins, to);
}

}  // namespace tsdb::merge

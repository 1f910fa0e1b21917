#include "tsdb/merge/transpose.h"

#include "storage/codec/instruction_set.h"

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
// Each tile by kTransposeTile, what is beside them one value at a time. Is inlined into functions
// for the tile's instruction set.
template <auto kTransposeTile>
inline __attribute__((always_inline)) void TransposeTiles(const uint64_t* from, uint32_t rows,
                                                          uint32_t columns, const uint32_t* begins,
                                                          uint64_t* to) {
  const uint32_t tile_rows = rows / kTile * kTile;
  const uint32_t tile_columns = columns / kTile * kTile;
  for (uint32_t row = 0; row < tile_rows; row += kTile) {
    for (uint32_t column = 0; column < tile_columns; column += kTile) {
      kTransposeTile(from, columns, begins, to, row, column);
    }
  }
  TransposeValues(from, columns, begins, to, 0, tile_rows, tile_columns, columns);
  TransposeValues(from, columns, begins, to, tile_rows, rows, 0, columns);
}

// Four rows of four columns at a time.
__attribute__((target("avx2"))) inline void TileAvx2(const uint64_t* from, uint32_t columns,
                                                     const uint32_t* begins, uint64_t* to,
                                                     uint32_t row, uint32_t column) {
  for (uint32_t c = column; c < column + kTile; c += 4) {
    for (uint32_t r = row; r < row + kTile; r += 4) {
      __m256i rows[4];
      for (uint32_t i = 0; i < 4; ++i) {
        rows[i] = _mm256_loadu_si256(
            reinterpret_cast<const __m256i*>(from + uint64_t{r + i} * columns + c));
      }
      // Of two rows each, columns odd and odd + 2.
      __m256i top[2] = {_mm256_unpacklo_epi64(rows[0], rows[1]),
                        _mm256_unpackhi_epi64(rows[0], rows[1])};
      __m256i bottom[2] = {_mm256_unpacklo_epi64(rows[2], rows[3]),
                           _mm256_unpackhi_epi64(rows[2], rows[3])};
      for (uint32_t odd = 0; odd < 2; ++odd) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + begins[c + odd] + r),
                            _mm256_permute2x128_si256(top[odd], bottom[odd], 0x20));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + begins[c + 2 + odd] + r),
                            _mm256_permute2x128_si256(top[odd], bottom[odd], 0x31));
      }
    }
  }
}

__attribute__((target("avx512f"))) inline void TileAvx512(const uint64_t* from, uint32_t columns,
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

__attribute__((target("avx2"))) void TransposeAvx2(const uint64_t* from, uint32_t rows,
                                                   uint32_t columns, const uint32_t* begins,
                                                   uint64_t* to) {
  TransposeTiles<TileAvx2>(from, rows, columns, begins, to);
}

__attribute__((target("avx512f"))) void TransposeAvx512(const uint64_t* from, uint32_t rows,
                                                        uint32_t columns, const uint32_t* begins,
                                                        uint64_t* to) {
  TransposeTiles<TileAvx512>(from, rows, columns, begins, to);
}
#endif

}  // namespace

void Transpose(const uint64_t* from, uint32_t rows, uint32_t columns, const uint32_t* begins,
               uint64_t* to) {
#if defined(__x86_64__)
  const codec::InstructionSet set = codec::ActiveInstructionSet();
  if (set == codec::InstructionSet::kAvx512)
    return TransposeAvx512(from, rows, columns, begins, to);
  if (set == codec::InstructionSet::kAvx2) return TransposeAvx2(from, rows, columns, begins, to);
#endif
  TransposePortable(from, rows, columns, begins, to);
}

}  // namespace tsdb::merge

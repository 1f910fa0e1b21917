// Columns of few bits, four rows at a time: a word of four rows becomes one register of 16-bit
// fields, which are added up together and leave it as doubles or integers. It takes two thirds of
// the time of a row at a time; nearly all columns of metrics are narrow enough.
//
// Each function takes the rows from `rows.begin` on that it can, none if the column is too wide,
// and moves `rows.begin`, `out` and what is carried from row to row to where it stopped; the caller
// goes on from there (kernel_unpacking.h). Included by vector_avx512.h only.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "storage/codec/bit_packing.h"
#include "storage/codec/kernel_rows.h"
#include "storage/codec/kernels.h"

namespace tsdb::codec {
namespace {

class NarrowAvx512 {
 public:
  static void AlpDelta(PackedRows& rows, int64_t& carry, int64_t delta_min, uint32_t shift,
                       int exponent, double*& out) {
    // Sums of 32 deltas, moved up by half of what a field holds, fit it.
    if (rows.width == 0 || rows.width + shift > 11 || delta_min < -kDeltaMax ||
        delta_min >= kDeltaMax - static_cast<int64_t>(LowBits(rows.width) << shift) ||
        !FitsDoubleOfInteger(carry)) {
      return;
    }
    // Field r of lane i is 8 * r + i + 1: how many deltas have been added up there.
    const __m512i terms = _mm512_add_epi64(Set(0x0019'0011'0009'0001), Ramp(0x0001'0001'0001'0001));
    const __m512i deltas_min = _mm512_add_epi16(
        _mm512_mullo_epi16(terms, _mm512_set1_epi16(static_cast<int16_t>(delta_min))),
        _mm512_set1_epi16(static_cast<int16_t>(kFieldMiddle)));
    const __m512i step = Set(8 * kRows * delta_min);
    const Decimals decimals(exponent);
    __m512i base = Set(kDoubleOfInteger + kFieldMiddle - carry);
    Fields fields(rows, shift);
    uint32_t row = rows.begin;
    for (const uint32_t end = RowsInFullWords(rows); row + kRows <= end; row += kRows) {
      const __m512i sums = PrefixSums(fields.Next());
      // Of the rows' sums: field r is of rows 0 to r.
      __m512i totals = _mm512_permutexvar_epi64(Set(7), sums);
      totals = _mm512_add_epi16(totals, _mm512_slli_epi64(totals, 16));
      totals = _mm512_add_epi16(totals, _mm512_slli_epi64(totals, 32));
      const __m512i before = _mm512_add_epi16(deltas_min, _mm512_slli_epi64(totals, 16));
      decimals.Store(_mm512_add_epi16(sums, before), base, out);
      out += 8 * kRows;
      base = _mm512_sub_epi64(base, _mm512_add_epi64(step, _mm512_srli_epi64(totals, 48)));
    }
    rows.begin = row;
    carry = kDoubleOfInteger + kFieldMiddle - _mm_cvtsi128_si64(_mm512_castsi512_si128(base));
  }

  static void AlpFrame(PackedRows& rows, int64_t base, uint32_t shift, int exponent, double*& out) {
    if (rows.width == 0 || rows.width + shift > 16 || !FitsDoubleOfInteger(base)) return;
    const Decimals decimals(exponent);
    const __m512i double_base = Set(kDoubleOfInteger - base);
    Fields fields(rows, shift);
    uint32_t row = rows.begin;
    for (const uint32_t end = RowsInFullWords(rows); row + kRows <= end; row += kRows) {
      decimals.Store(fields.Next(), double_base, out);
      out += 8 * kRows;
    }
    rows.begin = row;
  }

  static void Line(PackedRows& rows, int64_t base, uint64_t stride, int64_t*& out) {
    // The residuals are put into the low bits of the base.
    const uint64_t low = (static_cast<uint64_t>(base) & 0xFFFF) + LowBits(rows.width);
    if (rows.width == 0 || rows.width > 16 || low > 0xFFFF) return;
    const __m512i low_bits = _mm512_set1_epi16(static_cast<int16_t>(base));
    __m512i scaled =
        _mm512_add_epi64(_mm512_mullo_epi64(_mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7), Set(stride)),
                         Set(stride * 8 * rows.begin));
    const __m512i step = Set(stride * 8);
    Fields fields(rows, 0);
    uint32_t row = rows.begin;
    for (const uint32_t end = RowsInFullWords(rows); row + kRows <= end; row += kRows) {
      const __m512i residuals = _mm512_add_epi16(fields.Next(), low_bits);
#pragma GCC unroll 4
      for (uint32_t i = 0; i < kRows; ++i) {
        const __m512i line = _mm512_srli_epi64(scaled, kLineFractionBits);
        _mm512_storeu_si512(out, _mm512_add_epi64(line, Field(residuals, i, Set(base))));
        scaled = _mm512_add_epi64(scaled, step);
        out += 8;
      }
    }
    rows.begin = row;
  }

 private:
  static constexpr uint32_t kRows = 4;
  static constexpr int64_t kDeltaMax = 1024;
  static constexpr int64_t kFieldMiddle = 0x8000;
  template <typename T>
  static __m512i Set(T value) {
    return _mm512_set1_epi64(static_cast<long long>(value));
  }
  static __m512i Ramp(uint64_t step) {
    return _mm512_mullo_epi64(_mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7), Set(step));
  }

  // The rows of a column, four by four: field r of lane i is value i of row r, shifted left.
  class Fields {
   public:
    Fields(const PackedRows& rows, uint32_t shift)
        : packed_(rows.packed),
          bit_(rows.begin * rows.width),
          word_bits_(kRows * rows.width),
          position_(Set(bit_)),
          step_(Set(word_bits_)),
          mask_(_mm512_set1_epi16(static_cast<int16_t>(LowBits(rows.width) << shift))) {
      uint64_t spread = 0;  // byte i: where in a word byte i of the fields begins
      for (uint32_t row = 0; row < kRows; ++row) {
        const uint64_t low = row * rows.width - shift;
        spread |= (low % 64 | (low + 8) % 64 << 8) << (16 * row);
      }
      spread_ = Set(spread);
    }
    __m512i Next() {
      const auto word = [&](uint32_t bit) {
        return _mm512_loadu_si512(packed_ + size_t{bit / 64} * 64);
      };
      const __m512i bits = _mm512_shrdv_epi64(word(bit_), word(bit_ + word_bits_ - 1), position_);
      position_ = _mm512_add_epi64(position_, step_);
      bit_ += word_bits_;
      return _mm512_and_si512(_mm512_multishift_epi64_epi8(spread_, bits), mask_);
    }

   private:
    const uint8_t* packed_;
    uint32_t bit_, word_bits_;
    __m512i position_, step_, spread_, mask_;
  };

  // Adds up each row's fields on their own.
  static __m512i PrefixSums(__m512i a) {
    const __m512i zero = _mm512_setzero_si512();
    a = _mm512_add_epi16(a, _mm512_alignr_epi64(a, zero, 7));
    a = _mm512_add_epi16(a, _mm512_alignr_epi64(a, zero, 6));
    return _mm512_add_epi16(a, _mm512_alignr_epi64(a, zero, 4));
  }

  // `upper` with the fields of one row in place of its low 16 bits.
  static __m512i Field(__m512i fields, uint32_t row, __m512i upper) {
    return _mm512_mask_multishift_epi64_epi8(upper, 0x0303030303030303, Set(0x0800 + 0x1010 * row),
                                             fields);
  }

  class Decimals {
   public:
    explicit Decimals(int exponent)
        : inverse_(_mm512_set1_pd(kPowersOfTenInverse[exponent])),
          rest_(_mm512_set1_pd(kPowersOfTenInverseRest[exponent])) {}
    // Stores the decimals of what four rows of fields are above an integer, given as the bits of
    // kDoubleOfInteger less it.
    void Store(__m512i fields, __m512i base, double* out) const {
      __m512d integers[kRows];
#pragma GCC unroll 4
      for (uint32_t i = 0; i < kRows; ++i) {
        const __m512i sum = Field(fields, i, Set(kDoubleOfInteger));
        integers[i] = _mm512_sub_pd(_mm512_castsi512_pd(sum), _mm512_castsi512_pd(base));
      }
#pragma GCC unroll 4
      for (uint32_t i = 0; i < kRows; ++i) {
        const __m512d rest = _mm512_mul_pd(integers[i], rest_);
        _mm512_storeu_pd(out + 8 * i, _mm512_fmadd_pd(integers[i], inverse_, rest));
      }
    }

   private:
    __m512d inverse_, rest_;
  };
};

}  // namespace
}  // namespace tsdb::codec

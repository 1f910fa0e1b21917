// As narrow_avx512.h, which says what each function takes and leaves, of two registers with four
// lanes each: four rows of 16-bit fields at a time. It takes half of the time of a row at a time.
// Included by vector_avx2.h only.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "storage/codec/bit_packing.h"
#include "storage/codec/kernel_rows.h"
#include "storage/codec/kernels.h"

namespace tsdb::codec {
namespace {

class NarrowAvx2 {
 public:
  static void AlpDelta(PackedRows& rows, int64_t& carry, int64_t delta_min, uint32_t shift,
                       int exponent, double*& out) {
    // Sums of 32 deltas, moved up by half of what a field holds, fit it.
    if (rows.width == 0 || rows.width + shift > 11 || delta_min < -kDeltaMax ||
        delta_min >= kDeltaMax - static_cast<int64_t>(LowBits(rows.width) << shift) ||
        !Exact(carry)) {
      return;
    }
    // Field r of lane i is 8 * r + i + 1: how many deltas have been added up there.
    const __m256i terms = _mm256_add_epi64(Set(0x0019'0011'0009'0001), Ramp(0x0001'0001'0001'0001));
    const auto deltas_min = [&](__m256i count) {
      return _mm256_add_epi16(
          _mm256_mullo_epi16(count, _mm256_set1_epi16(static_cast<int16_t>(delta_min))),
          _mm256_set1_epi16(static_cast<int16_t>(kFieldMiddle)));
    };
    const __m256i low_min = deltas_min(terms);
    const __m256i high_min = deltas_min(_mm256_add_epi16(terms, _mm256_set1_epi16(4)));
    const __m256i step = Set(8 * kRows * delta_min);
    const Decimals decimals(exponent);
    __m256i base = Set(kDoubleOfInteger + kFieldMiddle - carry);
    Fields fields(rows, shift);
    uint32_t row = rows.begin;
    for (const uint32_t end = RowsInFullWords(rows); row + kRows <= end; row += kRows) {
      const __m256i low = PrefixSums(fields.Low());
      const __m256i high =
          _mm256_add_epi16(PrefixSums(fields.High()), _mm256_permute4x64_epi64(low, 0xFF));
      fields.Next();
      // Of the rows' sums: field r is of rows 0 to r.
      __m256i totals = _mm256_permute4x64_epi64(high, 0xFF);
      totals = _mm256_add_epi16(totals, _mm256_slli_epi64(totals, 16));
      totals = _mm256_add_epi16(totals, _mm256_slli_epi64(totals, 32));
      const __m256i before = _mm256_slli_epi64(totals, 16);
      decimals.Store(_mm256_add_epi16(low, _mm256_add_epi16(low_min, before)), base, out);
      decimals.Store(_mm256_add_epi16(high, _mm256_add_epi16(high_min, before)), base, out + 4);
      out += 8 * kRows;
      base = _mm256_sub_epi64(base, _mm256_add_epi64(step, _mm256_srli_epi64(totals, 48)));
    }
    rows.begin = row;
    carry = kDoubleOfInteger + kFieldMiddle - _mm_cvtsi128_si64(_mm256_castsi256_si128(base));
  }

  static void AlpFrame(PackedRows& rows, int64_t base, uint32_t shift, int exponent, double*& out) {
    if (rows.width == 0 || rows.width + shift > 16 || !Exact(base)) return;
    const Decimals decimals(exponent);
    const __m256i double_base = Set(kDoubleOfInteger - base);
    Fields fields(rows, shift);
    uint32_t row = rows.begin;
    for (const uint32_t end = RowsInFullWords(rows); row + kRows <= end; row += kRows) {
      decimals.Store(fields.Low(), double_base, out);
      decimals.Store(fields.High(), double_base, out + 4);
      fields.Next();
      out += 8 * kRows;
    }
    rows.begin = row;
  }

  static void Line(PackedRows& rows, int64_t base, uint64_t stride, int64_t*& out) {
    // The residuals are put into the low bits of the base.
    const uint64_t low = (static_cast<uint64_t>(base) & 0xFFFF) + LowBits(rows.width);
    if (rows.width == 0 || rows.width > 16 || low > 0xFFFF) return;
    const __m256i low_bits = _mm256_set1_epi16(static_cast<int16_t>(base));
    __m256i scaled = _mm256_add_epi64(Ramp(stride), Set(stride * 8 * rows.begin));
    const __m256i half_step = Set(stride * 4);
    Fields fields(rows, 0);
    uint32_t row = rows.begin;
    for (const uint32_t end = RowsInFullWords(rows); row + kRows <= end; row += kRows) {
      const __m256i halves[2] = {_mm256_add_epi16(fields.Low(), low_bits),
                                 _mm256_add_epi16(fields.High(), low_bits)};
      fields.Next();
#pragma GCC unroll 8
      for (uint32_t i = 0; i < 2 * kRows; ++i) {
        const __m256i line = _mm256_srli_epi64(scaled, kLineFractionBits);
        StoreIntegers(out, _mm256_add_epi64(line, Field(halves[i % 2], i / 2, Set(base))));
        scaled = _mm256_add_epi64(scaled, half_step);
        out += 4;
      }
    }
    rows.begin = row;
  }

 private:
  static constexpr uint32_t kRows = 4;
  static constexpr int64_t kDeltaMax = 1024;
  static constexpr int64_t kFieldMiddle = 0x8000;
  // The bits of 1.5 * 2^52: with an integer of less than 2^51 added, those of the double that is
  // greater by that integer.
  static constexpr int64_t kDoubleOfInteger = 0x4338000000000000;

  static bool Exact(int64_t base) {
    return base > -(int64_t{1} << 50) && base < (int64_t{1} << 50);
  }
  template <typename T>
  static __m256i Set(T value) {
    return _mm256_set1_epi64x(static_cast<long long>(value));
  }
  static __m256i Ramp(uint64_t step) {
    return _mm256_setr_epi64x(0, static_cast<long long>(step), static_cast<long long>(2 * step),
                              static_cast<long long>(3 * step));
  }
  static void StoreIntegers(int64_t* to, __m256i a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), a);
  }

  // The rows of a column, four by four: field r of lane i is value i of row r, shifted left.
  class Fields {
   public:
    Fields(const PackedRows& rows, uint32_t shift)
        : packed_(rows.packed),
          bit_(rows.begin * rows.width),
          word_bits_(kRows * rows.width),
          mask_(_mm256_set1_epi16(static_cast<int16_t>(LowBits(rows.width) << shift))) {
      for (uint32_t row = 0; row < kRows; ++row) {
        spread_[row] = Set(row * (16 - rows.width) + shift);
      }
    }
    // Lanes 0 to 3, 4 to 7; then on to the next four rows.
    __m256i Low() const { return Spread(0); }
    __m256i High() const { return Spread(32); }
    void Next() { bit_ += word_bits_; }

   private:
    __m256i Spread(size_t half) const {
      const auto word = [&](uint32_t bit) {
        return _mm256_loadu_si256(
            reinterpret_cast<const __m256i*>(packed_ + size_t{bit / 64} * 64 + half));
      };
      // Both counts are vectors: one of 64 then shifts everything out.
      const __m256i offset = Set(bit_ % 64);
      const __m256i bits = _mm256_or_si256(
          _mm256_srlv_epi64(word(bit_), offset),
          _mm256_sllv_epi64(word(bit_ + word_bits_ - 1), _mm256_sub_epi64(Set(64), offset)));
      const auto at = [&](uint32_t row) { return _mm256_sllv_epi64(bits, spread_[row]); };
      return _mm256_and_si256(_mm256_blend_epi32(_mm256_blend_epi16(at(0), at(1), 0x22),
                                                 _mm256_blend_epi16(at(2), at(3), 0x88), 0xAA),
                              mask_);
    }

    const uint8_t* packed_;
    uint32_t bit_, word_bits_;
    __m256i mask_, spread_[kRows];
  };

  // Adds up each row's fields of these lanes on their own.
  static __m256i PrefixSums(__m256i a) {
    a = _mm256_add_epi16(a, _mm256_slli_si256(a, 8));
    const __m256i carry = _mm256_permute4x64_epi64(a, 0x55);
    return _mm256_add_epi16(a, _mm256_blend_epi32(_mm256_setzero_si256(), carry, 0xF0));
  }

  // `upper` with the fields of one row in place of its low 16 bits.
  static __m256i Field(__m256i fields, uint32_t row, __m256i upper) {
    return _mm256_blend_epi16(upper, _mm256_srli_epi64(fields, static_cast<int>(16 * row)), 0x11);
  }

  class Decimals {
   public:
    explicit Decimals(int exponent)
        : inverse_(_mm256_set1_pd(kPowersOfTenInverse[exponent])),
          rest_(_mm256_set1_pd(kPowersOfTenInverseRest[exponent])) {}
    // Stores the decimals of what these lanes of four rows of fields are above an integer, given as
    // the bits of kDoubleOfInteger less it.
    void Store(__m256i fields, __m256i base, double* out) const {
      __m256d integers[kRows];
#pragma GCC unroll 4
      for (uint32_t i = 0; i < kRows; ++i) {
        const __m256i sum = Field(fields, i, Set(kDoubleOfInteger));
        integers[i] = _mm256_sub_pd(_mm256_castsi256_pd(sum), _mm256_castsi256_pd(base));
      }
#pragma GCC unroll 4
      for (uint32_t i = 0; i < kRows; ++i) {
        const __m256d rest = _mm256_mul_pd(integers[i], rest_);
        _mm256_storeu_pd(out + 8 * i, _mm256_fmadd_pd(integers[i], inverse_, rest));
      }
    }

   private:
    __m256d inverse_, rest_;
  };
};

}  // namespace
}  // namespace tsdb::codec

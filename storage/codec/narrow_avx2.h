// As narrow_avx512.h, which says what each function takes and leaves, of two registers with four
// lanes each: four rows of 16-bit fields at a time, in 0.6 of the time of a row at a time, or, of
// wider columns, two rows of 32-bit fields. Included by vector_avx2.h only.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "storage/codec/bit_packing.h"
#include "storage/codec/kernel_rows.h"
#include "storage/codec/kernels.h"

namespace tsdb::codec {
namespace {

// Rows of values that fit fields of so many bits.
template <uint32_t kFieldBits>
class FieldsAvx2 {
  static_assert(kFieldBits == 16 || kFieldBits == 32);

 public:
  static void AlpDelta(PackedRows& rows, int64_t& carry, int64_t delta_min, uint32_t shift,
                       int exponent, double*& out) {
    // Sums of so many deltas, moved up by half of what a field holds, fit it.
    constexpr int64_t kDeltaMax = kFieldMiddle / (8 * kRows);
    if (!Takes(rows, shift) || (LowBits(rows.width) << shift) >= 2 * kDeltaMax ||
        delta_min < -kDeltaMax ||
        delta_min >= kDeltaMax - static_cast<int64_t>(LowBits(rows.width) << shift) ||
        !FitsDoubleOfInteger(carry)) {
      return;
    }
    // Field r of lane i is 8 * r + i + 1 times the least delta: as many have been added up there.
    uint64_t counts = 0;
    for (uint32_t row = 0; row < kRows; ++row) {
      counts |= uint64_t{8 * row + 1} << (kFieldBits * row);
    }
    const __m256i low_counts = _mm256_add_epi64(Set(counts), Ramp(kOnes));
    const __m256i low_min = Add(Multiply(low_counts, delta_min), SetFields(kFieldMiddle));
    const __m256i high_min =
        Add(Multiply(Add(low_counts, SetFields(4)), delta_min), SetFields(kFieldMiddle));
    const __m256i step = Set(8 * kRows * delta_min);
    const Decimals decimals(exponent);
    __m256i base = Set(kDoubleOfInteger + kFieldMiddle - carry);
    Source source(rows, shift);
    uint32_t row = rows.begin;
    for (const uint32_t end = RowsInFullWords(rows); row + kRows <= end; row += kRows) {
      const __m256i low = PrefixSums(source.Low());
      const __m256i high = Add(PrefixSums(source.High()), _mm256_permute4x64_epi64(low, 0xFF));
      source.Next();
      // Of the rows' sums: field r is of rows 0 to r.
      __m256i totals = _mm256_permute4x64_epi64(high, 0xFF);
#pragma GCC unroll 2
      for (uint32_t bits = kFieldBits; bits < 64; bits *= 2) {
        totals = Add(totals, _mm256_slli_epi64(totals, static_cast<int>(bits)));
      }
      const __m256i before = _mm256_slli_epi64(totals, kFieldBits);
      decimals.Store(Add(low, Add(low_min, before)), base, out);
      decimals.Store(Add(high, Add(high_min, before)), base, out + 4);
      out += 8 * kRows;
      const __m256i total = _mm256_srli_epi64(totals, 64 - kFieldBits);
      base = _mm256_sub_epi64(base, _mm256_add_epi64(step, total));
    }
    rows.begin = row;
    carry = kDoubleOfInteger + kFieldMiddle - _mm_cvtsi128_si64(_mm256_castsi256_si128(base));
  }

  static void AlpFrame(PackedRows& rows, int64_t base, uint32_t shift, int exponent, double*& out) {
    if (!Takes(rows, shift) || !FitsDoubleOfInteger(base)) return;
    const Decimals decimals(exponent);
    const __m256i double_base = Set(kDoubleOfInteger - base);
    Source source(rows, shift);
    uint32_t row = rows.begin;
    for (const uint32_t end = RowsInFullWords(rows); row + kRows <= end; row += kRows) {
      decimals.Store(source.Low(), double_base, out);
      decimals.Store(source.High(), double_base, out + 4);
      source.Next();
      out += 8 * kRows;
    }
    rows.begin = row;
  }

  static void Line(PackedRows& rows, int64_t base, uint64_t stride, int64_t*& out) {
    // The residuals are put into the low bits of the base.
    const uint64_t low = (static_cast<uint64_t>(base) & kFieldMax) + LowBits(rows.width);
    if (!Takes(rows, 0) || low > kFieldMax) return;
    const __m256i low_bits = SetFields(base);
    __m256i scaled = _mm256_add_epi64(Ramp(stride), Set(stride * 8 * rows.begin));
    const __m256i half_step = Set(stride * 4);
    Source source(rows, 0);
    uint32_t row = rows.begin;
    for (const uint32_t end = RowsInFullWords(rows); row + kRows <= end; row += kRows) {
      const __m256i halves[2] = {Add(source.Low(), low_bits), Add(source.High(), low_bits)};
      source.Next();
#pragma GCC unroll 8
      for (uint32_t i = 0; i < 2 * kRows; ++i) {
        const __m256i line = _mm256_srli_epi64(scaled, kLineFractionBits);
        const __m256i times = _mm256_add_epi64(line, Field(halves[i % 2], i / 2, Set(base)));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), times);
        scaled = _mm256_add_epi64(scaled, half_step);
        out += 4;
      }
    }
    rows.begin = row;
  }

 private:
  static constexpr uint32_t kRows = 64 / kFieldBits;
  static constexpr uint64_t kFieldMax = (uint64_t{1} << kFieldBits) - 1;
  static constexpr int64_t kFieldMiddle = int64_t{1} << (kFieldBits - 1);
  static constexpr uint64_t kOnes = ~uint64_t{0} / kFieldMax;  // 1 in each field
  // Whether there are as many rows as it takes at a time, of values that fit a field.
  static bool Takes(const PackedRows& rows, uint32_t shift) {
    return rows.width != 0 && rows.width + shift <= kFieldBits && rows.end - rows.begin >= kRows;
  }
  template <typename T>
  static __m256i Set(T value) {
    return _mm256_set1_epi64x(static_cast<long long>(value));
  }
  static __m256i SetFields(int64_t value) {
    if constexpr (kFieldBits == 16) return _mm256_set1_epi16(static_cast<int16_t>(value));
    return _mm256_set1_epi32(static_cast<int32_t>(value));
  }
  static __m256i Ramp(uint64_t step) {
    return _mm256_setr_epi64x(0, static_cast<long long>(step), static_cast<long long>(2 * step),
                              static_cast<long long>(3 * step));
  }
  static __m256i Add(__m256i a, __m256i b) {
    if constexpr (kFieldBits == 16) return _mm256_add_epi16(a, b);
    return _mm256_add_epi32(a, b);
  }
  static __m256i Multiply(__m256i a, int64_t factor) {
    if constexpr (kFieldBits == 16) return _mm256_mullo_epi16(a, SetFields(factor));
    return _mm256_mullo_epi32(a, SetFields(factor));
  }
  // Of each lane, the fields of a row in place of the low bits of `upper`.
  static __m256i Field(__m256i fields, uint32_t row, __m256i upper) {
    const __m256i shifted = _mm256_srli_epi64(fields, static_cast<int>(kFieldBits * row));
    if constexpr (kFieldBits == 16) return _mm256_blend_epi16(upper, shifted, 0x11);
    return _mm256_blend_epi32(upper, shifted, 0x55);
  }
  // Adds up each row's fields of these lanes on their own.
  static __m256i PrefixSums(__m256i a) {
    a = Add(a, _mm256_slli_si256(a, 8));
    const __m256i carry = _mm256_permute4x64_epi64(a, 0x55);
    return Add(a, _mm256_blend_epi32(_mm256_setzero_si256(), carry, 0xF0));
  }

  // The rows of a column, some at a time: field r of lane i is value i of row r, shifted left.
  class Source {
   public:
    Source(const PackedRows& rows, uint32_t shift)
        : packed_(rows.packed),
          bit_(rows.begin * rows.width),
          word_bits_(kRows * rows.width),
          mask_(SetFields(static_cast<int64_t>(LowBits(rows.width) << shift))) {
      for (uint32_t row = 0; row < kRows; ++row) {
        spread_[row] = Set(row * (kFieldBits - rows.width) + shift);
      }
    }
    // Lanes 0 to 3, 4 to 7; then on to the next rows.
    __m256i Low() const { return Spread(0); }
    __m256i High() const { return Spread(32); }
    void Next() { bit_ += word_bits_; }

   private:
    __m256i Word(uint32_t bit, size_t half) const {
      return _mm256_loadu_si256(
          reinterpret_cast<const __m256i*>(packed_ + size_t{bit / 64} * 64 + half));
    }
    __m256i Spread(size_t half) const {
      // Both counts are vectors: one of 64 then shifts everything out.
      const __m256i offset = Set(bit_ % 64);
      const __m256i bits = _mm256_or_si256(
          _mm256_srlv_epi64(Word(bit_, half), offset),
          _mm256_sllv_epi64(Word(bit_ + word_bits_ - 1, half), _mm256_sub_epi64(Set(64), offset)));
      __m256i row[kRows];
#pragma GCC unroll 4
      for (uint32_t i = 0; i < kRows; ++i) row[i] = _mm256_sllv_epi64(bits, spread_[i]);
      if constexpr (kFieldBits == 16) {
        row[0] = _mm256_blend_epi16(row[0], row[1], 0x22);
        row[1] = _mm256_blend_epi16(row[2], row[3], 0x88);
      }
      return _mm256_and_si256(_mm256_blend_epi32(row[0], row[1], 0xAA), mask_);
    }

    const uint8_t* packed_;
    uint32_t bit_, word_bits_;
    __m256i mask_, spread_[kRows];
  };

  class Decimals {
   public:
    explicit Decimals(int exponent)
        : inverse_(_mm256_set1_pd(kPowersOfTenInverse[exponent])),
          rest_(_mm256_set1_pd(kPowersOfTenInverseRest[exponent])) {}
    // Stores the decimals of what these lanes of some rows of fields are above an integer, given as
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

// Each function goes as far as the narrower fields, then as the wider ones can.
struct NarrowAvx2 {
  static void AlpDelta(PackedRows& rows, int64_t& carry, int64_t delta_min, uint32_t shift,
                       int exponent, double*& out) {
    FieldsAvx2<16>::AlpDelta(rows, carry, delta_min, shift, exponent, out);
    FieldsAvx2<32>::AlpDelta(rows, carry, delta_min, shift, exponent, out);
  }
  static void AlpFrame(PackedRows& rows, int64_t base, uint32_t shift, int exponent, double*& out) {
    FieldsAvx2<16>::AlpFrame(rows, base, shift, exponent, out);
    FieldsAvx2<32>::AlpFrame(rows, base, shift, exponent, out);
  }
  static void Line(PackedRows& rows, int64_t base, uint64_t stride, int64_t*& out) {
    FieldsAvx2<16>::Line(rows, base, stride, out);
    FieldsAvx2<32>::Line(rows, base, stride, out);
  }
};

}  // namespace
}  // namespace tsdb::codec

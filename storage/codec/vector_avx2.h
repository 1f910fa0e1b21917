// Eight 64-bit lanes as two AVX2 registers. Written by hand: GCC 12 lowers 64-byte generic vectors
// to AVX2 through memory, slower than SSE2. Included by kernels_avx2.cc only; the meaning of each
// operation is in vector_portable.h.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "storage/codec/kernels.h"
#include "storage/codec/narrow_avx2.h"

namespace tsdb::codec {
namespace {

struct VectorAvx2 {
  struct Integers {
    __m256i low, high;
  };
  struct Doubles {
    __m256d low, high;
  };
  struct Divisor {
    __m256d inverse, rest;
  };

  using Narrow = NarrowAvx2;

  // Rows that decoders take at once; kernel_unpacking.h says why.
  static constexpr uint32_t kBatch = 2;

  static Integers Load(const void* from) {
    const auto* p = static_cast<const __m256i*>(from);
    return {_mm256_loadu_si256(p), _mm256_loadu_si256(p + 1)};
  }
  static Doubles LoadDoubles(const void* from) { return FromBits(Load(from)); }
  static void Store(void* to, Integers a) {
    auto* p = static_cast<__m256i*>(to);
    _mm256_storeu_si256(p, a.low);
    _mm256_storeu_si256(p + 1, a.high);
  }
  static void StoreDoubles(void* to, Doubles a) { Store(to, Bits(a)); }
  static Integers Set(uint64_t value) {
    const __m256i v = _mm256_set1_epi64x(static_cast<long long>(value));
    return {v, v};
  }
  static Doubles SetDouble(double value) {
    const __m256d v = _mm256_set1_pd(value);
    return {v, v};
  }
  static Integers Ramp(uint64_t step) {
    alignas(32) uint64_t lane[8];
    for (uint64_t i = 0; i < 8; ++i) lane[i] = i * step;
    return Load(lane);
  }

  static Integers Add(Integers a, Integers b) {
    return {_mm256_add_epi64(a.low, b.low), _mm256_add_epi64(a.high, b.high)};
  }
  static Integers Subtract(Integers a, Integers b) {
    return {_mm256_sub_epi64(a.low, b.low), _mm256_sub_epi64(a.high, b.high)};
  }
  static Integers Multiply(Integers a, Integers b) {
    return {MultiplyHalf(a.low, b.low), MultiplyHalf(a.high, b.high)};
  }
  static __m256i MultiplyHalf(__m256i a, __m256i b) {
    const __m256i cross = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(a, 32), b),
                                           _mm256_mul_epu32(a, _mm256_srli_epi64(b, 32)));
    return _mm256_add_epi64(_mm256_mul_epu32(a, b), _mm256_slli_epi64(cross, 32));
  }
  static Integers Min(Integers a, Integers b) {
    return {_mm256_blendv_epi8(a.low, b.low, _mm256_cmpgt_epi64(a.low, b.low)),
            _mm256_blendv_epi8(a.high, b.high, _mm256_cmpgt_epi64(a.high, b.high))};
  }
  static Integers Max(Integers a, Integers b) {
    return {_mm256_blendv_epi8(b.low, a.low, _mm256_cmpgt_epi64(a.low, b.low)),
            _mm256_blendv_epi8(b.high, a.high, _mm256_cmpgt_epi64(a.high, b.high))};
  }
  static Integers Or(Integers a, Integers b) {
    return {_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
  }
  static Integers And(Integers a, Integers b) {
    return {_mm256_and_si256(a.low, b.low), _mm256_and_si256(a.high, b.high)};
  }
  static Integers OrXor(Integers a, Integers b, Integers c) {
    return {_mm256_or_si256(a.low, _mm256_xor_si256(b.low, c.low)),
            _mm256_or_si256(a.high, _mm256_xor_si256(b.high, c.high))};
  }
  static Integers ShiftLeft(Integers a, uint32_t bits) {
    const __m128i n = _mm_cvtsi32_si128(static_cast<int>(bits));
    return {_mm256_sll_epi64(a.low, n), _mm256_sll_epi64(a.high, n)};
  }
  static Integers ShiftRight(Integers a, uint32_t bits) {
    const __m128i n = _mm_cvtsi32_si128(static_cast<int>(bits));
    return {_mm256_srl_epi64(a.low, n), _mm256_srl_epi64(a.high, n)};
  }
  struct BitPosition {
    uint32_t bit, width;
    BitPosition(uint32_t start, uint32_t step) : bit(start), width(step) {}
  };
  static Integers Funnel(Integers low, Integers high, BitPosition& position) {
    const uint32_t bits = position.bit % 64;
    position.bit += position.width;
    return Or(ShiftRight(low, bits), ShiftLeft(high, 64 - bits));
  }
  static Integers Previous(Integers a, Integers before) {
    const __m256i t = _mm256_permute2x128_si256(before.high, a.low, 0x21);
    const __m256i u = _mm256_permute2x128_si256(a.low, a.high, 0x21);
    return {_mm256_alignr_epi8(a.low, t, 8), _mm256_alignr_epi8(a.high, u, 8)};
  }
  static __m256i PrefixSumHalf(__m256i a) {
    a = _mm256_add_epi64(a, _mm256_slli_si256(a, 8));
    const __m256i carry = _mm256_permute4x64_epi64(a, 0x55);
    return _mm256_add_epi64(a, _mm256_blend_epi32(_mm256_setzero_si256(), carry, 0xF0));
  }
  static Integers PrefixSum(Integers a) {
    const __m256i low = PrefixSumHalf(a.low);
    return {low, _mm256_add_epi64(PrefixSumHalf(a.high), _mm256_permute4x64_epi64(low, 0xFF))};
  }
  template <size_t kRows>
  static void PrefixSums(Integers (&rows)[kRows]) {
    for (Integers& row : rows) row = PrefixSum(row);
  }
  static Integers BroadcastLast(Integers a) {
    const __m256i v = _mm256_permute4x64_epi64(a.high, 0xFF);
    return {v, v};
  }
  static Integers FirstOf(uint32_t lanes, Integers a, Integers b) {
    const Integers n = Set(lanes), index = Ramp(1);
    return {_mm256_blendv_epi8(b.low, a.low, _mm256_cmpgt_epi64(n.low, index.low)),
            _mm256_blendv_epi8(b.high, a.high, _mm256_cmpgt_epi64(n.high, index.high))};
  }
  static Integers WhereBelow(Integers a, Integers index, Integers limit) {
    return {_mm256_and_si256(a.low, _mm256_cmpgt_epi64(limit.low, index.low)),
            _mm256_and_si256(a.high, _mm256_cmpgt_epi64(limit.high, index.high))};
  }
  static Integers Lookup8(Integers index, Integers table) {
    alignas(32) long long entries[8];
    Store(entries, table);
    const Integers i = And(index, Set(7));
    return {_mm256_i64gather_epi64(entries, i.low, 8), _mm256_i64gather_epi64(entries, i.high, 8)};
  }

  static __m256i MinHalf(__m256i a, __m256i b) {
    return _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b));
  }
  static __m256i MaxHalf(__m256i a, __m256i b) {
    return _mm256_blendv_epi8(b, a, _mm256_cmpgt_epi64(a, b));
  }
  static __m256i Swapped(__m256i a) { return _mm256_permute4x64_epi64(a, 0x4E); }
  static int64_t Lane(__m256i a, int lane) {
    const __m128i low = _mm256_castsi256_si128(a);
    return lane == 0 ? _mm_cvtsi128_si64(low) : _mm_extract_epi64(low, 1);
  }
  static int64_t Least(Integers a) {
    __m256i v = MinHalf(a.low, a.high);
    v = MinHalf(v, Swapped(v));
    const int64_t x = Lane(v, 0), y = Lane(v, 1);
    return x < y ? x : y;
  }
  static int64_t Greatest(Integers a) {
    __m256i v = MaxHalf(a.low, a.high);
    v = MaxHalf(v, Swapped(v));
    const int64_t x = Lane(v, 0), y = Lane(v, 1);
    return x > y ? x : y;
  }
  static uint64_t OrOf(Integers a) {
    __m256i v = _mm256_or_si256(a.low, a.high);
    v = _mm256_or_si256(v, Swapped(v));
    return static_cast<uint64_t>(Lane(v, 0) | Lane(v, 1));
  }
  static uint64_t SumOf(Integers a) {
    __m256i v = _mm256_add_epi64(a.low, a.high);
    v = _mm256_add_epi64(v, Swapped(v));
    return static_cast<uint64_t>(Lane(v, 0)) + static_cast<uint64_t>(Lane(v, 1));
  }
  static bool AnyBit(Integers a) {
    const __m256i v = _mm256_or_si256(a.low, a.high);
    return _mm256_testz_si256(v, v) == 0;
  }
  static uint64_t First(Integers a) { return static_cast<uint64_t>(Lane(a.low, 0)); }
  static uint64_t Second(Integers a) { return static_cast<uint64_t>(Lane(a.low, 1)); }
  static double SumInOrder(Doubles a) {
    const __m256d half = _mm256_add_pd(a.low, a.high);
    const __m128d quarter =
        _mm_add_pd(_mm256_castpd256_pd128(half), _mm256_extractf128_pd(half, 1));
    return _mm_cvtsd_f64(_mm_add_sd(quarter, _mm_unpackhi_pd(quarter, quarter)));
  }

  static Integers Bits(Doubles a) {
    return {_mm256_castpd_si256(a.low), _mm256_castpd_si256(a.high)};
  }
  static Doubles FromBits(Integers a) {
    return {_mm256_castsi256_pd(a.low), _mm256_castsi256_pd(a.high)};
  }
  static Doubles AddDoubles(Doubles a, Doubles b) {
    return {_mm256_add_pd(a.low, b.low), _mm256_add_pd(a.high, b.high)};
  }
  static Doubles MultiplyDoubles(Doubles a, Doubles b) {
    return {_mm256_mul_pd(a.low, b.low), _mm256_mul_pd(a.high, b.high)};
  }
  static Doubles MinDoubles(Doubles a, Doubles b) {
    return {_mm256_min_pd(a.low, b.low), _mm256_min_pd(a.high, b.high)};
  }
  static Doubles MaxDoubles(Doubles a, Doubles b) {
    return {_mm256_max_pd(a.low, b.low), _mm256_max_pd(a.high, b.high)};
  }
  // The halves of each integer are planted in doubles of exponent 2^52 and 2^84; the last addition
  // is the only one that rounds, so this equals the conversion instruction AVX2 lacks.
  static __m256d ToDoublesHalf(__m256i a) {
    const __m256i low_magic = _mm256_set1_epi64x(0x4330000000000000);
    const __m256i high_magic = _mm256_set1_epi64x(0x4530000080000000);
    const __m256i both_magic = _mm256_set1_epi64x(0x4530000080100000);
    const __m256i low = _mm256_blend_epi32(low_magic, a, 0x55);
    const __m256i high = _mm256_xor_si256(_mm256_srli_epi64(a, 32), high_magic);
    const __m256d shifted =
        _mm256_sub_pd(_mm256_castsi256_pd(high), _mm256_castsi256_pd(both_magic));
    return _mm256_add_pd(shifted, _mm256_castsi256_pd(low));
  }
  static Doubles ToDoubles(Integers a) { return {ToDoublesHalf(a.low), ToDoublesHalf(a.high)}; }
  static __m256i RoundHalf(__m256d a) {
    const __m256d magnitude = _mm256_andnot_pd(_mm256_set1_pd(-0.0), a);
    const __m256d limit = _mm256_set1_pd(2251799813685248.0);  // 2^51
    if (_mm256_movemask_pd(_mm256_cmp_pd(magnitude, limit, _CMP_LT_OQ)) == 15) [[likely]] {
      // 1.5 * 2^52 + a has the rounded integer in its low bits, in two's complement.
      const __m256d magic = _mm256_set1_pd(6755399441055744.0);
      return _mm256_sub_epi64(_mm256_castpd_si256(_mm256_add_pd(a, magic)),
                              _mm256_castpd_si256(magic));
    }
    alignas(32) double lane[4];
    _mm256_store_pd(lane, a);
    return _mm256_setr_epi64x(
        _mm_cvtsd_si64(_mm_set_sd(lane[0])), _mm_cvtsd_si64(_mm_set_sd(lane[1])),
        _mm_cvtsd_si64(_mm_set_sd(lane[2])), _mm_cvtsd_si64(_mm_set_sd(lane[3])));
  }
  static Integers Round(Doubles a) { return {RoundHalf(a.low), RoundHalf(a.high)}; }
  static Divisor MakeDivisor(int exponent) {
    return {_mm256_set1_pd(kPowersOfTenInverse[exponent]),
            _mm256_set1_pd(kPowersOfTenInverseRest[exponent])};
  }
  static __m256d DivideHalf(__m256d a, Divisor d) {
    return _mm256_fmadd_pd(a, d.inverse, _mm256_mul_pd(a, d.rest));
  }
  static Doubles Divide(Doubles a, Divisor d) {
    return {DivideHalf(a.low, d), DivideHalf(a.high, d)};
  }
  template <size_t kRows>
  static void DivideAll(Doubles (&rows)[kRows], Divisor divisor) {
    for (Doubles& row : rows) row = Divide(row, divisor);
  }
};

}  // namespace
}  // namespace tsdb::codec

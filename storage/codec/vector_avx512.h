// Eight 64-bit lanes as one AVX-512 register (F, DQ, BW, VL, VBMI2 for the funnel shift, and VBMI).
// Included by kernels_avx512.cc only; the meaning of each operation is in vector_portable.h.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "storage/codec/kernels.h"
#include "storage/codec/narrow_avx512.h"

namespace tsdb::codec {
namespace {

struct VectorAvx512 {
  using Integers = __m512i;
  using Doubles = __m512d;
  struct Divisor {
    __m512d inverse, rest;
  };

  using Narrow = NarrowAvx512;

  // Rows that decoders take at once; kernel_unpacking.h says why.
  static constexpr uint32_t kBatch = 4;

  static Integers Load(const void* from) { return _mm512_loadu_si512(from); }
  static Doubles LoadDoubles(const void* from) { return _mm512_loadu_pd(from); }
  static void Store(void* to, Integers a) { _mm512_storeu_si512(to, a); }
  static void StoreDoubles(void* to, Doubles a) { _mm512_storeu_pd(to, a); }
  static Integers Set(uint64_t value) { return _mm512_set1_epi64(static_cast<long long>(value)); }
  static Doubles SetDouble(double value) { return _mm512_set1_pd(value); }
  static Integers Ramp(uint64_t step) {
    return _mm512_mullo_epi64(_mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7), Set(step));
  }

  static Integers Add(Integers a, Integers b) { return _mm512_add_epi64(a, b); }
  static Integers Subtract(Integers a, Integers b) { return _mm512_sub_epi64(a, b); }
  static Integers Multiply(Integers a, Integers b) { return _mm512_mullo_epi64(a, b); }
  static Integers Min(Integers a, Integers b) { return _mm512_min_epi64(a, b); }
  static Integers Max(Integers a, Integers b) { return _mm512_max_epi64(a, b); }
  static Integers Or(Integers a, Integers b) { return _mm512_or_si512(a, b); }
  static Integers And(Integers a, Integers b) { return _mm512_and_si512(a, b); }
  static Integers OrXor(Integers a, Integers b, Integers c) {
    return _mm512_ternarylogic_epi64(a, b, c, 0xF6);
  }
  static Integers ShiftLeft(Integers a, uint32_t bits) {
    return _mm512_sll_epi64(a, _mm_cvtsi32_si128(static_cast<int>(bits)));
  }
  static Integers ShiftRight(Integers a, uint32_t bits) {
    return _mm512_srl_epi64(a, _mm_cvtsi32_si128(static_cast<int>(bits)));
  }
  // The instruction takes its count modulo 64, so the position in bits need not be reduced, and as
  // a vector it needs no transfer from the scalar registers row by row.
  struct BitPosition {
    __m512i bit, width;
    BitPosition(uint32_t start, uint32_t step)
        : bit(_mm512_set1_epi64(start)), width(_mm512_set1_epi64(step)) {}
  };
  static Integers Funnel(Integers low, Integers high, BitPosition& position) {
    const __m512i result = _mm512_shrdv_epi64(low, high, position.bit);
    position.bit = _mm512_add_epi64(position.bit, position.width);
    return result;
  }
  static Integers Previous(Integers a, Integers before) {
    return _mm512_alignr_epi64(a, before, 7);
  }
  static Integers PrefixSum(Integers a) {
    const __m512i zero = _mm512_setzero_si512();
    a = _mm512_add_epi64(a, _mm512_alignr_epi64(a, zero, 7));
    a = _mm512_add_epi64(a, _mm512_alignr_epi64(a, zero, 6));
    return _mm512_add_epi64(a, _mm512_alignr_epi64(a, zero, 4));
  }
  template <size_t kRows>
  static void PrefixSums(Integers (&rows)[kRows]) {
    const __m512i zero = _mm512_setzero_si512();
    for (Integers& a : rows) a = _mm512_add_epi64(a, _mm512_alignr_epi64(a, zero, 7));
    for (Integers& a : rows) a = _mm512_add_epi64(a, _mm512_alignr_epi64(a, zero, 6));
    for (Integers& a : rows) a = _mm512_add_epi64(a, _mm512_alignr_epi64(a, zero, 4));
  }
  static Integers BroadcastLast(Integers a) {
    return _mm512_permutexvar_epi64(_mm512_set1_epi64(7), a);
  }
  static Integers FirstOf(uint32_t lanes, Integers a, Integers b) {
    return _mm512_mask_mov_epi64(b, static_cast<__mmask8>((1u << lanes) - 1), a);
  }
  static Integers WhereBelow(Integers a, Integers index, Integers limit) {
    return _mm512_maskz_mov_epi64(_mm512_cmplt_epu64_mask(index, limit), a);
  }
  static Integers Lookup8(Integers index, Integers table) {
    return _mm512_permutexvar_epi64(index, table);
  }

  static int64_t Least(Integers a) { return _mm512_reduce_min_epi64(a); }
  static int64_t Greatest(Integers a) { return _mm512_reduce_max_epi64(a); }
  static uint64_t OrOf(Integers a) { return static_cast<uint64_t>(_mm512_reduce_or_epi64(a)); }
  static uint64_t SumOf(Integers a) { return static_cast<uint64_t>(_mm512_reduce_add_epi64(a)); }
  static bool AnyBit(Integers a) { return _mm512_test_epi64_mask(a, a) != 0; }
  static uint64_t First(Integers a) {
    return static_cast<uint64_t>(_mm_cvtsi128_si64(_mm512_castsi512_si128(a)));
  }
  static uint64_t Second(Integers a) {
    return static_cast<uint64_t>(_mm_extract_epi64(_mm512_castsi512_si128(a), 1));
  }
  static double SumInOrder(Doubles a) {
    const __m256d half = _mm256_add_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1));
    const __m128d quarter =
        _mm_add_pd(_mm256_castpd256_pd128(half), _mm256_extractf128_pd(half, 1));
    return _mm_cvtsd_f64(_mm_add_sd(quarter, _mm_unpackhi_pd(quarter, quarter)));
  }

  static Integers Bits(Doubles a) { return _mm512_castpd_si512(a); }
  static Doubles FromBits(Integers a) { return _mm512_castsi512_pd(a); }
  static Doubles AddDoubles(Doubles a, Doubles b) { return _mm512_add_pd(a, b); }
  static Doubles MultiplyDoubles(Doubles a, Doubles b) { return _mm512_mul_pd(a, b); }
  static Doubles MinDoubles(Doubles a, Doubles b) { return _mm512_min_pd(a, b); }
  static Doubles MaxDoubles(Doubles a, Doubles b) { return _mm512_max_pd(a, b); }
  static Doubles ToDoubles(Integers a) { return _mm512_cvtepi64_pd(a); }
  static Integers Round(Doubles a) { return _mm512_cvtpd_epi64(a); }
  static Divisor MakeDivisor(int exponent) {
    return {_mm512_set1_pd(kPowersOfTenInverse[exponent]),
            _mm512_set1_pd(kPowersOfTenInverseRest[exponent])};
  }
  static Doubles Divide(Doubles a, Divisor d) {
    return _mm512_fmadd_pd(a, d.inverse, _mm512_mul_pd(a, d.rest));
  }
  template <size_t kRows>
  static void DivideAll(Doubles (&rows)[kRows], Divisor d) {
    __m512d rest[kRows];
    for (size_t i = 0; i < kRows; ++i) rest[i] = _mm512_mul_pd(rows[i], d.rest);
    for (size_t i = 0; i < kRows; ++i) rows[i] = _mm512_fmadd_pd(rows[i], d.inverse, rest[i]);
  }
};

}  // namespace
}  // namespace tsdb::codec

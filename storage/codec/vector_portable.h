// Eight 64-bit lanes in plain C++: the reference for what the vector versions must compute, and
// the version for processors without AVX2. Included by kernels_portable.cc only.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "storage/codec/kernels.h"

namespace tsdb::codec {
namespace {

struct VectorPortable {
  struct Integers {
    uint64_t lane[8];
  };
  struct Doubles {
    double lane[8];
  };
  // Rows that decoders take at once; kernel_unpacking.h says why.
  static constexpr uint32_t kBatch = 1;

  using Divisor = double;

  template <typename F>
  static Integers Each(F f) {
    Integers result;
    for (int i = 0; i < 8; ++i) result.lane[i] = f(i);
    return result;
  }
  template <typename F>
  static Doubles EachDouble(F f) {
    Doubles result;
    for (int i = 0; i < 8; ++i) result.lane[i] = f(i);
    return result;
  }

  static Integers Load(const void* from) {
    Integers result;
    std::memcpy(&result, from, 64);
    return result;
  }
  static Doubles LoadDoubles(const void* from) { return std::bit_cast<Doubles>(Load(from)); }
  static void Store(void* to, Integers a) { std::memcpy(to, &a, 64); }
  static void StoreDoubles(void* to, Doubles a) { std::memcpy(to, &a, 64); }
  static Integers Set(uint64_t value) {
    return Each([=](int) { return value; });
  }
  static Doubles SetDouble(double value) {
    return EachDouble([=](int) { return value; });
  }
  // {0, 1, ... 7} * step.
  static Integers Ramp(uint64_t step) {
    return Each([=](int i) { return step * static_cast<uint64_t>(i); });
  }

  static Integers Add(Integers a, Integers b) {
    return Each([&](int i) { return a.lane[i] + b.lane[i]; });
  }
  static Integers Subtract(Integers a, Integers b) {
    return Each([&](int i) { return a.lane[i] - b.lane[i]; });
  }
  static Integers Multiply(Integers a, Integers b) {
    return Each([&](int i) { return a.lane[i] * b.lane[i]; });
  }
  static Integers Min(Integers a, Integers b) {
    return Each([&](int i) {
      return static_cast<int64_t>(a.lane[i]) < static_cast<int64_t>(b.lane[i]) ? a.lane[i]
                                                                               : b.lane[i];
    });
  }
  static Integers Max(Integers a, Integers b) {
    return Each([&](int i) {
      return static_cast<int64_t>(a.lane[i]) > static_cast<int64_t>(b.lane[i]) ? a.lane[i]
                                                                               : b.lane[i];
    });
  }
  static Integers Or(Integers a, Integers b) {
    return Each([&](int i) { return a.lane[i] | b.lane[i]; });
  }
  static Integers And(Integers a, Integers b) {
    return Each([&](int i) { return a.lane[i] & b.lane[i]; });
  }
  // a | (b ^ c).
  static Integers OrXor(Integers a, Integers b, Integers c) {
    return Each([&](int i) { return a.lane[i] | (b.lane[i] ^ c.lane[i]); });
  }
  // Shifts by 0..64; 64 gives zero.
  static Integers ShiftLeft(Integers a, uint32_t bits) {
    if (bits >= 64) return Set(0);
    return Each([&](int i) { return a.lane[i] << bits; });
  }
  static Integers ShiftRight(Integers a, uint32_t bits) {
    if (bits >= 64) return Set(0);
    return Each([&](int i) { return a.lane[i] >> bits; });
  }
  // Where in its lane's bits a row lies: `bit` modulo 64, moved on by `width` with each use.
  struct BitPosition {
    uint32_t bit, width;
    BitPosition(uint32_t start, uint32_t step) : bit(start), width(step) {}
  };
  // The low 64 bits of high:low >> (bit modulo 64).
  static Integers Funnel(Integers low, Integers high, BitPosition& position) {
    const uint32_t bits = position.bit % 64;
    position.bit += position.width;
    if (bits == 0) return low;
    return Each([&](int i) { return low.lane[i] >> bits | high.lane[i] << (64 - bits); });
  }
  // {before[7], a[0], ... a[6]}.
  static Integers Previous(Integers a, Integers before) {
    return Each([&](int i) { return i == 0 ? before.lane[7] : a.lane[i - 1]; });
  }
  static Integers PrefixSum(Integers a) {
    for (int i = 1; i < 8; ++i) a.lane[i] += a.lane[i - 1];
    return a;
  }
  template <size_t kRows>
  static void PrefixSums(Integers (&rows)[kRows]) {
    for (Integers& row : rows) row = PrefixSum(row);
  }
  static Integers BroadcastLast(Integers a) { return Set(a.lane[7]); }
  // The first `lanes` of a, the others from b.
  static Integers FirstOf(uint32_t lanes, Integers a, Integers b) {
    return Each([&](int i) { return static_cast<uint32_t>(i) < lanes ? a.lane[i] : b.lane[i]; });
  }
  // a in the lanes where index < limit, both small; else 0.
  static Integers WhereBelow(Integers a, Integers index, Integers limit) {
    return Each([&](int i) { return index.lane[i] < limit.lane[i] ? a.lane[i] : 0; });
  }
  static Integers Lookup8(Integers index, Integers table) {
    return Each([&](int i) { return table.lane[index.lane[i] & 7]; });
  }

  // Reductions over the lanes.
  static int64_t Least(Integers a) {
    auto least = static_cast<int64_t>(a.lane[0]);
    for (uint64_t lane : a.lane) {
      least = static_cast<int64_t>(lane) < least ? static_cast<int64_t>(lane) : least;
    }
    return least;
  }
  static int64_t Greatest(Integers a) {
    auto greatest = static_cast<int64_t>(a.lane[0]);
    for (uint64_t lane : a.lane) {
      greatest = static_cast<int64_t>(lane) > greatest ? static_cast<int64_t>(lane) : greatest;
    }
    return greatest;
  }
  static uint64_t OrOf(Integers a) {
    uint64_t bits = 0;
    for (uint64_t lane : a.lane) bits |= lane;
    return bits;
  }
  static uint64_t SumOf(Integers a) {
    uint64_t sum = 0;
    for (uint64_t lane : a.lane) sum += lane;
    return sum;
  }
  static bool AnyBit(Integers a) { return OrOf(a) != 0; }
  static uint64_t First(Integers a) { return a.lane[0]; }
  static uint64_t Second(Integers a) { return a.lane[1]; }
  // Halves onto each other: the order that is natural in registers, and so the order everywhere.
  static double SumInOrder(Doubles a) {
    return ((a.lane[0] + a.lane[4]) + (a.lane[2] + a.lane[6])) +
           ((a.lane[1] + a.lane[5]) + (a.lane[3] + a.lane[7]));
  }

  static Integers Bits(Doubles a) { return std::bit_cast<Integers>(a); }
  static Doubles FromBits(Integers a) { return std::bit_cast<Doubles>(a); }
  static Doubles AddDoubles(Doubles a, Doubles b) {
    return EachDouble([&](int i) { return a.lane[i] + b.lane[i]; });
  }
  static Doubles MultiplyDoubles(Doubles a, Doubles b) {
    return EachDouble([&](int i) { return a.lane[i] * b.lane[i]; });
  }
  // a < b ? a : b, so b if either is NaN.
  static Doubles MinDoubles(Doubles a, Doubles b) {
    return EachDouble([&](int i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  static Doubles MaxDoubles(Doubles a, Doubles b) {
    return EachDouble([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  static Doubles ToDoubles(Integers a) {
    return EachDouble([&](int i) { return static_cast<double>(static_cast<int64_t>(a.lane[i])); });
  }
  // To the nearest integer, ties to even; INT64_MIN for NaN and what does not fit.
  static Integers Round(Doubles a) {
    return Each([&](int i) { return static_cast<uint64_t>(RoundOne(a.lane[i])); });
  }
  static int64_t RoundOne(double x) {
    constexpr double kTwoTo52 = 4503599627370496.0;
    const double magnitude = std::fabs(x);
    if (magnitude < kTwoTo52) {
      // Adding 2^52 leaves no room for a fraction: the addition itself rounds to even.
      const double rounded = (magnitude + kTwoTo52) - kTwoTo52;
      return static_cast<int64_t>(x < 0 ? -rounded : rounded);
    }
    if (magnitude < 9223372036854775808.0) return static_cast<int64_t>(x);
    return INT64_MIN;
  }
  // A divisor of 10^exponent.
  static Divisor MakeDivisor(int exponent) { return kPowersOfTen[exponent]; }
  static Doubles Divide(Doubles a, Divisor divisor) {
    return EachDouble([&](int i) { return a.lane[i] / divisor; });
  }
  template <size_t kRows>
  static void DivideAll(Doubles (&rows)[kRows], Divisor divisor) {
    for (Doubles& row : rows) row = Divide(row, divisor);
  }
};

}  // namespace
}  // namespace tsdb::codec

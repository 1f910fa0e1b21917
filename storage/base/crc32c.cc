#include "storage/base/crc32c.h"

#include <array>
#include <cstddef>

#include "storage/base/coding.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace tsdb::crc32c {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // reflected

using ByteTable = std::array<uint32_t, 256>;

// tables[k][b]: the effect of byte b followed by k zero bytes ("slicing by eight").
constexpr std::array<ByteTable, 8> MakeSlicingTables() {
  std::array<ByteTable, 8> tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (uint32_t byte = 0; byte < 256; ++byte) {
    for (size_t k = 1; k < 8; ++k) {
      const uint32_t previous = tables[k - 1][byte];
      tables[k][byte] = (previous >> 8) ^ tables[0][previous & 0xff];
    }
  }
  return tables;
}

constexpr std::array<ByteTable, 8> kSlicing = MakeSlicingTables();

// `crc` is the register here and below, that is the checksum inverted.
uint32_t SlicingBytes(uint32_t crc, const uint8_t* bytes, size_t length) {
  for (; length >= 8; bytes += 8, length -= 8) {
    const uint64_t word = GetFixed64(bytes) ^ crc;
    crc = kSlicing[7][word & 0xff] ^ kSlicing[6][(word >> 8) & 0xff] ^
          kSlicing[5][(word >> 16) & 0xff] ^ kSlicing[4][(word >> 24) & 0xff] ^
          kSlicing[3][(word >> 32) & 0xff] ^ kSlicing[2][(word >> 40) & 0xff] ^
          kSlicing[1][(word >> 48) & 0xff] ^ kSlicing[0][word >> 56];
  }
  for (; length > 0; ++bytes, --length) crc = (crc >> 8) ^ kSlicing[0][(crc ^ *bytes) & 0xff];
  return crc;
}

#if defined(__x86_64__)

// The crc32 instruction takes three cycles and one can start each cycle, so three streams run at
// once over neighbouring stretches; their registers are then joined by shifting the earlier ones
// over the length of the later. The shift is linear, hence four table look-ups (Adler's method).
constexpr size_t kLongStretch = 4096;
constexpr size_t kShortStretch = 256;

using ShiftTable = std::array<ByteTable, 4>;

// The columns of a linear map of registers: what it makes of each single bit.
using LinearMap = std::array<uint32_t, 32>;

constexpr uint32_t Apply(const LinearMap& map, uint32_t crc) {
  uint32_t result = 0;
  for (size_t bit = 0; crc != 0; ++bit, crc >>= 1) {
    if ((crc & 1) != 0) result ^= map[bit];
  }
  return result;
}

// A shift over `zeros` zero bytes, a power of two: the shift over one, squared again and again.
constexpr LinearMap ShiftOverZeros(size_t zeros) {
  LinearMap map{};
  for (size_t bit = 0; bit < 32; ++bit) {
    const uint32_t crc = uint32_t{1} << bit;
    map[bit] = (crc >> 8) ^ kSlicing[0][crc & 0xff];
  }
  for (; zeros > 1; zeros /= 2) {
    LinearMap squared{};
    for (size_t bit = 0; bit < 32; ++bit) squared[bit] = Apply(map, map[bit]);
    map = squared;
  }
  return map;
}

constexpr ShiftTable MakeShiftTable(size_t zeros) {
  const LinearMap map = ShiftOverZeros(zeros);
  ShiftTable table{};
  for (size_t part = 0; part < 4; ++part) {
    for (uint32_t byte = 0; byte < 256; ++byte) table[part][byte] = Apply(map, byte << (8 * part));
  }
  return table;
}

constexpr ShiftTable kLongShift = MakeShiftTable(kLongStretch);
constexpr ShiftTable kShortShift = MakeShiftTable(kShortStretch);

uint64_t Shift(const ShiftTable& table, uint64_t crc) {
  return table[0][crc & 0xff] ^ table[1][(crc >> 8) & 0xff] ^ table[2][(crc >> 16) & 0xff] ^
         table[3][(crc >> 24) & 0xff];
}

template <size_t kStretch>
__attribute__((target("sse4.2"))) uint64_t ThreeStretches(uint64_t crc, const uint8_t* bytes,
                                                          const ShiftTable& table) {
  uint64_t second = 0;
  uint64_t third = 0;
  for (size_t i = 0; i < kStretch; i += 8) {
    crc = _mm_crc32_u64(crc, GetFixed64(bytes + i));
    second = _mm_crc32_u64(second, GetFixed64(bytes + kStretch + i));
    third = _mm_crc32_u64(third, GetFixed64(bytes + 2 * kStretch + i));
  }
  return Shift(table, Shift(table, crc) ^ second) ^ third;
}

__attribute__((target("sse4.2"))) uint32_t HardwareBytes(uint32_t initial, const uint8_t* bytes,
                                                         size_t length) {
  uint64_t crc = initial;
  for (; length >= 3 * kLongStretch; bytes += 3 * kLongStretch, length -= 3 * kLongStretch) {
    crc = ThreeStretches<kLongStretch>(crc, bytes, kLongShift);
  }
  for (; length >= 3 * kShortStretch; bytes += 3 * kShortStretch, length -= 3 * kShortStretch) {
    crc = ThreeStretches<kShortStretch>(crc, bytes, kShortShift);
  }
  for (; length >= 8; bytes += 8, length -= 8) crc = _mm_crc32_u64(crc, GetFixed64(bytes));
  uint32_t narrow = static_cast<uint32_t>(crc);
  for (; length > 0; ++bytes, --length) narrow = _mm_crc32_u8(narrow, *bytes);
  return narrow;
}

bool HardwareAvailable() {
  static const bool available = __builtin_cpu_supports("sse4.2");
  return available;
}

#endif

}  // namespace

uint32_t Extend(uint32_t crc, std::span<const uint8_t> bytes) {
#if defined(__x86_64__)
  if (HardwareAvailable()) return ~HardwareBytes(~crc, bytes.data(), bytes.size());
#endif
  return ExtendPortable(crc, bytes);
}

uint32_t ExtendPortable(uint32_t crc, std::span<const uint8_t> bytes) {
  return ~SlicingBytes(~crc, bytes.data(), bytes.size());
}

}  // namespace tsdb::crc32c

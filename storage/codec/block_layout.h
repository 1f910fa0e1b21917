// The first word of a block, which holds every small number of it, and the sections that follow.
// docs/formats/block.md is the full description.
//
//   [header 8 B][timestamp section][value section]
//
// Thread safety: plain values and pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "storage/codec/bit_packing.h"
#include "storage/codec/block.h"

namespace tsdb::codec {

inline constexpr size_t kHeaderBytes = 8;
// Ranges are decoded from multiples of this many samples, and delta columns have a checkpoint
// there.
inline constexpr size_t kGroupSamples = 64;

// The header as the encoder fills it.
struct BlockHeader {
  uint32_t count = 0;  // 1 .. kBlockSamplesMax
  TimestampEncoding timestamp_encoding = TimestampEncoding::kRaw;
  ValueEncoding value_encoding = ValueEncoding::kRaw;
  uint32_t timestamp_width = 0;  // bits of a packed timestamp, 0..64
  uint32_t value_width = 0;      // bits of a packed value, 0..64
  uint32_t value_shift = 0;      // low bits common to all values, left out
  uint32_t exponent = 0;         // value = integer / 10^exponent
  bool compact = false;          // ALP statistics as integers; for kConstant: the sum is implied
  bool exceptions = false;       // a patch list of values follows
  bool jumps = false;            // a patch list of delta jumps follows (value column)
  uint32_t checkpoint_log2 = 0;  // bytes per value checkpoint: 2, 4 or 8 (1, 2, 3), 0 if none
  uint32_t words = 0;            // of 8 bytes, header included
};

// The header as readers use it: fields are taken from the word where they are needed, since a
// lookup needs few of them and is shorter than filling a BlockHeader.
class PackedHeader {
 public:
  explicit PackedHeader(uint64_t word) : word_(word) {}
  explicit PackedHeader(const BlockHeader& h)
      : word_(uint64_t{h.count - 1} | uint64_t{static_cast<uint8_t>(h.timestamp_encoding)} << 11 |
              uint64_t{static_cast<uint8_t>(h.value_encoding)} << 14 |
              uint64_t{h.timestamp_width} << 17 | uint64_t{h.value_width} << 24 |
              uint64_t{h.value_shift} << 31 | uint64_t{h.exponent} << 37 |
              uint64_t{h.compact} << 42 | uint64_t{h.exceptions} << 43 | uint64_t{h.jumps} << 44 |
              uint64_t{h.checkpoint_log2} << 45 | uint64_t{h.words} << 47) {}

  uint64_t word() const { return word_; }
  uint32_t count() const { return Field(0, 11) + 1; }
  TimestampEncoding timestamp_encoding() const {
    return static_cast<TimestampEncoding>(Field(11, 3));
  }
  ValueEncoding value_encoding() const { return static_cast<ValueEncoding>(Field(14, 3)); }
  uint32_t timestamp_width() const { return Field(17, 7); }
  uint32_t value_width() const { return Field(24, 7); }
  uint32_t value_shift() const { return Field(31, 6); }
  uint32_t exponent() const { return Field(37, 5); }
  bool compact() const { return Field(42, 1) != 0; }
  bool exceptions() const { return Field(43, 1) != 0; }
  bool jumps() const { return Field(44, 1) != 0; }
  uint32_t checkpoint_log2() const { return Field(45, 2); }
  uint32_t words() const { return Field(47, 17); }

 private:
  uint32_t Field(uint32_t begin, uint32_t bits) const {
    return static_cast<uint32_t>(word_ >> begin & LowBits(bits));
  }

  uint64_t word_;
};

inline constexpr size_t PaddedToWord(size_t bytes) { return (bytes + 7) & ~size_t{7}; }

}  // namespace tsdb::codec

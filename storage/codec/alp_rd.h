// ALP-RD, for reals with all their digits: the left bits (sign, exponent, leading mantissa) of a
// block's values are few distinct patterns, kept in a dictionary of up to eight; the right bits are
// noise, packed as they are less the low bits that are zero in all. After the ALP paper, section
// 3.4. A value whose left bits are not in the dictionary is an exception, kept whole.
//
//   [sum, min, max, first, last f64][left width u64][dictionary u16 x 8]
//   [left indexes packed][right bits packed][exceptions, if any]
//
// The right part has value_width + value_shift bits, at most 63. Any value is read in O(1).
//
// Thread safety: encoding writes to its arguments only; an AlpRdColumn is an immutable view.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "storage/codec/block_layout.h"
#include "storage/codec/patch_list.h"
#include "storage/codec/value_statistics.h"

namespace tsdb::codec {

inline constexpr uint32_t kLeftBitsMax = 16;

// The number of left bits that seems cheapest, from a sample of `values`.
uint32_t FindLeftBits(const double* values, size_t count);

// Writes the section, sets the header's value fields; returns the end, or null (nothing written)
// if it would take no less than the values themselves.
uint8_t* EncodeAlpRd(const double* values, size_t count, uint32_t left_bits, BlockHeader& header,
                     uint8_t* out);

class AlpRdColumn {
 public:
  AlpRdColumn(PackedHeader header, const uint8_t* section) : header_(header), section_(section) {}

  absl::Status Check(size_t room, size_t& bytes) const;
  double At(size_t position) const;
  void Decode(uint32_t begin, uint32_t end, double* out) const;

 private:
  uint32_t LeftWidth() const { return section_[40]; }
  uint32_t RightBits() const { return header_.value_width() + header_.value_shift(); }
  uint64_t Left(size_t index) const;
  const uint8_t* LeftPacked() const { return section_ + 64; }
  const uint8_t* RightPacked() const {
    return LeftPacked() + PackedBytes(header_.count(), LeftWidth());
  }
  PatchList Exceptions() const {
    return PatchList(RightPacked() + PackedBytes(header_.count(), header_.value_width()));
  }

  PackedHeader header_;
  const uint8_t* section_;
};

}  // namespace tsdb::codec

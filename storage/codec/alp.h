// ALP, decimal scaling: values that are decimals of a few digits, as integers. After Afroozeh,
// Kuffo, Boncz: "ALP: Adaptive Lossless floating-Point compression", SIGMOD 2024, with one change:
// a value is *divided* by one power of ten instead of multiplied by two,
//
//   value = integer / 10^exponent
//
// and since division rounds correctly, every double that is the nearest to a decimal with that many
// digits is exact: there is nothing left to search for but the number of digits. (The kernels
// divide by a multiplication and two fused ones; kernel_loops.h says why that is exact.)
//
// Values for which this does not give back the same bits (-0.0, NaN, infinities, more digits) are
// *exceptions*, kept whole in a patch list. The integers are stored as offsets from their least
// (kAlpFrame: any value in O(1)) or as deltas (kAlpDelta: delta_column.h), whichever is narrower
// by more than a bit.
//
//   compact, when there are no exceptions and the integers span less than 2^32:
//     [sum f64][least i64][range u32][first u32][last u32][delta_min i32]
//   else
//     [sum, min, max, first, last f64][least i64][delta_min i64][carry i64]
//   then
//     [checkpoints, kAlpDelta only][packed][jumps, if any][exceptions, if any]
//
// Thread safety: encoding writes to its arguments only; an AlpColumn is an immutable view.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "storage/codec/block_layout.h"
#include "storage/codec/delta_column.h"
#include "storage/codec/value_statistics.h"

namespace tsdb::codec {

// The exponent that seems cheapest for `values`, from a sample of them, or -1 if decimals do not
// pay.
int FindExponent(const double* values, size_t count);

struct AlpResult {
  uint8_t* end = nullptr;  // null if so many values are exceptions that nothing was written
  size_t exceptions = 0;
};

// Writes the section with the given exponent; sets the header's value fields. Gives up without
// writing when more than `exceptions_max` values are exceptions.
AlpResult EncodeAlp(const double* values, size_t count, int exponent, size_t exceptions_max,
                    BlockHeader& header, uint8_t* out);

class AlpColumn {
 public:
  AlpColumn(PackedHeader header, const uint8_t* section) : header_(header), section_(section) {}

  absl::Status Check(size_t room, size_t& bytes) const;
  ValueStatistics Statistics() const;
  double At(size_t position) const;
  void Decode(uint32_t begin, uint32_t end, double* out) const;

 private:
  size_t HeadBytes() const;
  bool is_delta() const { return header_.value_encoding() == ValueEncoding::kAlpDelta; }
  int64_t Least() const { return LoadAs<int64_t>(section_ + (header_.compact() ? 8 : 40)); }
  const uint8_t* Packed() const;
  PatchList Jumps() const;
  PatchList Exceptions() const;
  DeltaColumn Deltas() const;
  double ToValue(int64_t integer) const;

  PackedHeader header_;
  const uint8_t* section_;
};

}  // namespace tsdb::codec

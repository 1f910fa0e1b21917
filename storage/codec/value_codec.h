// The value section of a block: which encoding, and access through it.
//
//   kConstant    [value f64]([sum f64] unless the sum is count * value)
//   kAlpFrame, kAlpDelta, kAlpRd, kDictionary: alp.h, alp_rd.h, dictionary.h
//   kRaw         [sum, min, max, first, last f64][value f64 x count]
//
// Thread safety: encoding writes to its arguments only; a ValueColumn is an immutable view.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "storage/codec/block_layout.h"
#include "storage/codec/value_statistics.h"

namespace tsdb::codec {

// Writes the section, sets the header's value fields, returns the section's end.
uint8_t* EncodeValues(const double* values, size_t count, EncodeHint& hint, BlockHeader& header,
                      uint8_t* out);

class ValueColumn {
 public:
  ValueColumn(PackedHeader header, const uint8_t* section) : header_(header), section_(section) {}

  // Checks the section against the bytes there are; sets `bytes` to its length.
  absl::Status Check(size_t room, size_t& bytes) const;
  ValueStatistics Statistics() const;
  double At(size_t position) const;
  // Rows [begin, end) of eight; REQUIRES: begin is the first row of a group.
  void Decode(uint32_t begin, uint32_t end, double* out) const;

 private:
  PackedHeader header_;
  const uint8_t* section_;
};

}  // namespace tsdb::codec

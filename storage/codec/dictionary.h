// A dictionary of up to 256 distinct bit patterns and a packed index per value: for full-precision
// values that repeat (a sensor with few levels, a rate computed from small counts).
//
//   [sum, min, max, first, last f64][size u64][pattern u64 x size][indexes packed]
//
// Patterns are in order of first appearance. Any value is read in O(1).
//
// Thread safety: encoding writes to its arguments only; a DictionaryColumn is an immutable view.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "storage/codec/block_layout.h"
#include "storage/codec/value_statistics.h"

namespace tsdb::codec {

inline constexpr size_t kDictionaryEntriesMax = 256;

// Writes the section if it takes less than `bytes_max`, sets the header's value fields; returns the
// end, or null with nothing written.
uint8_t* EncodeDictionary(const double* values, size_t count, size_t bytes_max, BlockHeader& header,
                          uint8_t* out);

class DictionaryColumn {
 public:
  DictionaryColumn(PackedHeader header, const uint8_t* section)
      : header_(header), section_(section) {}

  // Checks that every index is in the dictionary, too.
  absl::Status Check(size_t room, size_t& bytes) const;
  double At(size_t position) const;
  void Decode(uint32_t begin, uint32_t end, double* out) const;

 private:
  size_t Size() const { return LoadAs<uint64_t>(section_ + 40); }
  const uint8_t* Packed() const { return section_ + 48 + Size() * 8; }

  PackedHeader header_;
  const uint8_t* section_;
};

}  // namespace tsdb::codec

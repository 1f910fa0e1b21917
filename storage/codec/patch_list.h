// A short list of (position, 64-bit payload), positions increasing: the values that a column's main
// encoding cannot hold, or the jumps that would make its deltas wide.
//
//   [count u16][position u16 x count][zeros to a multiple of 8][payload u64 x count]
//
// Thread safety: a PatchList is an immutable view.
#pragma once

#include <cstddef>
#include <cstdint>

#include "storage/codec/bit_packing.h"
#include "storage/codec/block_layout.h"

namespace tsdb::codec {

class PatchList {
 public:
  PatchList() = default;
  explicit PatchList(const uint8_t* bytes) : bytes_(bytes) {}

  static constexpr size_t Bytes(size_t count) {
    return PaddedToWord((count + 1) * sizeof(uint16_t)) + count * sizeof(uint64_t);
  }

  // Zero for a default-constructed list.
  uint32_t count() const { return bytes_ == nullptr ? 0 : LoadAs<uint16_t>(bytes_); }
  size_t bytes() const { return bytes_ == nullptr ? 0 : Bytes(count()); }
  uint32_t position(size_t i) const { return LoadAs<uint16_t>(bytes_ + (i + 1) * 2); }
  uint64_t payload(size_t i) const {
    return LoadAs<uint64_t>(bytes_ + PaddedToWord((count() + size_t{1}) * 2) + i * 8);
  }

  // Index of the first patch at or after `position`.
  uint32_t LowerBound(size_t position) const;

  // True if the list lies within `room` bytes and its positions increase and are below `samples`.
  bool Valid(size_t room, size_t samples) const;

  // Writes a list; returns its end.
  static uint8_t* Write(const uint16_t* positions, const uint64_t* payloads, size_t count,
                        uint8_t* out);

 private:
  const uint8_t* bytes_ = nullptr;
};

}  // namespace tsdb::codec

// The timestamp section of a block. Encodings, cheapest to read first:
//
//   kConstantStride  [first i64][stride i64]                 t = first + i * stride
//   kLine            [base i64][stride u64][packed]          t = base + (i * stride >> 12) + r
//   kFrame           [origin i64][unit u64][packed]          t = origin + unit * p
//   kDelta           [origin i64][carry i64][delta_min i64][last i64][unit u32][flags u32]
//                    [checkpoints][packed][jumps]            t = origin + unit * (delta column)
//   kRaw             [t i64 x count]
//
// A line's stride has kLineFractionBits of fraction, so that a clock that ticks a little off a
// whole millisecond stays on its line. `unit` is a common factor of all differences, such as 1000
// where a source has whole seconds.
//
// Thread safety: encoding writes to its arguments only; a TimestampColumn is an immutable view.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "storage/base/types.h"
#include "storage/codec/block_layout.h"
#include "storage/codec/delta_column.h"

namespace tsdb::codec {

// Writes the section, sets the header's timestamp fields, returns the section's end. For
// `provisional` see EncodeHint.
uint8_t* EncodeTimestamps(const Timestamp* timestamps, size_t count, bool provisional,
                          BlockHeader& header, uint8_t* out);

class TimestampColumn {
 public:
  TimestampColumn(PackedHeader header, const uint8_t* section)
      : header_(header), section_(section) {}

  // Checks the section against the bytes there are; sets `bytes` to its length.
  absl::Status Check(size_t room, size_t& bytes) const;
  // Of a checked section.
  size_t Bytes() const;

  Timestamp First() const;
  Timestamp Last() const;
  Timestamp At(size_t position) const;
  // As BlockView's.
  bool SurelyIncreases() const;
  // Rows [begin, end) of eight; REQUIRES: begin is the first row of a group.
  void Decode(uint32_t begin, uint32_t end, Timestamp* out) const;
  // As BlockView's. REQUIRES: increasing timestamps.
  size_t LowerBound(Timestamp timestamp) const;
  size_t Find(Timestamp timestamp) const;

 private:
  uint64_t Word(size_t index) const { return LoadAs<uint64_t>(section_ + index * 8); }
  uint64_t LineAt(size_t position) const;
  DeltaColumn Deltas() const;
  size_t StrideLowerBound(Timestamp timestamp) const;
  size_t LineLowerBound(Timestamp timestamp) const;
  size_t LineFind(Timestamp timestamp) const;
  size_t DeltaLowerBound(Timestamp timestamp) const;
  size_t BinarySearch(Timestamp timestamp, size_t begin, size_t end) const;

  PackedHeader header_;
  const uint8_t* section_;
};

}  // namespace tsdb::codec

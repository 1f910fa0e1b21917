// A column of integers as differences of neighbours: packed offsets from the least difference,
// with a checkpoint every kGroupSamples so that one value costs a group at most, and a patch list
// of *jumps* (a gap in time, a counter's reset) that would widen every difference of the block.
//
//   integer[i] = integer[i - 1] + delta_min + (packed[i] << shift) + jump[i]
//
// `carry` is integer[-1], chosen so that packed[0] is 0. Checkpoint c (c >= 1) is
// integer[64 * c - 1] as an unsigned offset from a base, in 2, 4 or 8 bytes.
// All arithmetic wraps, so any column round-trips.
//
// Thread safety: plans are plain values; a DeltaColumn is an immutable view.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "storage/codec/block_layout.h"
#include "storage/codec/kernels.h"
#include "storage/codec/patch_list.h"

namespace tsdb::codec {

inline constexpr size_t kJumpsMax = 64;

// How a column will be written. Filled by PlanDelta.
struct DeltaPlan {
  int64_t delta_min = 0;
  uint32_t width = 0, shift = 0;
  uint32_t checkpoint_log2 = 0;
  uint32_t jump_count = 0;
  uint16_t jump_position[kJumpsMax];
  uint64_t jump[kJumpsMax];
  // Of checkpoints, packed offsets and jumps.
  size_t bytes = 0;
};

// Whether most of a column's deltas seem to lie within less than 2^(width - 2) of each other:
// judged by 16 of them, the least and the greatest left out. `middle` receives one that lies
// between the others. REQUIRES: count > 16.
bool DeltasMuchNarrower(const int64_t* column, size_t count, uint32_t width, uint64_t& middle);

// Chooses delta_min, width and jumps for `column`, whose shape is given. `range` is the greatest
// checkpoint offset that can occur. Jumps are looked for only if a sample of the deltas promises
// a narrower column.
void PlanDelta(const int64_t* column, size_t count, const ColumnShape& shape, uint64_t range,
               bool with_shift, DeltaPlan& plan);

// integer[-1] under `plan`.
inline int64_t DeltaCarry(int64_t first, const DeltaPlan& plan) {
  return static_cast<int64_t>(static_cast<uint64_t>(first) - static_cast<uint64_t>(plan.delta_min));
}

// Writes checkpoints (as offsets from `base`), packed offsets, jumps; returns the end. Takes jumps
// out of `column`, in place: it is of no use afterwards.
uint8_t* WriteDelta(int64_t* column, size_t count, int64_t base, const DeltaPlan& plan,
                    uint8_t* out);

inline size_t CheckpointCount(size_t count) { return (count - 1) / kGroupSamples; }

inline size_t CheckpointBytes(size_t count, uint32_t checkpoint_log2) {
  return PaddedToWord(CheckpointCount(count) << checkpoint_log2);
}

struct DeltaColumn {
  const uint8_t* checkpoints = nullptr;  // packed offsets follow
  uint32_t count = 0, width = 0, shift = 0, checkpoint_log2 = 0;
  int64_t base = 0, carry = 0, delta_min = 0;
  PatchList jumps;

  const uint8_t* packed() const { return checkpoints + CheckpointBytes(count, checkpoint_log2); }
  // Integer 64 * group - 1.
  int64_t CarryInto(size_t group) const;
  int64_t At(size_t position) const;
  PackedRows Rows(uint32_t begin, uint32_t end) const {
    return {packed(), width, RowCount(count), begin, end};
  }
  // Sum of the jumps of `position`'s group up to it.
  uint64_t JumpsUpTo(size_t position) const;
  // Decodes rows [begin, end) to out. REQUIRES: begin is the first row of a group.
  void Decode(uint32_t begin, uint32_t end, int64_t* out) const;
};

// Inline, as every lookup in a delta column passes through them.

inline int64_t DeltaColumn::CarryInto(size_t group) const {
  if (group == 0) return carry;
  const uint8_t* at = checkpoints + ((group - 1) << checkpoint_log2);
  const uint64_t offset = checkpoint_log2 == 1   ? LoadAs<uint16_t>(at)
                          : checkpoint_log2 == 2 ? LoadAs<uint32_t>(at)
                                                 : LoadAs<uint64_t>(at);
  return static_cast<int64_t>(static_cast<uint64_t>(base) + offset);
}

inline int64_t DeltaColumn::At(size_t position) const {
  const size_t group = position / kGroupSamples;
  const auto terms = static_cast<uint32_t>(position - group * kGroupSamples + 1);
  const auto begin = static_cast<uint32_t>(group * (kGroupSamples / kLanes));
  const uint32_t end = std::min<uint32_t>(begin + kGroupSamples / kLanes, RowCount(count));
  uint64_t sum = static_cast<uint64_t>(CarryInto(group)) +
                 static_cast<uint64_t>(delta_min) * terms +
                 (Kernels().sum_packed(Rows(begin, end), terms) << shift);
  if (jumps.count() != 0) [[unlikely]]
    sum += JumpsUpTo(position);
  return static_cast<int64_t>(sum);
}

}  // namespace tsdb::codec

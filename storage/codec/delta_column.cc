#include "storage/codec/delta_column.h"

#include <algorithm>
#include <cstring>

namespace tsdb::codec {
namespace {

// Shorter columns gain nothing from jumps: a list of one takes 16 bytes.
constexpr size_t kSampleMin = 16;

// Bits of a difference of deltas, sign apart.
uint32_t Spread(uint64_t delta, uint64_t middle) {
  const auto distance = static_cast<int64_t>(delta - middle);
  return BitWidth(static_cast<uint64_t>(distance < 0 ? ~distance : distance));
}

// Splits the deltas into those within 2^bits of `middle` and jumps, for the cheapest `bits`.
// Returns false if there is no gain in it.
bool PlanJumps(const int64_t* column, size_t count, uint64_t middle, DeltaPlan& plan) {
  uint32_t histogram[65] = {};
  for (size_t i = 1; i < count; ++i) {
    ++histogram[Spread(Difference(column[i], column[i - 1]), middle)];
  }
  constexpr size_t kJumpBits = 80;
  size_t best_cost = SIZE_MAX, jumps = 0;
  uint32_t best_bits = 64;
  for (uint32_t bits = 64; bits < 65 && jumps <= kJumpsMax; --bits) {
    const size_t cost = (bits + 1) * count + jumps * kJumpBits;
    if (cost < best_cost) {
      best_cost = cost;
      best_bits = bits;
    }
    jumps += histogram[bits];
  }
  plan.jump_count = 0;
  int64_t least = INT64_MAX, greatest = INT64_MIN;
  for (size_t i = 1; i < count; ++i) {
    const uint64_t delta = Difference(column[i], column[i - 1]);
    if (Spread(delta, middle) > best_bits) {
      plan.jump_position[plan.jump_count] = static_cast<uint16_t>(i);
      plan.jump[plan.jump_count++] = delta;
    } else {
      least = std::min(least, static_cast<int64_t>(delta - middle));
      greatest = std::max(greatest, static_cast<int64_t>(delta - middle));
    }
  }
  if (plan.jump_count == 0 || least > greatest) return false;
  const uint64_t delta_min = middle + static_cast<uint64_t>(least);
  // With a jump taken out its delta is the least one: its packed offset is 0.
  for (uint32_t j = 0; j < plan.jump_count; ++j) plan.jump[j] -= delta_min;
  plan.delta_min = static_cast<int64_t>(delta_min);
  plan.width = BitWidth(Difference(greatest, least) >> plan.shift);
  return true;
}

}  // namespace

// Nearly all blocks pass through here and most end here, so it is kept short.
bool DeltasMuchNarrower(const int64_t* column, size_t count, uint32_t width, uint64_t& middle) {
  constexpr size_t kSample = 16;
  int64_t least = INT64_MAX, greatest = INT64_MIN;
  int64_t second_least = INT64_MAX, second_greatest = INT64_MIN;
  for (size_t i = 0; i < kSample; ++i) {
    const size_t position = 1 + i * (count - 1) / kSample;
    const auto delta = static_cast<int64_t>(Difference(column[position], column[position - 1]));
    second_least = std::min(second_least, std::max(least, delta));
    least = std::min(least, delta);
    second_greatest = std::max(second_greatest, std::min(greatest, delta));
    greatest = std::max(greatest, delta);
  }
  const uint64_t spread = Difference(second_greatest, second_least);
  middle = static_cast<uint64_t>(second_least) + spread / 2;
  return BitWidth(spread) + 2 < width;
}

void PlanDelta(const int64_t* column, size_t count, const ColumnShape& shape, uint64_t range,
               bool with_shift, DeltaPlan& plan) {
  const uint64_t spread = Difference(shape.delta_max, shape.delta_min);
  plan.delta_min = shape.delta_min;
  plan.jump_count = 0;
  plan.shift = with_shift && spread != 0 ? std::countr_zero(shape.delta_or) : 0;
  plan.width = BitWidth(spread >> plan.shift);
  plan.checkpoint_log2 = range <= 0xFFFF ? 1 : range <= 0xFFFFFFFF ? 2 : 3;
  const size_t fixed = CheckpointBytes(count, plan.checkpoint_log2);
  plan.bytes = fixed + PackedBytes(count, plan.width);
  uint64_t middle = 0;
  if (count <= kSampleMin || plan.width < 3) return;
  if (!DeltasMuchNarrower(column, count, plan.width + plan.shift, middle)) return;
  DeltaPlan with_jumps = plan;
  if (!PlanJumps(column, count, middle, with_jumps)) return;
  with_jumps.bytes =
      fixed + PackedBytes(count, with_jumps.width) + PatchList::Bytes(with_jumps.jump_count);
  if (with_jumps.bytes < plan.bytes) plan = with_jumps;
}

uint8_t* WriteDelta(int64_t* column, size_t count, int64_t base, const DeltaPlan& plan,
                    uint8_t* out) {
  const size_t checkpoints = CheckpointCount(count);
  const size_t checkpoint_bytes = CheckpointBytes(count, plan.checkpoint_log2);
  if (checkpoint_bytes > 0) StoreAs<uint64_t>(out + checkpoint_bytes - 8, 0);
  for (size_t c = 0; c < checkpoints; ++c) {
    const uint64_t offset = Difference(column[(c + 1) * kGroupSamples - 1], base);
    std::memcpy(out + (c << plan.checkpoint_log2), &offset, size_t{1} << plan.checkpoint_log2);
  }
  out += checkpoint_bytes;
  const int64_t carry = DeltaCarry(column[0], plan);
  uint64_t removed = 0;
  for (uint32_t j = 0; j < plan.jump_count; ++j) {
    removed += plan.jump[j];
    const size_t end = j + 1 < plan.jump_count ? plan.jump_position[j + 1] : count;
    for (size_t i = plan.jump_position[j]; i < end; ++i) {
      column[i] = static_cast<int64_t>(static_cast<uint64_t>(column[i]) - removed);
    }
  }
  out += Kernels().pack_delta(column, count, carry, plan.delta_min, plan.shift, plan.width, out);
  if (plan.jump_count > 0) {
    out = PatchList::Write(plan.jump_position, plan.jump, plan.jump_count, out);
  }
  return out;
}

uint64_t DeltaColumn::JumpsUpTo(size_t position) const {
  uint64_t sum = 0;
  for (uint32_t j = jumps.LowerBound(position / kGroupSamples * kGroupSamples);
       j < jumps.count() && jumps.position(j) <= position; ++j) {
    sum += jumps.payload(j);
  }
  return sum;
}

void DeltaColumn::Decode(uint32_t begin, uint32_t end, int64_t* out) const {
  const int64_t start = CarryInto(begin / (kGroupSamples / kLanes));
  Kernels().unpack_delta(Rows(begin, end), start, delta_min, shift, out);
  const size_t first = size_t{begin} * kLanes, last = size_t{end} * kLanes;
  uint64_t added = 0;
  for (uint32_t j = jumps.LowerBound(first); j < jumps.count() && jumps.position(j) < last; ++j) {
    added += jumps.payload(j);
    const size_t stop =
        j + 1 < jumps.count() ? std::min<size_t>(jumps.position(j + 1), last) : last;
    for (size_t i = jumps.position(j); i < stop; ++i) {
      out[i - first] = static_cast<int64_t>(static_cast<uint64_t>(out[i - first]) + added);
    }
  }
}

}  // namespace tsdb::codec

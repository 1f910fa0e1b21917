#include "storage/codec/alp.h"

#include <algorithm>
#include <bit>

namespace tsdb::codec {
namespace {

constexpr size_t kCompactBytes = 32, kWideBytes = 64;
constexpr size_t kExceptionBits = 80;

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

// What integers of one exponent would cost, judged by pairs of neighbours.
struct ExponentCost {
  int64_t least = INT64_MAX, greatest = INT64_MIN;
  uint64_t step_max = 0;
  size_t exceptions = 0;

  void Add(int64_t a, int64_t b) {
    least = std::min({least, a, b});
    greatest = std::max({greatest, a, b});
    const auto step = static_cast<int64_t>(Difference(b, a));
    step_max = std::max(step_max, static_cast<uint64_t>(step < 0 ? ~step : step));
  }
  size_t BitsPer(size_t samples) const {
    if (exceptions == samples) return SIZE_MAX;
    const uint32_t frame = least > greatest ? 0 : BitWidth(Difference(greatest, least));
    const uint32_t delta = BitWidth(step_max) + 2;
    return std::min(frame, delta) * samples + exceptions * kExceptionBits;
  }
};

// Replaces the integers of exceptions by their predecessors, so that they do not widen anything,
// and lists them.
size_t CollectExceptions(const double* values, size_t count, int exponent, int64_t* integers,
                         uint16_t* positions, uint64_t* payloads) {
  const double power = kPowersOfTen[exponent];
  size_t exceptions = 0, first_exact = count;
  int64_t before = 0;
  for (size_t i = 0; i < count; ++i) {
    if (SameBits(static_cast<double>(integers[i]) / power, values[i])) {
      before = integers[i];
      first_exact = std::min(first_exact, i);
      continue;
    }
    integers[i] = before;
    positions[exceptions] = static_cast<uint16_t>(i);
    payloads[exceptions++] = std::bit_cast<uint64_t>(values[i]);
  }
  if (first_exact < count) std::fill(integers, integers + first_exact, integers[first_exact]);
  return exceptions;
}

struct AlpLayout {
  bool compact = false, delta = false;
  uint32_t frame_width = 0, frame_shift = 0;
};

AlpLayout Choose(const int64_t* integers, size_t count, const ColumnShape& shape, bool exact,
                 DeltaPlan& plan) {
  AlpLayout layout;
  const uint64_t range = Difference(shape.max, shape.min);
  layout.frame_shift = range == 0 ? 0 : static_cast<uint32_t>(std::countr_zero(shape.delta_or));
  layout.frame_width = BitWidth(range >> layout.frame_shift);
  const size_t frame_bytes = PackedBytes(count, layout.frame_width);
  // Even a perfect delta column has to win by a bit: narrow frames need no look at deltas.
  if (layout.frame_width > 1) {
    PlanDelta(integers, count, shape, range, true, plan);
    layout.delta = plan.bytes + count / 8 < frame_bytes;
  }
  layout.compact = exact && range <= UINT32_MAX &&
                   (!layout.delta || plan.delta_min == static_cast<int32_t>(plan.delta_min));
  return layout;
}

uint8_t* WriteHead(const AlpScan& scan, const AlpLayout& layout, const double* values,
                   const int64_t* integers, size_t count, const DeltaPlan& plan, uint8_t* out) {
  const ColumnShape& shape = scan.shape;
  const int64_t delta_min = layout.delta ? plan.delta_min : 0;
  if (layout.compact) {
    StoreAs(out, CanonicalSum(scan.sum));
    StoreAs(out + 8, shape.min);
    StoreAs(out + 16, static_cast<uint32_t>(Difference(shape.max, shape.min)));
    StoreAs(out + 20, static_cast<uint32_t>(Difference(integers[0], shape.min)));
    StoreAs(out + 24, static_cast<uint32_t>(Difference(integers[count - 1], shape.min)));
    StoreAs(out + 28, static_cast<int32_t>(delta_min));
    return out + kCompactBytes;
  }
  out = WriteStatistics(ScanStatistics(values, count), out);
  StoreAs(out, shape.min);
  StoreAs(out + 8, delta_min);
  StoreAs(out + 16, layout.delta ? DeltaCarry(integers[0], plan) : 0);
  return out + (kWideBytes - sizeof(ValueStatistics));
}

}  // namespace

int FindExponent(const double* values, size_t count) {
  constexpr size_t kPairs = 16;
  const size_t pairs = std::min(kPairs, count);
  int best = -1;
  // A value stored whole costs 64 bits; ALP-RD takes a few less.
  size_t best_bits = 2 * pairs * 52;
  for (int exponent = 0; exponent <= kDecimalExponentMax; ++exponent) {
    const double power = kPowersOfTen[exponent];
    ExponentCost cost;
    for (size_t pair = 0; pair < pairs && cost.exceptions * kExceptionBits < best_bits; ++pair) {
      const size_t at = pair * count / pairs;
      const double two[2] = {values[at], values[std::min(at + 1, count - 1)]};
      int64_t integer[2];
      size_t exact = 0;
      for (double value : two) {
        const double scaled = value * power;
        if (!(scaled > -9.2e18 && scaled < 9.2e18)) continue;
        integer[exact] = std::llrint(scaled);
        if (SameBits(static_cast<double>(integer[exact]) / power, value)) ++exact;
      }
      cost.exceptions += 2 - exact;
      if (exact > 0) cost.Add(integer[0], integer[exact - 1]);
    }
    const size_t bits = cost.BitsPer(2 * pairs);
    if (bits < best_bits) {
      best_bits = bits;
      best = exponent;
    }
    // More digits only make longer integers.
    if (cost.exceptions == 0) break;
  }
  return best;
}

AlpResult EncodeAlp(const double* values, size_t count, int exponent, size_t exceptions_max,
                    BlockHeader& header, uint8_t* out) {
  alignas(64) int64_t integers[kBlockSamplesMax];
  AlpScan scan = Kernels().scan_alp(values, count, exponent, integers);
  alignas(64) uint64_t payloads[kBlockSamplesMax];
  uint16_t positions[kBlockSamplesMax];
  size_t exceptions = 0;
  if (!scan.exact) {
    exceptions = CollectExceptions(values, count, exponent, integers, positions, payloads);
    if (exceptions > exceptions_max) return {nullptr, exceptions};
    scan.shape = Kernels().scan_column(integers, count);
  }
  DeltaPlan plan;
  const AlpLayout layout = Choose(integers, count, scan.shape, exceptions == 0, plan);
  header.exponent = static_cast<uint32_t>(exponent);
  header.compact = layout.compact;
  header.exceptions = exceptions > 0;
  out = WriteHead(scan, layout, values, integers, count, plan, out);
  if (layout.delta) {
    header.value_encoding = ValueEncoding::kAlpDelta;
    header.value_width = plan.width;
    header.value_shift = plan.shift;
    header.checkpoint_log2 = plan.checkpoint_log2;
    header.jumps = plan.jump_count > 0;
    out = WriteDelta(integers, count, scan.shape.min, plan, out);
  } else {
    header.value_encoding = ValueEncoding::kAlpFrame;
    header.value_width = layout.frame_width;
    header.value_shift = layout.frame_shift;
    out += Kernels().pack_frame(integers, count, scan.shape.min, layout.frame_shift,
                                layout.frame_width, out);
  }
  if (exceptions > 0) out = PatchList::Write(positions, payloads, exceptions, out);
  return {out, exceptions};
}

size_t AlpColumn::HeadBytes() const { return header_.compact() ? kCompactBytes : kWideBytes; }

absl::Status AlpColumn::Check(size_t room, size_t& bytes) const {
  if (header_.exponent() > kDecimalExponentMax || header_.value_width() > 64) {
    return absl::DataLossError("block: bad decimal exponent or width of values");
  }
  if (is_delta() != (header_.checkpoint_log2() != 0) || (header_.jumps() && !is_delta()) ||
      (header_.compact() && header_.exceptions())) {
    return absl::DataLossError("block: flags of values contradict each other");
  }
  bytes = HeadBytes() + PackedBytes(header_.count(), header_.value_width());
  if (is_delta()) bytes += CheckpointBytes(header_.count(), header_.checkpoint_log2());
  for (bool present : {header_.jumps(), header_.exceptions()}) {
    if (!present) continue;
    if (bytes > room || !PatchList(section_ + bytes).Valid(room - bytes, header_.count())) {
      return absl::DataLossError("block: bad list of value exceptions");
    }
    bytes += PatchList(section_ + bytes).bytes();
  }
  if (bytes > room) return absl::DataLossError("block: values cut short");
  return absl::OkStatus();
}

double AlpColumn::ToValue(int64_t integer) const {
  return static_cast<double>(integer) / kPowersOfTen[header_.exponent()];
}

ValueStatistics AlpColumn::Statistics() const {
  if (!header_.compact()) return LoadAs<ValueStatistics>(section_);
  const auto least = LoadAs<uint64_t>(section_ + 8);
  const auto value = [&](size_t offset) {
    return ToValue(static_cast<int64_t>(least + LoadAs<uint32_t>(section_ + offset)));
  };
  return {LoadAs<double>(section_), ToValue(static_cast<int64_t>(least)), value(16), value(20),
          value(24)};
}

const uint8_t* AlpColumn::Packed() const {
  const uint8_t* packed = section_ + HeadBytes();
  return is_delta() ? packed + CheckpointBytes(header_.count(), header_.checkpoint_log2()) : packed;
}

PatchList AlpColumn::Jumps() const {
  if (!header_.jumps()) return {};
  return PatchList(Packed() + PackedBytes(header_.count(), header_.value_width()));
}

PatchList AlpColumn::Exceptions() const {
  if (!header_.exceptions()) return {};
  return PatchList(Packed() + PackedBytes(header_.count(), header_.value_width()) +
                   Jumps().bytes());
}

inline __attribute__((always_inline)) DeltaColumn AlpColumn::Deltas() const {
  DeltaColumn deltas;
  deltas.checkpoints = section_ + HeadBytes();
  deltas.count = header_.count();
  deltas.width = header_.value_width();
  deltas.shift = header_.value_shift();
  deltas.checkpoint_log2 = header_.checkpoint_log2();
  deltas.base = Least();
  if (header_.compact()) {
    deltas.delta_min = LoadAs<int32_t>(section_ + 28);
    deltas.carry =
        static_cast<int64_t>(static_cast<uint64_t>(deltas.base) + LoadAs<uint32_t>(section_ + 20) -
                             static_cast<uint64_t>(deltas.delta_min));
  } else {
    deltas.delta_min = LoadAs<int64_t>(section_ + 48);
    deltas.carry = LoadAs<int64_t>(section_ + 56);
  }
  deltas.jumps = Jumps();
  return deltas;
}

double AlpColumn::At(size_t position) const {
  if (header_.exceptions()) {
    const PatchList exceptions = Exceptions();
    const uint32_t i = exceptions.LowerBound(position);
    if (i < exceptions.count() && exceptions.position(i) == position) {
      return std::bit_cast<double>(exceptions.payload(i));
    }
  }
  if (is_delta()) return ToValue(Deltas().At(position));
  const uint64_t packed =
      PackedValue(section_ + HeadBytes(), header_.count(), header_.value_width(), position);
  return ToValue(
      static_cast<int64_t>(static_cast<uint64_t>(Least()) + (packed << header_.value_shift())));
}

void AlpColumn::Decode(uint32_t begin, uint32_t end, double* out) const {
  const KernelTable& kernels = Kernels();
  const int exponent = static_cast<int>(header_.exponent());
  if (!is_delta()) {
    const PackedRows rows{section_ + HeadBytes(), header_.value_width(), RowCount(header_.count()),
                          begin, end};
    kernels.unpack_alp_frame(rows, Least(), header_.value_shift(), exponent, out);
  } else if (const DeltaColumn deltas = Deltas(); deltas.jumps.count() == 0) {
    kernels.unpack_alp_delta(deltas.Rows(begin, end),
                             deltas.CarryInto(begin / (kGroupSamples / kLanes)), deltas.delta_min,
                             deltas.shift, exponent, out);
  } else {
    alignas(64) int64_t integers[kBlockSamplesMax];
    deltas.Decode(begin, end, integers);
    kernels.to_decimals(integers, size_t{end - begin} * kLanes, exponent, out);
  }
  if (!header_.exceptions()) return;
  const PatchList exceptions = Exceptions();
  const size_t first = size_t{begin} * kLanes, last = size_t{end} * kLanes;
  for (uint32_t i = exceptions.LowerBound(first);
       i < exceptions.count() && exceptions.position(i) < last; ++i) {
    out[exceptions.position(i) - first] = std::bit_cast<double>(exceptions.payload(i));
  }
}

}  // namespace tsdb::codec

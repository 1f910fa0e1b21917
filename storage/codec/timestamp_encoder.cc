// Choosing and writing a timestamp section. Most blocks are regular or close to a line, which one
// pass decides; only the others pay for the analysis of deltas.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "storage/codec/timestamp_codec.h"

namespace tsdb::codec {
namespace {

// A line this narrow is taken at once: deltas could save a bit or two and would cost random access.
constexpr uint32_t kLineWidthGood = 6;
// Two bytes a timestamp for a while cost less than finding the gaps of a block to be encoded again.
constexpr uint32_t kLineWidthProvisional = 16;
// Spans below this keep position * stride within 64 bits, fraction included.
constexpr uint64_t kLineSpanMax = uint64_t{1} << 50;

struct LineFit {
  uint64_t stride = 0;
  int64_t base = 0;
  uint32_t width = 64;
  uint64_t range = 0;
};

LineFit FitLine(const Timestamp* timestamps, size_t count, uint64_t stride) {
  LineFit fit;
  int64_t least, greatest;
  Kernels().scan_line(timestamps, count, timestamps[0], stride, &least, &greatest);
  fit.stride = stride;
  fit.base =
      static_cast<int64_t>(static_cast<uint64_t>(timestamps[0]) + static_cast<uint64_t>(least));
  fit.range = Difference(greatest, least);
  // The first residual is 0, so the base is not above the first timestamp; searches rely on that,
  // so a base that wrapped around the end of time makes no line.
  fit.width = fit.base <= timestamps[0] ? BitWidth(fit.range) : 64;
  return fit;
}

// The line through the ends, its stride rounded to whole milliseconds: most sources have one, and
// rounding keeps the ends' jitter out of it. If the residuals are wide because the line drifts away
// from the data, a fractional stride is tried.
LineFit BestLine(const Timestamp* timestamps, size_t count) {
  const uint64_t span = Difference(timestamps[count - 1], timestamps[0]);
  if (span >= kLineSpanMax) return {};
  const uint64_t steps = count - 1;
  const uint64_t whole = (span + steps / 2) / steps;
  LineFit fit = FitLine(timestamps, count, whole << kLineFractionBits);
  const uint64_t drift = span > whole * steps ? span - whole * steps : whole * steps - span;
  if (fit.width < 4 || drift < fit.range / 2) return fit;
  const LineFit fractional =
      FitLine(timestamps, count, ((span << kLineFractionBits) + steps / 2) / steps);
  return fractional.width < fit.width ? fractional : fit;
}

uint8_t* WriteLine(const Timestamp* timestamps, size_t count, const LineFit& fit,
                   BlockHeader& header, uint8_t* out) {
  header.timestamp_width = fit.width;
  if (fit.range == 0 && fit.stride % (1 << kLineFractionBits) == 0) {
    header.timestamp_encoding = TimestampEncoding::kConstantStride;
    StoreAs(out, fit.base);
    StoreAs(out + 8, fit.stride >> kLineFractionBits);
    return out + 16;
  }
  header.timestamp_encoding = TimestampEncoding::kLine;
  StoreAs(out, fit.base);
  StoreAs(out + 8, fit.stride);
  return out + 16 +
         Kernels().pack_line(timestamps, count, fit.base, fit.stride, fit.width, out + 16);
}

// The inverse of an odd number modulo 2^64, by Newton's iteration: five rounds double three
// correct bits to 96.
uint64_t InverseOfOdd(uint64_t odd) {
  uint64_t inverse = odd;
  for (int i = 0; i < 5; ++i) inverse *= 2 - odd * inverse;
  return inverse;
}

// A common factor of all offsets[i]; 1 if there is none that fits in 32 bits. Divides them by it.
uint32_t DivideByUnit(uint64_t* offsets, size_t count) {
  uint64_t unit = 0;
  for (size_t i = 0; i < std::min<size_t>(count, 16) && unit != 1; ++i) {
    unit = std::gcd(unit, offsets[i]);
  }
  if (unit <= 1) return 1;
  uint64_t low_bits = unit;
  for (size_t i = 0; i < count; ++i) low_bits |= offsets[i];
  uint32_t shift = static_cast<uint32_t>(std::min(std::countr_zero(low_bits), 31));
  uint64_t odd = unit >> std::countr_zero(unit);
  if ((odd << shift) > UINT32_MAX) odd = 1;
  // x is a multiple of odd exactly if x * inverse is small, and then the product is the quotient:
  // a test without division.
  uint64_t inverse = InverseOfOdd(odd);
  const uint64_t quotient_max = UINT64_MAX / odd;
  for (size_t i = 0; i < count && odd != 1; ++i) {
    if (offsets[i] * inverse > quotient_max) odd = inverse = 1;
  }
  for (size_t i = 0; i < count; ++i) offsets[i] = (offsets[i] * inverse) >> shift;
  return static_cast<uint32_t>(odd << shift);
}

uint8_t* WriteRaw(const Timestamp* timestamps, size_t count, BlockHeader& header, uint8_t* out) {
  header.timestamp_encoding = TimestampEncoding::kRaw;
  header.timestamp_width = 0;
  std::memcpy(out, timestamps, count * sizeof(Timestamp));
  return out + count * sizeof(Timestamp);
}

// Everything that is neither regular nor near a line.
uint8_t* EncodeIrregular(const Timestamp* timestamps, size_t count, const LineFit& line,
                         BlockHeader& header, uint8_t* out) {
  alignas(64) int64_t offsets[kBlockSamplesMax];
  const Timestamp origin = *std::min_element(timestamps, timestamps + count);
  uint64_t greatest = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t offset = Difference(timestamps[i], origin);
    offsets[i] = static_cast<int64_t>(offset);
    greatest = std::max(greatest, offset);
  }
  const uint32_t unit = DivideByUnit(reinterpret_cast<uint64_t*>(offsets), count);
  greatest /= unit;
  DeltaPlan plan;
  PlanDelta(offsets, count, Kernels().scan_column(offsets, count), greatest, false, plan);

  const uint32_t frame_width = BitWidth(greatest);
  const size_t frame_bytes = 16 + PackedBytes(count, frame_width);
  const size_t line_bytes = 16 + PackedBytes(count, line.width);
  const size_t delta_bytes = 40 + plan.bytes;
  const size_t random_access_bytes = std::min(frame_bytes, line_bytes);
  // Deltas must be a bit narrower to make up for their slower lookups.
  if (delta_bytes + count / 8 < random_access_bytes && delta_bytes < count * 8) {
    header.timestamp_encoding = TimestampEncoding::kDelta;
    header.timestamp_width = plan.width;
    StoreAs(out, origin);
    StoreAs(out + 8, DeltaCarry(offsets[0], plan));
    StoreAs(out + 16, plan.delta_min);
    StoreAs(out + 24, timestamps[count - 1]);
    StoreAs(out + 32, unit);
    StoreAs(out + 36, plan.checkpoint_log2 | (plan.jump_count > 0 ? 4u : 0u));
    return WriteDelta(offsets, count, 0, plan, out + 40);
  }
  if (random_access_bytes >= count * 8) return WriteRaw(timestamps, count, header, out);
  if (line_bytes < frame_bytes && line.width < 64)
    return WriteLine(timestamps, count, line, header, out);
  header.timestamp_encoding = TimestampEncoding::kFrame;
  header.timestamp_width = frame_width;
  StoreAs(out, origin);
  StoreAs<uint64_t>(out + 8, unit);
  return out + 16 + Kernels().pack_frame(offsets, count, 0, 0, frame_width, out + 16);
}

// Whether deltas cannot be narrower by more than a bit or two, nor a common factor be taken out:
// jitter around a line, the common case, is told apart from gaps and walks by a few samples.
bool LineIsBest(const Timestamp* timestamps, size_t count, const LineFit& line) {
  if (line.width <= kLineWidthGood) return true;
  uint64_t middle = 0;
  // Timestamps that run back and forth more than on are better off in a frame.
  if (line.range >= Difference(timestamps[count - 1], timestamps[0])) return false;
  constexpr uint32_t kWidthMax = 48;  // beyond that the timestamps themselves may be shorter
  if (count <= 16 || line.width > kWidthMax ||
      DeltasMuchNarrower(timestamps, count, line.width, middle)) {
    return false;
  }
  uint64_t unit = 0;
  for (size_t i = 1; i < 16 && unit != 1; ++i) {
    unit = std::gcd(unit, Difference(timestamps[i], timestamps[0]));
  }
  return unit == 1;
}

}  // namespace

uint8_t* EncodeTimestamps(const Timestamp* timestamps, size_t count, bool provisional,
                          BlockHeader& header, uint8_t* out) {
  if (count <= 2) {
    header.timestamp_encoding = TimestampEncoding::kConstantStride;
    header.timestamp_width = 0;
    StoreAs(out, timestamps[0]);
    StoreAs(out + 8, Difference(timestamps[count - 1], timestamps[0]));
    return out + 16;
  }
  const LineFit line = BestLine(timestamps, count);
  if ((provisional && line.width <= kLineWidthProvisional) || LineIsBest(timestamps, count, line)) {
    return WriteLine(timestamps, count, line, header, out);
  }
  return EncodeIrregular(timestamps, count, line, header, out);
}

}  // namespace tsdb::codec

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "storage/codec/bit_stream.h"
#include "storage/codec/kernels.h"
#include "storage/codec/run.h"
#include "storage/codec/run_layout.h"

namespace tsdb::codec {
namespace {

// Tag, series, count; base, stride or least, width; exponent or shift, width, first, least; number
// of exceptions; what columns wider than needed waste (kParameterBits of both).
constexpr size_t kRunHeadBytesMax =
    1 + 5 + 5 + 2 * kVarintBytesMax + 1 + 2 + 2 * kVarintBytesMax + 5 + 5;
// The places of exceptions that are more than a byte apart from each other: 1 byte in 128 samples.
constexpr size_t kSamplesPerWideGap = 128;
constexpr size_t kHeaderBytesMax = 2 * kVarintBytesMax;

uint64_t Bits(double value) { return std::bit_cast<uint64_t>(value); }

bool DecimalIs(int64_t integer, int exponent, double value) {
  return Bits(static_cast<double>(integer) / kPowersOfTen[exponent]) == Bits(value);
}

// What the runs before have set; the reader keeps the same.
struct Before {
  SeriesId series = kInvalidSeriesId;
  uint32_t count = 0;
  const Timestamp* times = nullptr;
  Timestamp time = 0;
  uint64_t stride = 0;
  uint32_t time_width = 0, value_width = 0, exponent = 0;
};

// A wider column than needed is worth it if it saves more bits of parameters.
bool WidthServes(uint32_t width, uint32_t needed, size_t count, size_t parameter_bits) {
  return width >= needed && size_t{width - needed} * count <= parameter_bits;
}

// --- timestamps ---

struct Line {
  uint64_t stride = 0;
  Timestamp base = 0;
  uint32_t width = 0;
};

Line FitRunLine(const Timestamp* times, size_t count, uint64_t stride) {
  int64_t least = 0, greatest = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto offset =
        static_cast<int64_t>(Difference(times[i], times[0]) - static_cast<uint64_t>(i) * stride);
    least = std::min(least, offset);
    greatest = std::max(greatest, offset);
  }
  return {stride,
          static_cast<Timestamp>(static_cast<uint64_t>(times[0]) + static_cast<uint64_t>(least)),
          BitWidth(Difference(greatest, least))};
}

uint8_t* WriteLine(const Timestamp* times, size_t count, const Line& line, uint8_t* out) {
  const auto base = static_cast<uint64_t>(line.base);
  return PackBits(
      count, line.width,
      [&](size_t i) { return static_cast<uint64_t>(times[i]) - base - i * line.stride; }, out);
}

uint8_t* WriteBase(Timestamp time, Before& before, uint8_t* out) {
  out = WriteVarint(ToZigzag(static_cast<int64_t>(Difference(time, before.time))), out);
  before.time = time;
  return out;
}

// Neither the stride nor the width of the run before will do, or not well.
uint8_t* WriteOtherTimes(const Timestamp* times, size_t count, const Line& again, Before& before,
                         uint8_t& tag, uint8_t* out) {
  const auto steps = static_cast<int64_t>(count - 1);
  const auto span = static_cast<int64_t>(Difference(times[count - 1], times[0]));
  const int64_t mean = span / steps;
  const int64_t rest = span % steps;
  // To the nearest: a stride half a millisecond off adds up to bits.
  const int64_t nearest = mean + (rest > steps / 2 ? 1 : rest < -(steps / 2) ? -1 : 0);
  Line line = FitRunLine(times, count, static_cast<uint64_t>(nearest));
  if (again.width * count <= line.width * count + 8) line = again;
  const ColumnShape shape = Kernels().scan_column(times, count);
  const uint32_t delta_width = BitWidth(Difference(shape.delta_max, shape.delta_min));
  if (delta_width < line.width) {
    tag |= static_cast<uint8_t>(RunTimes::kDelta);
    out = WriteBase(times[0], before, out);
    out = WriteVarint(ToZigzag(shape.delta_min), out);
    *out++ = static_cast<uint8_t>(delta_width);
    const auto least = static_cast<uint64_t>(shape.delta_min);
    return PackBits(
        count - 1, delta_width,
        [&](size_t i) { return Difference(times[i + 1], times[i]) - least; }, out);
  }
  tag |= static_cast<uint8_t>(RunTimes::kLine);
  out = WriteBase(line.base, before, out);
  out = WriteVarint(ToZigzag(static_cast<int64_t>(line.stride)), out);
  *out++ = static_cast<uint8_t>(line.width);
  before.stride = line.stride;
  before.time_width = line.width;
  return WriteLine(times, count, line, out);
}

uint8_t* WriteTimes(const Timestamp* times, size_t count, Before& before, uint8_t& tag,
                    uint8_t* out) {
  if (count == before.count && times[0] == before.times[0] &&
      std::memcmp(times, before.times, count * sizeof(Timestamp)) == 0) {
    tag |= static_cast<uint8_t>(RunTimes::kSame);
    return out;
  }
  if (count == 1) return WriteBase(times[0], before, out);
  constexpr size_t kParameterBits = 24;
  Line line = FitRunLine(times, count, before.stride);
  if (!WidthServes(before.time_width, line.width, count, kParameterBits)) {
    return WriteOtherTimes(times, count, line, before, tag, out);
  }
  line.width = before.time_width;
  out = WriteBase(line.base, before, out);
  return WriteLine(times, count, line, out);
}

// --- values ---

// The least exponent that holds a few of the values exactly, or -1. FindExponent of alp.h looks at
// 32 values with every exponent: several times what encoding a run of that length costs.
int GuessExponent(const double* values, size_t count) {
  const size_t places[4] = {0, count / 3, count * 2 / 3, count - 1};
  int exponent = 0, looked_at = 0;
  for (size_t place : places) {
    const double value = values[place];
    // These are exceptions with any exponent.
    if (!std::isfinite(value) || Bits(value) == Bits(-0.0)) continue;
    ++looked_at;
    for (;; ++exponent) {
      if (exponent > kDecimalExponentMax) return -1;
      const double scaled = value * kPowersOfTen[exponent];
      if (!(std::abs(scaled) < 9007199254740992.0)) return -1;
      if (DecimalIs(std::llrint(scaled), exponent, value)) break;
    }
  }
  return looked_at > 0 ? exponent : -1;
}

struct Decimals {
  int exponent = -1;
  RunValues mode = RunValues::kFrame;
  uint32_t width = 0;
  size_t bits = SIZE_MAX;  // about, of all that is written
  ColumnShape shape;
};

// Gives exceptions the integer before them, so that they widen nothing, and lists them. False if
// there is no value that is none.
bool TakeOutExceptions(const double* values, size_t count, int exponent, int64_t* integers,
                       std::vector<uint32_t>& exceptions) {
  size_t exact = 0;
  while (exact < count && !DecimalIs(integers[exact], exponent, values[exact])) ++exact;
  if (exact == count) return false;
  for (size_t i = 0; i < count; ++i) {
    if (i >= exact && DecimalIs(integers[i], exponent, values[i])) continue;
    integers[i] = i < exact ? integers[exact] : integers[i - 1];
    exceptions.push_back(static_cast<uint32_t>(i));
  }
  return true;
}

Decimals PlanDecimals(const double* values, size_t count, int exponent, int64_t* integers,
                      std::vector<uint32_t>& exceptions) {
  exceptions.clear();
  Decimals plan;
  const AlpScan scan = Kernels().scan_alp(values, count, exponent, integers);
  plan.shape = scan.shape;
  if (!scan.exact) {
    if (!TakeOutExceptions(values, count, exponent, integers, exceptions)) return plan;
    plan.shape = Kernels().scan_column(integers, count);
  }
  plan.exponent = exponent;
  const ColumnShape& shape = plan.shape;
  const uint32_t frame = BitWidth(Difference(shape.max, shape.min));
  const uint32_t delta = BitWidth(Difference(shape.delta_max, shape.delta_min));
  const uint32_t zigzag = BitWidth(std::max(ToZigzag(shape.delta_min), ToZigzag(shape.delta_max)));
  plan.width = frame;
  plan.bits = frame * count + 8 * VarintBytes(ToZigzag(shape.min));
  const size_t first_bits = 8 * VarintBytes(ToZigzag(integers[0]));
  const size_t zigzag_bits = zigzag * (count - 1) + first_bits;
  if (zigzag_bits < plan.bits) {
    plan.mode = RunValues::kZigzag;
    plan.width = zigzag;
    plan.bits = zigzag_bits;
  }
  const size_t delta_bits =
      delta * (count - 1) + first_bits + 8 * VarintBytes(ToZigzag(shape.delta_min));
  if (delta_bits < plan.bits) {
    plan.mode = RunValues::kDelta;
    plan.width = delta;
    plan.bits = delta_bits;
  }
  plan.bits += exceptions.size() * 72;
  return plan;
}

uint8_t* WriteDecimals(const double* values, size_t count, Decimals plan, const int64_t* integers,
                       const std::vector<uint32_t>& exceptions, Before& before, uint8_t& tag,
                       uint8_t* out) {
  tag |= static_cast<uint8_t>(static_cast<uint8_t>(plan.mode) << kRunValuesShift);
  const auto exponent = static_cast<uint32_t>(plan.exponent);
  constexpr size_t kParameterBits = 16;
  if (exponent == before.exponent &&
      (count == 1 || WidthServes(before.value_width, plan.width, count, kParameterBits))) {
    tag |= kRunDecimalsAgain;
    if (count > 1) plan.width = before.value_width;
  } else {
    *out++ = static_cast<uint8_t>(exponent);
    *out++ = static_cast<uint8_t>(plan.width);
    before.exponent = exponent;
    before.value_width = plan.width;
  }
  const auto step = [&](size_t i) { return Difference(integers[i + 1], integers[i]); };
  if (plan.mode == RunValues::kFrame) {
    out = WriteVarint(ToZigzag(plan.shape.min), out);
    if (count > 1) {
      out = PackBits(
          count, plan.width, [&](size_t i) { return Difference(integers[i], plan.shape.min); },
          out);
    }
  } else if (plan.mode == RunValues::kDelta) {
    out = WriteVarint(ToZigzag(integers[0]), out);
    out = WriteVarint(ToZigzag(plan.shape.delta_min), out);
    const auto least = static_cast<uint64_t>(plan.shape.delta_min);
    out = PackBits(
        count - 1, plan.width, [&](size_t i) { return step(i) - least; }, out);
  } else {
    out = WriteVarint(ToZigzag(integers[0]), out);
    out = PackBits(
        count - 1, plan.width, [&](size_t i) { return ToZigzag(static_cast<int64_t>(step(i))); },
        out);
  }
  if (exceptions.empty()) return out;
  tag |= kRunExceptions;
  out = WriteVarint(exceptions.size(), out);
  uint32_t next = 0;
  for (uint32_t position : exceptions) {
    out = WriteVarint(position - next, out);
    StoreAs(out, values[position]);
    out += sizeof(double);
    next = position + 1;
  }
  return out;
}

struct Reals {
  uint32_t width = 0, shift = 0;
  size_t bits = 0;
};

Reals PlanReals(const double* values, size_t count) {
  uint64_t any = 0;
  for (size_t i = 1; i < count; ++i) any |= Bits(values[i]) ^ Bits(values[i - 1]);
  Reals plan;
  if (any != 0) plan.shift = static_cast<uint32_t>(std::countr_zero(any));
  plan.width = BitWidth(any >> plan.shift);
  plan.bits = 64 + 16 + plan.width * (count - 1);
  return plan;
}

uint8_t* WriteReals(const double* values, size_t count, const Reals& plan, uint8_t& tag,
                    uint8_t* out) {
  tag |= static_cast<uint8_t>(static_cast<uint8_t>(RunValues::kXor) << kRunValuesShift);
  *out++ = static_cast<uint8_t>(plan.width);
  *out++ = static_cast<uint8_t>(plan.shift);
  StoreAs(out, values[0]);
  return PackBits(
      count - 1, plan.width,
      [&](size_t i) { return (Bits(values[i + 1]) ^ Bits(values[i])) >> plan.shift; },
      out + sizeof(double));
}

// All integers end in a zero, as far as a look at some tells: a smaller exponent may do.
bool MayShorten(const int64_t* integers, size_t count, const Decimals& plan) {
  return plan.exponent > 0 && plan.shape.min % 10 == 0 && plan.shape.max % 10 == 0 &&
         integers[0] % 10 == 0 && integers[count - 1] % 10 == 0;
}

}  // namespace

size_t EncodedRunsBytesMax(size_t records, size_t runs) {
  return kHeaderBytesMax + runs * kRunHeadBytesMax +
         records * (sizeof(Timestamp) + sizeof(double)) + records / kSamplesPerWideGap +
         2 * kBitStreamSlack;
}

size_t RunsEncoder::Encode(std::span<const Run> runs, const Timestamp* times, const double* values,
                           uint8_t* out) {
  uint8_t* const begin = out;
  size_t records = 0, longest = 0;
  for (const Run& run : runs) {
    records += run.count;
    longest = std::max<size_t>(longest, run.count);
  }
  // Kernels store whole rows of eight.
  if (const size_t room = (longest + 7) / 8 * 8; integers_.size() < room) {
    integers_.resize(room);
    other_integers_.resize(room);
  }
  out = WriteVarint(records, out);
  out = WriteVarint(runs.size(), out);
  Before before;
  for (const Run& run : runs) {
    const size_t count = run.count;
    const Timestamp* run_times = times + run.begin;
    const double* run_values = values + run.begin;
    uint8_t* const tag_at = out++;
    uint8_t tag = 0;
    if (const SeriesId step = run.series - before.series; step == 1) {
      tag |= kRunNextSeries;
    } else {
      out = WriteVarint(step, out);
    }
    if (run.count == before.count) {
      tag |= kRunCountAgain;
    } else {
      out = WriteVarint(run.count, out);
    }
    out = WriteTimes(run_times, count, before, tag, out);
    before.series = run.series;
    before.count = run.count;
    before.times = run_times;

    const auto exponent = static_cast<int>(before.exponent);
    Decimals plan = PlanDecimals(run_values, count, exponent, integers_.data(), exceptions_);
    if (plan.exponent < 0 || !exceptions_.empty() || MayShorten(integers_.data(), count, plan)) {
      if (const int other = GuessExponent(run_values, count); other >= 0 && other != exponent) {
        const Decimals second =
            PlanDecimals(run_values, count, other, other_integers_.data(), other_exceptions_);
        // The new exponent has to be written, with a width.
        if (second.bits != SIZE_MAX && (plan.exponent < 0 || second.bits + 16 < plan.bits)) {
          plan = second;
          std::swap(integers_, other_integers_);
          std::swap(exceptions_, other_exceptions_);
        }
      }
    }
    // Exact integers of fewer bits than doubles: no look at the doubles' bits is needed.
    const bool short_integers = plan.exponent >= 0 && plan.bits <= 32 * count;
    const Reals reals = short_integers ? Reals{} : PlanReals(run_values, count);
    out = short_integers || plan.bits <= reals.bits
              ? WriteDecimals(run_values, count, plan, integers_.data(), exceptions_, before, tag,
                              out)
              : WriteReals(run_values, count, reals, tag, out);
    *tag_at = tag;
  }
  StoreAs(out, uint64_t{0});
  return static_cast<size_t>(out + kBitStreamSlack - begin);
}

}  // namespace tsdb::codec

#include "storage/codec/run.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "storage/codec/alp.h"
#include "storage/codec/kernels.h"
#include "storage/codec/run_layout.h"

namespace tsdb::codec {
namespace {

// Integers of at most 53 bits convert exactly.
constexpr double kIntegerMax = 9007199254740992.0;
// A run of decimals may have one value in so many that is none.
constexpr size_t kExceptionShare = 8;

// Writes values of a fixed width one after the other.
class BitWriter {
 public:
  explicit BitWriter(uint8_t* out) : out_(out) {}

  void Put(uint64_t value, uint32_t width) {
    pending_ |= value << fill_;
    fill_ += width;
    if (fill_ < 64) return;
    PutFixed64(out_, pending_);
    out_ += 8;
    fill_ -= 64;
    pending_ = fill_ == 0 ? 0 : value >> (width - fill_);
  }
  // The byte after the last one.
  uint8_t* Finish() {
    for (; fill_ > 0; fill_ -= std::min<uint32_t>(fill_, 8)) {
      *out_++ = static_cast<uint8_t>(pending_);
      pending_ >>= 8;
    }
    return out_;
  }

 private:
  uint8_t* out_;
  uint64_t pending_ = 0;
  uint32_t fill_ = 0;
};

uint64_t Bits(double value) { return std::bit_cast<uint64_t>(value); }

uint64_t Difference(int64_t a, int64_t b) {
  return static_cast<uint64_t>(a) - static_cast<uint64_t>(b);
}

uint8_t* PutSigned(uint8_t* to, uint64_t value) {
  return PutVarint64(to, ZigZag(static_cast<int64_t>(value)));
}

class RunsEncoder {
 public:
  RunsEncoder(const Timestamp* times, const double* values, uint8_t* out)
      : times_(times), values_(values), out_(out) {}

  void PutHeader(size_t records, size_t runs) {
    out_ = PutVarint64(out_, records);
    out_ = PutVarint64(out_, runs);
  }

  void PutRun(const Run& run) {
    out_ = PutVarint64(out_, run.series - series_);
    series_ = run.series;
    out_ = PutVarint64(out_, run.count);
    PutTimes(times_ + run.begin, run.count);
    PutValues(values_ + run.begin, run.count);
  }

  uint8_t* Finish() {
    std::memset(out_, 0, kRunsPadding);
    return out_ + kRunsPadding;
  }

 private:
  void PutTimes(const Timestamp* times, uint32_t count) {
    if (count == before_count_ &&
        std::memcmp(times, before_times_, count * sizeof(Timestamp)) == 0) {
      *out_++ = kTimesAsBefore;
      return;
    }
    const auto first = static_cast<uint64_t>(times[0]);
    const uint64_t stride =
        count < 2
            ? 0
            : static_cast<uint64_t>(static_cast<int64_t>(Difference(times[count - 1], times[0])) /
                                    static_cast<int64_t>(count - 1));
    int64_t least = 0;
    int64_t most = 0;
    uint64_t line = first;
    for (uint32_t i = 0; i < count; ++i, line += stride) {
      const auto residual = static_cast<int64_t>(static_cast<uint64_t>(times[i]) - line);
      least = std::min(least, residual);
      most = std::max(most, residual);
    }
    const auto width = static_cast<uint32_t>(std::bit_width(Difference(most, least)));
    *out_++ = static_cast<uint8_t>(width);
    out_ = PutSigned(out_, first - static_cast<uint64_t>(before_first_));
    if (count > 1) {
      out_ = PutSigned(out_, stride);
      out_ = PutSigned(out_, static_cast<uint64_t>(least));
      BitWriter bits(out_);
      line = first + static_cast<uint64_t>(least);
      if (width > 0) {
        for (uint32_t i = 1; i < count; ++i) {
          line += stride;
          bits.Put(static_cast<uint64_t>(times[i]) - line, width);
        }
      }
      out_ = bits.Finish();
    }
    before_times_ = times;
    before_count_ = count;
    before_first_ = times[0];
  }

  void PutValues(const double* values, uint32_t count) {
    const bool constant =
        std::all_of(values, values + count,
                    [first = Bits(values[0])](double value) { return Bits(value) == first; });
    if (constant && count > 1) {
      *out_++ = kConstantValue;
      PutFixed64(out_, Bits(values[0]));
      out_ += 8;
      return;
    }
    // The digits of the run before, most often right; else those that seem best for this one.
    if (PutDecimals(values, count, exponent_)) return;
    const int found = FindExponent(values, count);
    if (found >= 0 && found != exponent_ && PutDecimals(values, count, found)) {
      exponent_ = found;
      return;
    }
    *out_++ = kRawValues;
    std::memcpy(out_, values, count * sizeof(double));
    out_ += count * sizeof(double);
  }

  // False, with nothing written, if too many values are no decimals of `exponent` digits.
  bool PutDecimals(const double* values, uint32_t count, int exponent) {
    integers_.resize(count);
    exceptions_.clear();
    const double power = kPowersOfTen[exponent];
    int64_t least = INT64_MAX;
    int64_t most = INT64_MIN;
    int64_t before = 0;
    int64_t delta_least = INT64_MAX;
    int64_t delta_most = INT64_MIN;
    for (uint32_t i = 0; i < count; ++i) {
      const double scaled = values[i] * power;
      int64_t integer = before;  // an exception is no step
      if (std::abs(scaled) < kIntegerMax) integer = std::llrint(scaled);
      if (Bits(static_cast<double>(integer) / power) != Bits(values[i])) {
        exceptions_.push_back(i);
        if (exceptions_.size() > count / kExceptionShare) return false;
        integer = before;
      }
      integers_[i] = integer;
      least = std::min(least, integer);
      most = std::max(most, integer);
      if (i > 0) {
        delta_least = std::min(delta_least, integer - before);
        delta_most = std::max(delta_most, integer - before);
      }
      before = integer;
    }
    const auto width = static_cast<uint32_t>(std::bit_width(Difference(most, least)));
    const auto delta_width =
        count < 2 ? 64 : static_cast<uint32_t>(std::bit_width(Difference(delta_most, delta_least)));
    const bool deltas = delta_width < width;
    const size_t packed = StreamBytes(count, std::min(width, delta_width));
    if (packed + exceptions_.size() * 11 > count * sizeof(double) + 8) return false;
    *out_++ = static_cast<uint8_t>(exponent + (deltas ? kDecimalDeltas : 0));
    *out_++ = static_cast<uint8_t>(deltas ? delta_width : width);
    out_ = PutVarint64(out_, exceptions_.size());
    BitWriter bits(PutBases(deltas ? integers_[0] : least, deltas, delta_least));
    if (deltas && delta_width > 0) {
      for (uint32_t i = 1; i < count; ++i) {
        bits.Put(Difference(integers_[i] - integers_[i - 1], delta_least), delta_width);
      }
    } else if (!deltas && width > 0) {
      for (uint32_t i = 0; i < count; ++i) bits.Put(Difference(integers_[i], least), width);
    }
    out_ = bits.Finish();
    PutExceptions(values);
    return true;
  }

  uint8_t* PutBases(int64_t base, bool deltas, int64_t delta_least) {
    out_ = PutSigned(out_, static_cast<uint64_t>(base));
    if (deltas) out_ = PutSigned(out_, static_cast<uint64_t>(delta_least));
    return out_;
  }

  void PutExceptions(const double* values) {
    uint32_t next = 0;
    for (const uint32_t position : exceptions_) {
      out_ = PutVarint64(out_, position - next);
      next = position + 1;
      PutFixed64(out_, Bits(values[position]));
      out_ += 8;
    }
  }

  const Timestamp* const times_;
  const double* const values_;
  uint8_t* out_;
  SeriesId series_ = 0;
  const Timestamp* before_times_ = nullptr;
  uint32_t before_count_ = 0;
  Timestamp before_first_ = 0;
  int exponent_ = 0;
  // Per thread, so that encoding allocates nothing once they have grown.
  static thread_local std::vector<int64_t> integers_;
  static thread_local std::vector<uint32_t> exceptions_;
};

thread_local std::vector<int64_t> RunsEncoder::integers_;
thread_local std::vector<uint32_t> RunsEncoder::exceptions_;

}  // namespace

size_t EncodedRunsBytesMax(size_t records, size_t runs) {
  // A run: two varints of 5, timestamps 1 + 3 * 10, values 2 + 3 * 10. A record: a packed timestamp
  // and value of 8 each; exceptions only where they take less than raw values, but for 8 bytes.
  return 2 * kVarint64BytesMax + runs * (2 * kVarint32BytesMax + 31 + 32 + 8) +
         records * 2 * sizeof(uint64_t) + kRunsPadding;
}

size_t EncodeRuns(std::span<const Run> runs, const Timestamp* times, const double* values,
                  uint8_t* out) {
  size_t records = 0;
  for (const Run& run : runs) records += run.count;
  RunsEncoder encoder(times, values, out);
  encoder.PutHeader(records, runs.size());
  for (const Run& run : runs) encoder.PutRun(run);
  return static_cast<size_t>(encoder.Finish() - out);
}

}  // namespace tsdb::codec

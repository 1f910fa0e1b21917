#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "storage/codec/bit_stream.h"
#include "storage/codec/kernels.h"
#include "storage/codec/run.h"
#include "storage/codec/run_layout.h"

namespace tsdb::codec {
namespace {

// Integers on their way to decimals.
constexpr size_t kTile = 256;

}  // namespace

bool RunsReader::Fail(const char* what) {
  status_ = absl::DataLossError(absl::StrCat("reading runs: bad ", what, " in run ", runs_read_,
                                             " of ", runs_, ", at byte ", at_ - begin_,
                                             ": the records are damaged"));
  return false;
}

bool RunsReader::Varint(uint64_t& value, const char* what) {
  if (at_ < end_ && *at_ < 0x80) [[likely]] {
    value = *at_++;
    return true;
  }
  const uint8_t* after = ReadVarint(at_, end_, value);
  if (after == nullptr) return Fail(what);
  at_ = after;
  return true;
}

bool RunsReader::Byte(uint32_t& value, uint32_t greatest, const char* what) {
  if (at_ == end_ || *at_ > greatest) return Fail(what);
  value = *at_++;
  return true;
}

const uint8_t* RunsReader::Packed(size_t count, uint32_t width, const char* what) {
  const uint8_t* column = at_;
  const size_t bytes = BitStreamBytes(count, width);
  if (bytes > static_cast<size_t>(end_ - at_)) {
    Fail(what);
    return nullptr;
  }
  at_ += bytes;
  return column;
}

absl::StatusOr<RunsReader> RunsReader::Parse(std::span<const uint8_t> bytes, size_t records_max) {
  RunsReader reader;
  reader.begin_ = reader.at_ = bytes.data();
  if (bytes.size() < 2 + kBitStreamSlack) {
    return absl::DataLossError(
        absl::StrCat("reading runs: cut short, there are ", bytes.size(), " bytes"));
  }
  reader.end_ = bytes.data() + bytes.size() - kBitStreamSlack;
  if (LoadAs<uint64_t>(reader.end_) != 0) {
    return absl::DataLossError(absl::StrCat("reading runs: no end mark at byte ",
                                            bytes.size() - kBitStreamSlack, ": cut short"));
  }
  uint64_t records = 0, runs = 0;
  if (!reader.Varint(records, "number of records") || !reader.Varint(runs, "number of runs")) {
    return reader.status_;
  }
  // A run takes two bytes at least.
  if (records > records_max || records > UINT32_MAX || runs > records ||
      (runs == 0) != (records == 0) || runs > bytes.size() / 2) {
    return absl::DataLossError(absl::StrCat("reading runs: ", bytes.size(), " bytes claim ",
                                            records, " records in ", runs, " runs; at most ",
                                            records_max, " records are possible here"));
  }
  reader.records_ = records;
  reader.runs_ = runs;
  return reader;
}

bool RunsReader::ReadHead(uint8_t& tag, Run& run) {
  if (at_ == end_) return Fail("first byte");
  tag = *at_++;
  uint64_t step = 1, count = count_;
  if ((tag & kRunNextSeries) == 0 && !Varint(step, "series")) return false;
  if (step > UINT32_MAX) return Fail("series");
  if ((tag & kRunCountAgain) == 0 && !Varint(count, "count")) return false;
  if (count == 0 || count > records_ - records_read_) return Fail("count");
  run.series = series_ + static_cast<SeriesId>(step);
  run.begin = static_cast<uint32_t>(records_read_);
  run.count = static_cast<uint32_t>(count);
  return true;
}

bool RunsReader::ReadTimes(uint32_t mode, const Run& run, Timestamp* times) {
  Timestamp* out = times + run.begin;
  const size_t count = run.count;
  if (mode == static_cast<uint32_t>(RunTimes::kSame)) {
    if (count != count_) return Fail("count for the times of the run before");
    std::memcpy(out, out - count, count * sizeof(Timestamp));
    return true;
  }
  uint64_t step = 0;
  if (!Varint(step, "time")) return false;
  const uint64_t base = static_cast<uint64_t>(time_) + static_cast<uint64_t>(FromZigzag(step));
  time_ = static_cast<Timestamp>(base);
  if (mode == static_cast<uint32_t>(RunTimes::kDelta)) {
    uint64_t zigzag = 0;
    uint32_t width = 0;
    if (!Varint(zigzag, "step of time") || !Byte(width, 64, "width of times")) return false;
    const auto least = static_cast<uint64_t>(FromZigzag(zigzag));
    const uint8_t* column = Packed(count - 1, width, "length of times");
    if (column == nullptr) return false;
    uint64_t time = base;
    out[0] = time_;
    UnpackBits(column, count - 1, width, [&](size_t i, uint64_t packed) {
      time += least + packed;
      out[i + 1] = static_cast<Timestamp>(time);
    });
    return true;
  }
  if (mode == static_cast<uint32_t>(RunTimes::kLine)) {
    uint64_t zigzag = 0;
    if (!Varint(zigzag, "stride") || !Byte(time_width_, 64, "width of times")) return false;
    stride_ = static_cast<uint64_t>(FromZigzag(zigzag));
  }
  const uint32_t width = count == 1 ? 0 : time_width_;
  const uint8_t* column = Packed(count, width, "length of times");
  if (column == nullptr) return false;
  UnpackBits(column, count, width, [&, stride = stride_](size_t i, uint64_t packed) {
    out[i] = static_cast<Timestamp>(base + i * stride + packed);
  });
  return true;
}

bool RunsReader::ReadDecimals(uint8_t tag, const Run& run, double* values) {
  if ((tag & kRunDecimalsAgain) == 0 && (!Byte(exponent_, kDecimalExponentMax, "exponent") ||
                                         !Byte(value_width_, 64, "width of values"))) {
    return false;
  }
  const auto mode = static_cast<RunValues>(tag >> kRunValuesShift & 3);
  const uint32_t width = run.count == 1 ? 0 : value_width_;
  uint64_t zigzag = 0;
  if (!Varint(zigzag, "first value")) return false;
  auto integer = static_cast<uint64_t>(FromZigzag(zigzag));
  uint64_t least = 0;
  if (mode == RunValues::kDelta) {
    if (!Varint(zigzag, "step of values")) return false;
    least = static_cast<uint64_t>(FromZigzag(zigzag));
  }
  const bool frame = mode == RunValues::kFrame;
  const uint8_t* column = Packed(frame ? run.count : run.count - 1, width, "length of values");
  if (column == nullptr) return false;
  alignas(64) int64_t integers[kTile + 8];
  double* out = values + run.begin;
  // Steps have the first value apart, and the first tile is one longer: that way every tile begins
  // with a whole byte.
  for (size_t done = 0, packed_done = 0; done < run.count;) {
    const size_t apart = !frame && done == 0 ? 1 : 0;
    const size_t count = std::min<size_t>(kTile + apart, run.count - done);
    if (apart == 1) integers[0] = static_cast<int64_t>(integer);
    int64_t* const to = integers + apart;
    const uint8_t* const from = column + packed_done / 8 * width;
    if (frame) {
      UnpackBits(from, count, width, [&](size_t i, uint64_t packed) {
        to[i] = static_cast<int64_t>(integer + packed);
      });
    } else if (mode == RunValues::kDelta) {
      UnpackBits(from, count - apart, width, [&](size_t i, uint64_t packed) {
        to[i] = static_cast<int64_t>(integer += least + packed);
      });
    } else {
      UnpackBits(from, count - apart, width, [&](size_t i, uint64_t packed) {
        to[i] = static_cast<int64_t>(integer += static_cast<uint64_t>(FromZigzag(packed)));
      });
    }
    const size_t rows = (count + 7) / 8 * 8;
    std::fill(integers + count, integers + rows, 0);
    Kernels().to_decimals(integers, rows, static_cast<int>(exponent_), out + done);
    done += count;
    packed_done += kTile;
  }
  return (tag & kRunExceptions) == 0 || ReadExceptions(run, values);
}

bool RunsReader::ReadExceptions(const Run& run, double* values) {
  uint64_t exceptions = 0;
  if (!Varint(exceptions, "number of exceptions")) return false;
  if (exceptions > run.count) return Fail("number of exceptions");
  uint64_t next = 0;
  for (; exceptions > 0; --exceptions) {
    uint64_t gap = 0;
    if (!Varint(gap, "place of an exception")) return false;
    if (gap >= run.count - next) return Fail("place of an exception");
    if (static_cast<size_t>(end_ - at_) < sizeof(double)) return Fail("length of an exception");
    next += gap;
    values[run.begin + next] = LoadAs<double>(at_);
    at_ += sizeof(double);
    ++next;
  }
  return true;
}

bool RunsReader::ReadReals(const Run& run, double* values) {
  uint32_t width = 0, shift = 0;
  if (!Byte(width, 64, "width of values") || !Byte(shift, 63, "shift of values")) return false;
  if (static_cast<size_t>(end_ - at_) < sizeof(double)) return Fail("first value");
  auto bits = LoadAs<uint64_t>(at_);
  at_ += sizeof(double);
  const uint8_t* column = Packed(run.count - 1, width, "length of values");
  if (column == nullptr) return false;
  double* out = values + run.begin;
  out[0] = std::bit_cast<double>(bits);
  UnpackBits(column, run.count - 1, width, [&](size_t i, uint64_t packed) {
    bits ^= packed << shift;
    out[i + 1] = std::bit_cast<double>(bits);
  });
  return true;
}

bool RunsReader::Next(Run& run, Timestamp* times, double* values) {
  if (!status_.ok()) return false;
  if (runs_read_ == runs_) {
    if (records_read_ != records_) return Fail("sum of counts");
    if (at_ != end_) return Fail("length");
    return false;
  }
  uint8_t tag = 0;
  if (!ReadHead(tag, run) || !ReadTimes(tag & 3, run, times)) return false;
  const bool reals = static_cast<RunValues>(tag >> kRunValuesShift & 3) == RunValues::kXor;
  if (reals ? !ReadReals(run, values) : !ReadDecimals(tag, run, values)) return false;
  records_read_ += run.count;
  ++runs_read_;
  series_ = run.series;
  count_ = run.count;
  return true;
}

}  // namespace tsdb::codec

#include <bit>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "storage/codec/kernels.h"
#include "storage/codec/run.h"
#include "storage/codec/run_layout.h"

namespace tsdb::codec {
namespace {

double FromBits(uint64_t bits) { return std::bit_cast<double>(bits); }

}  // namespace

absl::StatusOr<RunsReader> RunsReader::Parse(std::span<const uint8_t> payload) {
  if (payload.size() < kRunsPadding) {
    return absl::DataLossError(
        absl::StrCat("runs: a payload of ", payload.size(), " bytes is too short"));
  }
  for (const uint8_t byte : payload.last(kRunsPadding)) {
    if (byte != 0) return absl::DataLossError("runs: the payload does not end in zeros");
  }
  RunsReader reader(payload);
  ByteReader bytes(payload.first(payload.size() - kRunsPadding));
  uint64_t records;
  uint64_t runs;
  if (!bytes.ReadVarint64(&records) || !bytes.ReadVarint64(&runs) || records > kRunsRecordsMax ||
      runs > records) {
    return absl::DataLossError("runs: malformed header");
  }
  reader.position_ = bytes.position();
  reader.records_ = reader.records_left_ = static_cast<size_t>(records);
  reader.runs_left_ = static_cast<size_t>(runs);
  return reader;
}

const RunsReader::DecodedRun* RunsReader::Next() {
  const size_t end = payload_.size() - kRunsPadding;
  if (!status_.ok()) return nullptr;
  const size_t offset = position_;
  if (runs_left_ == 0) {
    if (records_left_ != 0 || position_ != end) {
      status_ = absl::DataLossError(absl::StrCat("runs: ", records_left_, " records missing, ",
                                                 end - position_, " bytes left over at the end"));
    }
    return nullptr;
  }
  ByteReader bytes(payload_.subspan(position_, end - position_));
  uint64_t step = 0;
  uint64_t count = 0;
  bool good = bytes.ReadVarint64(&step) && bytes.ReadVarint64(&count) &&
              step <= std::numeric_limits<SeriesId>::max() - run_.series && count > 0 &&
              count <= records_left_;
  if (good) {
    position_ += bytes.position();
    run_.series += static_cast<SeriesId>(step);
    good = ReadTimes(static_cast<size_t>(count)) && ReadValues(static_cast<size_t>(count));
  }
  if (!good) {
    status_ = absl::DataLossError(
        absl::StrCat("runs: malformed run at byte ", offset, " of ", payload_.size()));
    return nullptr;
  }
  --runs_left_;
  records_left_ -= static_cast<size_t>(count);
  run_.times = times_;
  run_.values = values_;
  return &run_;
}

// The packed stream at the position, which moves past it, or null when there is not enough.
const uint8_t* RunsReader::TakePacked(size_t count, uint32_t width) {
  const size_t bytes = StreamBytes(count, width);
  if (width > 64 || bytes > payload_.size() - kRunsPadding - position_) return nullptr;
  const uint8_t* stream = payload_.data() + position_;
  position_ += bytes;
  return stream;
}

bool RunsReader::ReadTimes(size_t count) {
  ByteReader bytes(payload_.subspan(position_, payload_.size() - kRunsPadding - position_));
  uint8_t mode;
  uint64_t first;
  uint64_t stride = 0;
  uint64_t least = 0;
  if (!bytes.ReadByte(&mode)) return false;
  if (mode == kTimesAsBefore) {
    position_ += bytes.position();
    return times_.size() == count;
  }
  if (mode > 64 || !bytes.ReadVarint64(&first)) return false;
  if (count > 1 && (!bytes.ReadVarint64(&stride) || !bytes.ReadVarint64(&least))) return false;
  position_ += bytes.position();
  const uint8_t* stream = TakePacked(count - 1, mode);
  if (stream == nullptr) return false;
  times_.resize(count);
  uint64_t line = previous_first_ + static_cast<uint64_t>(UnZigZag(first));
  previous_first_ = line;
  times_[0] = static_cast<Timestamp>(line);
  const auto step = static_cast<uint64_t>(UnZigZag(stride));
  line += static_cast<uint64_t>(UnZigZag(least));
  for (size_t i = 1; i < count; ++i) {
    line += step;
    times_[i] = static_cast<Timestamp>(line + StreamAt(stream, i - 1, mode));
  }
  return true;
}

bool RunsReader::ReadValues(size_t count) {
  ByteReader bytes(payload_.subspan(position_, payload_.size() - kRunsPadding - position_));
  uint8_t mode;
  if (!bytes.ReadByte(&mode)) return false;
  position_ += 1;
  values_.resize(count);
  if (mode == kConstantValue) {
    uint64_t bits;
    if (!bytes.ReadFixed64(&bits)) return false;
    position_ += sizeof(bits);
    values_.assign(count, FromBits(bits));
    return true;
  }
  if (mode == kRawValues) {
    const uint8_t* raw = TakePacked(count, 64);
    if (raw == nullptr) return false;
    std::memcpy(values_.data(), raw, count * sizeof(double));
    return true;
  }
  const bool deltas = mode >= kDecimalDeltas;
  const int exponent = mode - (deltas ? kDecimalDeltas : 0);
  return exponent <= kDecimalExponentMax && ReadDecimals(count, exponent, deltas);
}

bool RunsReader::ReadDecimals(size_t count, int exponent, bool deltas) {
  ByteReader bytes(payload_.subspan(position_, payload_.size() - kRunsPadding - position_));
  uint8_t width;
  uint64_t exceptions;
  uint64_t base;
  uint64_t least = 0;
  if (!bytes.ReadByte(&width) || !bytes.ReadVarint64(&exceptions) || !bytes.ReadVarint64(&base) ||
      (deltas && !bytes.ReadVarint64(&least)) || exceptions > count) {
    return false;
  }
  position_ += bytes.position();
  const uint8_t* stream = TakePacked(deltas ? count - 1 : count, width);
  if (stream == nullptr) return false;
  const double power = kPowersOfTen[exponent];
  auto integer = static_cast<uint64_t>(UnZigZag(base));
  if (deltas) {
    const auto step = static_cast<uint64_t>(UnZigZag(least));
    values_[0] = static_cast<double>(static_cast<int64_t>(integer)) / power;
    for (size_t i = 1; i < count; ++i) {
      integer += step + StreamAt(stream, i - 1, width);
      values_[i] = static_cast<double>(static_cast<int64_t>(integer)) / power;
    }
  } else {
    for (size_t i = 0; i < count; ++i) {
      values_[i] =
          static_cast<double>(static_cast<int64_t>(integer + StreamAt(stream, i, width))) / power;
    }
  }
  ByteReader patches(payload_.subspan(position_, payload_.size() - kRunsPadding - position_));
  uint64_t next = 0;
  for (uint64_t i = 0; i < exceptions; ++i) {
    uint64_t gap;
    uint64_t bits;
    if (!patches.ReadVarint64(&gap) || !patches.ReadFixed64(&bits) || gap >= count - next) {
      return false;
    }
    values_[static_cast<size_t>(next + gap)] = FromBits(bits);
    next += gap + 1;
  }
  position_ += patches.position();
  return true;
}

}  // namespace tsdb::codec

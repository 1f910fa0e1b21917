// Reading a timestamp section: checks, random access, search and decoding.
#include <algorithm>
#include <cstring>

#include "storage/codec/timestamp_codec.h"

namespace tsdb::codec {
namespace {

constexpr size_t kDeltaHeadBytes = 40;

}  // namespace

absl::Status TimestampColumn::Check(size_t room, size_t& bytes) const {
  const uint32_t count = header_.count(), width = header_.timestamp_width();
  const TimestampEncoding encoding = header_.timestamp_encoding();
  if (width > 64) return absl::DataLossError("block: timestamp width above 64");
  switch (encoding) {
    case TimestampEncoding::kConstantStride:
      bytes = 16;
      break;
    case TimestampEncoding::kLine:
    case TimestampEncoding::kFrame:
      bytes = 16 + PackedBytes(count, width);
      break;
    case TimestampEncoding::kRaw:
      bytes = size_t{count} * 8;
      break;
    case TimestampEncoding::kDelta: {
      if (room < kDeltaHeadBytes) return absl::DataLossError("block: timestamps cut short");
      const uint32_t flags = LoadAs<uint32_t>(section_ + 36);
      if ((flags & 3) == 0 || flags > 7) {
        return absl::DataLossError("block: unknown flags of timestamp deltas");
      }
      bytes = kDeltaHeadBytes + CheckpointBytes(count, flags & 3) + PackedBytes(count, width);
      if ((flags & 4) != 0) {
        if (bytes > room || !PatchList(section_ + bytes).Valid(room - bytes, count)) {
          return absl::DataLossError("block: bad list of timestamp jumps");
        }
        bytes += PatchList(section_ + bytes).bytes();
      }
      break;
    }
    default:
      return absl::DataLossError("block: unknown timestamp encoding");
  }
  if (bytes > room) return absl::DataLossError("block: timestamps cut short");
  return absl::OkStatus();
}

size_t TimestampColumn::Bytes() const {
  switch (header_.timestamp_encoding()) {
    case TimestampEncoding::kConstantStride:
      return 16;
    case TimestampEncoding::kLine:
    case TimestampEncoding::kFrame:
      return 16 + PackedBytes(header_.count(), header_.timestamp_width());
    case TimestampEncoding::kRaw:
      return size_t{header_.count()} * 8;
    case TimestampEncoding::kDelta:
      break;
  }
  const uint32_t flags = LoadAs<uint32_t>(section_ + 36);
  const size_t bytes = kDeltaHeadBytes + CheckpointBytes(header_.count(), flags & 3) +
                       PackedBytes(header_.count(), header_.timestamp_width());
  return (flags & 4) == 0 ? bytes : bytes + PatchList(section_ + bytes).bytes();
}

uint64_t TimestampColumn::LineAt(size_t position) const {
  return (position * Word(1)) >> kLineFractionBits;
}

DeltaColumn TimestampColumn::Deltas() const {
  const uint32_t flags = LoadAs<uint32_t>(section_ + 36);
  DeltaColumn deltas;
  deltas.checkpoints = section_ + kDeltaHeadBytes;
  deltas.count = header_.count();
  deltas.width = header_.timestamp_width();
  deltas.checkpoint_log2 = flags & 3;
  deltas.carry = static_cast<int64_t>(Word(1));
  deltas.delta_min = static_cast<int64_t>(Word(2));
  if ((flags & 4) != 0) {
    deltas.jumps = PatchList(deltas.packed() + PackedBytes(deltas.count, deltas.width));
  }
  return deltas;
}

Timestamp TimestampColumn::First() const { return At(0); }

Timestamp TimestampColumn::Last() const {
  // Explicit there, since a delta column would have to add up a group.
  if (header_.timestamp_encoding() == TimestampEncoding::kDelta) {
    return static_cast<Timestamp>(Word(3));
  }
  return At(header_.count() - 1);
}

bool TimestampColumn::SurelyIncreases() const {
  const TimestampEncoding encoding = header_.timestamp_encoding();
  if (encoding == TimestampEncoding::kConstantStride) return First() < Last();
  if (encoding != TimestampEncoding::kLine || header_.timestamp_width() >= 63) return false;
  // From one position to the next the line rises by its stride, rounded down or up, and what lies
  // above it falls by less than 2^width. It spans too little to wrap around the end of time twice,
  // and if it does so once the last timestamp is below the first.
  return Word(1) >> kLineFractionBits >= uint64_t{1} << header_.timestamp_width() &&
         First() < Last();
}

Timestamp TimestampColumn::At(size_t position) const {
  const auto packed = [&] {
    return PackedValue(section_ + 16, header_.count(), header_.timestamp_width(), position);
  };
  switch (header_.timestamp_encoding()) {
    case TimestampEncoding::kConstantStride:
      return static_cast<Timestamp>(Word(0) + position * Word(1));
    case TimestampEncoding::kLine:
      return static_cast<Timestamp>(Word(0) + LineAt(position) + packed());
    case TimestampEncoding::kFrame:
      return static_cast<Timestamp>(Word(0) + Word(1) * packed());
    case TimestampEncoding::kRaw:
      return static_cast<Timestamp>(Word(position));
    case TimestampEncoding::kDelta:
      break;
  }
  const uint64_t unit = LoadAs<uint32_t>(section_ + 32);
  return static_cast<Timestamp>(Word(0) + unit * static_cast<uint64_t>(Deltas().At(position)));
}

void TimestampColumn::Decode(uint32_t begin, uint32_t end, Timestamp* out) const {
  const KernelTable& kernels = Kernels();
  const size_t room = size_t{end - begin} * kLanes;
  const PackedRows rows{section_ + 16, header_.timestamp_width(), RowCount(header_.count()), begin,
                        end};
  switch (header_.timestamp_encoding()) {
    case TimestampEncoding::kConstantStride:
      kernels.fill_stride(At(size_t{begin} * kLanes), static_cast<int64_t>(Word(1)), room, out);
      return;
    case TimestampEncoding::kLine:
      kernels.unpack_line(rows, static_cast<int64_t>(Word(0)), Word(1), out);
      return;
    case TimestampEncoding::kFrame:
      if (Word(1) == 1) {
        kernels.unpack_frame(rows, static_cast<int64_t>(Word(0)), 0, out);
        return;
      }
      kernels.unpack_frame(rows, 0, 0, out);
      kernels.scale(static_cast<int64_t>(Word(0)), Word(1), room, out);
      return;
    case TimestampEncoding::kRaw: {
      const size_t first = size_t{begin} * kLanes;
      const size_t last = std::min<size_t>(size_t{end} * kLanes, header_.count());
      std::memcpy(out, section_ + first * 8, (last - first) * 8);
      return;
    }
    case TimestampEncoding::kDelta:
      Deltas().Decode(begin, end, out);
      kernels.scale(static_cast<int64_t>(Word(0)), LoadAs<uint32_t>(section_ + 32), room, out);
      return;
  }
}

size_t TimestampColumn::BinarySearch(Timestamp timestamp, size_t begin, size_t end) const {
  while (begin < end) {
    const size_t middle = (begin + end) / 2;
    if (At(middle) < timestamp) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

size_t TimestampColumn::StrideLowerBound(Timestamp timestamp) const {
  const auto first = static_cast<Timestamp>(Word(0));
  if (timestamp <= first) return 0;
  const uint64_t offset = static_cast<uint64_t>(timestamp) - static_cast<uint64_t>(first);
  const uint64_t stride = Word(1);
  if (stride == 0) return header_.count();
  const uint64_t position = offset / stride + (offset % stride != 0 ? 1 : 0);
  return std::min<uint64_t>(position, header_.count());
}

// Residuals lie in [0, 2^width), so the position wanted lies between the first whose line plus the
// greatest residual reaches `timestamp` and the first whose line alone does.
size_t TimestampColumn::LineLowerBound(Timestamp timestamp) const {
  const auto base = static_cast<Timestamp>(Word(0));
  const uint64_t stride = Word(1), count = header_.count();
  if (timestamp <= base) return 0;
  const uint64_t offset = static_cast<uint64_t>(timestamp) - static_cast<uint64_t>(base);
  const uint64_t residual_max = LowBits(header_.timestamp_width());
  if (stride == 0 || header_.timestamp_width() > 50) return BinarySearch(timestamp, 0, count);
  if (offset > LineAt(count - 1) + residual_max) return count;
  // First position whose line is at least `distance`.
  const auto reach = [&](uint64_t distance) {
    return std::min(((distance << kLineFractionBits) + stride - 1) / stride, count);
  };
  const uint64_t end = reach(offset);
  const uint64_t begin = offset <= residual_max ? 0 : reach(offset - residual_max);
  return BinarySearch(timestamp, std::min(begin, end), end);
}

size_t TimestampColumn::LineFind(Timestamp timestamp) const {
  const auto base = static_cast<Timestamp>(Word(0));
  const uint64_t stride = Word(1), count = header_.count();
  const uint32_t width = header_.timestamp_width();
  if (timestamp < base) return count;
  const uint64_t offset = static_cast<uint64_t>(timestamp) - static_cast<uint64_t>(base);
  const uint64_t residual_max = LowBits(width);
  if (offset > LineAt(count - 1) + residual_max) return count;
  if (residual_max << kLineFractionBits >= stride || width > 50) {
    const size_t position = LineLowerBound(timestamp);
    return position < count && At(position) == timestamp ? position : count;
  }
  // The residuals are smaller than the stride: the last position whose line is at or below
  // `timestamp`, or the one before it, or none.
  size_t position = std::min((((offset + 1) << kLineFractionBits) - 1) / stride, count - 1);
  for (int probe = 0; probe < 2; ++probe, --position) {
    const uint64_t residual = offset - LineAt(position);
    if (residual > residual_max) return count;
    if (PackedValue(section_ + 16, count, width, position) == residual) return position;
    if (position == 0) return count;
  }
  return count;
}

size_t TimestampColumn::DeltaLowerBound(Timestamp timestamp) const {
  const DeltaColumn deltas = Deltas();
  const uint64_t unit = LoadAs<uint32_t>(section_ + 32);
  // The last group whose predecessor is below `timestamp`.
  size_t begin = 0, end = CheckpointCount(header_.count());
  while (begin < end) {
    const size_t middle = (begin + end + 1) / 2;
    const auto before =
        static_cast<Timestamp>(Word(0) + unit * static_cast<uint64_t>(deltas.CarryInto(middle)));
    if (before < timestamp) {
      begin = middle;
    } else {
      end = middle - 1;
    }
  }
  alignas(64) Timestamp group[kGroupSamples];
  const size_t first = begin * kGroupSamples;
  const size_t last = std::min<size_t>(first + kGroupSamples, header_.count());
  Decode(static_cast<uint32_t>(first / kLanes), RowCount(last), group);
  return first +
         static_cast<size_t>(std::lower_bound(group, group + (last - first), timestamp) - group);
}

size_t TimestampColumn::LowerBound(Timestamp timestamp) const {
  switch (header_.timestamp_encoding()) {
    case TimestampEncoding::kConstantStride:
      return StrideLowerBound(timestamp);
    case TimestampEncoding::kLine:
      return LineLowerBound(timestamp);
    case TimestampEncoding::kDelta:
      return DeltaLowerBound(timestamp);
    default:
      return BinarySearch(timestamp, 0, header_.count());
  }
}

size_t TimestampColumn::Find(Timestamp timestamp) const {
  if (header_.timestamp_encoding() == TimestampEncoding::kLine) return LineFind(timestamp);
  const size_t position = LowerBound(timestamp);
  return position < header_.count() && At(position) == timestamp ? position : header_.count();
}

}  // namespace tsdb::codec

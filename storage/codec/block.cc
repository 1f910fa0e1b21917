#include "storage/codec/block.h"

#include <bit>
#include <cassert>

#include "storage/codec/block_layout.h"
#include "storage/codec/timestamp_codec.h"
#include "storage/codec/value_codec.h"

namespace tsdb::codec {
namespace {

static_assert(std::endian::native == std::endian::little,
              "blocks are little-endian and are read and written in place");

PackedHeader LoadHeader(const uint8_t* block) { return PackedHeader(LoadAs<uint64_t>(block)); }

const uint8_t* TimestampSection(const uint8_t* block) { return block + kHeaderBytes; }

const uint8_t* ValueSection(PackedHeader header, const uint8_t* block) {
  const uint8_t* section = TimestampSection(block);
  return section + TimestampColumn(header, section).Bytes();
}

}  // namespace

size_t EncodedBytesMax(size_t count) {
  // Raw timestamps; ALP with half of the values exceptions, which a search writes before it
  // compares: head, checkpoints, 8 bytes and half of 10 a value; a last row and a vector.
  return count * (8 + 8 + 5 + 1) + 512;
}

size_t EncodeBlock(const Timestamp* timestamps, const double* values, size_t count,
                   EncodeHint& hint, uint8_t* out) {
  assert(count >= 1 && count <= kBlockSamplesMax);
  BlockHeader header;
  header.count = static_cast<uint32_t>(count);
  uint8_t* end = EncodeTimestamps(timestamps, count, hint.provisional, header, out + kHeaderBytes);
  end = EncodeValues(values, count, hint, header, end);
  const auto bytes = static_cast<size_t>(end - out);
  header.words = static_cast<uint32_t>(bytes / 8);
  StoreAs(out, PackedHeader(header).word());
  return bytes;
}

BlockView BlockView::Trusted(const uint8_t* bytes) {
  BlockView view;
  view.bytes_ = bytes;
  return view;
}

absl::StatusOr<BlockView> BlockView::Parse(std::span<const uint8_t> bytes) {
  if (bytes.size() < kHeaderBytes) return absl::DataLossError("block: header cut short");
  const PackedHeader header = LoadHeader(bytes.data());
  if (size_t{header.words()} * 8 > bytes.size()) {
    return absl::DataLossError("block: longer than its bytes");
  }
  const uint8_t* section = bytes.data() + kHeaderBytes;
  size_t room = size_t{header.words()} * 8;
  if (room < kHeaderBytes) return absl::DataLossError("block: shorter than its header");
  room -= kHeaderBytes;
  size_t section_bytes = 0;
  absl::Status status = TimestampColumn(header, section).Check(room, section_bytes);
  if (!status.ok()) return status;
  section += section_bytes;
  room -= section_bytes;
  status = ValueColumn(header, section).Check(room, section_bytes);
  if (!status.ok()) return status;
  if (section_bytes != room) return absl::DataLossError("block: bytes after its values");
  return Trusted(bytes.data());
}

uint32_t BlockView::count() const { return LoadHeader(bytes_).count(); }

size_t BlockView::bytes() const { return size_t{LoadHeader(bytes_).words()} * 8; }

TimestampEncoding BlockView::timestamp_encoding() const {
  return LoadHeader(bytes_).timestamp_encoding();
}

ValueEncoding BlockView::value_encoding() const { return LoadHeader(bytes_).value_encoding(); }

bool BlockView::SurelyIncreases() const {
  return TimestampColumn(LoadHeader(bytes_), TimestampSection(bytes_)).SurelyIncreases();
}

BlockStatistics BlockView::Statistics() const {
  const PackedHeader header = LoadHeader(bytes_);
  const TimestampColumn timestamps(header, TimestampSection(bytes_));
  const ValueStatistics values = ValueColumn(header, ValueSection(header, bytes_)).Statistics();
  return {header.count(), timestamps.First(), timestamps.Last(), values.min,
          values.max,     values.sum,         values.first,      values.last};
}

void BlockView::DecodeTimestamps(Timestamp* out) const {
  const PackedHeader header = LoadHeader(bytes_);
  TimestampColumn(header, TimestampSection(bytes_)).Decode(0, RowCount(header.count()), out);
}

void BlockView::DecodeValues(double* out) const {
  const PackedHeader header = LoadHeader(bytes_);
  ValueColumn(header, ValueSection(header, bytes_)).Decode(0, RowCount(header.count()), out);
}

size_t BlockView::DecodeTimestampRange(size_t begin, size_t end, Timestamp* out) const {
  const PackedHeader header = LoadHeader(bytes_);
  const size_t aligned = begin / kGroupSamples * kGroupSamples;
  TimestampColumn(header, TimestampSection(bytes_)).Decode(RowCount(aligned), RowCount(end), out);
  return aligned;
}

size_t BlockView::DecodeValueRange(size_t begin, size_t end, double* out) const {
  const PackedHeader header = LoadHeader(bytes_);
  const size_t aligned = begin / kGroupSamples * kGroupSamples;
  ValueColumn(header, ValueSection(header, bytes_)).Decode(RowCount(aligned), RowCount(end), out);
  return aligned;
}

Timestamp BlockView::TimestampAt(size_t position) const {
  const PackedHeader header = LoadHeader(bytes_);
  return TimestampColumn(header, TimestampSection(bytes_)).At(position);
}

Timestamp BlockView::LastTimestamp() const {
  const PackedHeader header = LoadHeader(bytes_);
  return TimestampColumn(header, TimestampSection(bytes_)).Last();
}

double BlockView::ValueAt(size_t position) const {
  const PackedHeader header = LoadHeader(bytes_);
  return ValueColumn(header, ValueSection(header, bytes_)).At(position);
}

size_t BlockView::LowerBound(Timestamp timestamp) const {
  const PackedHeader header = LoadHeader(bytes_);
  return TimestampColumn(header, TimestampSection(bytes_)).LowerBound(timestamp);
}

size_t BlockView::Find(Timestamp timestamp) const {
  const PackedHeader header = LoadHeader(bytes_);
  return TimestampColumn(header, TimestampSection(bytes_)).Find(timestamp);
}

}  // namespace tsdb::codec

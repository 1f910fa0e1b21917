#include "storage/codec/dictionary.h"

#include <bit>
#include <cstring>

namespace tsdb::codec {
namespace {

constexpr size_t kDictionaryHeadBytes = 48;

}  // namespace

uint8_t* EncodeDictionary(const double* values, size_t count, size_t bytes_max, BlockHeader& header,
                          uint8_t* out) {
  // Twice the entries, so that probes stay short. Zero means free, else index + 1.
  constexpr uint32_t kSlotBits = 9;
  uint16_t slots[1 << kSlotBits] = {};
  uint64_t patterns[kDictionaryEntriesMax];
  alignas(64) int64_t indexes[kBlockSamplesMax];
  size_t size = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto pattern = std::bit_cast<uint64_t>(values[i]);
    uint64_t slot = pattern * 0x9E3779B97F4A7C15 >> (64 - kSlotBits);
    while (slots[slot] != 0 && patterns[slots[slot] - 1] != pattern) {
      slot = (slot + 1) % (1 << kSlotBits);
    }
    if (slots[slot] == 0) {
      if (size == kDictionaryEntriesMax || kDictionaryHeadBytes + size * 8 >= bytes_max)
        return nullptr;
      patterns[size++] = pattern;
      slots[slot] = static_cast<uint16_t>(size);
    }
    indexes[i] = slots[slot] - 1;
  }
  const uint32_t width = BitWidth(size - 1);
  if (kDictionaryHeadBytes + size * 8 + PackedBytes(count, width) >= bytes_max) return nullptr;
  header.value_encoding = ValueEncoding::kDictionary;
  header.value_width = width;
  out = WriteStatistics(ScanStatistics(values, count), out);
  StoreAs<uint64_t>(out, size);
  std::memcpy(out + 8, patterns, size * 8);
  out += 8 + size * 8;
  return out + Kernels().pack_frame(indexes, count, 0, 0, width, out);
}

absl::Status DictionaryColumn::Check(size_t room, size_t& bytes) const {
  if (room < kDictionaryHeadBytes || Size() == 0 || Size() > kDictionaryEntriesMax ||
      header_.value_width() > 8) {
    return absl::DataLossError("block: bad dictionary of values");
  }
  bytes = kDictionaryHeadBytes + Size() * 8 + PackedBytes(header_.count(), header_.value_width());
  if (bytes > room) return absl::DataLossError("block: values cut short");
  alignas(64) int64_t indexes[kBlockSamplesMax];
  const uint32_t rows = RowCount(header_.count());
  Kernels().unpack_frame({Packed(), header_.value_width(), rows, 0, rows}, 0, 0, indexes);
  // Lanes past the end are decoded with their row, so they count.
  for (size_t i = 0; i < size_t{rows} * kLanes; ++i) {
    if (static_cast<uint64_t>(indexes[i]) >= Size()) {
      return absl::DataLossError("block: index outside the dictionary of values");
    }
  }
  return absl::OkStatus();
}

double DictionaryColumn::At(size_t position) const {
  const uint64_t index = PackedValue(Packed(), header_.count(), header_.value_width(), position);
  return LoadAs<double>(section_ + kDictionaryHeadBytes + index * 8);
}

void DictionaryColumn::Decode(uint32_t begin, uint32_t end, double* out) const {
  alignas(64) int64_t indexes[kBlockSamplesMax];
  Kernels().unpack_frame({Packed(), header_.value_width(), RowCount(header_.count()), begin, end},
                         0, 0, indexes);
  const uint8_t* patterns = section_ + kDictionaryHeadBytes;
  for (size_t i = 0; i < size_t{end - begin} * kLanes; ++i) {
    out[i] = LoadAs<double>(patterns + indexes[i] * 8);
  }
}

}  // namespace tsdb::codec

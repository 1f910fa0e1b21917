#include "storage/codec/alp_rd.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <numeric>

namespace tsdb::codec {
namespace {

constexpr size_t kHeadBytes = 64;
constexpr size_t kSample = 64;
constexpr size_t kDictionaryMax = 8;

struct LeftDictionary {
  uint16_t entry[kDictionaryMax] = {};
  uint32_t size = 0;

  uint32_t width() const { return size == 0 ? 0 : BitWidth(size - 1); }
};

// The most frequent left parts of a sample, most frequent first; ties in order of value.
LeftDictionary SampleLeftParts(const double* values, size_t count, uint32_t left_bits) {
  struct Run {
    uint16_t part, length;
  } runs[kSample];
  size_t run_count = 0;
  const size_t size = std::min(count, kSample);
  for (size_t i = 0; i < size; ++i) {
    const auto part = static_cast<uint16_t>(std::bit_cast<uint64_t>(values[i * count / size]) >>
                                            (64 - left_bits));
    // Few are distinct where ALP-RD is of use: a walk over them beats sorting the sample.
    size_t run = 0;
    while (run < run_count && runs[run].part != part) ++run;
    if (run == run_count) runs[run_count++] = {part, 0};
    ++runs[run].length;
  }
  std::sort(runs, runs + run_count, [](const Run& a, const Run& b) {
    return a.length != b.length ? a.length > b.length : a.part < b.part;
  });
  LeftDictionary dictionary;
  dictionary.size = static_cast<uint32_t>(std::min(run_count, kDictionaryMax));
  for (uint32_t i = 0; i < dictionary.size; ++i) {
    dictionary.entry[i] = runs[i].part;
  }
  return dictionary;
}

}  // namespace

uint32_t FindLeftBits(const double* values, size_t count) {
  const size_t size = std::min(count, kSample);
  uint64_t sample[kSample];
  for (size_t i = 0; i < size; ++i) sample[i] = std::bit_cast<uint64_t>(values[i * count / size]);
  // Sorted once, the sample has equal left parts side by side whatever their length.
  std::sort(sample, sample + size);
  uint32_t best = kLeftBitsMax;
  size_t best_bits = SIZE_MAX;
  for (uint32_t left_bits = 1; left_bits <= kLeftBitsMax; ++left_bits) {
    uint16_t lengths[kSample];
    size_t runs = 0;
    for (size_t i = 0; i < size; ++i) {
      const bool same = i > 0 && sample[i] >> (64 - left_bits) == sample[i - 1] >> (64 - left_bits);
      if (!same) lengths[runs++] = 0;
      ++lengths[runs - 1];
    }
    const size_t entries = std::min(runs, kDictionaryMax);
    std::partial_sort(lengths, lengths + entries, lengths + runs, std::greater<>());
    const size_t covered = std::accumulate(lengths, lengths + entries, size_t{0});
    const uint32_t index_width = BitWidth(entries - 1);
    const size_t bits = size * (64 - left_bits + index_width) + (size - covered) * 80;
    if (bits < best_bits) {
      best_bits = bits;
      best = left_bits;
    }
    // More left bits only make more parts of them.
    if (covered < size / 4) break;
  }
  return best;
}

uint8_t* EncodeAlpRd(const double* values, size_t count, uint32_t left_bits, BlockHeader& header,
                     uint8_t* out) {
  const LeftDictionary dictionary = SampleLeftParts(values, count, left_bits);
  const uint32_t right_bits = 64 - left_bits;
  alignas(64) int64_t left[kBlockSamplesMax], right[kBlockSamplesMax];
  uint16_t positions[kBlockSamplesMax];
  uint64_t payloads[kBlockSamplesMax];
  size_t exceptions = 0;
  uint64_t right_or = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto bits = std::bit_cast<uint64_t>(values[i]);
    const auto part = static_cast<uint16_t>(bits >> right_bits);
    // All entries are compared: where in the dictionary a value's part is, is unpredictable.
    uint32_t matches = 0;
    for (uint32_t k = 0; k < kDictionaryMax; ++k) {
      matches |= static_cast<uint32_t>(dictionary.entry[k] == part) << k;
    }
    matches &= static_cast<uint32_t>(LowBits(dictionary.size));
    left[i] = matches == 0 ? 0 : std::countr_zero(matches);
    right[i] = static_cast<int64_t>(bits & LowBits(right_bits));
    if (matches == 0) {
      positions[exceptions] = static_cast<uint16_t>(i);
      payloads[exceptions++] = bits;
      right[i] = 0;
    }
    right_or |= static_cast<uint64_t>(right[i]);
  }
  const uint32_t shift = right_or == 0 ? 0 : static_cast<uint32_t>(std::countr_zero(right_or));
  const uint32_t width = right_bits - shift;
  const size_t bytes = kHeadBytes + PackedBytes(count, dictionary.width()) +
                       PackedBytes(count, width) +
                       (exceptions > 0 ? PatchList::Bytes(exceptions) : 0);
  if (bytes >= sizeof(ValueStatistics) + count * sizeof(double)) return nullptr;

  header.value_encoding = ValueEncoding::kAlpRd;
  header.value_width = width;
  header.value_shift = shift;
  header.exceptions = exceptions > 0;
  out = WriteStatistics(ScanStatistics(values, count), out);
  StoreAs<uint64_t>(out, dictionary.width());
  std::memcpy(out + 8, dictionary.entry, sizeof(dictionary.entry));
  out += kHeadBytes - sizeof(ValueStatistics);
  out += Kernels().pack_frame(left, count, 0, 0, dictionary.width(), out);
  out += Kernels().pack_frame(right, count, 0, shift, width, out);
  if (exceptions > 0) out = PatchList::Write(positions, payloads, exceptions, out);
  return out;
}

absl::Status AlpRdColumn::Check(size_t room, size_t& bytes) const {
  if (room < kHeadBytes) return absl::DataLossError("block: values cut short");
  if (LoadAs<uint64_t>(section_ + 40) > 3) {
    return absl::DataLossError("block: left parts of values too wide");
  }
  const uint32_t right_bits = RightBits();
  if (right_bits < 64 - kLeftBitsMax || right_bits > 63) {
    return absl::DataLossError("block: bad split of values");
  }
  bytes = kHeadBytes + PackedBytes(header_.count(), LeftWidth()) +
          PackedBytes(header_.count(), header_.value_width());
  if (header_.exceptions()) {
    if (bytes > room || !PatchList(section_ + bytes).Valid(room - bytes, header_.count())) {
      return absl::DataLossError("block: bad list of value exceptions");
    }
    bytes += PatchList(section_ + bytes).bytes();
  }
  if (bytes > room) return absl::DataLossError("block: values cut short");
  return absl::OkStatus();
}

uint64_t AlpRdColumn::Left(size_t index) const {
  return uint64_t{LoadAs<uint16_t>(section_ + 48 + index * 2)} << RightBits();
}

double AlpRdColumn::At(size_t position) const {
  if (header_.exceptions()) {
    const PatchList exceptions = Exceptions();
    const uint32_t i = exceptions.LowerBound(position);
    if (i < exceptions.count() && exceptions.position(i) == position) {
      return std::bit_cast<double>(exceptions.payload(i));
    }
  }
  const uint64_t left = Left(PackedValue(LeftPacked(), header_.count(), LeftWidth(), position));
  const uint64_t right =
      PackedValue(RightPacked(), header_.count(), header_.value_width(), position);
  return std::bit_cast<double>(left | right << header_.value_shift());
}

void AlpRdColumn::Decode(uint32_t begin, uint32_t end, double* out) const {
  const KernelTable& kernels = Kernels();
  const uint32_t rows = RowCount(header_.count());
  uint64_t dictionary[kDictionaryMax];
  for (size_t i = 0; i < kDictionaryMax; ++i) dictionary[i] = Left(i);
  // The bits of the values are built in place; the kernels write through memcpy's rules.
  kernels.unpack_frame({RightPacked(), header_.value_width(), rows, begin, end}, 0,
                       header_.value_shift(), reinterpret_cast<int64_t*>(out));
  kernels.unpack_or_lookup8({LeftPacked(), LeftWidth(), rows, begin, end}, dictionary,
                            reinterpret_cast<uint64_t*>(out));
  if (!header_.exceptions()) return;
  const PatchList exceptions = Exceptions();
  const size_t first = size_t{begin} * kLanes, last = size_t{end} * kLanes;
  for (uint32_t i = exceptions.LowerBound(first);
       i < exceptions.count() && exceptions.position(i) < last; ++i) {
    out[exceptions.position(i) - first] = std::bit_cast<double>(exceptions.payload(i));
  }
}

}  // namespace tsdb::codec

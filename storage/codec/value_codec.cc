#include "storage/codec/value_codec.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "storage/base/check.h"
#include "storage/codec/alp.h"
#include "storage/codec/alp_rd.h"
#include "storage/codec/dictionary.h"

namespace tsdb::codec {
namespace {

// EncodeHint::mode.
enum Mode : uint8_t { kUnknown, kDecimal, kReal, kRepeated };

// Blocks until a choice is looked at again: a search costs about as much as encoding half a block.
constexpr uint8_t kDecimalPatience = 31, kOtherPatience = 15;

uint8_t* EncodeConstant(const double* values, size_t count, BlockHeader& header, uint8_t* out) {
  const double value = values[0];
  // A product is rounded once, a sum at every step: they agree for small integers, zero among
  // them, which are most constants.
  const double product = value * static_cast<double>(count);
  header.value_encoding = ValueEncoding::kConstant;
  StoreAs(out, value);
  const bool exact = std::abs(product) < 9007199254740992.0 && value == std::nearbyint(value);
  const double sum = exact ? product : CanonicalSum(Kernels().scan_values(values, count).sum);
  // -0.0 * count is -0.0, but the sum starts at 0.
  if (std::bit_cast<uint64_t>(sum) == std::bit_cast<uint64_t>(product) &&
      std::bit_cast<uint64_t>(value) != std::bit_cast<uint64_t>(-0.0)) {
    header.compact = true;
    return out + 8;
  }
  StoreAs(out + 8, sum + 0.0);
  return out + 16;
}

uint8_t* EncodeRaw(const double* values, size_t count, BlockHeader& header, uint8_t* out) {
  header.value_encoding = ValueEncoding::kRaw;
  out = WriteStatistics(ScanStatistics(values, count), out);
  std::memcpy(out, values, count * sizeof(double));
  return out + count * sizeof(double);
}

uint8_t* EncodeReal(const double* values, size_t count, EncodeHint& hint, BlockHeader& header,
                    uint8_t* out) {
  uint8_t* end = EncodeAlpRd(values, count, hint.exponent, header, out);
  return end != nullptr ? end : EncodeRaw(values, count, header, out);
}

// Bytes per value from which a dictionary is worth a try.
bool DictionaryPromising(size_t bytes, size_t count) { return bytes > count * 2 + 64; }

// Tries everything that fits the values at all, keeps the smallest, and remembers which it was.
uint8_t* Search(const double* values, size_t count, EncodeHint& hint, BlockHeader& header,
                uint8_t* out) {
  const BlockHeader blank = header;
  uint8_t* end = nullptr;
  const int exponent = FindExponent(values, count);
  if (exponent >= 0) {
    end = EncodeAlp(values, count, exponent, count / 2, header, out).end;
    hint = {static_cast<uint8_t>(exponent), kDecimal, kDecimalPatience, hint.provisional};
  }
  size_t best_bytes = end == nullptr ? SIZE_MAX : static_cast<size_t>(end - out);
  // Integers this long may be reals whose digits happen to fit.
  if (best_bytes > count * 6 + 64) {
    const auto left_bits = static_cast<uint8_t>(FindLeftBits(values, count));
    BlockHeader real = blank;
    alignas(8) uint8_t scratch[kBlockSamplesMax * 10 + 4096];
    hint = {left_bits, kReal, kOtherPatience, hint.provisional};
    uint8_t* real_end = EncodeReal(values, count, hint, real, scratch);
    const auto real_bytes = static_cast<size_t>(real_end - scratch);
    TSDB_CHECK(real_bytes <= sizeof(scratch));
    if (real_bytes < best_bytes) {
      std::memcpy(out, scratch, real_bytes);
      header = real;
      best_bytes = real_bytes;
      end = out + real_bytes;
    } else {
      hint = {static_cast<uint8_t>(exponent), kDecimal, kDecimalPatience, hint.provisional};
    }
  }
  if (!DictionaryPromising(best_bytes, count)) return end;
  BlockHeader repeated = blank;
  uint8_t* shorter = EncodeDictionary(values, count, best_bytes, repeated, out);
  if (shorter == nullptr) return end;
  header = repeated;
  hint = {0, kRepeated, kOtherPatience, hint.provisional};
  return shorter;
}

uint8_t* EncodeVarying(const double* values, size_t count, EncodeHint& hint, BlockHeader& header,
                       uint8_t* out) {
  if (hint.countdown == 0) return Search(values, count, hint, header, out);
  --hint.countdown;
  const BlockHeader blank = header;
  uint8_t* end = nullptr;
  if (hint.mode == kDecimal && hint.exponent <= kDecimalExponentMax) {
    // More exceptions than this: another exponent may be better.
    end = EncodeAlp(values, count, hint.exponent, 2 + count / 32, header, out).end;
  } else if (hint.mode == kReal && hint.exponent >= 1 && hint.exponent <= kLeftBitsMax) {
    end = EncodeReal(values, count, hint, header, out);
  } else if (hint.mode == kRepeated) {
    end = EncodeDictionary(values, count, count * 4, header, out);
  }
  if (end != nullptr) return end;
  header = blank;
  return Search(values, count, hint, header, out);
}

}  // namespace

uint8_t* EncodeValues(const double* values, size_t count, EncodeHint& hint, BlockHeader& header,
                      uint8_t* out) {
  const auto* bits = reinterpret_cast<const uint64_t*>(values);
  if (bits[0] == bits[count - 1] && Kernels().all_equal(bits, count)) {
    return EncodeConstant(values, count, header, out);
  }
  return EncodeVarying(values, count, hint, header, out);
}

absl::Status ValueColumn::Check(size_t room, size_t& bytes) const {
  switch (header_.value_encoding()) {
    case ValueEncoding::kConstant:
      bytes = header_.compact() ? 8 : 16;
      break;
    case ValueEncoding::kAlpFrame:
    case ValueEncoding::kAlpDelta:
      return AlpColumn(header_, section_).Check(room, bytes);
    case ValueEncoding::kAlpRd:
      return AlpRdColumn(header_, section_).Check(room, bytes);
    case ValueEncoding::kDictionary:
      return DictionaryColumn(header_, section_).Check(room, bytes);
    case ValueEncoding::kRaw:
      bytes = sizeof(ValueStatistics) + size_t{header_.count()} * 8;
      break;
    default:
      return absl::DataLossError("block: unknown value encoding");
  }
  if (bytes > room) return absl::DataLossError("block: values cut short");
  return absl::OkStatus();
}

ValueStatistics ValueColumn::Statistics() const {
  switch (header_.value_encoding()) {
    case ValueEncoding::kConstant: {
      const auto value = LoadAs<double>(section_);
      const double sum = header_.compact() ? value * static_cast<double>(header_.count())
                                           : LoadAs<double>(section_ + 8);
      if (value != value) {
        constexpr double kInfinity = std::numeric_limits<double>::infinity();
        return {CanonicalSum(value), kInfinity, -kInfinity, value, value};
      }
      return {sum, value, value, value, value};
    }
    case ValueEncoding::kAlpFrame:
    case ValueEncoding::kAlpDelta:
      return AlpColumn(header_, section_).Statistics();
    default:
      return LoadAs<ValueStatistics>(section_);
  }
}

double ValueColumn::At(size_t position) const {
  switch (header_.value_encoding()) {
    case ValueEncoding::kConstant:
      return LoadAs<double>(section_);
    case ValueEncoding::kAlpFrame:
    case ValueEncoding::kAlpDelta:
      return AlpColumn(header_, section_).At(position);
    case ValueEncoding::kAlpRd:
      return AlpRdColumn(header_, section_).At(position);
    case ValueEncoding::kDictionary:
      return DictionaryColumn(header_, section_).At(position);
    case ValueEncoding::kRaw:
      break;
  }
  return LoadAs<double>(section_ + sizeof(ValueStatistics) + position * 8);
}

void ValueColumn::Decode(uint32_t begin, uint32_t end, double* out) const {
  switch (header_.value_encoding()) {
    case ValueEncoding::kConstant:
      Kernels().fill(LoadAs<uint64_t>(section_), size_t{end - begin} * kLanes,
                     reinterpret_cast<uint64_t*>(out));
      return;
    case ValueEncoding::kAlpFrame:
    case ValueEncoding::kAlpDelta:
      return AlpColumn(header_, section_).Decode(begin, end, out);
    case ValueEncoding::kAlpRd:
      return AlpRdColumn(header_, section_).Decode(begin, end, out);
    case ValueEncoding::kDictionary:
      return DictionaryColumn(header_, section_).Decode(begin, end, out);
    case ValueEncoding::kRaw:
      break;
  }
  const size_t first = size_t{begin} * kLanes;
  const size_t last = std::min<size_t>(size_t{end} * kLanes, header_.count());
  std::memcpy(out, section_ + sizeof(ValueStatistics) + first * 8, (last - first) * 8);
}

}  // namespace tsdb::codec

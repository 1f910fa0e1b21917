#include "tools/import/text_number.h"

#include <fast_float/fast_float.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <system_error>

namespace tsdb::importer {
namespace {

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((text[i] | 0x20) != lower[i]) return false;
  }
  return true;
}

std::string_view WithoutSign(std::string_view text) {
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  return text;
}

}  // namespace

std::optional<double> ParseValue(std::string_view text) {
  const std::string_view digits = WithoutSign(text);
  if (digits.empty()) return std::nullopt;
  const bool negative = text[0] == '-';
  if (IsDigit(digits[0]) || digits[0] == '.') {
    double value = 0;
    const char* const end = digits.data() + digits.size();
    const auto result = fast_float::from_chars(digits.data(), end, value);
    if (result.ec != std::errc() || result.ptr != end || std::isinf(value)) return std::nullopt;
    return negative ? -value : value;
  }
  if (EqualsIgnoringCase(digits, "inf") || EqualsIgnoringCase(digits, "infinity")) {
    return negative ? -std::numeric_limits<double>::infinity()
                    : std::numeric_limits<double>::infinity();
  }
  if (digits.size() == text.size() && EqualsIgnoringCase(text, "nan")) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  return std::nullopt;
}

TimestampError ParseMilliseconds(std::string_view text, Timestamp& timestamp) {
  const std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
  if (WithoutSign(digits).empty() || (digits.size() < text.size() && digits.starts_with('-'))) {
    return TimestampError::kMalformed;
  }
  const char* const end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, timestamp);
  if (result.ptr != end) return TimestampError::kMalformed;
  if (result.ec == std::errc::result_out_of_range) return TimestampError::kOutOfRange;
  return result.ec == std::errc() ? TimestampError::kNone : TimestampError::kMalformed;
}

TimestampError ParseSeconds(std::string_view text, Timestamp& timestamp) {
  const std::optional<double> approximate = ParseValue(text);
  if (!approximate || !std::isfinite(*approximate)) return TimestampError::kMalformed;
  const std::string_view digits = WithoutSign(text);
  const bool negative = text[0] == '-';
  if (digits.find_first_of("eE") != std::string_view::npos) {
    // Past it, the product could not be rounded to 64 bits.
    constexpr double kSecondsMax = 9.2e15;
    if (std::abs(*approximate) > kSecondsMax) return TimestampError::kOutOfRange;
    timestamp = std::llround(*approximate * 1000);
    return TimestampError::kNone;
  }
  uint64_t magnitude = 0;
  bool fits = true;
  const auto add = [&](unsigned factor, char digit) {
    fits = fits && !__builtin_mul_overflow(magnitude, factor, &magnitude) &&
           !__builtin_add_overflow(magnitude, static_cast<unsigned>(digit - '0'), &magnitude);
  };
  size_t i = 0;
  for (; i < digits.size() && digits[i] != '.'; ++i) add(10, digits[i]);
  ++i;
  for (size_t place = 0; place < 3; ++place, ++i) add(10, i < digits.size() ? digits[i] : '0');
  if (i < digits.size() && digits[i] >= '5') add(1, '1');
  const uint64_t limit = uint64_t{kTimestampMax} + negative;
  if (!fits || magnitude > limit) return TimestampError::kOutOfRange;
  timestamp = static_cast<Timestamp>(negative ? 0 - magnitude : magnitude);
  return TimestampError::kNone;
}

}  // namespace tsdb::importer

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

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

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
  // Past it, no sum below can overflow and no double be confused with the limit.
  constexpr double kSecondsMax = 9.2e15;
  if (std::abs(*approximate) > kSecondsMax) return TimestampError::kOutOfRange;
  const std::string_view digits = WithoutSign(text);
  if (digits.find_first_of("eE") != std::string_view::npos) {
    timestamp = std::llround(*approximate * 1000);
    return TimestampError::kNone;
  }
  Timestamp magnitude = 0;
  size_t i = 0;
  for (; i < digits.size() && digits[i] != '.'; ++i) magnitude = magnitude * 10 + (digits[i] - '0');
  ++i;
  for (size_t place = 0; place < 3; ++place, ++i) {
    magnitude = magnitude * 10 + (i < digits.size() ? digits[i] - '0' : 0);
  }
  if (i < digits.size() && digits[i] >= '5') ++magnitude;
  timestamp = text[0] == '-' ? -magnitude : magnitude;
  return TimestampError::kNone;
}

}  // namespace tsdb::importer

#include "tsdb/promql/literals.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "absl/strings/charconv.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/string_view_bridge.h"
#include "tsdb/promql/quoting.h"

namespace tsdb::promql {
namespace {

struct Unit {
  std::string_view name;
  int64_t ms;
};
constexpr int64_t kDay = int64_t{24} * 60 * 60 * 1000;
constexpr std::array<Unit, 7> kUnits = {{{"y", 365 * kDay},
                                         {"w", 7 * kDay},
                                         {"d", kDay},
                                         {"h", 60 * 60 * 1000},
                                         {"m", 60 * 1000},
                                         {"s", 1000},
                                         {"ms", 1}}};

bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// Without the underscores, each of which must stand between two digits or after 0x.
std::optional<std::string> WithoutUnderscores(std::string_view text, bool hexadecimal) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
      continue;
    }
    const auto digit = [&](char c) { return hexadecimal ? IsHexDigit(c) : IsDigit(c); };
    const bool after = i > 0 && (digit(text[i - 1]) || (hexadecimal && i == 2));
    if (!after || i + 1 == text.size() || !digit(text[i + 1])) return std::nullopt;
  }
  return out;
}

std::optional<int64_t> ParseInteger(std::string_view digits, int base) {
  int64_t number = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

std::optional<double> ParseFloat(std::string_view text, absl::chars_format format) {
  double value = 0;
  const absl::from_chars_result result =
      absl::from_chars(text.data(), text.data() + text.size(), value, format);
  if (result.ptr != text.data() + text.size()) return std::nullopt;
  // Too small a number is 0, or near it.
  if (result.ec == std::errc::result_out_of_range && std::abs(value) > 1) return std::nullopt;
  if (result.ec != std::errc() && result.ec != std::errc::result_out_of_range) return std::nullopt;
  return value;
}

}  // namespace

std::optional<double> ParseNumber(std::string_view text) {
  if (absl::EqualsIgnoreCase(ToAbsl(text), "inf")) return std::numeric_limits<double>::infinity();
  if (absl::EqualsIgnoreCase(ToAbsl(text), "nan")) return std::numeric_limits<double>::quiet_NaN();
  const bool hexadecimal = text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  const std::optional<std::string> plain = WithoutUnderscores(text, hexadecimal);
  if (!plain || plain->empty() || (!IsDigit(plain->front()) && plain->front() != '.')) {
    return std::nullopt;
  }
  const std::string_view digits = *plain;
  if (hexadecimal) {
    if (const auto integer = ParseInteger(digits.substr(2), 16); integer && digits[2] != '-') {
      return static_cast<double>(*integer);
    }
    // Without an exponent it is no floating-point number of Go's.
    if (digits.find_first_of("pP") == digits.npos) return std::nullopt;
    return ParseFloat(digits.substr(2), absl::chars_format::hex);
  }
  if (digits[0] == '0' && digits.size() > 1) {
    if (const auto integer = ParseInteger(digits.substr(1), 8); integer && digits[1] != '-') {
      return static_cast<double>(*integer);
    }
  }
  return ParseFloat(digits, absl::chars_format::general);
}

std::string FormatNumber(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 1100> buffer;  // 1.8e308 has 309 digits, 4.9e-324 has 1 and 323 zeros
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed);
  return {buffer.data(), end};
}

ParsedDuration ParseDuration(std::string_view text) {
  constexpr ParsedDuration kSyntax = {0, DurationError::kSyntax};
  if (text.empty()) return kSyntax;
  int64_t total = 0;
  bool out_of_range = false;
  size_t unit = 0;  // the first that may come
  for (size_t at = 0; at < text.size();) {
    int64_t count = 0;
    const size_t begin = at;
    for (; at < text.size() && IsDigit(text[at]); ++at) {
      count = std::min(count * 10 + (text[at] - '0'), kDurationMax + 1);
    }
    if (at == begin) return kSyntax;
    const size_t name_begin = at;
    while (at < text.size() && IsAlpha(text[at])) ++at;
    const std::string_view name = text.substr(name_begin, at - name_begin);
    while (unit < kUnits.size() && kUnits[unit].name != name) ++unit;
    if (unit == kUnits.size()) return kSyntax;
    if (count > (kDurationMax - total) / kUnits[unit].ms) {
      out_of_range = true;
    } else {
      total += count * kUnits[unit].ms;
    }
    ++unit;
  }
  return {total, out_of_range ? DurationError::kOutOfRange : DurationError::kNone};
}

std::string FormatDuration(int64_t ms) {
  if (ms == 0) return "0s";
  std::string out = ms < 0 ? "-" : "";
  uint64_t left = ms < 0 ? -static_cast<uint64_t>(ms) : static_cast<uint64_t>(ms);
  for (const Unit& unit : kUnits) {
    const auto size = static_cast<uint64_t>(unit.ms);
    if (unit.ms > kDay && left % size != 0) continue;
    if (left / size > 0) absl::StrAppend(&out, left / size, ToAbsl(unit.name));
    left %= size;
  }
  return out;
}

}  // namespace tsdb::promql

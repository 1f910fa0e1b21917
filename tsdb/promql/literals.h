// Numbers and durations, as text and back.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tsdb::promql {

// What fits Go's time.Duration, 292 years.
inline constexpr int64_t kDurationMax = 9'223'372'036'854;

// As Go has them: decimal, octal (017), hexadecimal (0x1F, 0x1.8p3), with digits apart (1_000), Inf
// and NaN in any case. Nothing: it is none, or larger than a double.
std::optional<double> ParseNumber(std::string_view text);
// The shortest text in decimal, without an exponent, that is this number.
std::string FormatNumber(double value);

enum class DurationError : uint8_t { kNone, kSyntax, kOutOfRange };
// "1h30m": units from y to ms, each once, in this order.
struct ParsedDuration {
  int64_t ms = 0;
  DurationError error = DurationError::kNone;
};
ParsedDuration ParseDuration(std::string_view text);
// As Prometheus does: 1h30m, -5m, 0s; years and weeks only where nothing is left over.
std::string FormatDuration(int64_t ms);

}  // namespace tsdb::promql

// Numbers and times as text: exact for machines, readable for people; and times given on the
// command line. Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/base/types.h"

namespace tsdb::tools {

// The shortest decimal that reads back to the same double; "NaN", "+Inf", "-Inf".
std::string ExactValue(double value);
// For a table: six significant digits (whole numbers in full below 10^15), thousands set apart.
std::string ReadableValue(double value);
// 1234567 -> "1,234,567".
std::string Grouped(uint64_t number);
// "1 line", "1,234 lines"; "series" has one form.
std::string Counted(uint64_t count, std::string_view thing);
// 1234567 -> "1.2 MB".
std::string ReadableBytes(uint64_t bytes);

// 0 of nothing.
inline double RatioOf(uint64_t numerator, uint64_t denominator) {
  return denominator == 0 ? 0 : static_cast<double>(numerator) / static_cast<double>(denominator);
}
// 0.1234 -> "12.3 %".
std::string Percent(double share);

// Seconds as Prometheus's HTTP API writes them: "1795229635.568", "1795229635".
std::string ApiSeconds(Timestamp timestamp);
// "2026-11-21 03:33:55" or, unless it is a whole second, "2026-11-21 03:33:55.568", in UTC;
// milliseconds as a number outside the years 0000 to 9999.
std::string ReadableTime(Timestamp timestamp);

// Seconds since the epoch ("1795229635.568"), RFC 3339 ("2026-11-21T03:33:55.568Z", with an offset
// such as +02:00, or a date alone), or a time from the present one: "now", "-1h30m", "now-7d".
std::optional<Timestamp> ParseTime(std::string_view text);

// "1h30m", with the units y w d h m s ms, or a number of seconds; milliseconds, above 0.
std::optional<int64_t> ParseDuration(std::string_view text);
// "1h30m"; the largest units that leave nothing over.
std::string ReadableDuration(int64_t milliseconds);

}  // namespace tsdb::tools

// Numbers as metric formats write them: decimal, exact, nothing silently rounded to something else.
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string_view>

#include "storage/base/types.h"

namespace tsdb::importer {

inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The double nearest to a decimal number, or NaN, Inf, Infinity with an optional sign, in any case.
// Nothing for anything else: other characters, hexadecimal, a number past the largest double.
std::optional<double> ParseValue(std::string_view text);

enum class TimestampError { kNone, kMalformed, kOutOfRange };

// A whole number of milliseconds.
TimestampError ParseMilliseconds(std::string_view text, Timestamp& timestamp);

// A decimal number of seconds, to the nearest millisecond (exactly, not by way of a double, unless
// it has an exponent).
TimestampError ParseSeconds(std::string_view text, Timestamp& timestamp);

}  // namespace tsdb::importer

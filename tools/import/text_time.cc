#include "tools/import/text_time.h"

#include <array>
#include <charconv>
#include <cmath>

#include "tools/import/text_number.h"

namespace tsdb::importer {
namespace {

constexpr int64_t kMsPerDay = 86'400'000;

// Reads exactly `digits` digits at the front of `text` and removes them.
std::optional<unsigned> TakeNumber(std::string_view& text, size_t digits) {
  unsigned number = 0;
  if (text.size() < digits) return std::nullopt;
  for (size_t i = 0; i < digits; ++i) {
    if (!IsDigit(text[i])) return std::nullopt;
    number = number * 10 + static_cast<unsigned>(text[i] - '0');
  }
  text.remove_prefix(digits);
  return number;
}

// One to `digits_max` digits, as strptime reads numbers.
std::optional<unsigned> TakeUpTo(std::string_view& text, size_t digits_max) {
  size_t digits = 0;
  while (digits < digits_max && digits < text.size() && IsDigit(text[digits])) ++digits;
  return digits == 0 ? std::nullopt : TakeNumber(text, digits);
}

bool Take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// Decimals of a second, of which those beyond the millisecond are cut.
std::optional<int64_t> TakeDecimals(std::string_view& text) {
  int64_t ms = 0;
  size_t digits = 0;
  for (unsigned scale = 100; digits < text.size() && IsDigit(text[digits]); ++digits, scale /= 10) {
    ms += (text[digits] - '0') * static_cast<int64_t>(scale);
  }
  text.remove_prefix(digits);
  return digits == 0 ? std::nullopt : std::optional(ms);
}

// "Z", "+02:00"; with kOptional also "", "+0200", "+02", " UTC" and a blank before any: in
// milliseconds to subtract.
std::optional<int64_t> TakeZone(std::string_view& text, Zone zone) {
  if (zone == Zone::kOptional) {
    if (text.empty()) return 0;
    Take(text, " ");
    for (const std::string_view name : {"UTC", "GMT"}) {
      if (!text.starts_with(name)) continue;
      text.remove_prefix(name.size());
      return 0;
    }
  }
  if (Take(text, "Zz")) return 0;
  const bool east = text.starts_with('+');
  if (!Take(text, "+-")) return std::nullopt;
  const auto hours = TakeNumber(text, 2);
  const bool colon = Take(text, ":");
  if (!hours || *hours > 23 || (!colon && zone == Zone::kRequired)) return std::nullopt;
  const auto minutes = text.empty() && !colon ? std::optional(0U) : TakeNumber(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const int64_t offset = (*hours * 60 + *minutes) * int64_t{60'000};
  return east ? offset : -offset;
}

// "03:33:55.568Z" and the like, in milliseconds from the day's start in UTC.
std::optional<int64_t> ParseTimeOfDay(std::string_view text, Zone zone) {
  const auto hour = TakeNumber(text, 2);
  if (!hour || !Take(text, ":")) return std::nullopt;
  const auto minute = TakeNumber(text, 2);
  if (!minute) return std::nullopt;
  std::optional<unsigned> second = 0;
  if (Take(text, ":")) {
    second = TakeNumber(text, 2);
  } else if (zone == Zone::kRequired) {
    return std::nullopt;
  }
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  int64_t ms = ((*hour * 60 + *minute) * 60 + *second) * int64_t{1000};
  if (Take(text, ".")) {
    const auto decimals = TakeDecimals(text);
    if (!decimals) return std::nullopt;
    ms += *decimals;
  }
  const auto offset = TakeZone(text, zone);
  if (!offset || !text.empty()) return std::nullopt;
  return ms - *offset;
}

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};

std::optional<unsigned> TakeMonthName(std::string_view& text) {
  if (text.size() < 3) return std::nullopt;
  std::string name(text.substr(0, 3));
  for (char& c : name) c |= 0x20;
  for (unsigned i = 0; i < kMonths.size(); ++i) {
    if (name != kMonths[i]) continue;
    text.remove_prefix(3);
    return i + 1;
  }
  return std::nullopt;
}

// What a pattern collects.
struct Parts {
  int64_t year = 1970;
  unsigned month = 1;
  unsigned day = 1;
  std::optional<unsigned> day_of_year;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  int64_t ms = 0;
  std::optional<bool> afternoon;
  int64_t offset_ms = 0;
  std::optional<int64_t> epoch_seconds;

  std::optional<Timestamp> Time() const {
    constexpr int64_t kSecondsMax = kTimestampMax / 1000 - 1;
    if (epoch_seconds) {
      if (*epoch_seconds > kSecondsMax || *epoch_seconds < -kSecondsMax) return std::nullopt;
      return *epoch_seconds * 1000 + ms;
    }
    const Date date = {year, month, day};
    if (!IsDate(date) || hour > 23 || minute > 59 || second > 60) return std::nullopt;
    unsigned of_day = hour;
    if (afternoon) {
      if (hour < 1 || hour > 12) return std::nullopt;
      of_day = hour % 12 + (*afternoon ? 12 : 0);
    }
    int64_t days = DaysOfDate(date);
    if (day_of_year) {
      days = DaysOfDate({year, 1, 1}) + *day_of_year - 1;
      if (*day_of_year == 0 || DateOfDays(days).year != year) return std::nullopt;
    }
    return days * kMsPerDay + ((of_day * 60 + minute) * 60 + second) * int64_t{1000} + ms -
           offset_ms;
  }
};

bool Store(std::optional<unsigned> number, unsigned& to) {
  if (number) to = *number;
  return number.has_value();
}

bool TakeYear(std::string_view& text, size_t digits, Parts& parts) {
  const auto number = TakeNumber(text, digits);
  if (!number) return false;
  // As POSIX has it for two digits: 69 to 99 are of the last century.
  parts.year = digits == 4 ? *number : *number + (*number < 69 ? 2000 : 1900);
  return true;
}

bool TakeAfternoon(std::string_view& text, Parts& parts) {
  if (text.size() < 2 || (text[1] | 0x20) != 'm') return false;
  const char first = static_cast<char>(text[0] | 0x20);
  if (first != 'a' && first != 'p') return false;
  parts.afternoon = first == 'p';
  text.remove_prefix(2);
  return true;
}

bool TakeEpoch(std::string_view& text, Parts& parts) {
  int64_t seconds = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (result.ec != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(result.ptr - text.data()));
  parts.epoch_seconds = seconds;
  return true;
}

bool TakeDirective(char directive, std::string_view& text, Parts& parts) {
  switch (directive) {
    case 'Y':
      return TakeYear(text, 4, parts);
    case 'y':
      return TakeYear(text, 2, parts);
    case 'm':
      return Store(TakeUpTo(text, 2), parts.month);
    case 'b':
      return Store(TakeMonthName(text), parts.month);
    case 'e':
      Take(text, " ");
      [[fallthrough]];
    case 'd':
      return Store(TakeUpTo(text, 2), parts.day);
    case 'j':
      return (parts.day_of_year = TakeUpTo(text, 3)).has_value();
    case 'H':
    case 'I':
      return Store(TakeUpTo(text, 2), parts.hour);
    case 'M':
      return Store(TakeUpTo(text, 2), parts.minute);
    case 'S':
      return Store(TakeUpTo(text, 2), parts.second);
    case 'f':
      if (const auto ms = TakeDecimals(text)) return parts.ms = *ms, true;
      return false;
    case 'p':
      return TakeAfternoon(text, parts);
    case 's':
      return TakeEpoch(text, parts);
    case 'z':
      if (text.empty()) return false;
      if (const auto offset = TakeZone(text, Zone::kOptional))
        return parts.offset_ms = *offset, true;
      return false;
    case '%':
      return Take(text, "%");
    default:
      return false;
  }
}

// %F and %T written out.
std::string Expanded(std::string_view pattern) {
  std::string out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char next = pattern[i] == '%' && i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (next == 'F') out += "%Y-%m-%d";
    if (next == 'T') out += "%H:%M:%S";
    if (next == 'F' || next == 'T') {
      ++i;
    } else {
      out += pattern[i];
      if (next != '\0') out += pattern[++i];
    }
  }
  return out;
}

std::optional<Timestamp> ParsePattern(std::string_view pattern, std::string_view text) {
  Parts parts;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == ' ') {
      while (Take(text, " \t")) continue;
    } else if (pattern[i] != '%') {
      if (!Take(text, pattern.substr(i, 1))) return std::nullopt;
    } else if (!TakeDirective(pattern[++i], text, parts)) {
      return std::nullopt;
    }
  }
  if (!text.empty()) return std::nullopt;
  return parts.Time();
}

TimeUnit UnitBySize(std::string_view number) {
  if (!number.empty() && (number[0] == '-' || number[0] == '+')) number.remove_prefix(1);
  size_t digits = 0;
  while (digits < number.size() && IsDigit(number[digits])) ++digits;
  return digits <= 11   ? TimeUnit::kSeconds
         : digits <= 14 ? TimeUnit::kMilliseconds
         : digits <= 17 ? TimeUnit::kMicroseconds
                        : TimeUnit::kNanoseconds;
}

std::optional<TimeUnit> UnitNamed(std::string_view name) {
  if (name == "s") return TimeUnit::kSeconds;
  if (name == "ms") return TimeUnit::kMilliseconds;
  if (name == "us") return TimeUnit::kMicroseconds;
  if (name == "ns") return TimeUnit::kNanoseconds;
  return std::nullopt;
}

TimestampError AsError(const std::optional<Timestamp>& parsed, Timestamp& timestamp) {
  if (!parsed) return TimestampError::kMalformed;
  timestamp = *parsed;
  return TimestampError::kNone;
}

bool LooksLikeDate(std::string_view text) {
  return text.size() > 4 && (text[4] == '-' || text[4] == '/');
}

}  // namespace

// Howard Hinnant, "chrono-compatible low-level date algorithms".
Date DateOfDays(int64_t days) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146097);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted_month = (5 * day_of_year + 2) / 153;
  const unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  return {static_cast<int64_t>(year_of_era) + era * 400 + (month <= 2), month,
          day_of_year - (153 * shifted_month + 2) / 5 + 1};
}

int64_t DaysOfDate(Date date) {
  const int64_t year = date.year - (date.month <= 2);
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned shifted_month = date.month > 2 ? date.month - 3 : date.month + 9;
  const unsigned day_of_year = (153 * shifted_month + 2) / 5 + date.day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + static_cast<int64_t>(day_of_era) - 719468;
}

bool IsDate(Date date) {
  if (date.month < 1 || date.month > 12 || date.day < 1 || date.day > 31) return false;
  return date.day <= 28 || DateOfDays(DaysOfDate(date)).day == date.day;
}

std::optional<Timestamp> ParseDateTime(std::string_view text, Zone zone) {
  const std::string_view separator = zone == Zone::kRequired ? "-" : "-/";
  const auto year = TakeNumber(text, 4);
  if (!year || !Take(text, separator)) return std::nullopt;
  const auto month = TakeNumber(text, 2);
  if (!month || !Take(text, separator)) return std::nullopt;
  const auto day = TakeNumber(text, 2);
  if (!day) return std::nullopt;
  const Date date = {static_cast<int64_t>(*year), *month, *day};
  if (!IsDate(date)) return std::nullopt;
  const int64_t start = DaysOfDate(date) * kMsPerDay;
  if (text.empty()) return start;
  if (!Take(text, "Tt ")) return std::nullopt;
  const auto time = ParseTimeOfDay(text, zone);
  if (!time) return std::nullopt;
  return start + *time;
}

TimestampError ParseEpoch(std::string_view text, TimeUnit unit, Timestamp& timestamp) {
  if (unit == TimeUnit::kSeconds) return ParseSeconds(text, timestamp);
  if (const size_t point = text.find('.'); point != std::string_view::npos && point > 0) {
    if (text.find_first_not_of('0', point + 1) != std::string_view::npos) {
      return TimestampError::kMalformed;
    }
    text = text.substr(0, point);
  }
  int64_t count = 0;
  const TimestampError error = ParseMilliseconds(text, count);
  if (error != TimestampError::kNone) return error;
  const int64_t per_ms = unit == TimeUnit::kMilliseconds   ? 1
                         : unit == TimeUnit::kMicroseconds ? 1000
                                                           : 1'000'000;
  const int64_t rest = count % per_ms;
  timestamp = count / per_ms;
  if (2 * rest >= per_ms && rest != 0) ++timestamp;
  if (2 * rest <= -per_ms && rest != 0) --timestamp;
  return TimestampError::kNone;
}

absl::StatusOr<TimeFormat> TimeFormat::Create(std::string_view text) {
  TimeFormat format;
  if (text == "auto") return format;
  format.unit_ = UnitNamed(text);
  if (format.unit_) {
    format.kind_ = Kind::kUnit;
    return format;
  }
  if (text == "rfc3339") {
    format.kind_ = Kind::kRfc3339;
    return format;
  }
  if (text.find('%') == std::string_view::npos) {
    return absl::InvalidArgumentError(
        "not a format of times: '" + std::string(text) +
        "'; it is auto, s, ms, us, ns, rfc3339 or a pattern such as %d.%m.%Y %H:%M:%S");
  }
  format.kind_ = Kind::kPattern;
  format.pattern_ = Expanded(text);
  for (size_t i = 0; i < format.pattern_.size(); ++i) {
    if (format.pattern_[i] != '%') continue;
    constexpr std::string_view kKnown = "YymbdejHIMSfpsz%";
    const char directive = ++i < format.pattern_.size() ? format.pattern_[i] : '\0';
    if (directive == '\0') return absl::InvalidArgumentError("the pattern ends with a '%'");
    if (kKnown.find(directive) == std::string_view::npos) {
      return absl::InvalidArgumentError(std::string("the pattern has '%") + directive +
                                        "'; there are %Y %y %m %b %d %e %j %H %I %M %S %f %p %z "
                                        "%s %F %T %%");
    }
  }
  return format;
}

TimestampError TimeFormat::Parse(std::string_view text, Timestamp& timestamp) {
  switch (kind_) {
    case Kind::kUnit:
      return ParseEpoch(text, *unit_, timestamp);
    case Kind::kRfc3339:
      return AsError(ParseDateTime(text, Zone::kRequired), timestamp);
    case Kind::kPattern:
      return AsError(ParsePattern(pattern_, text), timestamp);
    case Kind::kAuto:
      break;
  }
  if (LooksLikeDate(text)) return AsError(ParseDateTime(text, Zone::kOptional), timestamp);
  const TimeUnit unit = unit_ ? *unit_ : UnitBySize(text);
  const TimestampError error = ParseEpoch(text, unit, timestamp);
  if (error == TimestampError::kNone) unit_ = unit;
  return error;
}

std::string TimeFormat::Description() const {
  constexpr const char* kUnits[] = {"seconds", "whole milliseconds", "whole microseconds",
                                    "whole nanoseconds"};
  switch (kind_) {
    case Kind::kUnit:
      return std::string("a time in ") + kUnits[static_cast<size_t>(*unit_)];
    case Kind::kRfc3339:
      return "a time as RFC 3339 has it (2026-11-21T03:33:55Z)";
    case Kind::kPattern:
      return "a time like '" + pattern_ + "'";
    case Kind::kAuto:
      break;
  }
  if (!unit_) return "a date or a number since the epoch";
  return std::string("a date or a number of ") + kUnits[static_cast<size_t>(*unit_)];
}

}  // namespace tsdb::importer

#include "tools/number_text.h"

#include <charconv>
#include <cmath>
#include <cstdio>

#include "storage/base/clock.h"
#include "tools/import/text_number.h"
#include "tsdb/promql/literals.h"

namespace tsdb::tools {
namespace {

constexpr int64_t kMsPerDay = 86'400'000;

struct Date {
  int64_t year;
  unsigned month;
  unsigned day;
};

// Days since 1970-01-01 to the proleptic Gregorian calendar and back: Howard Hinnant,
// "chrono-compatible low-level date algorithms".
Date DateOf(int64_t days) {
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

int64_t DaysOf(Date date) {
  const int64_t year = date.year - (date.month <= 2);
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned shifted_month = date.month > 2 ? date.month - 3 : date.month + 9;
  const unsigned day_of_year = (153 * shifted_month + 2) / 5 + date.day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + static_cast<int64_t>(day_of_era) - 719468;
}

// Reads exactly `digits` digits at the front of `text` and removes them.
std::optional<unsigned> TakeNumber(std::string_view& text, size_t digits) {
  unsigned number = 0;
  if (text.size() < digits) return std::nullopt;
  for (size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    number = number * 10 + static_cast<unsigned>(text[i] - '0');
  }
  text.remove_prefix(digits);
  return number;
}

bool Take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// "03:33:55.568Z" and the like, in milliseconds from the day's start in UTC.
std::optional<int64_t> ParseTimeOfDay(std::string_view text) {
  const auto hour = TakeNumber(text, 2);
  if (!hour || !Take(text, ":")) return std::nullopt;
  const auto minute = TakeNumber(text, 2);
  if (!minute || !Take(text, ":")) return std::nullopt;
  const auto second = TakeNumber(text, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  int64_t ms = ((*hour * 60 + *minute) * 60 + *second) * int64_t{1000};
  if (Take(text, ".")) {
    size_t digits = 0;
    for (unsigned scale = 100; digits < text.size() && text[digits] >= '0' && text[digits] <= '9';
         ++digits, scale /= 10) {
      ms += (text[digits] - '0') * static_cast<int64_t>(scale);
    }
    if (digits == 0) return std::nullopt;
    text.remove_prefix(digits);
  }
  if (Take(text, "Zz")) return text.empty() ? std::optional<int64_t>(ms) : std::nullopt;
  const bool east = text.starts_with('+');
  if (!Take(text, "+-")) return std::nullopt;
  const auto offset_hours = TakeNumber(text, 2);
  if (!offset_hours || !Take(text, ":")) return std::nullopt;
  const auto offset_minutes = TakeNumber(text, 2);
  if (!offset_minutes || !text.empty() || *offset_hours > 23 || *offset_minutes > 59) {
    return std::nullopt;
  }
  const int64_t offset = (*offset_hours * 60 + *offset_minutes) * int64_t{60'000};
  return east ? ms - offset : ms + offset;
}

std::string WithGroups(std::string digits) {
  const size_t end = std::min(digits.find_first_of(".e"), digits.size());
  const size_t begin = digits.starts_with('-') ? 1 : 0;
  for (size_t place = end; place > begin + 3; place -= 3) digits.insert(place - 3, 1, ',');
  return digits;
}

// "now", "-1h", "now-1h", "now+5m". Plain numbers are seconds since the epoch.
std::optional<Timestamp> ParseRelative(std::string_view text) {
  const bool named = text.starts_with("now");
  if (named) text.remove_prefix(3);
  const Timestamp now = SystemClock()->WallMs();
  if (named && text.empty()) return now;
  if (text.size() < 2 || (text[0] != '-' && text[0] != '+')) return std::nullopt;
  const promql::ParsedDuration duration = promql::ParseDuration(text.substr(1));
  if (duration.error != promql::DurationError::kNone) return std::nullopt;
  return text[0] == '-' ? now - duration.ms : now + duration.ms;
}

}  // namespace

std::string ExactValue(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[32];
  return {text, std::to_chars(text, text + sizeof(text), value).ptr};
}

std::string ReadableValue(double value) {
  if (!std::isfinite(value)) return ExactValue(value);
  const double magnitude = std::abs(value);
  char text[64];
  if (value == std::trunc(value) && magnitude < 1e15) {
    return WithGroups(
        {text, std::to_chars(text, text + sizeof(text), value, std::chars_format::fixed).ptr});
  }
  if (magnitude >= 1e15 || magnitude < 1) {
    return {text,
            std::to_chars(text, text + sizeof(text), value, std::chars_format::general, 6).ptr};
  }
  const int whole_digits = static_cast<int>(std::log10(magnitude)) + 1;
  const int decimals = whole_digits >= 6 ? 1 : 6 - whole_digits;
  std::string fixed(
      text,
      std::to_chars(text, text + sizeof(text), value, std::chars_format::fixed, decimals).ptr);
  while (fixed.ends_with('0')) fixed.pop_back();
  if (fixed.ends_with('.')) fixed.pop_back();
  return WithGroups(std::move(fixed));
}

std::string Grouped(uint64_t number) { return WithGroups(std::to_string(number)); }

std::string Counted(uint64_t count, std::string_view thing) {
  std::string text = Grouped(count) + " ";
  text += thing;
  if (count != 1 && !thing.ends_with("s")) text += 's';
  return text;
}

std::string ReadableBytes(uint64_t bytes) {
  constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1000) return std::to_string(bytes) + " B";
  double scaled = static_cast<double>(bytes) / 1000;
  size_t unit = 0;
  for (; scaled >= 999.95 && unit + 1 < std::size(kUnits); ++unit) scaled /= 1000;
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f %s", scaled, kUnits[unit]);
  return text;
}

std::string ApiSeconds(Timestamp timestamp) {
  const int64_t seconds = timestamp / 1000;
  const int64_t ms = timestamp % 1000;
  char text[40];
  std::snprintf(text, sizeof(text), ms == 0 ? "%s%lld" : "%s%lld.%03lld",
                timestamp < 0 && seconds == 0 ? "-" : "", static_cast<long long>(seconds),
                static_cast<long long>(std::abs(ms)));
  return text;
}

std::string ReadableTime(Timestamp timestamp) {
  int64_t days = timestamp / kMsPerDay;
  int64_t ms = timestamp % kMsPerDay;
  if (ms < 0) {
    ms += kMsPerDay;
    --days;
  }
  const Date date = DateOf(days);
  if (date.year < 0 || date.year > 9999) return std::to_string(timestamp) + " ms";
  char text[64];
  const int length = std::snprintf(
      text, sizeof(text), "%04d-%02u-%02u %02d:%02d:%02d", static_cast<int>(date.year), date.month,
      date.day, static_cast<int>(ms / 3'600'000), static_cast<int>(ms / 60'000 % 60),
      static_cast<int>(ms / 1000 % 60));
  std::string result(text, static_cast<size_t>(length));
  if (ms % 1000 != 0) {
    std::snprintf(text, sizeof(text), ".%03d", static_cast<int>(ms % 1000));
    result += text;
  }
  return result;
}

std::optional<int64_t> ParseDuration(std::string_view text) {
  const promql::ParsedDuration duration = promql::ParseDuration(text);
  if (duration.error == promql::DurationError::kNone && duration.ms > 0) return duration.ms;
  Timestamp seconds = 0;
  if (importer::ParseSeconds(text, seconds) != importer::TimestampError::kNone || seconds <= 0) {
    return std::nullopt;
  }
  return seconds;
}

std::string ReadableDuration(int64_t milliseconds) { return promql::FormatDuration(milliseconds); }

std::optional<Timestamp> ParseTime(std::string_view text) {
  if (const std::optional<Timestamp> time = ParseRelative(text)) return time;
  std::string_view rest = text;
  const auto year = TakeNumber(rest, 4);
  if (!year || !Take(rest, "-")) {
    Timestamp timestamp = 0;
    if (importer::ParseSeconds(text, timestamp) != importer::TimestampError::kNone)
      return std::nullopt;
    return timestamp;
  }
  const auto month = TakeNumber(rest, 2);
  if (!month || !Take(rest, "-")) return std::nullopt;
  const auto day = TakeNumber(rest, 2);
  if (!day || *month < 1 || *month > 12 || *day < 1) return std::nullopt;
  const Date date = {static_cast<int64_t>(*year), *month, *day};
  const int64_t days = DaysOf(date);
  if (DateOf(days).day != *day) return std::nullopt;  // February 30
  if (rest.empty()) return days * kMsPerDay;
  if (!Take(rest, "Tt ")) return std::nullopt;
  const auto time = ParseTimeOfDay(rest);
  if (!time) return std::nullopt;
  return days * kMsPerDay + *time;
}

}  // namespace tsdb::tools

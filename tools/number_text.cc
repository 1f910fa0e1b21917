#include "tools/number_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "storage/base/clock.h"
#include "tools/import/text_number.h"
#include "tools/import/text_time.h"
#include "tsdb/promql/literals.h"

namespace tsdb::tools {
namespace {

constexpr int64_t kMsPerDay = 86'400'000;

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

std::string Percent(double share) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f %%", 100 * share);
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
  const importer::Date date = importer::DateOfDays(days);
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
  if (text.size() > 4 && text[4] == '-') {
    return importer::ParseDateTime(text, importer::Zone::kRequired);
  }
  Timestamp timestamp = 0;
  if (importer::ParseSeconds(text, timestamp) != importer::TimestampError::kNone) {
    return std::nullopt;
  }
  return timestamp;
}

}  // namespace tsdb::tools

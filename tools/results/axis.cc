#include "tools/results/axis.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <iterator>
#include <limits>

#include "tools/number_text.h"

namespace tsdb::tools {
namespace {

// Beyond, an axis ends: the difference of its ends must be a number, rounded outwards too.
constexpr double kAxisMax = std::numeric_limits<double>::max() / 16;

constexpr int64_t kSecond = 1000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kMonday = 4 * kDay;  // 1970-01-05
constexpr int64_t kTimeSteps[] = {1,
                                  2,
                                  5,
                                  10,
                                  20,
                                  50,
                                  100,
                                  200,
                                  500,
                                  kSecond,
                                  2 * kSecond,
                                  5 * kSecond,
                                  10 * kSecond,
                                  15 * kSecond,
                                  30 * kSecond,
                                  kMinute,
                                  2 * kMinute,
                                  5 * kMinute,
                                  10 * kMinute,
                                  15 * kMinute,
                                  30 * kMinute,
                                  kHour,
                                  2 * kHour,
                                  3 * kHour,
                                  6 * kHour,
                                  12 * kHour,
                                  kDay,
                                  2 * kDay,
                                  7 * kDay,
                                  14 * kDay};
constexpr int64_t kMonthSteps[] = {1,        2,         3,         6,        12,       24,
                                   5 * 12,   10 * 12,   20 * 12,   50 * 12,  100 * 12, 200 * 12,
                                   500 * 12, 1000 * 12, 2000 * 12, 5000 * 12};
constexpr size_t kBlanksBetweenTicks = 4;

// 1, 2 or 5 times a power of ten, at least `least`.
double NiceStep(double least) {
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::string FixedText(double value, int decimals) {
  char text[400];
  std::string out(
      text,
      std::to_chars(text, text + sizeof(text), value, std::chars_format::fixed, decimals).ptr);
  if (out.starts_with('-') && out.find_first_of("123456789") == std::string::npos) out.erase(0, 1);
  return out;
}

// How the values of one axis are written: plain, in thousands and so on, or with exponents.
class TickText {
 public:
  TickText(double magnitude, double step) {
    const int step_digits = static_cast<int>(std::floor(std::log10(step) + 1e-9));
    exponents_ = magnitude >= 1e18 || step < 1e-6;
    digits_ = std::clamp(static_cast<int>(std::ceil(std::log10(magnitude / step))) + 1, 1, 15);
    // Numbers of up to five digits are read as they are.
    while (unit_ < 5 && magnitude >= Scale(unit_ + 1) * (unit_ == 0 ? 100 : 1)) ++unit_;
    // A unit whose numbers need many decimals says less than all the digits do.
    while (unit_ > 0 && 3 * unit_ - step_digits > 2) --unit_;
    decimals_ = std::max(0, 3 * unit_ - step_digits);
  }

  std::string Of(double value) const {
    if (exponents_) {
      if (value == 0) return "0";
      char text[64];
      return {
          text,
          std::to_chars(text, text + sizeof(text), value, std::chars_format::general, digits_).ptr};
    }
    if (value == 0) return "0";
    if (unit_ == 0 && decimals_ == 0) return ReadableValue(value);
    return FixedText(value / Scale(unit_), decimals_) + kUnits[unit_];
  }

 private:
  static constexpr const char* kUnits[] = {"", "k", "M", "G", "T", "P"};
  static double Scale(int unit) { return std::pow(1000.0, unit); }

  bool exponents_ = false;
  int digits_ = 1;
  int unit_ = 0;
  int decimals_ = 0;
};

bool HasCalendar(Timestamp timestamp) {
  return ReadableTime(timestamp).find(':') != std::string::npos;
}

int64_t OffsetOf(Timestamp timestamp) {
  const auto seconds = static_cast<time_t>(timestamp / 1000);
  std::tm local = {};
  return localtime_r(&seconds, &local) == nullptr ? 0 : local.tm_gmtoff * kSecond;
}

std::string ZoneText(int64_t offset_ms) {
  if (offset_ms == 0) return "UTC";
  char text[32];
  const int64_t minutes = std::abs(offset_ms) / kMinute;
  std::snprintf(text, sizeof(text), "UTC%c%02d:%02d", offset_ms < 0 ? '-' : '+',
                static_cast<int>(minutes / 60), static_cast<int>(minutes % 60));
  return text;
}

size_t TextWidth(int64_t step) { return step < kSecond ? 12 : step < kMinute ? 8 : 5; }

std::string TextOf(Timestamp wall, int64_t step, bool days) {
  std::string text = ReadableTime(wall);
  if (step >= kDay || (days && wall % kDay == 0)) return text.substr(5, 5);
  if (step >= kMinute) return text.substr(11, 5);
  if (step >= kSecond) return text.substr(11, 8);
  if (text.size() == 19) text += ".000";
  return text.substr(11);
}

void AddTicks(TimeAxis& axis, int64_t step) {
  const Timestamp first = axis.first + axis.offset_ms;
  const Timestamp last = axis.last + axis.offset_ms;
  const int64_t origin = step % (7 * kDay) == 0 ? kMonday : 0;
  int64_t remainder = (first - origin) % step;
  if (remainder < 0) remainder += step;
  const bool days = axis.last - axis.first >= kDay;
  for (Timestamp wall = remainder == 0 ? first : first - remainder + step; wall <= last;
       wall += step) {
    axis.ticks.push_back({wall - axis.offset_ms, TextOf(wall, step, days)});
  }
}

void AddMonthTicks(TimeAxis& axis, int64_t months) {
  const std::string text = ReadableTime(axis.first + axis.offset_ms);
  const int64_t month =
      int64_t{std::stoi(text.substr(0, 4))} * 12 + std::stoi(text.substr(5, 2)) - 1;
  for (int64_t at = (month + months - 1) / months * months;; at += months) {
    if (at / 12 > 9999) return;
    const std::chrono::sys_days day = std::chrono::year(static_cast<int>(at / 12)) /
                                      std::chrono::month(static_cast<unsigned>(at % 12 + 1)) /
                                      std::chrono::day(1);
    const int64_t wall = int64_t{day.time_since_epoch().count()} * kDay;
    const Timestamp time = wall - axis.offset_ms;
    if (time > axis.last) return;
    if (time < axis.first) continue;
    axis.ticks.push_back({time, ReadableTime(wall).substr(0, months % 12 == 0 ? 4 : 7)});
  }
}

}  // namespace

double ValueAxis::PlaceOf(double value) const {
  return std::clamp((std::clamp(value, low, high) - low) / (high - low), 0.0, 1.0);
}

ValueAxis MakeValueAxis(double low, double high, size_t ticks_max) {
  low = std::clamp(low, -kAxisMax, kAxisMax);
  high = std::clamp(high, -kAxisMax, kAxisMax);
  const double magnitude = std::max(std::abs(low), std::abs(high));
  // Less than what the last digits of doubles tell apart is no height to draw.
  const double least = std::max(magnitude * 1e-13, std::numeric_limits<double>::min() * 1e3);
  if (high - low < least) {
    const double margin = magnitude > least ? magnitude / 10 : 1;
    low -= margin;
    high += margin;
    if (magnitude <= least) low = 0;
  } else if (low > 0 && low <= high / 3) {
    low = 0;
  } else if (high < 0 && high >= low / 3) {
    high = 0;
  }
  const double step = NiceStep((high - low) / static_cast<double>(ticks_max - 1));
  ValueAxis axis;
  const double first = std::floor(low / step + 1e-9);
  const double last = std::max(std::ceil(high / step - 1e-9), first + 1);
  const TickText text(std::max(std::abs(first), std::abs(last)) * step, step);
  for (double i = first; i <= last; ++i) axis.ticks.push_back({i * step, text.Of(i * step)});
  axis.low = axis.ticks.front().value;
  axis.high = axis.ticks.back().value;
  return axis;
}

double TimeAxis::PlaceOf(Timestamp time) const {
  // Differences of extreme timestamps overflow 64 bits, so they are taken as doubles.
  const double offset = static_cast<double>(time) - static_cast<double>(first);
  return std::clamp(offset / (static_cast<double>(last) - static_cast<double>(first)), 0.0, 1.0);
}

std::string TimeAxis::Range() const {
  if (!HasCalendar(first) || !HasCalendar(last)) {
    return ReadableTime(first) + " to " + ReadableTime(last);
  }
  return ReadableTime(first + offset_ms) + " to " + ReadableTime(last + offset_ms) + " " + zone;
}

TimeAxis MakeTimeAxis(Timestamp first, Timestamp last, size_t room, bool local) {
  TimeAxis axis;
  axis.first = first;
  axis.last = last;
  axis.zone = "UTC";
  if (!HasCalendar(first) || !HasCalendar(last)) return axis;
  if (local) {
    axis.offset_ms = OffsetOf(first);
    axis.zone = ZoneText(axis.offset_ms);
    if (!HasCalendar(first + axis.offset_ms) || !HasCalendar(last + axis.offset_ms)) return axis;
  }
  const int64_t span = last - first;
  const auto fits = [&](int64_t ticks, size_t width) {
    return static_cast<size_t>(ticks) * (width + kBlanksBetweenTicks) <= room;
  };
  for (const int64_t step : kTimeSteps) {
    if (!fits(span / step, TextWidth(step))) continue;
    AddTicks(axis, step);
    return axis;
  }
  for (const int64_t months : kMonthSteps) {
    if (!fits(span / (months * 30 * kDay), 7)) continue;
    AddMonthTicks(axis, months);
    return axis;
  }
  return axis;
}

std::string DurationText(int64_t ms) {
  struct Unit {
    int64_t ms;
    const char* name;
  };
  constexpr Unit kUnits[] = {{kDay, "d"}, {kHour, "h"}, {kMinute, "m"}, {kSecond, "s"}, {1, "ms"}};
  std::string text;
  for (const Unit& unit : kUnits) {
    if (ms / unit.ms == 0) continue;
    text += std::to_string(ms / unit.ms) + unit.name;
    ms %= unit.ms;
  }
  return text.empty() ? "0s" : text;
}

}  // namespace tsdb::tools

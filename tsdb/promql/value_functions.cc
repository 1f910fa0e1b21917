#include "tsdb/promql/value_functions.h"

#include <cmath>
#include <cstdint>
#include <numbers>

#include "tsdb/promql/special_values.h"

namespace tsdb::promql {
namespace {

struct UtcTime {
  int64_t day = 0;            // since 1970-01-01
  int64_t second_of_day = 0;  // 0 to 86,399
  int64_t year = 0;
  unsigned month = 0, day_of_month = 0;  // from 1
};

constexpr int64_t kSecondsPerDay = 86'400;

// Days since 1970-01-01 of the first of March of a year, from which on leap days come last; and the
// date of such a day: H. Hinnant, "chrono-compatible low-level date algorithms". (std::chrono ends
// with the year 32,767.)
UtcTime UtcOf(double seconds) {
  UtcTime time;
  const auto whole = static_cast<int64_t>(seconds);
  time.day = whole / kSecondsPerDay - (whole % kSecondsPerDay < 0 ? 1 : 0);
  time.second_of_day = whole - time.day * kSecondsPerDay;
  const int64_t days = time.day + 719'468;  // since 0000-03-01
  const int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const int64_t day_of_era = days - era * 146'097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);  // from March on
  const int64_t month = (5 * day_of_year + 2) / 153;                           // 0: March
  time.day_of_month = static_cast<unsigned>(day_of_year - (153 * month + 2) / 5 + 1);
  time.month = static_cast<unsigned>(month < 10 ? month + 3 : month - 9);
  time.year = year_of_era + era * 400 + (time.month <= 2 ? 1 : 0);
  return time;
}

// Times that int64 seconds hold; NaN and others have no date.
bool IsDate(double seconds) { return std::fabs(seconds) < 9.2e18; }

template <typename Part>
double OfDate(double seconds, Part part) {
  return IsDate(seconds) ? static_cast<double>(part(UtcOf(seconds))) : kNan;
}

bool IsLeap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int64_t DayOfWeek(const UtcTime& time) { return ((time.day + 4) % 7 + 7) % 7; }  // 0: Sunday

unsigned DayOfYear(const UtcTime& time) {
  constexpr unsigned kBefore[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  return kBefore[time.month - 1] + time.day_of_month +
         (time.month > 2 && IsLeap(time.year) ? 1 : 0);
}

unsigned DaysInMonth(const UtcTime& time) {
  constexpr unsigned kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kDays[time.month - 1] + (time.month == 2 && IsLeap(time.year) ? 1 : 0);
}

ValueFunction DateFunctionOf(FunctionId function) {
  switch (function) {
    case FunctionId::kMinute:
      return [](double v) {
        return OfDate(v, [](const UtcTime& t) { return t.second_of_day / 60 % 60; });
      };
    case FunctionId::kHour:
      return [](double v) {
        return OfDate(v, [](const UtcTime& t) { return t.second_of_day / 3600; });
      };
    case FunctionId::kDayOfMonth:
      return [](double v) { return OfDate(v, [](const UtcTime& t) { return t.day_of_month; }); };
    case FunctionId::kDayOfWeek:
      return [](double v) { return OfDate(v, DayOfWeek); };
    case FunctionId::kDayOfYear:
      return [](double v) { return OfDate(v, DayOfYear); };
    case FunctionId::kDaysInMonth:
      return [](double v) { return OfDate(v, DaysInMonth); };
    case FunctionId::kMonth:
      return [](double v) { return OfDate(v, [](const UtcTime& t) { return t.month; }); };
    case FunctionId::kYear:
      return [](double v) { return OfDate(v, [](const UtcTime& t) { return t.year; }); };
    default:
      return nullptr;
  }
}

double Sign(double v) { return v < 0 ? -1 : v > 0 ? 1 : v; }

}  // namespace

ValueFunction ValueFunctionOf(FunctionId function) {
  switch (function) {
    case FunctionId::kAbs:
      return [](double v) { return std::fabs(v); };
    case FunctionId::kAcos:
      return [](double v) { return std::acos(v); };
    case FunctionId::kAcosh:
      return [](double v) { return std::acosh(v); };
    case FunctionId::kAsin:
      return [](double v) { return std::asin(v); };
    case FunctionId::kAsinh:
      return [](double v) { return std::asinh(v); };
    case FunctionId::kAtan:
      return [](double v) { return std::atan(v); };
    case FunctionId::kAtanh:
      return [](double v) { return std::atanh(v); };
    case FunctionId::kCeil:
      return [](double v) { return std::ceil(v); };
    case FunctionId::kCos:
      return [](double v) { return std::cos(v); };
    case FunctionId::kCosh:
      return [](double v) { return std::cosh(v); };
    case FunctionId::kDeg:
      return [](double v) { return v * 180 / std::numbers::pi; };
    case FunctionId::kExp:
      return [](double v) { return std::exp(v); };
    case FunctionId::kFloor:
      return [](double v) { return std::floor(v); };
    case FunctionId::kLn:
      return [](double v) { return std::log(v); };
    case FunctionId::kLog10:
      return [](double v) { return std::log10(v); };
    case FunctionId::kLog2:
      return [](double v) { return std::log2(v); };
    case FunctionId::kRad:
      return [](double v) { return v * std::numbers::pi / 180; };
    case FunctionId::kSgn:
      return Sign;
    case FunctionId::kSin:
      return [](double v) { return std::sin(v); };
    case FunctionId::kSinh:
      return [](double v) { return std::sinh(v); };
    case FunctionId::kSqrt:
      return [](double v) { return std::sqrt(v); };
    case FunctionId::kTan:
      return [](double v) { return std::tan(v); };
    case FunctionId::kTanh:
      return [](double v) { return std::tanh(v); };
    default:
      return DateFunctionOf(function);
  }
}

double RoundTo(double value, double nearest) {
  // The inverse spares fractions their error.
  const double inverse = 1 / nearest;
  return std::floor(value * inverse + 0.5) / inverse;
}

double ClampTo(double value, double low, double high) {
  if (std::isnan(value) || std::isnan(low) || std::isnan(high)) return kNan;
  return std::fmax(low, std::fmin(high, value));
}

}  // namespace tsdb::promql

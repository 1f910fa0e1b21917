// Points in time as people and programs write them: dates, counts of seconds or smaller units since
// the epoch, and patterns of the caller's. All times without a zone are UTC.
//
// Thread safety: functions are pure; a TimeFormat is for one thread, because it remembers the unit
// it found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "storage/base/types.h"
#include "tools/import/text_number.h"

namespace tsdb::importer {

struct Date {
  int64_t year;
  unsigned month;
  unsigned day;
};

// Days since 1970-01-01 to the proleptic Gregorian calendar and back.
Date DateOfDays(int64_t days);
int64_t DaysOfDate(Date date);
// False for February 30 and the like.
bool IsDate(Date date);

enum class Zone { kRequired, kOptional };

// "2026-11-21T03:33:55.568Z" or a date alone; digits beyond the millisecond are cut. kRequired is
// RFC 3339: a time of day has "Z" or an offset such as "+02:00". kOptional takes what programs
// write into tables, too: no zone, " UTC", offsets such as "+0200" and "+02", slashes in the date,
// and no seconds.
std::optional<Timestamp> ParseDateTime(std::string_view text, Zone zone);

enum class TimeUnit { kSeconds, kMilliseconds, kMicroseconds, kNanoseconds };

// A count of units since the epoch, to the nearest millisecond. Seconds may have decimals; the
// others only zeros there.
TimestampError ParseEpoch(std::string_view text, TimeUnit unit, Timestamp& timestamp);

// How a column of times is written.
class TimeFormat {
 public:
  // "auto", "s", "ms", "us", "ns", "rfc3339", or a pattern with %Y %y %m %b %d %e %j %H %I %M %S %f
  // (decimals of a second) %p %z %s %F %T %% as strptime has them; a blank stands for any number of
  // them. kInvalidArgument says what is wrong with it.
  //
  // auto takes ParseDateTime's (kOptional) and numbers, whose unit is told by the first: up to 11
  // digits are seconds, up to 14 milliseconds, up to 17 microseconds, more nanoseconds.
  static absl::StatusOr<TimeFormat> Create(std::string_view text);

  TimestampError Parse(std::string_view text, Timestamp& timestamp);
  // For auto: numbers are of this unit, whatever their size.
  void ExpectUnit(TimeUnit unit) {
    if (kind_ == Kind::kAuto) unit_ = unit;
  }
  // What it expects, for messages: "a number of milliseconds", "a time like '%d.%m.%Y'".
  std::string Description() const;

 private:
  enum class Kind { kAuto, kUnit, kRfc3339, kPattern };
  Kind kind_ = Kind::kAuto;
  std::optional<TimeUnit> unit_;
  std::string pattern_;
};

}  // namespace tsdb::importer

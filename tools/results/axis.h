// Axes with ticks at numbers and times that people like: 1, 2 or 5 times a power of ten; whole
// seconds, minutes, hours, days, months and years.
// Thread safety: pure functions; local times read $TZ.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "storage/base/types.h"

namespace tsdb::tools {

struct ValueTick {
  double value;
  std::string text;
};

struct ValueAxis {
  double low = 0;  // both are ticks; low < high, and high - low is finite
  double high = 1;
  std::vector<ValueTick> ticks;  // upwards, at least two

  // Where a value lies, from 0 (low) to 1 (high); values beyond the axis lie at its ends.
  double PlaceOf(double value) const;
};

// An axis around [low, high] with some `ticks_max` ticks, by one more at most where the ends are
// rounded outwards. It starts at 0 rather than close above. REQUIRES: low <= high, both finite;
// ticks_max >= 2.
ValueAxis MakeValueAxis(double low, double high, size_t ticks_max);

struct TimeTick {
  Timestamp time;
  std::string text;  // HH:MM:SS.mmm, HH:MM:SS, HH:MM, MM-DD, YYYY-MM or YYYY
};

struct TimeAxis {
  Timestamp first = 0;
  Timestamp last = 1;
  std::vector<TimeTick> ticks;  // may be none
  int64_t offset_ms = 0;        // of the zone's time at `first` from UTC, for the whole axis
  std::string zone;             // "UTC", "UTC+02:00"

  double PlaceOf(Timestamp time) const;
  // "2026-11-21 03:00:00 to 2026-11-21 04:00:00 UTC"
  std::string Range() const;
};

// `room`: characters that the texts of the ticks and the blanks between them may take. Without
// ticks outside the years 0000 to 9999. REQUIRES: first < last.
TimeAxis MakeTimeAxis(Timestamp first, Timestamp last, size_t room, bool local);

// "15s", "5m", "1h30m", "250ms".
std::string DurationText(int64_t ms);

}  // namespace tsdb::tools

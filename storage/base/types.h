// The words every layer shares: what identifies a series, what a point in time is, and what one
// sample is. Plain values, no behaviour beyond comparison; safe to copy between threads.
#pragma once

#include <cstdint>
#include <limits>

namespace tsdb {

// Dense number of a series, given at first sight, starting at 0. Local to one database: it means
// nothing outside the process that gave it.
using SeriesId = uint32_t;

// Milliseconds since the Unix epoch. Every int64 value is valid, the extremes too.
using Timestamp = int64_t;

inline constexpr SeriesId kInvalidSeriesId = std::numeric_limits<SeriesId>::max();
inline constexpr Timestamp kTimestampMin = std::numeric_limits<Timestamp>::min();
inline constexpr Timestamp kTimestampMax = std::numeric_limits<Timestamp>::max();

// One observation. The value's bit pattern is kept whole: NaN payloads and -0.0 included.
struct Sample {
  Timestamp timestamp = 0;
  double value = 0;
};

// Half-open range of time [begin, end). The one instant a half-open range of int64 cannot reach,
// kTimestampMax, belongs to every range whose end is kTimestampMax, so that All() is everything.
struct TimeRange {
  Timestamp begin = kTimestampMin;
  Timestamp end = kTimestampMax;

  static constexpr TimeRange All() { return {}; }

  constexpr bool Contains(Timestamp timestamp) const {
    return timestamp >= begin && (timestamp < end || end == kTimestampMax);
  }
  constexpr bool Empty() const { return begin >= end && end != kTimestampMax; }
  // The last instant inside the range. REQUIRES: !Empty().
  constexpr Timestamp Last() const { return end == kTimestampMax ? kTimestampMax : end - 1; }

  friend constexpr bool operator==(const TimeRange&, const TimeRange&) = default;
};

}  // namespace tsdb

// How a query cuts time.
//
// The borders of all windows together cut time into intervals, and every window is a run of them:
//
//   windows      [--------0--------)
//                        [--------1--------)
//                                [--------2--------)
//   borders      0       1        2        3       4 ...
//   intervals    |   0   |   1    |   2    |   3   |
//
// So one pass over a series that adds up each interval answers every window, however they overlap.
//
// Thread safety: a plain value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/base/types.h"
#include "tsdb/query.h"

namespace tsdb::scan {

struct WindowPlan {
  std::vector<Timestamp> times;    // where the windows begin, ascending
  std::vector<Timestamp> borders;  // ascending; one more than intervals, or none
  // Window k is the intervals [begins[k], ends[k]); both ascend.
  std::vector<uint32_t> begins, ends;
  std::vector<uint8_t> used;  // whether an interval lies in a window
  bool overlapping = false;   // whether a window is more than one interval
  // What to read: both included; the last interval holds `last`, whatever its border says.
  Timestamp from = 0, last = 0;

  size_t windows() const { return times.size(); }
  size_t intervals() const { return used.size(); }
  // The interval that holds `time`, searched from interval `at` up. REQUIRES: from <= time <= last,
  // and `time` does not lie below interval `at`.
  size_t Advance(size_t at, Timestamp time) const;
};

// The memory that a plan takes for each window, at most.
inline constexpr uint64_t kPlanBytesPerWindow = 8 + 2 * 8 + 2 * 4 + 2;

// As tsdb/query.h describes them. kInvalidArgument says what is wrong; kResourceExhausted if the
// plan alone would take more memory than the limits allow.
absl::StatusOr<WindowPlan> PlanWindows(TimeRange range, int64_t step_ms, int64_t window_ms,
                                       const QueryLimits& limits);

}  // namespace tsdb::scan

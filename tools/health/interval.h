// What happened in a database between two of its publications (tsdb/published_stats.h): rates,
// shares of the time, and where the records are.
//
// Thread safety: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/types.h"
#include "tsdb/published_stats.h"

namespace tsdb::tools {

// Why threads do not append, in the order of Interval::blocked.
inline constexpr std::array<std::string_view, 5> kBlockedCauses = {"chunk", "helping", "log",
                                                                   "checkpoint", "commit"};

inline constexpr double kNsPerSecond = 1e9;
inline constexpr double kMsPerSecond = 1e3;

struct Interval {
  double seconds = 0;
  double accepted_per_second = 0;
  double merged_per_second = 0;
  double log_bytes_per_second = 0;
  double log_syncs_per_second = 0;
  // Percent of the time, of all threads together: two that wait all the time are at 200.
  std::array<double, kBlockedCauses.size()> blocked{};
  uint64_t checkpoints = 0;
  std::optional<double> cache_hit_ratio;  // if anything was read through the cache

  // Not of the interval, but at its end.
  uint64_t backlog = 0;  // accepted, but not merged
  // Of the ledger: what was accepted less what was merged or is buffered. The terms are read one
  // after the other, so other than 0 is a defect only when nothing is being appended.
  int64_t unaccounted = 0;
  bool balanced = false;
};

// Whether `now` is a later publication of the process that made `before`.
bool IsLater(const PublishedStats& before, const PublishedStats& now);

// REQUIRES: IsLater(before, now).
Interval IntervalBetween(const PublishedStats& before, const PublishedStats& now);
// Since the database was opened.
Interval IntervalOfRun(const PublishedStats& now);

// A value under its name: as CSV and as JSON have it.
struct Cell {
  std::string name;
  std::string csv;
  std::string json;
};
// One line of `tsdb watch`. `present` is the time by this process's clock.
std::vector<Cell> CellsOf(const Interval& interval, const PublishedStats& now, Timestamp present);

}  // namespace tsdb::tools

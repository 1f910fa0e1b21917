// The windows of one series: what a query's columns are in each of them.
//
// Thread safety: one thread at a time; a long series is read by several threads within Read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/tree/series_walk.h"
#include "tsdb/query.h"
#include "tsdb/scan/interval_reader.h"
#include "tsdb/scan/query_guard.h"
#include "tsdb/scan/window_plan.h"
#include "tsdb/scan/window_state.h"

namespace tsdb::scan {

class SeriesWindows {
 public:
  // All must outlive it. REQUIRES: the plan has windows.
  SeriesWindows(const tree::Tree& tree, const WindowPlan& plan, const Needs& needs, Meter& meter);

  // Reads a series. False if the query is to end. `threads`: as in ParallelFor.
  bool Read(SeriesId series, size_t threads);

  // Of the series read last. Windows with a sample in them.
  size_t present() const { return present_; }
  uint64_t CountIn(size_t window) const { return windows_[window].count; }
  const WindowState& StateOf(size_t window) const { return windows_[window]; }
  // The column's values, one for each window; NaN where there is no sample.
  void Fill(const Column& column, std::span<double> values);
  // The same in memory of its own, valid until the next call.
  std::span<const double> Fill(const Column& column);

 private:
  bool ReadSections(const tree::SeriesWalk& walk, size_t sections, size_t threads);

  const tree::Tree& tree_;
  const WindowPlan& plan_;
  const Needs& needs_;
  Meter& meter_;
  IntervalReader reader_;
  tree::WalkBuffer buffer_;
  std::vector<WindowState> windows_;
  std::vector<WindowState> suffixes_;
  std::vector<double> filled_;
  std::vector<double> selected_;  // the values of a window, to be reordered
  size_t present_ = 0;
};

}  // namespace tsdb::scan

// Adds the samples of one series, or of one section of it, to the intervals of a plan in one pass
// over its leaves: by their statistics where a leaf lies in one interval, else by decoding it and
// cutting the columns at the borders.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "index/tree/series_walk.h"
#include "tsdb/scan/query_guard.h"
#include "tsdb/scan/window_plan.h"
#include "tsdb/scan/window_state.h"

namespace tsdb::scan {

class IntervalReader final : public tree::SeriesVisitor {
 public:
  // All must outlive the reader.
  IntervalReader(const WindowPlan& plan, const Needs& needs, Meter& meter)
      : plan_(plan), needs_(needs), meter_(meter) {}

  // Forgets what it has read. From now on only samples in [from, last] are shown to it.
  void Begin(Timestamp from, Timestamp last);

  bool VisitLeaf(const tree::WalkedLeaf& leaf) override;
  bool VisitColumns(const Timestamp* times, const double* values, size_t count) override;

  // The first interval that Begin's range touches; state i is of interval first() + i.
  size_t first() const { return first_; }
  std::span<WindowState> states() { return states_; }
  // With Needs::values: the values of intervals [begin, end), all of them used, in time order.
  std::span<const double> ValuesOf(size_t begin, size_t end);

 private:
  // Makes `interval` the current one; it is not below the present one.
  void MoveTo(size_t interval);
  void AddValues(const double* values, size_t count);
  void AddCount(size_t count) { states_[at_ - first_].count += count; }
  // Cuts the columns at the borders; `values` may be null if only counts are needed.
  void Cut(const Timestamp* times, const double* values, size_t count);
  bool AddWithinInterval(const tree::WalkedLeaf& leaf);
  bool AddAcross(const tree::WalkedLeaf& leaf, Timestamp last);
  const double* DecodeValues(const tree::WalkedLeaf& leaf);
  void NoteDecoded(const tree::WalkedLeaf& leaf);

  const WindowPlan& plan_;
  const Needs& needs_;
  Meter& meter_;
  Timestamp from_ = 0, last_ = 0;
  size_t first_ = 0;
  size_t at_ = 0;  // the current interval
  std::vector<WindowState> states_;
  std::vector<double> collected_;  // with Needs::values, of all used intervals
  size_t charged_ = 0;             // of these, to the query's memory
  std::vector<size_t> offsets_;    // where each interval begins in these, as far as `at_`
  std::vector<Timestamp> times_;
  std::vector<double> values_;
};

}  // namespace tsdb::scan

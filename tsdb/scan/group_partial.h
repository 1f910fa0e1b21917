// What the windows of some series of a group come to: one task's share of a row.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tsdb/query.h"

namespace tsdb::scan {

class GroupPartial {
 public:
  GroupPartial(const std::vector<Column>& columns, size_t windows);
  // Memory that one takes, without the values that quantiles keep.
  static uint64_t BytesFor(const std::vector<Column>& columns, size_t windows);
  // Memory that every series more takes.
  static uint64_t BytesPerSeries(const std::vector<Column>& columns, size_t windows);

  // A series: `has(window)`, then the values of each column in turn.
  template <typename Has>
  void BeginSeries(size_t present, Has&& has) {
    windows_.clear();
    all_ = present == counts_.size();
    for (uint32_t k = 0; k < counts_.size(); ++k) {
      if (!all_ && !has(k)) continue;
      ++counts_[k];
      if (!all_) windows_.push_back(k);
    }
  }
  void AddColumn(size_t column, std::span<const double> values);

  // `later`: of the same group, series that come after those here.
  void Merge(const GroupPartial& later);

  uint32_t CountIn(size_t window) const { return counts_[window]; }
  bool Empty() const;
  // The column's results, NaN where there is none.
  void Fill(size_t column, std::span<double> values) const;

 private:
  // Of one column, by window.
  struct State {
    std::vector<double> value;              // sum, least or greatest
    std::vector<double> deviation;          // of kStddev: sum of squared differences from the mean
    std::vector<std::vector<double>> kept;  // of kQuantile: series after series
  };
  void AddDeviation(State& state, uint32_t window, double value);
  void MergeWindow(size_t column, size_t k, const State& others, uint32_t count,
                   State& state) const;

  const std::vector<Column>& columns_;
  std::vector<uint32_t> counts_;  // series with a value in the window
  std::vector<State> states_;
  // Of the series being added: whether it has all windows, else which.
  bool all_ = false;
  std::vector<uint32_t> windows_;
};

}  // namespace tsdb::scan

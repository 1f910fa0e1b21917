// The steps at which an expression is evaluated, and an instant vector at all of them at once: a
// row for each series, a column for each step.
//
// Evaluating the tree node by node over all steps, rather than step by step over all nodes, is what
// makes a range cost about its samples.
//
// Thread safety: plain values. Different rows may be written by different threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "storage/base/labels.h"
#include "storage/base/types.h"

namespace tsdb::promql {

// Of times and durations in milliseconds, as expressions see them.
inline double Seconds(int64_t milliseconds) { return static_cast<double>(milliseconds) / 1000; }

struct Steps {
  Timestamp start = 0;
  int64_t interval = 1;  // milliseconds, > 0
  size_t count = 1;      // 0: none

  Timestamp at(size_t step) const { return start + static_cast<int64_t>(step) * interval; }
  Timestamp last() const { return at(count - 1); }
};

class StepMatrix {
 public:
  StepMatrix() = default;
  explicit StepMatrix(size_t steps) : steps_(steps) {}

  size_t steps() const { return steps_; }
  size_t rows() const { return labels_.size(); }
  // Adds rows without labels and without any value.
  void Resize(size_t rows);
  void Reserve(size_t rows);
  size_t AddRow(Labels labels, bool drop_name);

  const Labels& labels(size_t row) const { return labels_[row]; }
  void SetLabels(size_t row, Labels labels) { labels_[row] = std::move(labels); }
  // Whether the metric's name is to be removed from the row's labels at the end: until then
  // functions of labels see it (Prometheus 3; "delayed name removal").
  bool drop_name(size_t row) const { return drop_name_[row] != 0; }
  void SetDropName(size_t row, bool drop) { drop_name_[row] = drop ? 1 : 0; }

  std::span<double> values(size_t row) { return {values_.data() + row * steps_, steps_}; }
  std::span<const double> values(size_t row) const {
    return {values_.data() + row * steps_, steps_};
  }
  // 1 where there is a value, else 0.
  std::span<uint8_t> present(size_t row) { return {present_.data() + row * steps_, steps_}; }
  std::span<const uint8_t> present(size_t row) const {
    return {present_.data() + row * steps_, steps_};
  }
  bool Any(size_t row) const;
  void Set(size_t row, size_t step, double value) {
    values_[row * steps_ + step] = value;
    present_[row * steps_ + step] = 1;
  }

  // Removes rows without any value.
  void DropEmptyRows();
  // The same where rows have no labels yet: those that stay get them from `labels_of(row)`.
  void DropEmptyRows(absl::FunctionRef<Labels(size_t row)> labels_of);
  // One row of each set of labels. kInvalidArgument where two of them have a value at one step.
  absl::Status MergeRows();
  // The metric's name off every row (`flagged`: of those that are to lose it), then MergeRows.
  absl::Status RemoveNames(bool flagged);
  // Rows in order of their labels.
  void SortRows();
  // Row i of the result is row order[i].
  void Permute(std::span<const size_t> order);
  // Row numbers in order of their labels; equal ones in order of rows.
  std::vector<size_t> OrderByLabels() const;

  // The memory that `rows` more rows take, their labels aside.
  static uint64_t BytesFor(uint64_t rows, uint64_t steps) { return rows * (steps * 9 + 48); }

 private:
  size_t steps_ = 1;
  std::vector<Labels> labels_;
  std::vector<uint8_t> drop_name_;
  std::vector<double> values_;
  std::vector<uint8_t> present_;
};

// `labels` without the one of that name.
Labels WithoutLabel(const Labels& labels, std::string_view name);
inline Labels WithoutName(const Labels& labels) { return WithoutLabel(labels, kMetricNameLabel); }

// Edits of a label set, collected, then put in order once.
class LabelsEdit {
 public:
  explicit LabelsEdit(const Labels& labels);
  void Remove(std::string_view name);
  // An empty value removes.
  void Set(std::string_view name, std::string_view value);
  void Keep(std::span<const std::string> names);
  Labels Take() const;

 private:
  std::vector<std::pair<std::string, std::string>> labels_;  // sorted by name
};

// {__name__="a", b="c"}, as Prometheus's messages have it.
std::string TextOf(const Labels& labels);

}  // namespace tsdb::promql

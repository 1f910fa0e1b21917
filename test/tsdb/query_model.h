// What a query should answer, found by looking at every sample: for tests to compare with.
//
// Thread safety: one thread at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tsdb/query.h"

namespace tsdb {

struct ModelSeries {
  std::map<std::string, std::string> labels;
  std::map<Timestamp, double> samples;
};

// Rows by their labels, a cell for each column and window: [column][window].
using ModelCells = std::vector<std::vector<std::optional<double>>>;
using ModelRows = std::map<std::map<std::string, std::string>, ModelCells>;

inline double ModelQuantile(std::vector<double> values, double quantile) {
  for (double value : values) {
    if (std::isnan(value)) return value;
  }
  std::sort(values.begin(), values.end());
  const double rank = quantile * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(rank);
  const double weight = rank - static_cast<double>(low);
  if (weight == 0 || values[low] == values[low + 1]) return values[low];
  return values[low] * (1 - weight) + values[low + 1] * weight;
}

struct ModelNumbers {
  double sum = 0, min = std::numeric_limits<double>::quiet_NaN(), max = min, stddev = 0;
};

inline ModelNumbers NumbersOf(const std::vector<double>& values) {
  ModelNumbers numbers;
  for (double value : values) {
    numbers.sum += value;
    numbers.min = std::fmin(numbers.min, value);
    numbers.max = std::fmax(numbers.max, value);
  }
  const double mean = numbers.sum / static_cast<double>(values.size());
  for (double value : values) numbers.stddev += (value - mean) * (value - mean);
  numbers.stddev = std::sqrt(numbers.stddev / static_cast<double>(values.size()));
  return numbers;
}

inline double ModelWindow(const Column& column, const std::vector<double>& values) {
  const ModelNumbers numbers = NumbersOf(values);
  switch (column.function) {
    case WindowFunction::kCount:
      return static_cast<double>(values.size());
    case WindowFunction::kSum:
      return numbers.sum;
    case WindowFunction::kAvg:
      return numbers.sum / static_cast<double>(values.size());
    case WindowFunction::kMin:
      return numbers.min;
    case WindowFunction::kMax:
      return numbers.max;
    case WindowFunction::kFirst:
      return values.front();
    case WindowFunction::kLast:
      return values.back();
    case WindowFunction::kStddev:
      return numbers.stddev;
    case WindowFunction::kQuantile:
      return ModelQuantile(values, column.quantile);
  }
  return 0;
}

inline double ModelGroup(const Column& column, const std::vector<double>& values) {
  const ModelNumbers numbers = NumbersOf(values);
  switch (column.group_function) {
    case GroupFunction::kSum:
      return numbers.sum;
    case GroupFunction::kAvg:
      return numbers.sum / static_cast<double>(values.size());
    case GroupFunction::kMin:
      return numbers.min;
    case GroupFunction::kMax:
      return numbers.max;
    case GroupFunction::kCount:
      return static_cast<double>(values.size());
    case GroupFunction::kStddev:
      return numbers.stddev;
    case GroupFunction::kQuantile:
      return ModelQuantile(values, column.group_quantile);
  }
  return 0;
}

inline std::vector<TimeRange> ModelWindows(const Query& query) {
  std::vector<TimeRange> windows;
  if (query.step_ms == 0) {
    if (!query.range.Empty()) windows.push_back(query.range);
    return windows;
  }
  const int64_t length = query.window_ms == 0 ? query.step_ms : query.window_ms;
  // In 128 bits, so that the ends of int64 are no ends here.
  for (__int128 t = query.range.begin; t < query.range.end; t += query.step_ms) {
    const auto begin = static_cast<Timestamp>(t);
    windows.push_back({begin, begin + length});
  }
  return windows;
}

inline ModelRows ModelAnswer(const std::vector<ModelSeries>& all, const Query& query) {
  const std::vector<TimeRange> windows = ModelWindows(query);
  // Row labels, then column and window, to the series' results.
  std::map<std::map<std::string, std::string>, std::vector<std::vector<std::vector<double>>>> rows;
  for (const ModelSeries& series : all) {
    std::map<std::string, std::string> labels = series.labels;
    if (query.grouping.has_value()) {
      const std::set<std::string> named(query.grouping->labels.begin(),
                                        query.grouping->labels.end());
      std::erase_if(labels, [&](const auto& label) {
        return named.contains(label.first) == query.grouping->without;
      });
    }
    for (size_t k = 0; k < windows.size(); ++k) {
      std::vector<double> values;
      for (auto at = series.samples.lower_bound(windows[k].begin);
           at != series.samples.end() && windows[k].Contains(at->first); ++at) {
        values.push_back(at->second);
      }
      if (values.empty()) continue;
      auto& row = rows[labels];
      row.resize(query.columns.size(), std::vector<std::vector<double>>(windows.size()));
      for (size_t column = 0; column < query.columns.size(); ++column) {
        row[column][k].push_back(ModelWindow(query.columns[column], values));
      }
    }
  }
  ModelRows answer;
  for (const auto& [labels, row] : rows) {
    ModelCells& cells = answer[labels];
    cells.resize(query.columns.size(), std::vector<std::optional<double>>(windows.size()));
    for (size_t column = 0; column < query.columns.size(); ++column) {
      for (size_t k = 0; k < windows.size(); ++k) {
        const std::vector<double>& values = row[column][k];
        if (values.empty()) continue;
        cells[column][k] =
            query.grouping.has_value() ? ModelGroup(query.columns[column], values) : values[0];
      }
    }
  }
  return answer;
}

}  // namespace tsdb

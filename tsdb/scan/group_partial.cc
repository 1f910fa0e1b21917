#include "tsdb/scan/group_partial.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tsdb/scan/window_state.h"

namespace tsdb::scan {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Beginning with NaN, and passing over NaNs, as long as there is a number.
double Lesser(double least, double value) {
  return value < least || least != least ? value : least;
}
double Greater(double most, double value) { return value > most || most != most ? value : most; }

// Combines each of a series' values with what is there.
template <typename Combine>
void Update(std::vector<double>& state, std::span<const double> values, bool all,
            const std::vector<uint32_t>& windows, Combine combine) {
  if (all) {
    for (size_t k = 0; k < values.size(); ++k) state[k] = combine(state[k], values[k]);
  } else {
    for (const uint32_t k : windows) state[k] = combine(state[k], values[k]);
  }
}

}  // namespace

GroupPartial::GroupPartial(const std::vector<Column>& columns, size_t windows)
    : columns_(columns), counts_(windows), states_(columns.size()) {
  for (size_t i = 0; i < columns.size(); ++i) {
    switch (columns[i].group_function) {
      case GroupFunction::kMin:
      case GroupFunction::kMax:
        states_[i].value.assign(windows, kNan);
        break;
      case GroupFunction::kStddev:
        states_[i].deviation.resize(windows);
        [[fallthrough]];
      case GroupFunction::kSum:
      case GroupFunction::kAvg:
        states_[i].value.resize(windows);
        break;
      case GroupFunction::kQuantile:
        states_[i].kept.resize(windows);
        break;
      case GroupFunction::kCount:
        break;
    }
  }
}

uint64_t GroupPartial::BytesFor(const std::vector<Column>& columns, size_t windows) {
  uint64_t bytes = sizeof(GroupPartial) + windows * 2 * sizeof(uint32_t);
  for (const Column& column : columns) {
    uint64_t bytes_each = sizeof(double);
    if (column.group_function == GroupFunction::kStddev) bytes_each = 2 * sizeof(double);
    if (column.group_function == GroupFunction::kQuantile) bytes_each = sizeof(std::vector<double>);
    bytes += sizeof(State) + windows * bytes_each;
  }
  return bytes;
}

uint64_t GroupPartial::BytesPerSeries(const std::vector<Column>& columns, size_t windows) {
  uint64_t bytes = 0;
  for (const Column& column : columns) {
    // Kept once by its task and once when the tasks' are put together.
    if (column.group_function == GroupFunction::kQuantile) bytes += 2 * windows * sizeof(double);
  }
  return bytes;
}

void GroupPartial::AddDeviation(State& state, uint32_t window, double value) {
  // Welford: the count already holds this one.
  const auto count = static_cast<double>(counts_[window]);
  if (count > 1) {
    const double difference = value - state.value[window] / (count - 1);
    state.deviation[window] += difference * difference * ((count - 1) / count);
  } else {
    state.deviation[window] = value - value;  // 0, or NaN for what has no differences
  }
  state.value[window] += value;
}

void GroupPartial::AddColumn(size_t column, std::span<const double> values) {
  State& state = states_[column];
  switch (columns_[column].group_function) {
    case GroupFunction::kSum:
    case GroupFunction::kAvg:
      Update(state.value, values, all_, windows_, [](double a, double b) { return a + b; });
      break;
    case GroupFunction::kMin:
      Update(state.value, values, all_, windows_, Lesser);
      break;
    case GroupFunction::kMax:
      Update(state.value, values, all_, windows_, Greater);
      break;
    case GroupFunction::kStddev:
      if (all_) {
        for (uint32_t k = 0; k < values.size(); ++k) AddDeviation(state, k, values[k]);
      } else {
        for (const uint32_t k : windows_) AddDeviation(state, k, values[k]);
      }
      break;
    case GroupFunction::kQuantile:
      for (uint32_t k = 0; k < values.size() && all_; ++k) state.kept[k].push_back(values[k]);
      for (const uint32_t k : windows_) state.kept[k].push_back(values[k]);
      break;
    case GroupFunction::kCount:
      break;
  }
}

void GroupPartial::Merge(const GroupPartial& later) {
  for (size_t column = 0; column < columns_.size(); ++column) {
    State& state = states_[column];
    const State& others = later.states_[column];
    for (size_t k = 0; k < counts_.size(); ++k) {
      if (later.counts_[k] > 0) MergeWindow(column, k, others, later.counts_[k], state);
    }
  }
  for (size_t k = 0; k < counts_.size(); ++k) counts_[k] += later.counts_[k];
}

void GroupPartial::MergeWindow(size_t column, size_t k, const State& others, uint32_t count,
                               State& state) const {
  switch (columns_[column].group_function) {
    case GroupFunction::kStddev:
      if (counts_[k] > 0) {
        const auto own = static_cast<double>(counts_[k]), other = static_cast<double>(count);
        const double difference = others.value[k] / other - state.value[k] / own;
        state.deviation[k] += difference * difference * (own * other / (own + other));
      }
      state.deviation[k] += others.deviation[k];
      [[fallthrough]];
    case GroupFunction::kSum:
    case GroupFunction::kAvg:
      state.value[k] += others.value[k];
      break;
    case GroupFunction::kMin:
      state.value[k] = Lesser(state.value[k], others.value[k]);
      break;
    case GroupFunction::kMax:
      state.value[k] = Greater(state.value[k], others.value[k]);
      break;
    case GroupFunction::kQuantile:
      state.kept[k].insert(state.kept[k].end(), others.kept[k].begin(), others.kept[k].end());
      break;
    case GroupFunction::kCount:
      break;
  }
}

bool GroupPartial::Empty() const {
  return std::all_of(counts_.begin(), counts_.end(), [](uint32_t count) { return count == 0; });
}

void GroupPartial::Fill(size_t column, std::span<double> values) const {
  const State& state = states_[column];
  std::vector<double> selected;
  for (size_t k = 0; k < counts_.size(); ++k) {
    const auto count = static_cast<double>(counts_[k]);
    if (counts_[k] == 0) {
      values[k] = kNan;
      continue;
    }
    switch (columns_[column].group_function) {
      case GroupFunction::kCount:
        values[k] = count;
        break;
      case GroupFunction::kAvg:
        values[k] = CanonicalNan(state.value[k] / count);
        break;
      case GroupFunction::kStddev:
        values[k] = CanonicalNan(std::sqrt(state.deviation[k] / count));
        break;
      case GroupFunction::kQuantile:
        selected = state.kept[k];
        values[k] = Quantile(selected, columns_[column].group_quantile);
        break;
      case GroupFunction::kSum:
      case GroupFunction::kMin:
      case GroupFunction::kMax:
        values[k] = CanonicalNan(state.value[k]);
        break;
    }
  }
}

}  // namespace tsdb::scan

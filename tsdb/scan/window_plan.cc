#include "tsdb/scan/window_plan.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tsdb::scan {
namespace {

// Window and interval numbers are 32 bits.
constexpr uint64_t kWindowsMax = uint64_t{1} << 30;

uint64_t SpanOf(Timestamp from, Timestamp to) {
  return static_cast<uint64_t>(to) - static_cast<uint64_t>(from);
}

absl::Status CheckArguments(TimeRange range, int64_t step_ms, int64_t window_ms) {
  if (range.end < range.begin) {
    return absl::InvalidArgumentError(
        absl::StrCat("query: range ends at ", range.end, ", before it begins at ", range.begin));
  }
  if (step_ms < 0) {
    return absl::InvalidArgumentError(absl::StrCat("query: step_ms is negative: ", step_ms));
  }
  if (window_ms < 0) {
    return absl::InvalidArgumentError(absl::StrCat("query: window_ms is negative: ", window_ms));
  }
  if (step_ms == 0 && window_ms != 0) {
    return absl::InvalidArgumentError(
        "query: window_ms is set and step_ms is not; without steps there is one window, the range");
  }
  return absl::OkStatus();
}

// The one window of a query without steps.
WindowPlan WholeRange(TimeRange range) {
  WindowPlan plan;
  plan.times = {range.begin};
  plan.borders = {range.begin, range.end};
  plan.begins = {0};
  plan.ends = {1};
  plan.used = {1};
  plan.from = range.begin;
  plan.last = range.Last();
  return plan;
}

void CutInIntervals(int64_t window_ms, WindowPlan& plan) {
  const size_t windows = plan.windows();
  plan.begins.resize(windows);
  plan.ends.resize(windows);
  size_t begun = 0, ended = 0;
  while (ended < windows) {
    const Timestamp end = plan.times[ended] + window_ms;
    const Timestamp border = begun < windows ? std::min(plan.times[begun], end) : end;
    const auto index = static_cast<uint32_t>(plan.borders.size());
    plan.borders.push_back(border);
    if (begun < windows && plan.times[begun] == border) plan.begins[begun++] = index;
    if (end == border) plan.ends[ended++] = index;
    if (ended < windows) plan.used.push_back(begun > ended);
  }
  for (size_t k = 0; k < windows && !plan.overlapping; ++k) {
    plan.overlapping = plan.ends[k] - plan.begins[k] > 1;
  }
}

}  // namespace

size_t WindowPlan::Advance(size_t at, Timestamp time) const {
  const size_t count = intervals();
  if (at + 1 >= count || borders[at + 1] > time) return at;
  // Mostly the next one or nearly so.
  size_t low = at + 1, step = 1;
  while (low + step < count && borders[low + step] <= time) {
    low += step;
    step *= 2;
  }
  const auto begin = borders.begin() + static_cast<std::ptrdiff_t>(low);
  const auto end = borders.begin() + static_cast<std::ptrdiff_t>(std::min(low + step, count));
  return static_cast<size_t>(std::upper_bound(begin, end, time) - borders.begin()) - 1;
}

absl::StatusOr<WindowPlan> PlanWindows(TimeRange range, int64_t step_ms, int64_t window_ms,
                                       const QueryLimits& limits) {
  if (absl::Status status = CheckArguments(range, step_ms, window_ms); !status.ok()) return status;
  if (range.Empty()) return WindowPlan();
  if (step_ms == 0) return WholeRange(range);
  if (window_ms == 0) window_ms = step_ms;
  const uint64_t span = SpanOf(range.begin, range.end);
  const uint64_t windows =
      span / static_cast<uint64_t>(step_ms) + (span % static_cast<uint64_t>(step_ms) != 0 ? 1 : 0);
  const uint64_t allowed =
      limits.windows == 0 ? kWindowsMax : std::min(limits.windows, kWindowsMax);
  if (windows > allowed) {
    return absl::InvalidArgumentError(
        absl::StrCat("query: ", windows, " windows; QueryLimits::windows allows ", allowed,
                     "; take longer steps, a shorter range, or raise it"));
  }
  if (limits.memory_bytes > 0 && windows > limits.memory_bytes / kPlanBytesPerWindow) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "query: ", windows, " windows need more memory than QueryLimits::memory_bytes ", "allows, ",
        limits.memory_bytes, " bytes"));
  }
  WindowPlan plan;
  if (windows == 0) return plan;  // the last instant there is, as a range
  const auto last_begin = static_cast<Timestamp>(static_cast<uint64_t>(range.begin) +
                                                 (windows - 1) * static_cast<uint64_t>(step_ms));
  if (static_cast<uint64_t>(window_ms) > SpanOf(last_begin, kTimestampMax)) {
    return absl::InvalidArgumentError(absl::StrCat("query: the window of ", window_ms, " ms at ",
                                                   last_begin, " ends past the last timestamp"));
  }
  plan.times.resize(windows);
  for (uint64_t k = 0; k < windows; ++k) {
    plan.times[k] = static_cast<Timestamp>(static_cast<uint64_t>(range.begin) +
                                           k * static_cast<uint64_t>(step_ms));
  }
  CutInIntervals(window_ms, plan);
  plan.from = range.begin;
  plan.last = TimeRange{range.begin, plan.borders.back()}.Last();
  return plan;
}

}  // namespace tsdb::scan

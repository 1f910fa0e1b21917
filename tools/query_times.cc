#include "tools/query_times.h"

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/str_cat.h"
#include "storage/base/clock.h"
#include "storage/base/status_macros.h"
#include "tools/expression_selectors.h"
#include "tools/number_text.h"
#include "tools/select_series.h"
#include "tsdb/promql/parser.h"
#include "tsdb/query.h"

namespace tsdb::tools {
namespace {

constexpr int64_t kStepsWanted = 250;  // about what a chart can show

absl::Status ReadTime(const char* option, const std::string& text, std::optional<Timestamp>& time) {
  if (text.empty()) return absl::OkStatus();
  time = ParseTime(text);
  if (time.has_value()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(option, ": not a time: ", text,
                   " (seconds since the epoch, 2026-11-21T03:33:55Z, now, -1h)"));
}

absl::Status ReadDuration(const char* option, const std::string& text,
                          std::optional<int64_t>& duration) {
  if (text.empty()) return absl::OkStatus();
  duration = ParseDuration(text);
  if (duration.has_value()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(option, ": not a duration: ", text, " (such as 30s, 1h30m, 7d, or seconds)"));
}

// The least of the round steps that gives no more steps than wanted.
int64_t RoundStep(int64_t range_ms) {
  constexpr std::array<int64_t, 20> kSeconds = {1,     2,     5,     10,    15,     30,    60,
                                                120,   300,   600,   900,   1800,   3600,  7200,
                                                10800, 21600, 43200, 86400, 172800, 604800};
  for (const int64_t seconds : kSeconds) {
    if (range_ms / (seconds * 1000) <= kStepsWanted) return seconds * 1000;
  }
  const int64_t week = kSeconds.back() * 1000;
  return (range_ms / kStepsWanted / week + 1) * week;
}

// Of what the expression asks about or, if there is nothing, of everything.
absl::StatusOr<std::optional<Timestamp>> NewestOf(const std::string& expression,
                                                  Database& database) {
  TSDB_ASSIGN_OR_RETURN(const promql::ExprPtr expr, promql::Parse(expression));
  std::optional<Timestamp> newest;
  for (const promql::VectorSelector* selector : SelectorsOf(*expr)) {
    TSDB_ASSIGN_OR_RETURN(const std::optional<Timestamp> time,
                          NewestTime(database, selector->matchers, WithoutMemoryLimit()));
    if (time.has_value()) newest = std::max(newest.value_or(kTimestampMin), *time);
  }
  return newest.has_value() ? newest : NewestTime(database, {}, WithoutMemoryLimit());
}

}  // namespace

absl::StatusOr<QueryTimes> ParseQueryTimes(const WhenOptions& options) {
  QueryTimes times;
  TSDB_RETURN_IF_ERROR(ReadTime("--time", options.time, times.time));
  TSDB_RETURN_IF_ERROR(ReadTime("--start", options.start, times.start));
  TSDB_RETURN_IF_ERROR(ReadTime("--end", options.end, times.end));
  TSDB_RETURN_IF_ERROR(ReadDuration("--last", options.last, times.last_ms));
  TSDB_RETURN_IF_ERROR(ReadDuration("--step", options.step, times.step_ms));
  if (times.time.has_value() && times.is_range()) {
    return absl::InvalidArgumentError(
        "--time is one time and --start, --end and --last are a range; give one or the other");
  }
  if (times.last_ms.has_value() && times.start.has_value()) {
    return absl::InvalidArgumentError("--last and --start both say where the range begins");
  }
  if (times.end.has_value() && !times.start.has_value() && !times.last_ms.has_value()) {
    return absl::InvalidArgumentError("--end needs --start, or --last for how long before it");
  }
  if (times.step_ms.has_value() && !times.is_range()) {
    return absl::InvalidArgumentError("--step needs a range: --last D, or --start T and --end T");
  }
  if (times.start.has_value() && times.end.has_value() && *times.start > *times.end) {
    return absl::InvalidArgumentError("--start is after --end");
  }
  return times;
}

absl::StatusOr<ResultQuestion> CompleteTimes(const QueryTimes& times, const std::string& expression,
                                             Database& database) {
  ResultQuestion question;
  question.expression = expression;
  if (times.time.has_value()) {
    question.start = question.end = *times.time;
    return question;
  }
  if (times.end.has_value()) {
    question.end = *times.end;
  } else {
    TSDB_ASSIGN_OR_RETURN(const std::optional<Timestamp> newest, NewestOf(expression, database));
    question.end = newest.value_or(SystemClock()->WallMs());
  }
  question.start = question.end;
  if (!times.is_range()) return question;
  question.start = times.start.value_or(question.end - times.last_ms.value_or(0));
  if (question.start > question.end) {
    return absl::InvalidArgumentError(
        absl::StrCat("--start is after the newest sample, which is of ", ReadableTime(question.end),
                     "; give --end as well"));
  }
  question.step_ms = times.step_ms.value_or(RoundStep(question.end - question.start));
  return question;
}

}  // namespace tsdb::tools

// PromQL, the query language of Prometheus, over the samples of a database: docs/promql.md has what
// is supported and where it differs.
//
//   const auto result = RunPromql(*database, "sum by (job)(rate(http_requests_total[5m]))",
//   now_ms);
//
// An expression that is asked at one time has an instant answer; over a range of times it is
// answered at each step. What its selectors pick is read once, however many steps there are.
//
// Thread safety: as the questions of tsdb/query.h: every function from any thread, any number at
// once, beside writers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/base/labels.h"
#include "storage/base/types.h"
#include "tsdb/query.h"

namespace tsdb {

class Database;

struct PromqlOptions {
  // Limits, threads, freshness and stop. `limits.windows` bounds the steps of a range.
  QueryOptions query = {};
  // How far an instant selector looks back for the latest sample.
  int64_t lookback_ms = 5 * 60 * 1000;
  // The step of a subquery that names none, as [1h:].
  int64_t subquery_step_ms = 60 * 1000;
  // The semantics of Prometheus 2: ranges and lookback include both ends, [t-w, t]. Those of 3
  // leave out the first: (t-w, t].
  bool closed_ranges = false;
};

enum class PromqlType : uint8_t { kScalar, kString, kVector, kMatrix };
// As Prometheus's HTTP API has it: "scalar", "string", "vector", "matrix".
inline std::string_view PromqlTypeName(PromqlType type) {
  constexpr std::string_view kNames[] = {"scalar", "string", "vector", "matrix"};
  return kNames[static_cast<size_t>(type)];
}

// The series of an answer, with one sample (of an instant vector or a scalar) or more, in time
// order.
struct PromqlSeries {
  Labels labels;
  std::vector<Sample> samples;
};

struct PromqlResult {
  PromqlType type = PromqlType::kVector;
  // In order of labels, unless the expression sorts; a scalar is one series without labels.
  std::vector<PromqlSeries> series;
  std::string text;                   // of a string
  std::vector<std::string> warnings;  // "PromQL warning: ... (line:column)", sorted, each once
  std::vector<std::string> infos;     // "PromQL info: ...", likewise
  Completeness completeness;
  QueryCost cost;
};

// Every step from start to end, both included as far as a step falls on them.
struct PromqlRange {
  Timestamp start = 0;
  Timestamp end = 0;
  int64_t step_ms = 60 * 1000;
};

// kInvalidArgument: the expression is at fault. For one that does not parse, the message begins
// with "line:column: parse error:" and goes on with the line, a caret under the place and, where
// there is one, a hint. Otherwise as QueryLimits and QueryOptions.
absl::StatusOr<PromqlResult> RunPromql(Database& database, std::string_view expression,
                                       Timestamp time, const PromqlOptions& options = {});
// The answer is a kMatrix. The expression must be a scalar or an instant vector.
absl::StatusOr<PromqlResult> RunPromqlRange(Database& database, std::string_view expression,
                                            PromqlRange range, const PromqlOptions& options = {});

// How an expression is understood: a line for each node of its tree, indented, with its type.
absl::StatusOr<std::string> DescribePromql(std::string_view expression);

}  // namespace tsdb

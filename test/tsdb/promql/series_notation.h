// The notation of values in Prometheus's test files: series with their samples, times, numbers and
// quoted strings, as promql/parser reads them there.
//
//   http_requests{job="api", "odd name"="x"}  0 1.5 _ stale 1+2x3 -4x2 _x5 NaN -Inf {{count:3}}x2
//
// Thread safety: plain values and functions of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/base/labels.h"

namespace tsdb::conformance {

// "what: 'text'".
absl::Status Bad(std::string_view what, std::string_view text);

// The value with which Prometheus ends a series.
double StaleNan();
bool IsStaleNan(double value);

struct SequenceValue {
  enum class Kind : uint8_t { kOmitted, kFloat, kHistogram };
  Kind kind = Kind::kFloat;
  double value = 0;  // of kFloat
};

struct SeriesDescription {
  Labels labels;  // may be the empty set
  std::vector<SequenceValue> values;
  bool has_histograms = false;
};

// One line: a series and its values. A # outside of quotes begins a comment.
absl::StatusOr<SeriesDescription> ParseSeries(std::string_view line);

// Milliseconds: a duration (1h30m, 0, 100ms) or a number of seconds (1.5), either with a sign.
absl::StatusOr<int64_t> ParseTime(std::string_view text);

// As Go reads numbers: decimal, 0x, 0o, 0b, 0 for octal integers, floating point, Inf, NaN.
absl::StatusOr<double> ParseNumber(std::string_view text);

// The string that a literal stands for, in double or single quotes with escapes, or in backticks.
absl::StatusOr<std::string> Unquote(std::string_view literal);

}  // namespace tsdb::conformance

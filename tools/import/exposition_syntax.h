// The grammar shared by the Prometheus text format and OpenMetrics text: a series
// `name{label="value",...}`, also in the newer form `{"any name",label="value"}` with quoted names,
// and the lines that start with #. OpenMetrics allows exactly one space where Prometheus allows any
// blanks, no comma before the closing brace, and no comments.
//
// Formats: prometheus.io/docs/instrumenting/exposition_formats, the OpenMetrics 1.0 specification.
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/labels.h"
#include "tools/import/line_parser.h"

namespace tsdb::importer {

enum class Dialect { kPrometheus, kOpenMetrics };

struct ParsedSeries {
  // In the order written, the metric name first, as "__name__". Views into the line or `unescaped`.
  std::vector<Label> labels;
  std::string unescaped;  // label values that had escapes in them
};

inline bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// Where the series at the start of `line` ends, found by quotes and braces alone: what lies before
// is the key under which a series seen before is recognised without parsing it again. npos when a
// brace or quote stays open.
size_t FindSeriesEnd(std::string_view line);

// Parses the series at the start of `line` and sets `end` behind it.
bool ParseSeries(std::string_view line, Dialect dialect, ParsedSeries& series, size_t& end,
                 LineError& error);

// Parses `{label="value",...}` (an exemplar's) at `position` and moves past it.
bool ParseLabelSet(std::string_view line, Dialect dialect, size_t& position, ParsedSeries& series,
                   LineError& error);

struct Metadata {
  enum class Kind { kComment, kHelp, kType, kUnit, kEof };
  Kind kind = Kind::kComment;
  std::string_view name;  // the metric family
  std::string_view text;  // help, type or unit, as written
};

// Parses a line that starts with #. REQUIRES: it does.
bool ParseMetadata(std::string_view line, Dialect dialect, Metadata& metadata, LineError& error);

}  // namespace tsdb::importer

// Prints answers of PromQL (tsdb/promql.h): for people, for programs and as pictures.
//
// What is printed is the answer alone. Its warnings and infos are in the json and html formats;
// with the others it is the caller who tells them, where people see them and pipes do not.
//
// Whatever bytes labels, texts and expressions have, the output is well-formed UTF-8 that neither
// steers a terminal nor leaves its place in a document; formats for people cut long labels, formats
// for programs keep every byte.
//
// Thread safety: one thread for an Output; the functions keep no state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/base/types.h"
#include "tools/output.h"
#include "tools/terminal.h"
#include "tsdb/promql.h"

namespace tsdb::tools {

enum class ResultFormat : uint8_t {
  kAuto,      // see ChooseFormat
  kTable,     // one line a series, in a frame
  kCsv,       // one line a sample: labels, timestamp (RFC 3339 in UTC), value
  kJson,      // the response of Prometheus's HTTP API
  kJsonl,     // one object a series, as `tsdb import` reads it
  kMarkdown,  // as kTable, for a document
  kChart,     // lines over time, or bars, in the terminal
  kSpark,     // one line a series, with its course
  kSvg,       // a picture
  kHtml,      // a page to explore, which needs no network
};

// The names of all formats, as --format takes them: "auto|table|csv|...".
inline constexpr std::string_view kResultFormatNames =
    "auto|table|csv|json|jsonl|markdown|chart|spark|svg|html";
std::optional<ResultFormat> ParseResultFormat(std::string_view name);

// What was asked, which headings and axes tell.
struct ResultQuestion {
  std::string expression;
  // Both included. An instant has start == end and no step.
  Timestamp start = 0;
  Timestamp end = 0;
  int64_t step_ms = 0;

  bool is_range() const { return step_ms > 0; }
};

struct ResultStyle {
  bool color = false;
  bool utf8 = true;         // else chart and spark draw with ASCII
  bool local_time = false;  // on the time axis of chart and svg, by $TZ; else UTC
  size_t width = 0;         // columns; 0, unknown: 120 for tables, 80 for charts
  size_t height = 0;        // lines of a chart with its legend; 0, unknown: 20
  uint64_t limit = 0;       // series, of which more are told but not shown; 0: no limit
  std::string_view show_all = "--limit 0";  // what to say to have them shown
};

// As the terminal on stdout is, its environment ($NO_COLOR, $LC_ALL, $LC_CTYPE, $LANG, $COLUMNS)
// and the wish for colour have it. Without any locale the terminal is taken to know UTF-8.
ResultStyle StyleOfStdout(Color color);

// kAuto made up for: on a terminal a chart for a range and a table for an instant, else csv.
ResultFormat ChooseFormat(ResultFormat wish, const ResultQuestion& question, bool is_terminal);

// Series are printed in the answer's order. The programs' formats (csv, json, jsonl) take no notice
// of the limit; chart and svg draw eight series at most, those of the greatest mean. Errors stick
// to the output.
void PrintResult(const PromqlResult& result, const ResultQuestion& question,
                 const ResultStyle& style, ResultFormat format, Output& output);

}  // namespace tsdb::tools

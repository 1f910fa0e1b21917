// What the printers of results write labels, values and times with.
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/labels.h"
#include "tsdb/promql.h"

namespace tsdb::tools {

// Columns of a page whose width is not known.
inline constexpr size_t kWidthUnknown = 120;

// Each byte that is not part of well-formed UTF-8 becomes U+FFFD. Labels are well-formed; texts and
// expressions are whatever was given.
std::string WellFormed(std::string_view text);
// For people: well-formed, control characters and those that turn the direction of what follows
// written as \n, \x1b or \u202e, cut in the middle to `width` columns.
std::string ForPeople(std::string_view text, size_t width);
// Text of an XML or HTML document, in an attribute too: & < > " ' escaped; characters that XML 1.0
// has no way to write become U+FFFD.
std::string XmlText(std::string_view text);

// The labels all series have in common, and the names of those in which they differ, sorted. One
// series has all labels in common. An empty span has none.
struct LabelSplit {
  Labels common;
  std::vector<std::string> differing;
};
LabelSplit SplitLabels(std::span<const PromqlSeries> series);

// `name{a="x",b="y"}` of some labels, for people: a label's value takes `value_width` columns at
// most. As Labels::ToString: what is no identifier stands in quotes. Without any label: {}.
std::string NameOfSeries(const Labels& labels, const std::vector<std::string>& names,
                         size_t value_width);
std::string NameOfSeries(const Labels& labels, size_t value_width);
// A label's name as the heading of a column.
std::string LabelTitle(std::string_view name, size_t width);

// Values as Prometheus's HTTP API has them: of samples ("f" of Go's strconv, "e" below 1e-6 and
// from 1e21 on), and of a scalar ("f" always).
std::string ApiSampleValue(double value);
std::string ApiScalarValue(double value);
// "2026-11-21T03:33:55.568Z"; milliseconds as a number outside the years 0000 to 9999.
std::string Rfc3339Time(Timestamp timestamp);

struct SeriesSummary {
  size_t samples = 0;
  // Of the samples that are numbers; NaN if none is. `mean`: of those that are finite.
  double min = 0;
  double max = 0;
  double mean = 0;
  double last = 0;
};
SeriesSummary SummaryOf(const PromqlSeries& series);

// The times from the first sample of all to the last; begin > end if there is none.
struct TimeSpan {
  Timestamp first = kTimestampMax;
  Timestamp last = kTimestampMin;
};
TimeSpan SpanOf(std::span<const PromqlSeries> series);

}  // namespace tsdb::tools

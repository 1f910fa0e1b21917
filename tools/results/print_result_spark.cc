#include <algorithm>
#include <span>
#include <string>

#include "tools/number_text.h"
#include "tools/results/chart_text.h"
#include "tools/results/printers.h"
#include "tools/results/result_text.h"
#include "tools/sparkline.h"

namespace tsdb::tools {
namespace {

constexpr size_t kNameWidthMin = 8;
constexpr size_t kTrendColumnsMin = 8;
constexpr size_t kTrendColumnsMax = 40;

struct SparkLine {
  std::string name;
  std::string extremes;
  std::string last;
};

// The eight block characters, each three bytes that differ in the last, as characters of ASCII.
std::string AsciiCourse(std::string_view course) {
  constexpr char kLevels[] = "_.-~=+*#";
  std::string out;
  for (size_t i = 0; i < course.size(); ++i) {
    if (course[i] != '\xE2') {
      out += course[i];
      continue;
    }
    out += kLevels[static_cast<uint8_t>(course[i + 2]) - 0x81];
    i += 2;
  }
  return out;
}

}  // namespace

void PrintResultSpark(const ResultPage& page, Output& output) {
  const PromqlResult& result = page.result;
  if (result.type == PromqlType::kString || result.type == PromqlType::kScalar ||
      result.series.empty()) {
    return PrintResultTable(page, output);
  }
  const Style style(page.style.color);
  const size_t width = page.style.width > 0 ? page.style.width : kWidthUnknown;
  const std::span series(result.series.data(), page.SeriesShown());
  const TimeSpan span = SpanOf(series);
  std::vector<SparkLine> lines;
  size_t name_width = 0;
  size_t extremes_width = 0;
  size_t last_width = 0;
  for (const PromqlSeries& each : series) {
    const SeriesSummary summary = SummaryOf(each);
    lines.push_back({NameOfSeries(each.labels, width),
                     ReadableValue(summary.min) + ".." + ReadableValue(summary.max),
                     ReadableValue(summary.last)});
    name_width = std::max(name_width, DisplayWidth(lines.back().name));
    extremes_width = std::max(extremes_width, lines.back().extremes.size());
    last_width = std::max(last_width, lines.back().last.size());
  }
  const bool instant = result.type == PromqlType::kVector;
  const size_t numbers = instant ? last_width + 2 : extremes_width + last_width + 6;
  size_t trend_columns = instant ? 0 : kTrendColumnsMin;
  const size_t room = width > numbers + trend_columns ? width - numbers - trend_columns : 0;
  name_width = std::min(name_width, std::max(room, kNameWidthMin));
  if (!instant)
    trend_columns +=
        std::min(room > name_width ? room - name_width : 0, kTrendColumnsMax - kTrendColumnsMin);
  for (size_t i = 0; i < lines.size(); ++i) {
    output << PaddedRight(ChartText(lines[i].name, name_width, page.style), name_width) << "  ";
    if (!instant) {
      Sparkline trend(std::min(span.first, span.last), span.last, trend_columns);
      for (const Sample& sample : series[i].samples) trend.Add(sample.timestamp, sample.value);
      const std::string course = trend.Draw();
      output << style.cyan << (page.style.utf8 ? course : AsciiCourse(course)) << style.reset
             << "  " << style.dim << PaddedLeft(lines[i].extremes, extremes_width) << style.reset
             << "  ";
    }
    output << style.bold << PaddedLeft(lines[i].last, last_width) << style.reset << "\n";
  }
  PrintMoreSeries(page, output);
}

}  // namespace tsdb::tools

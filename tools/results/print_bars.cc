// Horizontal bars in the terminal, one a series: for answers that have no course to draw.
#include <algorithm>
#include <cmath>
#include <span>
#include <string>

#include "tools/number_text.h"
#include "tools/results/axis.h"
#include "tools/results/bars.h"
#include "tools/results/chart_text.h"
#include "tools/results/palette.h"
#include "tools/results/printers.h"
#include "tools/results/result_text.h"

namespace tsdb::tools {
namespace {

// From `begin` to `end`, in columns from the left; eighths of a column at a bar's right end. A bar
// that is there is seen, if only as its thinnest part.
std::string DrawBar(double begin, double end, bool utf8) {
  const double from = std::round(begin);
  const double length = std::max(end - from, 0.0);
  const auto whole = static_cast<size_t>(length);
  std::string bar(static_cast<size_t>(from), ' ');
  if (!utf8) return bar + std::string(std::max<size_t>(1, std::lround(length)), '#');
  constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  for (size_t i = 0; i < whole; ++i) bar += "█";
  const auto eighths = static_cast<size_t>((length - static_cast<double>(whole)) * 8);
  return bar + (whole == 0 && eighths == 0 ? "▏" : kEighths[eighths]);
}

}  // namespace

void PrintBars(const ResultPage& page, Output& output) {
  const Style style(page.style.color);
  const std::span series(page.result.series.data(), page.SeriesShown());
  const Bars bars = MakeBars(series);
  const size_t width = ChartWidth(page.style);
  size_t name_width = 0;
  size_t value_width = 0;
  std::vector<std::string> names;
  // All of the labels' names and values, if they fit; else their values below the names.
  const size_t room_for_names = width * 2 / 5;
  const bool fits = std::all_of(bars.bars.begin(), bars.bars.end(), [&](const Bar& bar) {
    return DisplayWidth(bar.name) <= room_for_names;
  });
  for (const Bar& bar : bars.bars) {
    names.push_back(ChartText(fits ? bar.name : bar.values, room_for_names, page.style));
    name_width = std::max(name_width, DisplayWidth(names.back()));
    value_width = std::max(value_width, bar.text.size());
  }
  // A bar too short to be drawn takes a column all the same, even at the right end.
  const size_t around = name_width + 4 + value_width;
  const double room = width > around + 4 ? static_cast<double>(width - around) : 4;
  const double zero = bars.PlaceOf(0) * room;
  output << ChartTitle(page);
  if (!bars.common.empty()) {
    output << style.dim << ChartText(bars.common, width, page.style) << style.reset << "\n";
  }
  if (!fits && !bars.names.empty()) {
    output << style.dim << ChartText(bars.names, width, page.style) << style.reset << "\n";
  }
  for (size_t i = 0; i < names.size(); ++i) {
    const Bar& bar = bars.bars[i];
    output << PaddedRight(names[i], name_width) << " " << style.dim << (page.style.utf8 ? "│" : "|")
           << style.reset;
    if (bar.is_drawn && bar.value != 0) {
      const double place = bars.PlaceOf(bar.value) * room;
      output << (page.style.color ? kLineColors[bar.value < 0 ? 1 : 0].terminal : "")
             << DrawBar(std::min(zero, place),
                        std::max(bar.value < 0 ? std::round(zero) : zero, place), page.style.utf8)
             << style.reset;
    } else {
      output << std::string(static_cast<size_t>(std::lround(zero)), ' ');
    }
    output << " " << style.bold << bar.text << style.reset << "\n";
  }
  output << style.dim << Counted(page.result.series.size(), "series");
  const TimeSpan span = SpanOf(series);
  if (span.first <= span.last) {
    output << ", " << ReadableTime(span.first);
    if (span.first < span.last) output << " to " << ReadableTime(span.last);
    output << " UTC";
  }
  output << style.reset << "\n";
  PrintMoreSeries(page, output);
}

}  // namespace tsdb::tools

#include "tools/results/plot.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tsdb::tools {
namespace {

double Distance(Timestamp first, Timestamp last) {
  return static_cast<double>(last) - static_cast<double>(first);
}

std::vector<std::span<const Sample>> PiecesOf(const PromqlSeries& series, int64_t step_ms) {
  std::vector<std::span<const Sample>> pieces;
  const std::span<const Sample> samples = series.samples;
  const double gap = GapOf(series, step_ms);
  size_t begin = 0;
  for (size_t i = 0; i <= samples.size(); ++i) {
    const bool is_end = i == samples.size();
    const bool is_hole = !is_end && !std::isfinite(samples[i].value);
    const bool is_gap =
        !is_end && i > begin && Distance(samples[i - 1].timestamp, samples[i].timestamp) > gap;
    if (!is_end && !is_hole && !is_gap) continue;
    if (i > begin) pieces.push_back(samples.subspan(begin, i - begin));
    begin = is_hole ? i + 1 : i;
  }
  return pieces;
}

// Which series to draw: those of the greatest mean, in the answer's order.
std::vector<size_t> Choose(const std::vector<SeriesSummary>& summaries, size_t lines) {
  std::vector<size_t> order(summaries.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (order.size() <= lines) return order;
  const auto rank = [&](size_t i) {
    const double mean = summaries[i].mean;
    return std::isnan(mean) ? -std::numeric_limits<double>::infinity() : mean;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return rank(a) > rank(b); });
  order.resize(lines);
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace

double GapOf(const PromqlSeries& series, int64_t step_ms) {
  if (step_ms > 0) return 1.5 * static_cast<double>(step_ms);
  std::vector<double> distances;
  for (size_t i = 1; i < series.samples.size(); ++i) {
    distances.push_back(Distance(series.samples[i - 1].timestamp, series.samples[i].timestamp));
  }
  if (distances.empty()) return std::numeric_limits<double>::infinity();
  const auto middle = distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2);
  std::nth_element(distances.begin(), middle, distances.end());
  return 5 * *middle;
}

Plot MakePlot(const ResultPage& page) {
  const std::vector<PromqlSeries>& series = page.result.series;
  std::vector<SeriesSummary> summaries;
  for (const PromqlSeries& each : series) summaries.push_back(SummaryOf(each));
  Plot plot;
  plot.low = std::numeric_limits<double>::infinity();
  plot.high = -plot.low;
  std::vector<PromqlSeries> named;
  for (const size_t i : Choose(summaries, std::min(page.SeriesShown(), kPlotLinesMax))) {
    PlotLine line{&series[i], summaries[i], PiecesOf(series[i], page.question.step_ms)};
    for (const auto& piece : line.pieces) {
      for (const Sample& sample : piece) {
        plot.low = std::min(plot.low, sample.value);
        plot.high = std::max(plot.high, sample.value);
      }
    }
    plot.lines.push_back(std::move(line));
    named.push_back({series[i].labels, {}});
  }
  plot.left_out = series.size() - plot.lines.size();
  plot.labels = SplitLabels(named);
  TimeSpan span = SpanOf(series);
  if (page.question.is_range()) {
    span.first = std::min(span.first, page.question.start);
    span.last = std::max(span.last, page.question.end);
  }
  if (span.first > span.last) span = {page.question.start, page.question.start};
  if (span.first >= span.last) {
    span.first = std::min(span.first, kTimestampMax - 1);
    span.last = span.first + 1;
  }
  plot.first = span.first;
  plot.last = span.last;
  return plot;
}

std::vector<Sample> Thinned(std::span<const Sample> piece, Timestamp first, Timestamp last,
                            size_t columns) {
  const double width = Distance(first, last);
  const auto column_of = [&](const Sample& sample) {
    const double place = Distance(first, sample.timestamp) / width * static_cast<double>(columns);
    return static_cast<size_t>(std::clamp(place, 0.0, static_cast<double>(columns)));
  };
  std::vector<Sample> thinned;
  for (size_t begin = 0, end = 0; begin < piece.size(); begin = end) {
    size_t lowest = begin;
    size_t highest = begin;
    const size_t column = column_of(piece[begin]);
    for (end = begin; end < piece.size() && column_of(piece[end]) == column; ++end) {
      if (piece[end].value < piece[lowest].value) lowest = end;
      if (piece[end].value > piece[highest].value) highest = end;
    }
    size_t kept[] = {begin, lowest, highest, end - 1};
    std::sort(std::begin(kept), std::end(kept));
    for (size_t i = 0; i < std::size(kept); ++i) {
      if (i == 0 || kept[i] != kept[i - 1]) thinned.push_back(piece[kept[i]]);
    }
  }
  return thinned;
}

}  // namespace tsdb::tools

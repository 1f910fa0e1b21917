// What of an answer is drawn as lines, by chart and svg alike: which series, in which pieces, over
// which times and values.
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "storage/base/types.h"
#include "tools/results/printers.h"
#include "tools/results/result_text.h"

namespace tsdb::tools {

// More lines than this cannot be told apart, in any set of colours.
inline constexpr size_t kPlotLinesMax = 8;

struct PlotLine {
  const PromqlSeries* series;
  SeriesSummary summary;
  // Samples with neither a gap nor a value that is not finite between them; no piece is empty.
  std::vector<std::span<const Sample>> pieces;
};

struct Plot {
  std::vector<PlotLine> lines;  // in the answer's order
  size_t left_out = 0;          // series that are not among the lines
  LabelSplit labels;            // of the lines
  // Of all samples in pieces; low > high if there is none.
  double low;
  double high;
  // What was asked for, and all samples; first < last.
  Timestamp first = 0;
  Timestamp last = 1;
};

// REQUIRES: the answer has a series.
Plot MakePlot(const ResultPage& page);

// A time without samples longer than this is a gap: between a range's steps one that is missing,
// else five times the usual distance.
double GapOf(const PromqlSeries& series, int64_t step_ms);

// A piece with the first, lowest, highest and last sample of each of `columns` equal parts of
// [first, last], which a line that is as wide cannot be told from.
std::vector<Sample> Thinned(std::span<const Sample> piece, Timestamp first, Timestamp last,
                            size_t columns);

}  // namespace tsdb::tools

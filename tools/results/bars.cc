#include "tools/results/bars.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "tools/number_text.h"
#include "tools/results/result_text.h"

namespace tsdb::tools {
namespace {

constexpr size_t kLabelWidthMax = 200;

}  // namespace

// Halves, so that the difference of the greatest doubles is one.
double Bars::PlaceOf(double value) const {
  const double span = high / 2 - low / 2;
  if (!(span > 0)) return 0;
  return std::clamp((std::clamp(value, low, high) / 2 - low / 2) / span, 0.0, 1.0);
}

Bars MakeBars(std::span<const PromqlSeries> series) {
  Bars bars;
  const LabelSplit split = SplitLabels(series);
  if (series.size() > 1 && !split.common.empty()) {
    bars.common = NameOfSeries(split.common, kLabelWidthMax);
  }
  for (const std::string& name : split.differing) {
    bars.names += (bars.names.empty() ? "" : ", ") + LabelTitle(name, kLabelWidthMax);
  }
  for (const PromqlSeries& each : series) {
    const double value =
        each.samples.empty() ? std::numeric_limits<double>::quiet_NaN() : each.samples.back().value;
    if (std::isfinite(value)) {
      bars.low = std::min(bars.low, value);
      bars.high = std::max(bars.high, value);
    }
    Bar bar;
    bar.name = series.size() == 1 ? NameOfSeries(each.labels, kLabelWidthMax)
                                  : NameOfSeries(each.labels, split.differing, kLabelWidthMax);
    for (const std::string& name : split.differing) {
      bar.values += (bar.values.empty() ? "" : ", ");
      bar.values += ForPeople(each.labels.Get(name), kLabelWidthMax);
    }
    if (series.size() == 1) bar.values = bar.name;
    bar.value = value;
    bar.text = ReadableValue(value);
    bar.is_drawn = !std::isnan(value);
    bars.bars.push_back(std::move(bar));
  }
  const bool all_zero = bars.low == 0 && bars.high == 0;
  if (all_zero) bars.high = 1;
  return bars;
}

}  // namespace tsdb::tools

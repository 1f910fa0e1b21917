#include "tsdb/scan/series_windows.h"

#include <limits>

#include "storage/base/parallel.h"

namespace tsdb::scan {

SeriesWindows::SeriesWindows(const tree::Tree& tree, const WindowPlan& plan, const Needs& needs,
                             Meter& meter)
    : tree_(tree),
      plan_(plan),
      needs_(needs),
      meter_(meter),
      reader_(plan, needs, meter),
      windows_(plan.windows()) {}

bool SeriesWindows::Read(SeriesId series, size_t threads) {
  tree::SeriesWalk walk(tree_, series, plan_.from, plan_.last);
  reader_.Begin(plan_.from, plan_.last);
  // Values for quantiles are in the order of the whole series, so one thread collects them.
  const size_t sections = needs_.values ? 1 : walk.Split();
  const bool read =
      sections == 1 ? walk.Walk(0, buffer_, reader_) : ReadSections(walk, sections, threads);
  if (!read || !meter_.Step(0)) return false;
  MergeIntervals(plan_, reader_.states(), needs_.deviations, suffixes_, windows_);
  present_ = 0;
  for (const WindowState& window : windows_) present_ += window.count > 0;
  return true;
}

bool SeriesWindows::ReadSections(const tree::SeriesWalk& walk, size_t sections, size_t threads) {
  std::vector<std::vector<WindowState>> states(sections);
  std::vector<size_t> firsts(sections);
  std::vector<QueryCost> costs(sections);
  ParallelFor(0, sections, 1, threads, [&](size_t begin, size_t end) {
    tree::WalkBuffer buffer;
    for (size_t section = begin; section < end; ++section) {
      Meter meter(meter_.guard());
      IntervalReader reader(plan_, needs_, meter);
      reader.Begin(walk.from(section), walk.last(section));
      const bool read = walk.Walk(section, buffer, reader) && meter.Flush();
      costs[section] = meter.cost();
      if (!read) return;
      firsts[section] = reader.first();
      states[section].assign(reader.states().begin(), reader.states().end());
    }
  });
  for (size_t section = 0; section < sections; ++section) {
    meter_.cost().Add(costs[section]);
    for (size_t i = 0; i < states[section].size(); ++i) {
      reader_.states()[firsts[section] + i].Merge(states[section][i], needs_.deviations);
    }
  }
  return meter_.guard().Continue();
}

std::span<const double> SeriesWindows::Fill(const Column& column) {
  filled_.resize(windows_.size());
  Fill(column, filled_);
  return filled_;
}

void SeriesWindows::Fill(const Column& column, std::span<double> values) {
  const bool quantile = column.function == WindowFunction::kQuantile;
  for (size_t k = 0; k < windows_.size(); ++k) {
    if (windows_[k].count == 0) {
      values[k] = std::numeric_limits<double>::quiet_NaN();
    } else if (quantile) {
      const std::span<const double> all = reader_.ValuesOf(plan_.begins[k], plan_.ends[k]);
      if (!meter_.Work(all.size())) return;  // the next step finds that it ended
      selected_.assign(all.begin(), all.end());
      values[k] = Quantile(selected_, column.quantile);
    } else {
      values[k] = windows_[k].Result(column.function);
    }
  }
}

}  // namespace tsdb::scan

// The part of the evaluator that reads series at their steps, or as they are.
#include <algorithm>
#include <utility>

#include "storage/base/parallel.h"
#include "storage/base/status_macros.h"
#include "tsdb/promql/evaluator.h"
#include "tsdb/scan/label_bytes.h"

namespace tsdb::promql {
namespace {

constexpr size_t kSeriesPerTask = 4;

// The latest sample at or before each step's time, unless it is too old or a staleness marker.
void FillInstant(const WindowTimes& windows, const ColumnReader& reader, bool times_wanted,
                 std::span<double> results, std::span<uint8_t> present) {
  const std::span<const Timestamp> times = reader.times();
  size_t end = 0;
  for (size_t step = 0; step < results.size(); ++step) {
    const Timestamp ref = windows.ref(step);
    while (end < times.size() && times[end] <= ref) ++end;
    if (end == 0) continue;
    const Timestamp age = ref - times[end - 1];
    if (windows.closed ? age > windows.range_ms : age >= windows.range_ms) continue;
    const double value = reader.values()[end - 1];
    if (IsStale(value)) continue;
    results[step] = times_wanted ? static_cast<double>(times[end - 1]) / 1000 : value;
    present[step] = 1;
  }
}

}  // namespace

WindowTimes Evaluator::WindowsOf(const TimeShift& shift, int64_t range_ms,
                                 const Steps& steps) const {
  WindowTimes windows{.first = steps.start,
                      .interval = steps.interval,
                      .count = steps.count,
                      .range_ms = range_ms,
                      .closed = semantics_.closed_ranges};
  if (shift.at.has_value()) {
    windows.interval = 0;
    switch (shift.at->kind) {
      case AtModifier::Kind::kTime:
        windows.first = shift.at->time;
        break;
      case AtModifier::Kind::kStart:
        windows.first = asked_.start;
        break;
      case AtModifier::Kind::kEnd:
        windows.first = asked_.end;
        break;
    }
  }
  windows.first -= shift.offset_ms;
  return windows;
}

absl::StatusOr<Evaluator::SelectedRows> Evaluator::SelectRows(const VectorSelector& selector,
                                                              Timestamp from, Timestamp last,
                                                              size_t steps) {
  SelectedRows selected{{}, StepMatrix(steps)};
  TSDB_ASSIGN_OR_RETURN(selected.series, source_.Select(selector.matchers, from, last));
  const size_t count = selected.series.size();
  cost_.series += count;
  if (!guard_.ChargeMemory(StepMatrix::BytesFor(count, steps)) || !guard_.Check()) {
    return guard_.status();
  }
  selected.rows.Resize(count);
  return selected;
}

absl::StatusOr<StepMatrix> Evaluator::ReadParts(SelectedRows& selected, ReadPart read) {
  const std::vector<SeriesId>& series = selected.series;
  std::vector<QueryCost> costs(series.size());
  ParallelFor(0, series.size(), kSeriesPerTask, options_.query.threads,
              [&](size_t begin, size_t end) {
                scan::Meter meter(guard_);
                read(begin, end, meter);
                meter.Flush();
                costs[begin] = meter.cost();
              });
  for (const QueryCost& cost : costs) cost_.Add(cost);
  TSDB_RETURN_IF_ERROR(guard_.status());
  StepMatrix& rows = selected.rows;
  rows.DropEmptyRows([&](size_t row) {
    return Labels::FromCanonicalBytes(source_.stored().series.BytesOf(series[row]));
  });
  return std::move(rows);
}

absl::StatusOr<StepMatrix> Evaluator::ReadRows(const VectorSelector& selector, Timestamp from,
                                               Timestamp last, size_t steps, FillRow fill) {
  TSDB_ASSIGN_OR_RETURN(SelectedRows selected, SelectRows(selector, from, last, steps));
  const tree::Tree& tree = source_.stored().tree;
  return ReadParts(selected, [&](size_t begin, size_t end, scan::Meter& meter) {
    ColumnReader reader(meter);
    for (size_t i = begin; i < end; ++i) {
      if (i + 1 < end) tree::PrefetchWalk(tree, selected.series[i + 1]);
      if (!reader.Read(tree, selected.series[i], from, last)) break;
      if (!reader.times().empty()) fill(i, reader, selected.rows);
    }
  });
}

absl::StatusOr<StepMatrix> Evaluator::Instant(const VectorSelector& selector, const Steps& steps,
                                              Take take) {
  const WindowTimes windows = WindowsOf(selector.shift, options_.lookback_ms, steps);
  return ReadRows(selector, windows.from(), windows.last(), steps.count,
                  [&](size_t row, ColumnReader& reader, StepMatrix& rows) {
                    FillInstant(windows, reader, take == Take::kTimes, rows.values(row),
                                rows.present(row));
                  });
}

absl::StatusOr<std::vector<PromqlSeries>> Evaluator::EvaluateMatrix(const Expr& expr,
                                                                    Timestamp time) {
  const Expr& bare = Bare(expr);
  const Steps steps{.start = time};
  std::vector<PromqlSeries> result;
  if (const auto* subquery = std::get_if<Subquery>(&bare.node)) {
    const WindowTimes windows = WindowsOf(subquery->shift, subquery->range_ms, steps);
    const Steps inner = SubquerySteps(*subquery, windows);
    if (inner.count == 0) return result;
    TSDB_ASSIGN_OR_RETURN(StepMatrix points, EvaluateVector(*subquery->expr, inner));
    TSDB_RETURN_IF_ERROR(points.RemoveNames(/*flagged=*/true));
    points.SortRows();
    for (size_t row = 0; row < points.rows(); ++row) {
      PromqlSeries& series = result.emplace_back(PromqlSeries{points.labels(row), {}});
      for (size_t step = 0; step < inner.count; ++step) {
        if (points.present(row)[step] == 0) continue;
        series.samples.push_back({inner.at(step), points.values(row)[step]});
      }
    }
    return result;
  }
  const auto& matrix = std::get<MatrixSelector>(bare.node);
  const WindowTimes windows = WindowsOf(matrix.vector.shift, matrix.range_ms, steps);
  TSDB_ASSIGN_OR_RETURN(const std::vector<SeriesId> all,
                        source_.Select(matrix.vector.matchers, windows.from(), windows.last()));
  cost_.series += all.size();
  scan::Meter meter(guard_);
  ColumnReader reader(meter);
  const scan::Source& stored = source_.stored();
  for (const SeriesId id : all) {
    if (!reader.Read(stored.tree, id, windows.from(), windows.last())) break;
    reader.DropStale();
    const size_t count = reader.times().size();
    if (count == 0) continue;
    if (!guard_.ChargeMemory(count * sizeof(Sample))) break;
    PromqlSeries& series = result.emplace_back();
    series.labels = Labels::FromCanonicalBytes(stored.series.BytesOf(id));
    for (size_t i = 0; i < count; ++i) {
      series.samples.push_back({reader.times()[i], reader.values()[i]});
    }
  }
  meter.Flush();
  cost_.Add(meter.cost());
  TSDB_RETURN_IF_ERROR(guard_.status());
  std::sort(result.begin(), result.end(), [](const PromqlSeries& a, const PromqlSeries& b) {
    return scan::LabelsBefore(a.labels.bytes(), b.labels.bytes());
  });
  return result;
}

}  // namespace tsdb::promql

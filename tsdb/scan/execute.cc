#include "tsdb/scan/execute.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "storage/base/parallel.h"
#include "storage/base/status_macros.h"
#include "tsdb/scan/group_partial.h"
#include "tsdb/scan/result_rows.h"
#include "tsdb/scan/series_groups.h"
#include "tsdb/scan/series_windows.h"
#include "tsdb/scan/window_plan.h"

namespace tsdb::scan {
namespace {

// Few series: a slice each. Many: enough slices for any number of threads, not so many that what
// each leaves behind counts.
constexpr size_t kSlicesMin = 64, kSlicesMax = 512, kSeriesPerSlice = 16;

size_t SliceCount(size_t series) {
  if (series < kSlicesMin) return series;
  return std::clamp(series / kSeriesPerSlice, kSlicesMin, kSlicesMax);
}

// One query under way.
class Execution {
 public:
  Execution(const Source& source, const Query& query, WindowPlan plan, QueryGuard& guard)
      : source_(source),
        query_(query),
        plan_(std::move(plan)),
        needs_(Needs::Of(query)),
        guard_(guard),
        row_values_(query.columns.size() * plan_.windows()),
        row_words_(WordsFor(plan_.windows())) {}

  absl::StatusOr<QueryResult> SeriesRows(std::span<const SeriesId> series);
  absl::StatusOr<QueryResult> GroupRows(std::span<const SeriesId> series);

 private:
  // The rows of one slice.
  struct Batch {
    std::vector<SeriesId> series;
    std::vector<double> values;
    std::vector<uint64_t> present;
  };
  struct NumberedPartial {
    uint32_t group;
    GroupPartial partial;
  };
  // Called for each series of a slice after it was read; false ends the query.
  using Visit = absl::FunctionRef<bool(size_t slice, size_t index, SeriesWindows& windows)>;

  // Reads `series` slice by slice, on several threads.
  absl::Status ReadSlices(std::span<const SeriesId> series, Visit visit);
  bool AddRow(SeriesId series, SeriesWindows& windows, Batch& batch);
  bool AddToGroup(uint32_t group, SeriesWindows& windows, std::vector<NumberedPartial>& partials);
  // Copies the presence of windows and the columns to the end of both.
  template <typename Has, typename Fill>
  void AppendRow(Has&& has, Fill&& fill, std::vector<uint64_t>& present,
                 std::vector<double>& values) const;
  RowView ViewOf(std::string_view labels, const Batch& batch, size_t row) const;
  absl::StatusOr<QueryResult> Finish(std::vector<RowView>& rows);

  const Source& source_;
  const Query& query_;
  const WindowPlan plan_;
  const Needs needs_;
  QueryGuard& guard_;
  const size_t row_values_;
  const size_t row_words_;
  QueryCost cost_;
};

absl::Status Execution::ReadSlices(std::span<const SeriesId> series, Visit visit) {
  const size_t slices = SliceCount(series.size());
  const size_t threads = query_.options.threads;
  std::vector<QueryCost> costs(slices);
  ParallelFor(0, slices, 1, threads, [&](size_t begin, size_t end) {
    Meter meter(guard_);
    SeriesWindows windows(source_.tree, plan_, needs_, meter);
    bool more = guard_.ChargeMemory((plan_.intervals() + plan_.windows()) * sizeof(WindowState));
    for (size_t slice = begin; slice < end && more; ++slice) {
      const size_t first = series.size() * slice / slices;
      const size_t last = series.size() * (slice + 1) / slices;
      for (size_t i = first; i < last && more; ++i) {
        if (i + 1 < last) tree::PrefetchWalk(source_.tree, series[i + 1]);
        more = windows.Read(series[i], threads) && visit(slice, i, windows);
      }
    }
    meter.Flush();
    costs[begin] = meter.cost();
  });
  for (const QueryCost& cost : costs) cost_.Add(cost);
  return guard_.status();
}

template <typename Has, typename Fill>
void Execution::AppendRow(Has&& has, Fill&& fill, std::vector<uint64_t>& present,
                          std::vector<double>& values) const {
  const size_t words = present.size();
  present.resize(words + row_words_);
  for (size_t k = 0; k < plan_.windows(); ++k) {
    present[words + k / 64] |= uint64_t{has(k)} << k % 64;
  }
  const size_t begin = values.size();
  values.resize(begin + row_values_);
  for (size_t column = 0; column < query_.columns.size(); ++column) {
    fill(column,
         std::span<double>(values).subspan(begin + column * plan_.windows(), plan_.windows()));
  }
}

bool Execution::AddRow(SeriesId series, SeriesWindows& windows, Batch& batch) {
  if (windows.present() == 0) return true;
  const uint64_t bytes = row_values_ * sizeof(double) + row_words_ * 8 + sizeof(SeriesId);
  if (!guard_.ChargeMemory(bytes)) return false;
  batch.series.push_back(series);
  AppendRow([&](size_t k) { return windows.CountIn(k) > 0; },
            [&](size_t column, std::span<double> values) {
              windows.Fill(query_.columns[column], values);
            },
            batch.present, batch.values);
  return true;
}

bool Execution::AddToGroup(uint32_t group, SeriesWindows& windows,
                           std::vector<NumberedPartial>& partials) {
  if (windows.present() == 0) return true;
  uint64_t bytes = GroupPartial::BytesPerSeries(query_.columns, plan_.windows());
  if (partials.empty() || partials.back().group != group) {
    bytes += GroupPartial::BytesFor(query_.columns, plan_.windows());
    if (!guard_.ChargeMemory(bytes)) return false;
    partials.push_back({group, GroupPartial(query_.columns, plan_.windows())});
  } else if (!guard_.ChargeMemory(bytes)) {
    return false;
  }
  GroupPartial& partial = partials.back().partial;
  partial.BeginSeries(windows.present(), [&](size_t k) { return windows.CountIn(k) > 0; });
  for (size_t column = 0; column < query_.columns.size(); ++column) {
    partial.AddColumn(column, windows.Fill(query_.columns[column]));
  }
  return true;
}

RowView Execution::ViewOf(std::string_view labels, const Batch& batch, size_t row) const {
  return {labels, std::span(batch.values).subspan(row * row_values_, row_values_),
          std::span(batch.present).subspan(row * row_words_, row_words_)};
}

absl::StatusOr<QueryResult> Execution::SeriesRows(std::span<const SeriesId> series) {
  std::vector<Batch> batches(SliceCount(series.size()));
  TSDB_RETURN_IF_ERROR(ReadSlices(series, [&](size_t slice, size_t i, SeriesWindows& windows) {
    return AddRow(series[i], windows, batches[slice]);
  }));
  std::vector<RowView> rows;
  for (const Batch& batch : batches) {
    for (size_t row = 0; row < batch.series.size(); ++row) {
      rows.push_back(ViewOf(source_.series.BytesOf(batch.series[row]), batch, row));
    }
  }
  return Finish(rows);
}

absl::StatusOr<QueryResult> Execution::GroupRows(std::span<const SeriesId> series) {
  const SeriesGroups groups =
      GroupSeries(source_.series, series, *query_.grouping, query_.options.threads);
  std::vector<std::vector<NumberedPartial>> partials(SliceCount(series.size()));
  TSDB_RETURN_IF_ERROR(
      ReadSlices(groups.series, [&](size_t slice, size_t i, SeriesWindows& windows) {
        return AddToGroup(groups.group_of[i], windows, partials[slice]);
      }));
  // The first of a group's partials takes in the others.
  std::vector<NumberedPartial*> first_of;
  for (std::vector<NumberedPartial>& slice : partials) {
    for (NumberedPartial& numbered : slice) {
      if (!first_of.empty() && first_of.back()->group == numbered.group) {
        first_of.back()->partial.Merge(numbered.partial);
      } else {
        first_of.push_back(&numbered);
      }
    }
  }
  if (!guard_.ChargeMemory(first_of.size() * (row_values_ + row_words_) * 8)) {
    return guard_.status();
  }
  Batch batch;
  for (const NumberedPartial* numbered : first_of) {
    const GroupPartial& partial = numbered->partial;
    AppendRow([&](size_t k) { return partial.CountIn(k) > 0; },
              [&](size_t column, std::span<double> values) { partial.Fill(column, values); },
              batch.present, batch.values);
  }
  std::vector<RowView> rows;
  for (size_t row = 0; row < first_of.size(); ++row) {
    rows.push_back(ViewOf(groups.labels[first_of[row]->group], batch, row));
  }
  return Finish(rows);
}

absl::StatusOr<QueryResult> Execution::Finish(std::vector<RowView>& rows) {
  OrderRows(query_, plan_.windows(), rows);
  TSDB_ASSIGN_OR_RETURN(QueryResult result, ResultBuilder::Build(query_, plan_, rows, guard_));
  ResultBuilder::SetCost(cost_, result);
  return result;
}

bool IsQuantile(double quantile) { return quantile >= 0 && quantile <= 1; }

absl::Status CheckQuery(const Query& query) {
  if (query.columns.empty()) {
    return absl::InvalidArgumentError("query: no columns; name what is to be computed");
  }
  for (const Column& column : query.columns) {
    if (!IsQuantile(column.quantile)) {
      return absl::InvalidArgumentError(absl::StrCat("query: Column::quantile is ", column.quantile,
                                                     "; it lies between 0 and 1"));
    }
    if (!IsQuantile(column.group_quantile)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "query: Column::group_quantile is ", column.group_quantile, "; it lies between 0 and 1"));
    }
  }
  if (query.top > 0 && query.bottom > 0) {
    return absl::InvalidArgumentError("query: both top and bottom are set; ask for one");
  }
  if (query.options.limits.time_ms < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("query: QueryLimits::time_ms is negative: ", query.options.limits.time_ms));
  }
  return query.grouping.has_value() ? CheckGrouping(*query.grouping) : absl::OkStatus();
}

}  // namespace

absl::StatusOr<WindowPlan> PlanQuery(const Query& query) {
  TSDB_RETURN_IF_ERROR(CheckQuery(query));
  return PlanWindows(query.range, query.step_ms, query.window_ms, query.options.limits);
}

absl::StatusOr<QueryResult> Execute(const Source& source, std::span<const SeriesId> series,
                                    const Query& query, WindowPlan plan, QueryGuard& guard) {
  if (!guard.ChargeMemory(plan.windows() * kPlanBytesPerWindow)) return guard.status();
  if (plan.windows() == 0) return ResultBuilder::Build(query, plan, {}, guard);
  Execution execution(source, query, std::move(plan), guard);
  return query.grouping.has_value() ? execution.GroupRows(series) : execution.SeriesRows(series);
}

absl::StatusOr<std::vector<uint64_t>> CountEach(const Source& source,
                                                std::span<const SeriesId> series,
                                                const WindowPlan& plan, const QueryOptions& options,
                                                QueryGuard& guard) {
  std::vector<uint64_t> counts(series.size());
  if (plan.windows() == 0) return counts;
  Needs needs;
  needs.statistics = options.use_statistics;
  const size_t slices = SliceCount(series.size());
  ParallelFor(0, slices, 1, options.threads, [&](size_t begin, size_t end) {
    Meter meter(guard);
    SeriesWindows windows(source.tree, plan, needs, meter);
    const size_t last = series.size() * end / slices;
    for (size_t i = series.size() * begin / slices; i < last; ++i) {
      if (i + 1 < last) tree::PrefetchWalk(source.tree, series[i + 1]);
      if (!windows.Read(series[i], options.threads)) return;
      counts[i] = windows.CountIn(0);
    }
    meter.Flush();
  });
  TSDB_RETURN_IF_ERROR(guard.status());
  return counts;
}

}  // namespace tsdb::scan

#include "tsdb/query.h"

#include <algorithm>
#include <utility>

#include "index/tree/series_reader.h"
#include "index/tree/series_walk.h"
#include "storage/base/parallel.h"
#include "storage/base/patience.h"
#include "storage/base/status_macros.h"
#include "tsdb/database.h"
#include "tsdb/engine.h"
#include "tsdb/query_selection.h"
#include "tsdb/scan/execute.h"
#include "tsdb/scan/label_bytes.h"
#include "tsdb/scan/query_guard.h"
#include "tsdb/scan/result_rows.h"

namespace tsdb {

namespace {

// Puts entries with a member `series` in order of their labels and fills those in.
template <typename Entry>
absl::Status AddLabels(const Engine& engine, scan::QueryGuard& guard, std::vector<Entry>& entries) {
  uint64_t bytes = 0;
  for (const Entry& entry : entries) {
    bytes += sizeof(Entry) + engine.series.BytesOf(entry.series).size();
  }
  if (!guard.ChargeMemory(bytes)) return guard.status();
  std::sort(entries.begin(), entries.end(), [&engine](const Entry& a, const Entry& b) {
    return scan::LabelsBefore(engine.series.BytesOf(a.series), engine.series.BytesOf(b.series));
  });
  for (Entry& entry : entries) {
    entry.labels = Labels::FromCanonicalBytes(engine.series.BytesOf(entry.series));
  }
  return guard.Check() ? absl::OkStatus() : guard.status();
}

}  // namespace

absl::StatusOr<QueryResult> RunQuery(Database& database, const Query& query) {
  return OrNoMemory("query", [&]() -> absl::StatusOr<QueryResult> {
    scan::QueryGuard guard(query.options);
    TSDB_ASSIGN_OR_RETURN(scan::WindowPlan plan, scan::PlanQuery(query));
    TSDB_ASSIGN_OR_RETURN(SeriesSelection selection,
                          SelectSeries(database, query.matchers, &plan, query.options, guard));
    const scan::Source source{selection.engine.tree, selection.engine.series};
    const merge::MergePipeline::QueryThreads busy(selection.engine.pipeline.get(),
                                                  ThreadsOf(query.options));
    TSDB_ASSIGN_OR_RETURN(QueryResult result,
                          scan::Execute(source, selection.series, query, std::move(plan), guard));
    QueryCost cost = result.cost();
    cost.series = selection.series.size();
    cost.select_ns = selection.select_ns;
    cost.wall_ns = guard.ElapsedNs();
    scan::ResultBuilder::SetCost(cost, result);
    scan::ResultBuilder::SetCompleteness(std::move(selection.completeness), result);
    return result;
  });
}

absl::StatusOr<std::vector<SeriesEntry>> ListSeries(Database& database,
                                                    std::span<const Matcher> matchers,
                                                    TimeRange range, const QueryOptions& options) {
  return OrNoMemory("listing series", [&]() -> absl::StatusOr<std::vector<SeriesEntry>> {
    scan::QueryGuard guard(options);
    TSDB_ASSIGN_OR_RETURN(const scan::WindowPlan plan,
                          scan::PlanWindows(range, 0, 0, options.limits));
    const bool all = range == TimeRange::All();
    TSDB_ASSIGN_OR_RETURN(const SeriesSelection selection,
                          SelectSeries(database, matchers, all ? nullptr : &plan, options, guard));
    std::vector<uint64_t> counts;
    if (!all) {
      TSDB_ASSIGN_OR_RETURN(counts, CountEach(selection, plan, options, guard));
    }
    std::vector<SeriesEntry> entries;
    for (size_t i = 0; i < selection.series.size(); ++i) {
      if (all || counts[i] > 0) entries.push_back({selection.series[i], {}});
    }
    TSDB_RETURN_IF_ERROR(AddLabels(selection.engine, guard, entries));
    return entries;
  });
}

absl::StatusOr<uint64_t> CountSeries(Database& database, std::span<const Matcher> matchers,
                                     const QueryOptions& options) {
  return OrNoMemory("counting series", [&]() -> absl::StatusOr<uint64_t> {
    scan::QueryGuard guard(options);
    TSDB_ASSIGN_OR_RETURN(const uint64_t count,
                          QueryAccess::EngineOf(database).label_index.SeriesCount(matchers));
    return guard.ChargeSeries(count) && guard.Check() ? absl::StatusOr<uint64_t>(count)
                                                      : guard.status();
  });
}

absl::StatusOr<uint64_t> CountSamples(Database& database, std::span<const Matcher> matchers,
                                      TimeRange range, const QueryOptions& options) {
  return OrNoMemory("counting samples", [&]() -> absl::StatusOr<uint64_t> {
    scan::QueryGuard guard(options);
    TSDB_ASSIGN_OR_RETURN(const scan::WindowPlan plan,
                          scan::PlanWindows(range, 0, 0, options.limits));
    TSDB_ASSIGN_OR_RETURN(const SeriesSelection selection,
                          SelectSeries(database, matchers, &plan, options, guard));
    TSDB_ASSIGN_OR_RETURN(const std::vector<uint64_t> counts,
                          CountEach(selection, plan, options, guard));
    uint64_t total = 0;
    for (const uint64_t count : counts) total += count;
    return total;
  });
}

namespace {

// The last sample of each selected series, read on several threads.
absl::StatusOr<std::vector<std::optional<Sample>>> LastSamples(const SeriesSelection& selection,
                                                               const QueryOptions& options,
                                                               scan::QueryGuard& guard) {
  constexpr size_t kSeriesPerTask = 256;
  const std::vector<SeriesId>& series = selection.series;
  if (!guard.ChargeMemory(series.size() * sizeof(std::optional<Sample>))) return guard.status();
  std::vector<std::optional<Sample>> last(series.size());
  ParallelFor(0, series.size(), kSeriesPerTask, options.threads, [&](size_t begin, size_t end) {
    scan::Meter meter(guard);
    for (size_t i = begin; i < end; ++i) {
      if (i + 1 < end) tree::PrefetchWalk(selection.engine.tree, series[i + 1]);
      last[i] = tree::Last(selection.engine.tree, series[i]);
      if (!meter.Step(1)) return;
    }
    meter.Flush();
  });
  TSDB_RETURN_IF_ERROR(guard.status());
  return last;
}

}  // namespace

absl::StatusOr<std::vector<LastValue>> LastValues(Database& database,
                                                  std::span<const Matcher> matchers,
                                                  const QueryOptions& options) {
  return OrNoMemory("last values", [&]() -> absl::StatusOr<std::vector<LastValue>> {
    scan::QueryGuard guard(options);
    TSDB_ASSIGN_OR_RETURN(const SeriesSelection selection,
                          SelectSeries(database, matchers, nullptr, options, guard));
    TSDB_ASSIGN_OR_RETURN(const std::vector<std::optional<Sample>> last,
                          LastSamples(selection, options, guard));
    std::vector<LastValue> values;
    for (size_t i = 0; i < last.size(); ++i) {
      if (last[i].has_value()) values.push_back({selection.series[i], {}, *last[i]});
    }
    TSDB_RETURN_IF_ERROR(AddLabels(selection.engine, guard, values));
    return values;
  });
}

absl::StatusOr<std::optional<Timestamp>> NewestTime(Database& database,
                                                    std::span<const Matcher> matchers,
                                                    const QueryOptions& options) {
  return OrNoMemory("newest time", [&]() -> absl::StatusOr<std::optional<Timestamp>> {
    scan::QueryGuard guard(options);
    TSDB_ASSIGN_OR_RETURN(const SeriesSelection selection,
                          SelectSeries(database, matchers, nullptr, options, guard));
    TSDB_ASSIGN_OR_RETURN(const std::vector<std::optional<Sample>> last,
                          LastSamples(selection, options, guard));
    std::optional<Timestamp> newest;
    for (const std::optional<Sample>& sample : last) {
      if (sample.has_value()) newest = std::max(newest.value_or(kTimestampMin), sample->timestamp);
    }
    return newest;
  });
}

}  // namespace tsdb

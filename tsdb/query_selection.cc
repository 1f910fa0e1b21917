#include "tsdb/query_selection.h"

#include "storage/base/status_macros.h"
#include "tsdb/scan/execute.h"

namespace tsdb {

absl::StatusOr<SeriesSelection> SelectSeries(Database& database, std::span<const Matcher> matchers,
                                             const scan::WindowPlan* plan,
                                             const QueryOptions& options, scan::QueryGuard& guard) {
  // Asked first: what is read back meanwhile may be missing.
  const bool opened = QueryAccess::EngineOf(database).opened();
  const Snapshot snapshot = database.NewSnapshot({.freshness = options.freshness});
  Engine& engine = QueryAccess::EngineOf(database);
  SeriesSelection selection{engine, {}, {}};
  selection.completeness.latest = snapshot.complete() || !opened;
  selection.completeness.replaying = !opened;
  // Of the log it is not known before the end.
  if (opened) selection.completeness.damage = engine.recovery.damage;
  const uint64_t begin_ns = guard.ElapsedNs();
  TSDB_ASSIGN_OR_RETURN(selection.series, engine.label_index.SelectIds(matchers));
  // Series of another time cost little: that is where most are after years of churn.
  if (plan != nullptr && plan->windows() > 0) {
    engine.tree.DropOutside(plan->from, plan->last, &selection.series);
  }
  selection.select_ns = guard.ElapsedNs() - begin_ns;
  const uint64_t count = selection.series.size();
  if (!guard.ChargeSeries(count) || !guard.ChargeMemory(count * sizeof(SeriesId)) ||
      !guard.Check()) {
    return guard.status();
  }
  return selection;
}

absl::StatusOr<std::vector<uint64_t>> CountEach(const SeriesSelection& selection,
                                                const scan::WindowPlan& plan,
                                                const QueryOptions& options,
                                                scan::QueryGuard& guard) {
  const merge::MergePipeline::QueryThreads busy(selection.engine.pipeline.get(),
                                                ThreadsOf(options));
  return scan::CountEach({selection.engine.tree, selection.engine.series}, selection.series, plan,
                         options, guard);
}

}  // namespace tsdb

// A query over series that are already selected: plan, read in parallel, put together.
//
// Series are cut in slices, as many whatever the number of threads, and slices' results are put
// together in order: so the result does not depend on the threads, nor on which came first.
//
// Thread safety: any thread, any number at once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/label/series_table.h"
#include "index/tree/tree.h"
#include "storage/base/types.h"
#include "tsdb/query.h"
#include "tsdb/scan/query_guard.h"
#include "tsdb/scan/window_plan.h"

namespace tsdb::scan {

// Where samples and labels are.
struct Source {
  const tree::Tree& tree;
  const label::SeriesTable& series;
};

// Checks a query and cuts its time. kInvalidArgument says what is wrong with it.
absl::StatusOr<WindowPlan> PlanQuery(const Query& query);

// `plan` is PlanQuery's; `series` ascends.
absl::StatusOr<QueryResult> Execute(const Source& source, std::span<const SeriesId> series,
                                    const Query& query, WindowPlan plan, QueryGuard& guard);

// The samples that each of the series has in the plan's first window; 0 if it has none.
absl::StatusOr<std::vector<uint64_t>> CountEach(const Source& source,
                                                std::span<const SeriesId> series,
                                                const WindowPlan& plan, const QueryOptions& options,
                                                QueryGuard& guard);

}  // namespace tsdb::scan

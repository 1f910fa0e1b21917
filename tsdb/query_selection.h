// What every question of tsdb/query.h begins with: how much is seen, and the series that match.
//
// Thread safety: every function from any thread, any number at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/base/parallel.h"
#include "storage/base/types.h"
#include "tsdb/database.h"
#include "tsdb/engine.h"
#include "tsdb/query.h"
#include "tsdb/scan/query_guard.h"
#include "tsdb/scan/window_plan.h"

namespace tsdb {

struct QueryAccess {
  static Engine& EngineOf(Database& database) { return *database.engine_; }
};

inline size_t ThreadsOf(const QueryOptions& options) {
  return options.threads == 0 ? ProcessorCount() : options.threads;
}

struct SeriesSelection {
  Engine& engine;
  Completeness completeness;
  std::vector<SeriesId> series;  // ascending
  uint64_t select_ns = 0;
};

// The series that match and, unless `plan` is null, may have samples in its time. Charges them to
// the guard.
absl::StatusOr<SeriesSelection> SelectSeries(Database& database, std::span<const Matcher> matchers,
                                             const scan::WindowPlan* plan,
                                             const QueryOptions& options, scan::QueryGuard& guard);

// The samples that each selected series has in the plan's first window; 0 if it has none.
absl::StatusOr<std::vector<uint64_t>> CountEach(const SeriesSelection& selection,
                                                const scan::WindowPlan& plan,
                                                const QueryOptions& options,
                                                scan::QueryGuard& guard);

}  // namespace tsdb

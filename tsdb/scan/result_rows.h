// From rows as they were computed to a QueryResult: ranked or in order of labels, and only those
// that were asked for.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tsdb/query.h"
#include "tsdb/scan/query_guard.h"
#include "tsdb/scan/window_plan.h"

namespace tsdb::scan {

// A computed row, in somebody's memory.
struct RowView {
  std::string_view labels;            // canonical bytes
  std::span<const double> values;     // column after column, a value for each window
  std::span<const uint64_t> present;  // a bit for each window
};

// 64-bit words for the presence of so many windows.
inline size_t WordsFor(size_t windows) { return (windows + 63) / 64; }

// Keeps the rows that the query's top or bottom asks for, best first; without these sorts all by
// their labels.
void OrderRows(const Query& query, size_t windows, std::vector<RowView>& rows);

class ResultBuilder {
 public:
  // Copies the rows. kResourceExhausted if they pass the query's memory.
  static absl::StatusOr<QueryResult> Build(const Query& query, const WindowPlan& plan,
                                           const std::vector<RowView>& rows, QueryGuard& guard);
  static void SetCost(const QueryCost& cost, QueryResult& result) { result.cost_ = cost; }
  static void SetCompleteness(Completeness completeness, QueryResult& result) {
    result.completeness_ = std::move(completeness);
  }
};

}  // namespace tsdb::scan

// The questions of tsdb/query.h about labels: names, values, how many there are.
#include <optional>
#include <roaring/roaring.hh>
#include <utility>

#include "storage/base/patience.h"
#include "storage/base/status_macros.h"
#include "tsdb/query.h"
#include "tsdb/query_selection.h"

namespace tsdb {
namespace {

// The series of a question about a stretch of time: those that match and have a sample in it.
absl::StatusOr<Roaring> LiveSeries(Database& database, std::span<const Matcher> matchers,
                                   TimeRange range, const QueryOptions& options,
                                   scan::QueryGuard& guard) {
  TSDB_ASSIGN_OR_RETURN(const scan::WindowPlan plan,
                        scan::PlanWindows(range, 0, 0, options.limits));
  TSDB_ASSIGN_OR_RETURN(const SeriesSelection selection,
                        SelectSeries(database, matchers, &plan, options, guard));
  TSDB_ASSIGN_OR_RETURN(const std::vector<uint64_t> counts,
                        CountEach(selection, plan, options, guard));
  std::vector<SeriesId> live;
  for (size_t i = 0; i < selection.series.size(); ++i) {
    if (counts[i] > 0) live.push_back(selection.series[i]);
  }
  return Roaring(live.size(), live.data());
}

// Asks `list(matchers, live)` of the label index, for the series with a sample in the range.
template <typename List>
absl::StatusOr<std::vector<std::string>> ListTexts(Database& database,
                                                   std::span<const Matcher> matchers,
                                                   TimeRange range, const QueryOptions& options,
                                                   List list) {
  return OrNoMemory("listing labels", [&]() -> absl::StatusOr<std::vector<std::string>> {
    scan::QueryGuard guard(options);
    const label::LabelIndex& index = QueryAccess::EngineOf(database).label_index;
    std::optional<Roaring> live;
    if (range != TimeRange::All()) {
      TSDB_ASSIGN_OR_RETURN(live, LiveSeries(database, matchers, range, options, guard));
      matchers = {};
    } else if (options.limits.series > 0) {
      // The index need not look at series one by one, unless they are to be counted.
      TSDB_ASSIGN_OR_RETURN(const uint64_t count, index.SeriesCount(matchers));
      if (!guard.ChargeSeries(count)) return guard.status();
    }
    TSDB_ASSIGN_OR_RETURN(std::vector<std::string> texts,
                          list(index, matchers, live ? &*live : nullptr));
    uint64_t bytes = 0;
    for (const std::string& text : texts) bytes += sizeof(text) + text.size();
    if (!guard.ChargeMemory(bytes) || !guard.Check()) return guard.status();
    return texts;
  });
}

std::vector<LabelCounts::Count> Counts(std::vector<label::Cardinality::Count> from) {
  std::vector<LabelCounts::Count> counts;
  counts.reserve(from.size());
  for (auto& [name, value, count] : from) {
    counts.push_back({std::move(name), std::move(value), count});
  }
  return counts;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> LabelNames(Database& database,
                                                    std::span<const Matcher> matchers,
                                                    TimeRange range, const QueryOptions& options) {
  return ListTexts(database, matchers, range, options,
                   [](const label::LabelIndex& index, std::span<const Matcher> of,
                      const Roaring* live) { return index.LabelNames(of, live); });
}

absl::StatusOr<std::vector<std::string>> LabelValues(Database& database, std::string_view name,
                                                     std::span<const Matcher> matchers,
                                                     TimeRange range, const QueryOptions& options) {
  return ListTexts(database, matchers, range, options,
                   [name](const label::LabelIndex& index, std::span<const Matcher> of,
                          const Roaring* live) { return index.LabelValues(name, of, live); });
}

LabelCounts Cardinality(Database& database, size_t top) {
  label::Cardinality found = QueryAccess::EngineOf(database).label_index.CardinalityTop(top);
  return {.series = found.series,
          .names = found.names,
          .pairs = found.pairs,
          .metrics_by_series = Counts(std::move(found.metrics_by_series)),
          .names_by_values = Counts(std::move(found.names_by_values)),
          .pairs_by_series = Counts(std::move(found.pairs_by_series))};
}

}  // namespace tsdb

#include "tools/select_series.h"

#include <cstdio>
#include <optional>
#include <tuple>
#include <utility>

#include "tools/message.h"
#include "tools/number_text.h"

namespace tsdb::tools {
namespace {

bool ParseRange(const SelectionOptions& options, Color color, TimeRange& range) {
  for (const auto& [name, text, target] : {std::tuple{"--start", &options.start, &range.begin},
                                           std::tuple{"--end", &options.end, &range.end}}) {
    if (text->empty()) continue;
    const std::optional<Timestamp> time = ParseTime(*text);
    if (!time) {
      PrintError(std::string(name) + ": not a time: " + *text +
                     " (seconds since the epoch, or as 2026-11-21T03:33:55Z)",
                 color);
      return false;
    }
    *target = *time;
  }
  if (range.Empty()) {
    PrintError("--start is not before --end", color);
    return false;
  }
  return true;
}

bool ParseSelector(const SelectionOptions& options, Color color, Selector& selector) {
  SelectorError error;
  if (Selector::Parse(options.selector, selector, error)) return true;
  PrintError("in the selector, column " + std::to_string(error.position + 1) + ": " + error.message,
             color);
  const std::string before = Printable(options.selector.substr(0, error.position));
  std::fprintf(stderr, "  %s\n  %*s^\n", Printable(options.selector).c_str(),
               static_cast<int>(DisplayWidth(before)), "");
  return false;
}

}  // namespace

bool ParseSelection(const SelectionOptions& options, Color color, Selector& selector,
                    TimeRange& range) {
  return ParseRange(options, color, range) && ParseSelector(options, color, selector);
}

absl::StatusOr<std::vector<SelectedSeries>> Select(Database& database, const Snapshot& snapshot,
                                                   const Selector& selector, TimeRange range) {
  auto listed = ListSeries(database, selector.matchers(), range, WithoutMemoryLimit());
  if (!listed.ok()) return listed.status();
  std::vector<SelectedSeries> selected;
  for (SeriesEntry& entry : *listed) {
    // Of all time also series without samples are listed.
    if (range == TimeRange::All() && snapshot.Count(entry.series, range) == 0) continue;
    selected.push_back({entry.series, std::move(entry.labels)});
  }
  return selected;
}

tsdb::QueryOptions WithoutMemoryLimit() {
  tsdb::QueryOptions options;
  options.limits.memory_bytes = 0;
  return options;
}

void SayNothingMatches(const std::string& selector) {
  std::fprintf(stderr, "tsdb: no samples match %s\n", Printable(selector).c_str());
}

}  // namespace tsdb::tools

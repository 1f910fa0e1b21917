#include "tools/select_series.h"

#include <algorithm>
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

// By name and value of each label in turn, as Prometheus sorts.
bool InLabelOrder(const SelectedSeries& a, const SelectedSeries& b) {
  auto left = a.labels.begin();
  auto right = b.labels.begin();
  for (; left != a.labels.end() && right != b.labels.end(); ++left, ++right) {
    if (left->name != right->name) return left->name < right->name;
    if (left->value != right->value) return left->value < right->value;
  }
  return left == a.labels.end() && right != b.labels.end();
}

}  // namespace

bool ParseSelection(const SelectionOptions& options, Color color, Selector& selector,
                    TimeRange& range) {
  return ParseRange(options, color, range) && ParseSelector(options, color, selector);
}

absl::StatusOr<std::vector<SelectedSeries>> Select(const Database& database,
                                                   const Snapshot& snapshot,
                                                   const Selector& selector, TimeRange range) {
  std::vector<SelectedSeries> selected;
  const SeriesId count = database.SeriesCount();
  for (SeriesId id = 0; id < count; ++id) {
    absl::StatusOr<Labels> labels = database.SeriesLabels(id);
    if (!labels.ok()) return labels.status();
    if (!selector.Matches(*labels) || snapshot.Count(id, range) == 0) continue;
    selected.push_back({id, *std::move(labels)});
  }
  std::sort(selected.begin(), selected.end(), InLabelOrder);
  return selected;
}

void SayNothingMatches(const std::string& selector) {
  std::fprintf(stderr, "tsdb: no samples match %s\n", Printable(selector).c_str());
}

}  // namespace tsdb::tools

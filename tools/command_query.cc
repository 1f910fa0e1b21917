#include "tools/command_query.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "tools/number_text.h"
#include "tools/selector.h"
#include "tools/series_printer.h"

namespace tsdb::tools {
namespace {

constexpr uint64_t kTableLimit = 40;  // series, unless --limit says otherwise

// A mistake on the command line is found before anything is read.
bool ParseRange(const QueryOptions& options, TimeRange& range) {
  for (const auto& [name, text, target] : {std::tuple{"--start", &options.start, &range.begin},
                                           std::tuple{"--end", &options.end, &range.end}}) {
    if (text->empty()) continue;
    const std::optional<Timestamp> time = ParseTime(*text);
    if (!time) {
      PrintError(std::string(name) + ": not a time: " + *text +
                     " (seconds since the epoch, or as 2026-11-21T03:33:55Z)",
                 options.from.color);
      return false;
    }
    *target = *time;
  }
  if (range.Empty()) {
    PrintError("--start is not before --end", options.from.color);
    return false;
  }
  return true;
}

bool ParseSelector(const QueryOptions& options, Selector& selector) {
  SelectorError error;
  if (Selector::Parse(options.selector, selector, error)) return true;
  PrintError("in the selector, column " + std::to_string(error.position + 1) + ": " + error.message,
             options.from.color);
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

QueryFormat FormatOf(const QueryOptions& options) {
  if (options.format != QueryFormat::kAuto) return options.format;
  return StdoutIsTerminal() ? QueryFormat::kTable : QueryFormat::kCsv;
}

void Print(const QueryOptions& options, QueryFormat format, const Selection& selection,
           Output& output) {
  switch (format) {
    case QueryFormat::kJson:
      return PrintJson(selection, output);
    case QueryFormat::kCsv:
      return PrintCsv(selection, output);
    default:
      break;
  }
  if (selection.series.empty()) return;
  const Style style(UseColor(options.from.color, StdoutIsTerminal()));
  PrintTable(selection, options.every_sample, style, OutputWidth(), output);
}

}  // namespace

ExitCode RunQuery(const QueryOptions& options) {
  TimeRange range;
  Selector selector;
  if (!ParseRange(options, range) || !ParseSelector(options, selector)) return kUsage;
  LoadedFiles loaded;
  if (const ExitCode code = LoadFiles(options.from, loaded); code != kOk) return code;

  const Snapshot snapshot = loaded.database->NewSnapshot();
  auto series = Select(*loaded.database, snapshot, selector, range);
  if (!series.ok()) {
    PrintError(std::string(series.status().message()), options.from.color);
    return kFailure;
  }
  if (series->empty()) {
    std::fprintf(stderr, "tsdb: no samples match %s\n", Printable(options.selector).c_str());
  }
  const QueryFormat format = FormatOf(options);
  const uint64_t limit = options.limit.value_or(format == QueryFormat::kTable ? kTableLimit : 0);
  Selection selection{snapshot, range, *std::move(series), 0};
  if (limit > 0 && selection.series.size() > limit) {
    selection.series_left_out = selection.series.size() - limit;
    selection.series.erase(selection.series.begin() + static_cast<std::ptrdiff_t>(limit),
                           selection.series.end());
  }
  Output output;
  Print(options, format, selection, output);
  if (const absl::Status status = output.Flush(); !status.ok()) {
    PrintError(std::string(status.message()), options.from.color);
    return kFailure;
  }
  return kOk;
}

}  // namespace tsdb::tools

// The commands of ShellSession that list what there is.
#include <fnmatch.h>

#include <algorithm>
#include <utility>

#include "tools/command_top.h"
#include "tools/interrupt.h"
#include "tools/select_series.h"
#include "tools/shell/line_editor.h"
#include "tools/shell_session.h"
#include "tsdb/query.h"

namespace tsdb::tools {
namespace {

constexpr size_t kTopLines = 10;

bool Fits(const std::string& metric, const std::string& pattern) {
  const bool glob = pattern.find_first_of("*?[") != std::string::npos;
  const std::string with_ends = glob ? pattern : "*" + pattern + "*";
  return fnmatch(with_ends.c_str(), metric.c_str(), FNM_CASEFOLD) == 0;
}

}  // namespace

Outcome ShellSession::WriteWords(std::vector<std::string> words, const std::string& nothing) {
  if (words.empty()) std::fprintf(stderr, "tsdb: %s\n", Printable(nothing).c_str());
  for (std::string& word : words) word = Printable(word);
  return Write([&](Output& output) {
    if (ToPeople()) {
      output << InColumns(words, OutputWidth());
    } else {
      for (const std::string& word : words) output << word << "\n";
    }
    return absl::OkStatus();
  });
}

Outcome ShellSession::ListMetrics(const std::string& pattern) {
  auto metrics =
      LabelValues(database(), kMetricNameLabel, {}, TimeRange::All(), WithoutMemoryLimit());
  if (!metrics.ok()) return FailBy(metrics.status());
  std::erase_if(*metrics, [&](const std::string& metric) { return !Fits(metric, pattern); });
  return WriteWords(*std::move(metrics), "no metric's name fits " + pattern);
}

Outcome ShellSession::List(const DotLine& line) {
  const bool values = line.entry->command == DotCommand::kValues;
  SelectionOptions selection;
  selection.selector = line.Argument(values ? 1 : 0);
  if (selection.selector.empty()) selection.selector = "{}";
  Selector selector;
  TimeRange range;
  if (!ParseSelection(selection, color(), selector, range)) return Outcome::kFailed;
  const InterruptStop interrupt(InterruptStop::Again::kNothing);
  tsdb::QueryOptions query = WithoutMemoryLimit();
  query.stop = interrupt.token();
  const std::string nothing = "no series match " + selection.selector;
  if (line.entry->command == DotCommand::kSeries) {
    const auto series = ListSeries(database(), selector.matchers(), range, query);
    if (!series.ok()) return FailBy(series.status());
    if (series->empty()) std::fprintf(stderr, "tsdb: %s\n", Printable(nothing).c_str());
    return Write([&](Output& output) {
      output.StopBy(interrupt.token());
      for (const SeriesEntry& entry : *series) {
        output << Printable(entry.labels.ToString()) << "\n";
      }
      return absl::OkStatus();
    });
  }
  auto names = values ? LabelValues(database(), line.Argument(0), selector.matchers(), range, query)
                      : LabelNames(database(), selector.matchers(), range, query);
  if (!names.ok()) return FailBy(names.status());
  return WriteWords(*std::move(names), values ? "there is no label " + line.Argument(0) +
                                                    " in series that match " + selection.selector
                                              : nothing);
}

Outcome ShellSession::Top() {
  return Write([&](Output& output) {
    PrintTop(Cardinality(database(), kTopLines), Style(UseColor(color(), ToPeople())),
             OutputWidth(), output);
    return absl::OkStatus();
  });
}

}  // namespace tsdb::tools

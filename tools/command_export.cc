#include "tools/command_export.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

#include "storage/base/clock.h"
#include "tools/message.h"
#include "tools/number_text.h"
#include "tools/output_file.h"
#include "tools/series_printer.h"

namespace tsdb::tools {
namespace {

struct Count {
  uint64_t samples = 0;
  uint64_t marked_nans = 0;  // whose bits say more than NaN, which text cannot
  uint64_t not_in_influx = 0;
};

Count CountSamples(const Selection& selection) {
  const auto plain = std::bit_cast<uint64_t>(std::numeric_limits<double>::quiet_NaN());
  Count count;
  for (const SelectedSeries& series : selection.series) {
    Cursor cursor = selection.snapshot.Scan(series.id, selection.range);
    for (ColumnBlock block; cursor.Next(block);) {
      count.samples += block.size();
      for (size_t i = 0; i < block.size(); ++i) {
        const double value = block.values[i];
        count.marked_nans += std::isnan(value) && std::bit_cast<uint64_t>(value) != plain;
        count.not_in_influx += !InfluxHas(block.timestamps[i], value);
      }
    }
  }
  return count;
}

// Series of one metric together, which label order alone does not see to when a label's name sorts
// before "__name__". False, with the reason on stderr, when a series cannot be written.
bool PrepareExposition(std::vector<SelectedSeries>& series, Color color) {
  for (const SelectedSeries& each : series) {
    if (!each.labels.MetricName().empty()) continue;
    PrintError("this format cannot write the series " + Printable(each.labels.ToString()) +
                   ", which has no metric name; write --format jsonl or csv, or leave it out with "
                   "the selector {__name__!=\"\"}",
               color);
    return false;
  }
  std::stable_sort(series.begin(), series.end(),
                   [](const SelectedSeries& a, const SelectedSeries& b) {
                     return a.labels.MetricName() < b.labels.MetricName();
                   });
  return true;
}

bool PrepareInflux(const std::vector<SelectedSeries>& series, Color color) {
  for (const SelectedSeries& each : series) {
    if (InfluxHas(each.labels)) continue;
    PrintError("the line protocol cannot write the series " + Printable(each.labels.ToString()) +
                   ", which has no metric name or a newline in a label; write --format jsonl or "
                   "csv, or leave it out by the selector",
               color);
    return false;
  }
  return true;
}

bool Prepare(ExportFormat format, std::vector<SelectedSeries>& series, Color color) {
  switch (format) {
    case ExportFormat::kOpenMetrics:
    case ExportFormat::kPrometheus:
      return PrepareExposition(series, color);
    case ExportFormat::kInflux:
      return PrepareInflux(series, color);
    case ExportFormat::kCsv:
    case ExportFormat::kJsonLines:
      break;
  }
  return true;
}

void WarnOfLosses(const Count& count, ExportFormat format, Color color) {
  if (format == ExportFormat::kInflux && count.not_in_influx > 0) {
    PrintWarning(Counted(count.not_in_influx, "sample") +
                     " left out: the line protocol has no NaN, no infinities and no times before "
                     "1677-09-21 or after 2262-04-11",
                 color);
  } else if (count.marked_nans > 0) {
    PrintWarning(Counted(count.marked_nans, "sample") +
                     " are NaN with bits of their own, such as staleness markers; text has only "
                     "the plain NaN",
                 color);
  }
}

absl::Status Write(const ExportOptions& options, const Selection& selection) {
  auto file = OutputFile::Open(options.file);
  if (!file.ok()) return file.status();
  switch (options.format) {
    case ExportFormat::kOpenMetrics:
      PrintOpenMetrics(selection, (*file)->output());
      break;
    case ExportFormat::kPrometheus:
      PrintPrometheus(selection, (*file)->output());
      break;
    case ExportFormat::kInflux:
      PrintInflux(selection, (*file)->output());
      break;
    case ExportFormat::kCsv:
      PrintCsv(selection, (*file)->output());
      break;
    case ExportFormat::kJsonLines:
      PrintJsonLines(selection, (*file)->output());
      break;
  }
  return (*file)->Finish();
}

}  // namespace

ExitCode RunExport(const ExportOptions& options) {
  const Color color = options.source.color;
  SelectionOptions selection_options = options.selection;
  if (selection_options.selector.empty()) selection_options.selector = "{}";
  TimeRange range;
  Selector selector;
  if (!ParseSelection(selection_options, color, selector, range)) return kUsage;
  Source source;
  if (const ExitCode code = OpenSource(options.source, source); code != kOk) return code;

  const int64_t start_ns = SystemClock()->MonotonicNs();
  const Snapshot snapshot = source.database->NewSnapshot();
  auto series = Select(*source.database, snapshot, selector, range);
  if (!series.ok()) {
    PrintError(MessageOf(series.status()), color);
    return kFailure;
  }
  if (series->empty()) SayNothingMatches(selection_options.selector);
  if (!Prepare(options.format, *series, color)) return kFailure;
  const Selection selection{snapshot, range, *std::move(series), 0};
  Count count = CountSamples(selection);
  if (options.format == ExportFormat::kInflux) count.samples -= count.not_in_influx;
  if (const absl::Status status = Write(options, selection); !status.ok()) {
    PrintError(MessageOf(status), color);
    return kFailure;
  }
  const double seconds = static_cast<double>(SystemClock()->MonotonicNs() - start_ns) * 1e-9;
  std::fprintf(stderr, "tsdb: %s of %s exported (%.2f s)\n",
               Counted(count.samples, "sample").c_str(),
               Counted(selection.series.size(), "series").c_str(), seconds);
  WarnOfLosses(count, options.format, color);
  if (source.complete) return kOk;
  PrintError("the export may be incomplete, because the database is damaged", color);
  return kFailure;
}

}  // namespace tsdb::tools

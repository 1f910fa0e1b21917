#include "tools/command_samples.h"

#include <utility>

#include "tools/message.h"
#include "tools/select_series.h"
#include "tools/series_printer.h"

namespace tsdb::tools {
namespace {

constexpr uint64_t kSamplesTableLimit = 40;  // series, unless --limit says otherwise

SamplesFormat FormatOf(const SamplesOptions& options) {
  if (options.format != SamplesFormat::kAuto) return options.format;
  return StdoutIsTerminal() ? SamplesFormat::kTable : SamplesFormat::kCsv;
}

void Print(const SamplesOptions& options, SamplesFormat format, const Selection& selection,
           Output& output) {
  switch (format) {
    case SamplesFormat::kJson:
      return PrintJson(selection, output);
    case SamplesFormat::kCsv:
      return PrintCsv(selection, output);
    default:
      break;
  }
  if (selection.series.empty()) return;
  const Style style(UseColor(options.source.color, StdoutIsTerminal()));
  PrintTable(selection, options.every_sample, style, OutputWidth(), output);
}

}  // namespace

ExitCode RunSamples(const SamplesOptions& options) {
  const Color color = options.source.color;
  TimeRange range;
  Selector selector;
  if (!ParseSelection(options.selection, color, selector, range)) return kUsage;
  Source source;
  if (const ExitCode code = OpenSource(options.source, source); code != kOk) return code;

  const Snapshot snapshot = source.database->NewSnapshot();
  auto series = Select(*source.database, snapshot, selector, range);
  if (!series.ok()) {
    PrintError(MessageOf(series.status()), color);
    return kFailure;
  }
  if (series->empty()) SayNothingMatches(options.selection.selector);
  const SamplesFormat format = FormatOf(options);
  const uint64_t limit =
      options.limit.value_or(format == SamplesFormat::kTable ? kSamplesTableLimit : 0);
  Selection selection{snapshot, range, *std::move(series), 0};
  if (limit > 0 && selection.series.size() > limit) {
    selection.series_left_out = selection.series.size() - limit;
    selection.series.erase(selection.series.begin() + static_cast<std::ptrdiff_t>(limit),
                           selection.series.end());
  }
  Output output;
  Print(options, format, selection, output);
  if (const absl::Status status = output.Flush(); !status.ok()) {
    PrintError(MessageOf(status), color);
    return kFailure;
  }
  return kOk;
}

}  // namespace tsdb::tools

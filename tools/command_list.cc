#include "tools/command_list.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/base/file_system.h"
#include "storage/segment/segment_format.h"
#include "tools/figure_table.h"
#include "tools/inspect/inspection.h"
#include "tools/inspect/segment_list.h"
#include "tools/message.h"
#include "tools/number_text.h"
#include "tools/open_directory.h"
#include "tools/output.h"
#include "tools/recovery.h"

namespace tsdb::tools {
namespace {

// Two decimals are enough for people.
Figure RatioFigure(double value, const char* format) {
  char text[32];
  std::snprintf(text, sizeof(text), format, value);
  return {"", value, text};
}

// By what --sort names: times and the number ascending, sizes descending.
void Sort(const std::string& key, std::vector<ListedSegment>& segments) {
  const auto rank = [&](const ListedSegment& s) -> double {
    if (key == "bytes") return -static_cast<double>(s.bytes);
    if (key == "leaves") return -static_cast<double>(s.leaves);
    if (key == "samples") return -static_cast<double>(s.samples);
    if (key == "series") return -static_cast<double>(s.series);
    if (key == "bytes_per_sample") return -RatioOf(s.bytes, s.samples);
    if (key == "ratio") return -RatioOf(s.leaf_bytes, s.leaf_file_bytes);
    if (key == "dead_share") return -RatioOf(s.dead_samples, s.samples);
    if (key == "from") return s.samples == 0 ? INFINITY : static_cast<double>(s.first);
    if (key == "to") return s.samples == 0 ? INFINITY : static_cast<double>(s.last);
    return 0;
  };
  std::stable_sort(segments.begin(), segments.end(),
                   [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
}

std::string Holds(const ListedSegment& segment) {
  if (absl::IsNotFound(segment.status)) return "missing";
  if (!segment.status.ok()) return absl::IsDataLoss(segment.status) ? "damaged" : "unreadable";
  const char* const leaves = segment.packed ? "leaves, lz4" : "leaves";
  const std::string holds = segment.leaves == 0 ? "labels" : leaves;
  return segment.rest ? holds + ", rest" : holds;
}

std::vector<Figure> Row(const ListedSegment& segment, bool dead_known) {
  const bool good = segment.status.ok();
  const bool timed = segment.samples > 0;
  const auto known = [](bool is, Figure figure) { return is ? std::move(figure) : BlankFigure(); };
  return {{"", segment::SegmentFileName(segment.number), ""},
          BytesFigure("", segment.bytes),
          known(good, {"", segment.leaves, ""}),
          {"", segment.samples, ""},
          known(good, {"", segment.series, ""}),
          timed ? TimeFigure("", segment.first) : BlankFigure(),
          timed ? TimeFigure("", segment.last) : BlankFigure(),
          known(timed, RatioFigure(RatioOf(segment.bytes, segment.samples), "%.3f")),
          known(good && segment.leaf_file_bytes > 0,
                RatioFigure(RatioOf(segment.leaf_bytes, segment.leaf_file_bytes), "%.2f")),
          known(good && dead_known && timed,
                RatioFigure(RatioOf(segment.dead_samples, segment.samples), "%.4f")),
          {"", Holds(segment), ""}};
}

}  // namespace

ExitCode RunListSegments(const SegmentListOptions& options) {
  const auto fail = [&](const absl::Status& status) {
    PrintError(MessageOf(status), options.color);
    return absl::IsDataLoss(status) ? kFindings : kFailure;
  };
  for (const auto& check : {CheckIsDatabase, CheckHasManifest}) {
    if (const absl::Status status = check(options.directory); !status.ok()) return fail(status);
  }
  auto list = ListSegments(LocalFileSystem(), options.directory);
  if (!list.ok()) {
    return fail(
        {list.status().code(), absl::StrCat("cannot list the segments of '", options.directory,
                                            "': ", MessageOf(list.status()))});
  }
  Sort(options.sort, list->segments);
  FigureTable table{"segments",
                    {"file", "bytes", "leaves", "samples", "series", "from", "to",
                     "bytes_per_sample", "ratio", "dead_share", "holds"},
                    {},
                    0};
  for (const ListedSegment& segment : list->segments) {
    table.Add(Row(segment, list->dead_known), 0);
  }
  RowFormat format = options.format;
  if (format == RowFormat::kAuto) {
    format = StdoutIsTerminal() ? RowFormat::kTable : RowFormat::kCsv;
  }
  Output output;
  switch (format) {
    case RowFormat::kCsv:
      PrintFigureCsv(table, output);
      break;
    case RowFormat::kJson:
      output << "{\n  \"segments\": ";
      PrintFigureRows(table, output);
      output << "\n}\n";
      break;
    case RowFormat::kTable:
    case RowFormat::kAuto:
      table.dispensable = {"leaves", "bytes_per_sample", "holds", "series", "from", "dead_share"};
      PrintFigureTable(table, OutputWidth(), Style(UseColor(options.color, StdoutIsTerminal())),
                       output);
      output << Counted(table.rows.size(), "segment") << "\n";
  }
  if (const absl::Status status = output.Flush(); !status.ok()) return fail(status);
  if (list->segments.empty()) {
    std::fprintf(stderr,
                 "tsdb: there are no segments in '%s'; what is stored is in the log alone\n",
                 Printable(options.directory).c_str());
  }
  bool lost = false, unreadable = false;
  for (const ListedSegment& segment : list->segments) {
    if (segment.status.ok()) continue;
    PrintWarning(MessageOf(segment.status), options.color);
    (absl::IsNotFound(segment.status) || absl::IsDataLoss(segment.status) ? lost : unreadable) =
        true;
  }
  if (lost) SayWhatToDo(options.directory, options.color);
  return unreadable ? kFailure : lost ? kFindings : kOk;
}

}  // namespace tsdb::tools

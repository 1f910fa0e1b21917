#include <set>
#include <string>

#include "tools/number_text.h"
#include "tools/series_printer.h"

namespace tsdb::tools {
namespace {

std::string CsvField(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  // Readers differ about blanks at the ends, and whether the first field starts with a mark.
  const bool blank_ends = text.find_first_of(" \t") == 0 ||
                          (!text.empty() && (text.back() == ' ' || text.back() == '\t'));
  if (text.find_first_of(",\"\r\n") == std::string_view::npos && !blank_ends &&
      !text.starts_with(kByteOrderMark)) {
    return std::string(text);
  }
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
  return out;
}

}  // namespace

void PrintCsv(const Selection& selection, Output& output) {
  // Sorted, which puts the metric name ("__name__") before all names of lower-case letters.
  std::set<std::string, std::less<>> names;
  for (const SelectedSeries& series : selection.series) {
    for (const Label label : series.labels) {
      if (!names.contains(label.name)) names.emplace(label.name);
    }
  }
  names.emplace(kMetricNameLabel);
  for (const std::string& name : names) output << CsvField(name) << ",";
  output << "timestamp_ms,value\n";
  for (const SelectedSeries& series : selection.series) {
    if (!output.status().ok()) return;
    std::string prefix;
    for (const std::string& name : names) prefix += CsvField(series.labels.Get(name)) + ",";
    Cursor cursor = selection.snapshot.Scan(series.id, selection.range);
    for (ColumnBlock block; cursor.Next(block);) {
      for (size_t i = 0; i < block.size(); ++i) {
        output << prefix << std::to_string(block.timestamps[i]) << ","
               << ExactValue(block.values[i]) << "\n";
      }
    }
  }
}

}  // namespace tsdb::tools

// The line protocol of InfluxDB that tools/import/influx_parser.h reads, which names a series
// measurement_field: the metric's name is cut at its last "_". A name that cannot be cut so is
// given whole, as a tag "__name__".
#include <cmath>
#include <string>

#include "tools/number_text.h"
#include "tools/series_printer.h"

namespace tsdb::tools {
namespace {

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ',' || c == '=' || c == ' ' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

// Everything of a line up to the value.
std::string PrefixOf(const Labels& labels) {
  const std::string_view name = labels.MetricName();
  const size_t cut = name.find_last_of('_');
  std::string prefix;
  std::string field = "value";
  if (cut != std::string_view::npos && cut > 0 && cut + 1 < name.size() && name[0] != '#') {
    prefix = Escaped(name.substr(0, cut));
    field = Escaped(name.substr(cut + 1));
  } else {
    // A line that starts with # is a comment.
    prefix = name[0] == '#' ? "metric" : Escaped(name);
    prefix += ",__name__=" + Escaped(name);
  }
  for (const Label label : labels) {
    if (label.name == kMetricNameLabel) continue;
    (prefix += ',') += Escaped(label.name);
    (prefix += '=') += Escaped(label.value);
  }
  return prefix + " " + field + "=";
}

}  // namespace

bool InfluxHas(Timestamp timestamp, double value) {
  return std::isfinite(value) && timestamp <= kTimestampMax / 1'000'000 &&
         timestamp >= kTimestampMin / 1'000'000;
}

bool InfluxHas(const Labels& labels) {
  if (labels.MetricName().empty()) return false;
  for (const Label label : labels) {
    if (label.name.find('\n') != std::string_view::npos) return false;
    if (label.value.find('\n') != std::string_view::npos) return false;
  }
  return true;
}

void PrintInflux(const Selection& selection, Output& output) {
  for (const SelectedSeries& series : selection.series) {
    if (!output.status().ok()) return;
    const std::string prefix = PrefixOf(series.labels);
    Cursor cursor = selection.snapshot.Scan(series.id, selection.range);
    for (ColumnBlock block; cursor.Next(block);) {
      for (size_t i = 0; i < block.size(); ++i) {
        const Timestamp timestamp = block.timestamps[i];
        if (!InfluxHas(timestamp, block.values[i])) continue;
        output << prefix << ExactValue(block.values[i]) << " " << std::to_string(timestamp)
               << (timestamp == 0 ? "\n" : "000000\n");
      }
    }
  }
}

}  // namespace tsdb::tools

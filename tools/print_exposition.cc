// OpenMetrics 1.0 and Prometheus text. Metadata is not stored, so every family is of the type
// unknown (which Prometheus text calls untyped), whose samples have the family's own name: a
// counter's `x_total` is a family `x_total`.
#include <string>

#include "tools/number_text.h"
#include "tools/series_printer.h"

namespace tsdb::tools {
namespace {

// The name as it stands after `# TYPE `: in quotes unless it is an identifier.
std::string FamilyName(std::string_view name) {
  const absl::StatusOr<Labels> labels = Labels::Create({{kMetricNameLabel, name}});
  std::string text = labels.ok() ? labels->ToString() : std::string(name);
  if (text.starts_with('{')) text = text.substr(1, text.size() - 2);
  return text;
}

void PrintFamilies(const Selection& selection, const char* type, std::string (*time)(Timestamp),
                   Output& output) {
  const SelectedSeries* before = nullptr;
  for (const SelectedSeries& series : selection.series) {
    if (!output.status().ok()) return;
    const std::string_view name = series.labels.MetricName();
    if (before == nullptr || before->labels.MetricName() != name) {
      output << "# TYPE " << FamilyName(name) << " " << type << "\n";
    }
    before = &series;
    const std::string prefix = series.labels.ToString() + " ";
    Cursor cursor = selection.snapshot.Scan(series.id, selection.range);
    for (ColumnBlock block; cursor.Next(block);) {
      for (size_t i = 0; i < block.size(); ++i) {
        output << prefix << ExactValue(block.values[i]) << " " << time(block.timestamps[i]) << "\n";
      }
    }
  }
}

std::string Milliseconds(Timestamp timestamp) { return std::to_string(timestamp); }

}  // namespace

void PrintOpenMetrics(const Selection& selection, Output& output) {
  PrintFamilies(selection, "unknown", ApiSeconds, output);
  output << "# EOF\n";
}

void PrintPrometheus(const Selection& selection, Output& output) {
  PrintFamilies(selection, "untyped", Milliseconds, output);
}

}  // namespace tsdb::tools

// The JSON lines that tools/import/json_lines_parser.h reads.
#include <cmath>
#include <string>
#include <vector>

#include "tools/json_text.h"
#include "tools/number_text.h"
#include "tools/series_printer.h"

namespace tsdb::tools {
namespace {

// A longer series takes several lines, so that neither we nor who reads them needs memory for all
// of it: some 2 MB of text a line.
constexpr size_t kSamplesPerLine = 65536;

class LinesOfSeries {
 public:
  LinesOfSeries(const Labels& labels, Output& output)
      : metric_(R"({"metric":)" + JsonLabels(labels)), output_(output) {}

  void Add(Timestamp timestamp, double value) {
    Separate(values_) += std::isfinite(value) ? ExactValue(value) : '"' + ExactValue(value) + '"';
    Separate(timestamps_) += std::to_string(timestamp);
    if (++samples_ == kSamplesPerLine) EndLine();
  }

  void EndLine() {
    if (samples_ == 0) return;
    output_ << metric_ << R"(,"values":[)" << values_ << R"(],"timestamps":[)" << timestamps_
            << "]}\n";
    values_.clear();
    timestamps_.clear();
    samples_ = 0;
  }

 private:
  static std::string& Separate(std::string& list) { return list.empty() ? list : list += ','; }

  const std::string metric_;
  Output& output_;
  std::string values_;
  std::string timestamps_;
  size_t samples_ = 0;  // in the lists
};

}  // namespace

void PrintJsonLines(const Selection& selection, Output& output) {
  for (const SelectedSeries& series : selection.series) {
    if (!output.status().ok()) return;
    LinesOfSeries lines(series.labels, output);
    Cursor cursor = selection.snapshot.Scan(series.id, selection.range);
    for (ColumnBlock block; cursor.Next(block);) {
      for (size_t i = 0; i < block.size(); ++i) lines.Add(block.timestamps[i], block.values[i]);
    }
    lines.EndLine();
  }
}

}  // namespace tsdb::tools

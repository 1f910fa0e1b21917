// RFC 4180, but that lines end with a newline only, as everywhere in `tsdb query`.
#include <set>
#include <string>

#include "tools/number_text.h"
#include "tools/results/printers.h"
#include "tools/results/result_text.h"

namespace tsdb::tools {
namespace {

std::string CsvField(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
  return out;
}

}  // namespace

void PrintResultCsv(const ResultPage& page, Output& output) {
  const PromqlResult& result = page.result;
  if (result.type == PromqlType::kString) {
    output << "timestamp,value\n"
           << Rfc3339Time(page.question.end) << "," << CsvField(WellFormed(result.text)) << "\n";
    return;
  }
  // Sorted, which puts the metric name ("__name__") before all names of lower-case letters.
  std::set<std::string, std::less<>> names;
  for (const PromqlSeries& series : result.series) {
    for (const Label label : series.labels) {
      if (!names.contains(label.name)) names.emplace(label.name);
    }
  }
  for (const std::string& name : names) output << CsvField(name) << ",";
  output << "timestamp,value\n";
  for (const PromqlSeries& series : result.series) {
    if (!output.status().ok()) return;
    std::string prefix;
    for (const std::string& name : names) prefix += CsvField(series.labels.Get(name)) + ",";
    for (const Sample& sample : series.samples) {
      output << prefix << Rfc3339Time(sample.timestamp) << "," << ExactValue(sample.value) << "\n";
    }
  }
}

}  // namespace tsdb::tools

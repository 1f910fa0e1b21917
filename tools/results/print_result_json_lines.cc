// The JSON lines that tools/import/json_lines_parser.h reads. A series without labels, which it
// refuses, is printed all the same.
#include <algorithm>
#include <cmath>
#include <string>

#include "tools/json_text.h"
#include "tools/number_text.h"
#include "tools/results/printers.h"
#include "tools/results/result_text.h"

namespace tsdb::tools {
namespace {

// A longer series takes several lines, so that who reads them needs no memory for all of it.
constexpr size_t kSamplesPerLine = 65536;

void PrintLine(const std::string& metric, std::span<const Sample> samples, Output& output) {
  output << R"({"metric":)" << metric << R"(,"values":[)";
  std::string timestamps;
  for (const Sample& sample : samples) {
    const char* separator = timestamps.empty() ? "" : ",";
    const char* quote = std::isfinite(sample.value) ? "" : "\"";
    output << separator << quote << ExactValue(sample.value) << quote;
    timestamps += separator;
    timestamps += std::to_string(sample.timestamp);
  }
  output << R"(],"timestamps":[)" << timestamps << "]}\n";
}

}  // namespace

void PrintResultJsonLines(const ResultPage& page, Output& output) {
  if (page.result.type == PromqlType::kString) {
    output << R"({"metric":{},"values":[)" << JsonString(WellFormed(page.result.text))
           << R"(],"timestamps":[)" << std::to_string(page.question.end) << "]}\n";
    return;
  }
  for (const PromqlSeries& series : page.result.series) {
    if (!output.status().ok()) return;
    const std::string metric = JsonLabels(series.labels);
    for (std::span<const Sample> rest = series.samples; !rest.empty();) {
      const size_t samples = std::min(rest.size(), kSamplesPerLine);
      PrintLine(metric, rest.first(samples), output);
      rest = rest.subspan(samples);
    }
  }
}

}  // namespace tsdb::tools

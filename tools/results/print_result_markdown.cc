// A table of GitHub Flavored Markdown.
#include <algorithm>
#include <cctype>
#include <span>
#include <string>
#include <utility>

#include "tools/number_text.h"
#include "tools/results/printers.h"
#include "tools/results/result_text.h"
#include "tools/sparkline.h"

namespace tsdb::tools {
namespace {

constexpr size_t kCellWidthMax = 120;
constexpr size_t kSummaryTrendColumns = 16;

// Text that is itself and no markup, in a table's cell or outside. An underscore within a word is
// no markup, and most names have one.
std::string MarkdownText(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool in_word = i > 0 && i + 1 < text.size() &&
                         std::isalnum(static_cast<unsigned char>(text[i - 1])) != 0 &&
                         std::isalnum(static_cast<unsigned char>(text[i + 1])) != 0;
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      if (std::string_view("\\`*[]|~>").find(c) != std::string_view::npos ||
          (c == '_' && !in_word)) {
        out += '\\';
      }
      out += c;
    }
  }
  return out;
}

void PrintRow(const std::vector<std::string>& cells, Output& output) {
  for (const std::string& cell : cells) output << "| " << cell << " ";
  output << "|\n";
}

void PrintValue(const std::string& value, Output& output) {
  output << "| value |\n| ---: |\n| " << MarkdownText(value) << " |\n";
}

}  // namespace

void PrintResultMarkdown(const ResultPage& page, Output& output) {
  const PromqlResult& result = page.result;
  const std::span series(result.series.data(), page.SeriesShown());
  if (result.type == PromqlType::kString) {
    return PrintValue(ForPeople(result.text, std::string::npos), output);
  }
  if (result.type == PromqlType::kScalar) {
    const bool any = !series.empty() && !series.front().samples.empty();
    return PrintValue(any ? ExactValue(series.front().samples.back().value) : "NaN", output);
  }
  const LabelSplit split = SplitLabels(series);
  const TimeSpan span = SpanOf(series);
  if (!split.common.empty()) {
    output << MarkdownText(NameOfSeries(split.common, kCellWidthMax)) << "\n\n";
  }
  std::vector<std::string> titles;
  for (const std::string& name : split.differing) {
    titles.push_back(MarkdownText(LabelTitle(name, kCellWidthMax)));
  }
  std::vector<std::string> rule(titles.size(), ":---");
  const bool vector = result.type == PromqlType::kVector;
  const std::vector<std::string> columns =
      vector ? std::vector<std::string>{"value"}
             : std::vector<std::string>{"samples", "min", "max", "last"};
  titles.insert(titles.end(), columns.begin(), columns.end());
  rule.resize(titles.size(), "---:");
  if (!vector) {
    titles.push_back("course");
    rule.push_back(":---");
  }
  PrintRow(titles, output);
  PrintRow(rule, output);
  for (const PromqlSeries& each : series) {
    std::vector<std::string> row;
    for (const std::string& name : split.differing) {
      row.push_back(MarkdownText(ForPeople(each.labels.Get(name), kCellWidthMax)));
    }
    const SeriesSummary summary = SummaryOf(each);
    if (vector) {
      row.push_back(ReadableValue(summary.last));
    } else {
      row.push_back(Grouped(summary.samples));
      for (const double value : {summary.min, summary.max, summary.last}) {
        row.push_back(ReadableValue(value));
      }
      Sparkline trend(std::min(span.first, span.last), span.last, kSummaryTrendColumns);
      for (const Sample& sample : each.samples) trend.Add(sample.timestamp, sample.value);
      row.push_back(trend.Draw());
    }
    PrintRow(row, output);
  }
  if (const std::string more = MoreSeries(page); !more.empty()) output << "\n" << more << "\n";
}

}  // namespace tsdb::tools

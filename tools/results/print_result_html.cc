// A page that needs nothing but itself: the table is in it as text, the samples as JSON, from which
// its script draws. Its content security policy forbids every load, whatever a label may say.
#include <algorithm>
#include <cmath>
#include <span>
#include <string>

#include "tools/json_text.h"
#include "tools/number_text.h"
#include "tools/results/assets.h"
#include "tools/results/axis.h"
#include "tools/results/palette.h"
#include "tools/results/plot.h"
#include "tools/results/printers.h"
#include "tools/results/result_text.h"

namespace tsdb::tools {
namespace {

constexpr size_t kHtmlCellWidthMax = 200;

// JSON within a script element: nothing in it ends the element or opens a comment.
std::string EmbeddedJson(const std::string& json) {
  std::string out;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '<' || c == '>' || c == '&') {
      out += c == '<' ? "\\u003c" : c == '>' ? "\\u003e" : "\\u0026";
    } else {
      out += c;
    }
  }
  return out;
}

std::string NumberOrNull(double value) { return std::isfinite(value) ? ExactValue(value) : "null"; }

// The times that all series share: of a range, its steps; else none, count is 0.
struct Grid {
  Timestamp first = 0;
  int64_t step = 0;
  size_t count = 0;
};

class HtmlPage {
 public:
  HtmlPage(const ResultPage& page, Output& output)
      : page_(page),
        output_(output),
        result_(page.result),
        series_(page.result.series.data(), page.SeriesShown()),
        has_series_(result_.type == PromqlType::kVector || result_.type == PromqlType::kMatrix),
        is_plot_(has_series_ && !IsBars(result_)) {}

  void Print() {
    PrintHead();
    PrintHeader();
    if (!has_series_) {
      PrintOne();
    } else if (series_.empty()) {
      output_ << "<p class=\"result\">no series</p>\n";
    } else {
      if (is_plot_) output_ << "<div id=\"chart\"></div>\n";
      PrintTable();
      PrintAnswer();
      if (is_plot_) output_ << "<script>\n" << assets::kUplotScript << "</script>\n";
      output_ << "<script>\n" << assets::kPageScript << "</script>\n";
    }
    output_ << "</body>\n</html>\n";
  }

 private:
  void PrintHead() {
    const std::string& expression = page_.question.expression;
    output_ << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
               "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
               "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
               "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>"
            << XmlText(expression.empty() ? "PromQL" : ForPeople(expression, kHtmlCellWidthMax))
            << "</title>\n";
    if (is_plot_) {
      output_ << "<!-- The charts are drawn by uPlot:\n" << assets::kUplotLicence << "-->\n";
    }
    output_ << "<style>\n";
    if (is_plot_) output_ << assets::kUplotStyle;
    output_ << "\n"
            << assets::kPageStyle << ":root{" << ColorVariables(false)
            << "}\n@media (prefers-color-scheme:dark){:root{" << ColorVariables(true)
            << "}}\n</style>\n</head>\n<body>\n";
  }

  void PrintHeader() {
    output_ << "<header>\n<div>\n<h1>" << XmlText(page_.question.expression)
            << "</h1>\n<p class=\"facts\">";
    const ResultQuestion& question = page_.question;
    if (question.is_range()) {
      output_ << ReadableTime(question.start) << " to " << ReadableTime(question.end)
              << " UTC · step " << DurationText(question.step_ms);
    } else {
      output_ << "at " << ReadableTime(question.end) << " UTC";
    }
    if (has_series_) {
      uint64_t samples = 0;
      for (const PromqlSeries& series : series_) samples += series.samples.size();
      output_ << " · " << Counted(result_.series.size(), "series");
      if (series_.size() < result_.series.size()) {
        output_ << ", " << Grouped(series_.size()) << " of them shown";
      }
      output_ << " · " << Counted(samples, "sample");
    }
    output_ << "</p>\n";
    if (!result_.warnings.empty() || !result_.infos.empty()) {
      output_ << "<ul class=\"notes\">\n";
      for (const std::string& text : result_.warnings) {
        output_ << "<li>" << XmlText(text) << "</li>\n";
      }
      for (const std::string& text : result_.infos) {
        output_ << "<li class=\"info\">" << XmlText(text) << "</li>\n";
      }
      output_ << "</ul>\n";
    }
    output_ << "</div>\n";
    if (is_plot_) {
      output_ << "<div id=\"tools\"><span id=\"time\"></span><button id=\"reset\" disabled>Reset "
                 "zoom</button><button id=\"zone\">UTC</button></div>\n";
    }
    output_ << "</header>\n";
  }

  void PrintOne() {
    const bool any = !result_.series.empty() && !result_.series.front().samples.empty();
    output_ << "<p class=\"result\">"
            << (result_.type == PromqlType::kString ? XmlText(result_.text)
                : any ? ExactValue(result_.series.front().samples.back().value)
                      : "NaN")
            << "</p>\n";
  }

  void PrintTable() {
    const LabelSplit split = SplitLabels(series_);
    if (!split.common.empty()) {
      output_ << "<p class=\"common\">" << XmlText(NameOfSeries(split.common, kHtmlCellWidthMax))
              << "</p>\n";
    }
    output_ << "<div class=\"scroll\"><table class=\"series" << (is_plot_ ? " drawn" : "")
            << "\">\n<thead><tr>";
    if (is_plot_) output_ << "<th class=\"mark\"></th>";
    for (const std::string& name : split.differing) {
      output_ << "<th>" << XmlText(LabelTitle(name, kHtmlCellWidthMax)) << "</th>";
    }
    if (is_plot_) {
      for (const char* title : {"at cursor", "min", "max", "mean", "last"}) {
        output_ << "<th class=\"number\">" << title << "</th>";
      }
    } else {
      output_ << "<th class=\"number\">value</th><th class=\"meter\"></th>";
    }
    output_ << "</tr></thead>\n<tbody>\n";
    const double widest = Widest();
    for (const PromqlSeries& series : series_) {
      const SeriesSummary summary = SummaryOf(series);
      output_ << "<tr>";
      if (is_plot_) output_ << "<td class=\"mark\"><i></i></td>";
      for (const std::string& name : split.differing) {
        output_ << "<td dir=\"auto\">"
                << XmlText(ForPeople(series.labels.Get(name), kHtmlCellWidthMax)) << "</td>";
      }
      if (is_plot_) {
        output_ << "<td class=\"number at\" data-value=\"NaN\"></td>";
        for (const double value : {summary.min, summary.max, summary.mean, summary.last}) {
          PrintNumber(value);
        }
      } else {
        PrintNumber(summary.last);
        PrintMeter(summary.last, widest);
      }
      output_ << "</tr>\n";
    }
    output_ << "</tbody></table></div>\n";
  }

  void PrintNumber(double value) {
    const std::string exact =
        std::isinf(value) ? (value > 0 ? "Infinity" : "-Infinity") : ExactValue(value);
    output_ << "<td class=\"number\" data-value=\"" << exact << "\" title=\"" << ExactValue(value)
            << "\">" << ReadableValue(value) << "</td>";
  }

  // The greatest of the values, for their meters; 0 if there is a negative one, which has none.
  double Widest() const {
    double widest = 0;
    for (const PromqlSeries& series : series_) {
      const double value = SummaryOf(series).last;
      if (value < 0) return 0;
      if (std::isfinite(value)) widest = std::max(widest, value);
    }
    return widest;
  }

  void PrintMeter(double value, double widest) {
    output_ << "<td class=\"meter\">";
    if (value > 0 && widest > 0) {
      const double percent = std::min(value / widest, 1.0) * 100;
      output_ << "<i style=\"width:" << std::to_string(std::lround(percent)) << "%\"></i>";
    }
    output_ << "</td>";
  }

  Grid GridOf() const {
    Grid grid;
    const int64_t step = page_.question.step_ms;
    const TimeSpan span = SpanOf(series_);
    if (!page_.question.is_range() || span.first > span.last) return grid;
    uint64_t samples = 0;
    for (const PromqlSeries& series : series_) samples += series.samples.size();
    // Differences of extreme timestamps overflow.
    const uint64_t distance = static_cast<uint64_t>(span.last) - static_cast<uint64_t>(span.first);
    const uint64_t count = distance / static_cast<uint64_t>(step) + 1;
    // Steps without a sample take more room than times do.
    if (count > (4 * samples + 1000) / series_.size()) return grid;
    for (const PromqlSeries& series : series_) {
      for (const Sample& sample : series.samples) {
        const uint64_t offset =
            static_cast<uint64_t>(sample.timestamp) - static_cast<uint64_t>(span.first);
        if (offset % static_cast<uint64_t>(step) != 0) return grid;
      }
    }
    return {span.first, step, static_cast<size_t>(count)};
  }

  void PrintGridValues(const PromqlSeries& series, const Grid& grid) {
    size_t next = 0;
    output_ << R"(,"values":[)";
    for (size_t i = 0; i < grid.count; ++i) {
      const Timestamp time = static_cast<Timestamp>(static_cast<uint64_t>(grid.first) +
                                                    i * static_cast<uint64_t>(grid.step));
      output_ << (i == 0 ? "" : ",");
      const bool any = next < series.samples.size() && series.samples[next].timestamp == time;
      output_ << (any ? NumberOrNull(series.samples[next].value) : "null");
      next += any ? 1 : 0;
    }
    output_ << "]";
  }

  // A gap is a null between its ends.
  void PrintTimedValues(const PromqlSeries& series) {
    const double gap = GapOf(series, page_.question.step_ms);
    std::string times;
    output_ << R"(,"values":[)";
    for (size_t i = 0; i < series.samples.size(); ++i) {
      const Sample& sample = series.samples[i];
      const Timestamp before = i == 0 ? sample.timestamp : series.samples[i - 1].timestamp;
      if (static_cast<double>(sample.timestamp) - static_cast<double>(before) > gap) {
        output_ << ",null";
        times += ',';
        times += std::to_string(before + 1);
      }
      output_ << (i == 0 ? "" : ",") << NumberOrNull(sample.value);
      if (i > 0) times += ',';
      times += std::to_string(sample.timestamp);
    }
    output_ << R"(],"times":[)" << times << "]";
  }

  void PrintAnswer() {
    const ResultQuestion& question = page_.question;
    output_ << R"(<script type="application/json" id="answer">)"
            << "\n{\"expression\":" << EmbeddedJson(JsonString(WellFormed(question.expression)))
            << ",\"start\":" << std::to_string(question.start)
            << ",\"end\":" << std::to_string(question.end)
            << ",\"step\":" << std::to_string(question.step_ms);
    const Grid grid = is_plot_ ? GridOf() : Grid{};
    if (grid.count > 0) {
      output_ << ",\"grid\":{\"first\":" << std::to_string(grid.first)
              << ",\"step\":" << std::to_string(grid.step)
              << ",\"count\":" << std::to_string(grid.count) << "}";
    }
    output_ << ",\"series\":[";
    for (const PromqlSeries& series : series_) {
      if (!output_.status().ok()) return;
      output_ << (&series == &series_.front() ? "\n" : ",\n")
              << "{\"metric\":" << EmbeddedJson(JsonLabels(series.labels));
      if (grid.count > 0) {
        PrintGridValues(series, grid);
      } else {
        PrintTimedValues(series);
      }
      output_ << "}";
    }
    output_ << "]}\n</script>\n";
  }

  const ResultPage& page_;
  Output& output_;
  const PromqlResult& result_;
  const std::span<const PromqlSeries> series_;
  const bool has_series_;
  const bool is_plot_;
};

}  // namespace

void PrintResultHtml(const ResultPage& page, Output& output) { HtmlPage(page, output).Print(); }

}  // namespace tsdb::tools

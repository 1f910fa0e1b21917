// A picture of lines or bars, for documents: its style follows the reader's choice of light or
// dark. The same answer gives the same bytes.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>
#include <string>

#include "tools/number_text.h"
#include "tools/results/axis.h"
#include "tools/results/bars.h"
#include "tools/results/palette.h"
#include "tools/results/plot.h"
#include "tools/results/printers.h"
#include "tools/results/result_text.h"

namespace tsdb::tools {
namespace {

// In pixels.
constexpr double kWidth = 960;
constexpr double kMargin = 20;
constexpr double kTitleHeight = 48;
constexpr double kPlotHeight = 320;
constexpr double kAxisHeight = 26;
constexpr double kLegendRow = 22;
constexpr double kBarRow = 26;
constexpr double kFootHeight = 30;
constexpr double kCharacter = 7;  // of 12 px, on average; for text of other sizes in proportion
constexpr size_t kTicks = 7;
constexpr size_t kBarsMax = 40;  // unless there is a limit

std::string Number(double value) {
  char text[400];
  std::string out(text,
                  std::to_chars(text, text + sizeof(text), value, std::chars_format::fixed, 1).ptr);
  if (out.ends_with(".0")) out.resize(out.size() - 2);
  return out == "-0" ? "0" : out;
}

std::string Point(double x, double y) { return Number(x) + "," + Number(y); }

// Text of a label or an expression, in as many pixels.
std::string Fitted(std::string_view text, double pixels) {
  return XmlText(CutMiddle(text, static_cast<size_t>(std::max(pixels / kCharacter, 4.0))));
}

// What a word of a style means. Light is written into each element, so that viewers which know no
// style sheets, or not all of them (librsvg knows neither variables nor media queries), show it;
// dark is the style sheet's, which overrides attributes.
struct StyleWord {
  std::string_view word;
  const char* attributes;
  const char* dark;  // a declaration for the word's class; empty: as in light, and no class
};
constexpr StyleWord kStyleWords[] = {
    {"back", "fill=\"#ffffff\"", "fill:#14181d"},
    {"text", "fill=\"#1f2328\"", "fill:#e6eaef"},
    {"faint", "fill=\"#59636e\"", "fill:#9aa4b0"},
    {"grid", "stroke=\"#e4e7eb\"", "stroke:#272d35"},
    {"axis", "stroke=\"#a3abb5\"", "stroke:#59636e"},
    {"title", "font-size=\"15\" font-weight=\"600\"", ""},
    {"end", "text-anchor=\"end\"", ""},
    {"middle", "text-anchor=\"middle\"", ""},
    {"number", "style=\"font-variant-numeric:tabular-nums\"", ""},
};

// The attributes of an element whose style is these words, separated by blanks.
std::string Styled(std::string_view words) {
  std::string attributes;
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(' '));
    words.remove_prefix(std::min(words.size(), word.size() + 1));
    for (const StyleWord& each : kStyleWords) {
      if (each.word != word) continue;
      if (*each.dark != '\0') attributes.append(" class=\"").append(word).append("\"");
      attributes.append(" ").append(each.attributes);
    }
  }
  return attributes;
}

// The same of a line's colour: `property` is stroke or fill.
std::string Colored(std::string_view property, size_t line) {
  std::string attributes = " class=\"";
  attributes.append(1, property[0]).append(std::to_string(line)).append("\" ");
  attributes.append(property).append("=\"").append(kLineColors[line].light).append("\"");
  return attributes;
}

std::string TextAt(double x, double y, std::string_view words, std::string_view xml) {
  std::string out = "<text x=\"" + Number(x) + "\" y=\"" + Number(y) + "\"" + Styled(words);
  out.append(">").append(xml).append("</text>\n");
  return out;
}

std::string StyleSheet() {
  std::string sheet = "<style>\n@media (prefers-color-scheme:dark){\n";
  for (const StyleWord& each : kStyleWords) {
    if (*each.dark == '\0') continue;
    sheet.append(".").append(each.word).append("{").append(each.dark).append("}");
  }
  for (size_t i = 0; i < std::size(kLineColors); ++i) {
    const std::string n = std::to_string(i);
    const std::string dark = kLineColors[i].dark;
    sheet += "\n.s" + n + "{stroke:" + dark + "}.f" + n + "{fill:" + dark + "}";
  }
  return sheet + "\n}\n</style>\n";
}

void PrintHead(const ResultPage& page, double height, Output& output) {
  const std::string& expression = page.question.expression;
  const std::string title = expression.empty() ? "PromQL" : ForPeople(expression, 2000);
  output << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << Number(kWidth) << "\" height=\""
         << Number(height) << "\" viewBox=\"0 0 " << Number(kWidth) << " " << Number(height)
         << "\" role=\"img\"" << Styled("text")
         << " font-size=\"12\" font-family=\"system-ui,-apple-system,'Segoe UI',Roboto,"
            "'Helvetica Neue',Arial,sans-serif\" xml:space=\"preserve\">\n<title>"
         << XmlText(title) << "</title>\n"
         << StyleSheet() << "<rect width=\"100%\" height=\"100%\" rx=\"6\"" << Styled("back")
         << "/>\n";
  if (!expression.empty()) {
    output << TextAt(kMargin, 29, "title", Fitted(title, (kWidth - 2 * kMargin) * 12 / 15));
  }
}

class LinesPicture {
 public:
  LinesPicture(const ResultPage& page, Output& output)
      : page_(page),
        output_(output),
        plot_(MakePlot(page)),
        values_(plot_.low <= plot_.high ? MakeValueAxis(plot_.low, plot_.high, kTicks)
                                        : MakeValueAxis(0, 1, 2)),
        left_(kMargin + Gutter()),
        right_(kWidth - kMargin),
        times_(MakeTimeAxis(plot_.first, plot_.last,
                            static_cast<size_t>((right_ - left_) / kCharacter * 0.7),
                            page.style.local_time)) {}

  void Print() {
    const auto lines = static_cast<double>(plot_.lines.size());
    const double legend = kTitleHeight + kPlotHeight + kAxisHeight;
    const double foot = legend + kLegendRow * (lines + 1) + 16;
    PrintHead(page_, foot + kFootHeight, output_);
    PrintGrid();
    PrintLines();
    PrintLegend(legend);
    std::string text = Counted(page_.result.series.size(), "series");
    if (plot_.left_out > 0) {
      text += ", the ";
      text += std::to_string(plot_.lines.size());
      text += " with the greatest mean drawn";
    }
    text += "  ·  " + times_.Range();
    if (page_.question.is_range()) text += "  ·  step " + DurationText(page_.question.step_ms);
    output_ << TextAt(kMargin, foot + 14, "faint", XmlText(text)) << "</svg>\n";
  }

 private:
  double Gutter() const {
    size_t width = 0;
    for (const ValueTick& tick : values_.ticks) width = std::max(width, tick.text.size());
    return static_cast<double>(width) * kCharacter + 8;
  }

  double X(Timestamp time) const { return left_ + times_.PlaceOf(time) * (right_ - left_); }
  double Y(double value) const { return kTitleHeight + (1 - values_.PlaceOf(value)) * kPlotHeight; }

  void PrintRule(const char* words, double x1, double y1, double x2, double y2) {
    output_ << "<line" << Styled(words) << " x1=\"" << Number(x1) << "\" y1=\"" << Number(y1)
            << "\" x2=\"" << Number(x2) << "\" y2=\"" << Number(y2) << "\"/>\n";
  }

  void PrintGrid() {
    const double bottom = kTitleHeight + kPlotHeight;
    for (const ValueTick& tick : values_.ticks) {
      const double y = std::round(Y(tick.value)) + 0.5;
      PrintRule(y > bottom ? "axis" : "grid", left_, y, right_, y);
      output_ << TextAt(left_ - 8, y + 4, "faint number end", XmlText(tick.text));
    }
    for (const TimeTick& tick : times_.ticks) {
      const double x = std::round(X(tick.time)) + 0.5;
      PrintRule("grid", x, kTitleHeight, x, bottom);
      PrintRule("axis", x, bottom, x, bottom + 5);
      // The ends of the axis are near the ends of the picture.
      const double half = static_cast<double>(tick.text.size()) * kCharacter / 2;
      const double middle = std::clamp(x, half + 4, kWidth - half - 4);
      output_ << TextAt(middle, bottom + 19, "faint number middle", XmlText(tick.text));
    }
    if (plot_.low > plot_.high) {
      output_ << TextAt((left_ + right_) / 2, kTitleHeight + kPlotHeight / 2, "faint middle",
                        "no value to draw");
    }
  }

  void PrintLines() {
    const auto columns = static_cast<size_t>(right_ - left_);
    output_ << "<g fill=\"none\" stroke-width=\"1.75\" stroke-linejoin=\"round\" "
               "stroke-linecap=\"round\">\n";
    for (size_t i = 0; i < plot_.lines.size(); ++i) {
      std::string path;
      std::string dots;
      for (const auto& piece : plot_.lines[i].pieces) {
        if (piece.size() == 1) {
          dots += "<circle" + Colored("fill", i) + " cx=\"" + Number(X(piece[0].timestamp)) +
                  "\" cy=\"" + Number(Y(piece[0].value)) + "\" r=\"2\"/>\n";
          continue;
        }
        const char* move = "M";
        for (const Sample& sample : Thinned(piece, plot_.first, plot_.last, columns)) {
          path += move;
          path += Point(X(sample.timestamp), Y(sample.value));
          move = "L";
        }
      }
      if (!path.empty()) {
        output_ << "<path" << Colored("stroke", i) << " d=\"" << path << "\"/>\n";
      }
      output_ << dots;
    }
    output_ << "</g>\n";
  }

  void PrintLegend(double top) {
    constexpr double kNumberColumn = 100;
    const double names_right = right_ - 3 * kNumberColumn;
    const double width = names_right - kMargin - 24;
    double y = top + kLegendRow;
    constexpr const char* kTitles[] = {"min", "max", "last"};
    if (plot_.lines.size() > 1 && !plot_.labels.common.empty()) {
      output_ << TextAt(kMargin + 24, y, "faint",
                        Fitted(NameOfSeries(plot_.labels.common, 200), width));
    }
    for (size_t i = 0; i < 3; ++i) {
      output_ << TextAt(names_right + kNumberColumn * static_cast<double>(i + 1), y, "faint end",
                        kTitles[i]);
    }
    for (size_t i = 0; i < plot_.lines.size(); ++i) {
      const PlotLine& line = plot_.lines[i];
      y += kLegendRow;
      output_ << "<rect" << Colored("fill", i) << " x=\"" << Number(kMargin) << "\" y=\""
              << Number(y - 6) << "\" width=\"16\" height=\"4\" rx=\"2\"/>\n";
      const std::string name = plot_.lines.size() == 1
                                   ? NameOfSeries(line.series->labels, 200)
                                   : NameOfSeries(line.series->labels, plot_.labels.differing, 200);
      output_ << TextAt(kMargin + 24, y, "", Fitted(name, width));
      double x = names_right;
      for (const double value : {line.summary.min, line.summary.max, line.summary.last}) {
        x += kNumberColumn;
        if (line.summary.samples == 0) continue;
        output_ << TextAt(x, y, "number end", XmlText(ReadableValue(value)));
      }
    }
  }

  const ResultPage& page_;
  Output& output_;
  const Plot plot_;
  const ValueAxis values_;
  const double left_;
  const double right_;
  const TimeAxis times_;
};

void PrintSvgBars(const ResultPage& page, Output& output) {
  const size_t shown =
      page.style.limit > 0 ? page.SeriesShown() : std::min(page.SeriesShown(), kBarsMax);
  const std::span series(page.result.series.data(), shown);
  const Bars bars = MakeBars(series);
  size_t name_characters = 4;
  size_t value_characters = 1;
  for (const Bar& bar : bars.bars) {
    name_characters = std::max(name_characters, DisplayWidth(bar.name));
    value_characters = std::max(value_characters, bar.text.size());
  }
  const double name_width = std::min(static_cast<double>(name_characters) * kCharacter, 380.0);
  const double left = kMargin + name_width + 12;
  const double room =
      kWidth - kMargin - left - static_cast<double>(value_characters) * kCharacter - 8;
  const double top = bars.common.empty() ? kTitleHeight : kTitleHeight + 14;
  const double bottom = top + kBarRow * static_cast<double>(shown);
  PrintHead(page, bottom + 8 + kFootHeight, output);
  if (!bars.common.empty()) {
    output << TextAt(kMargin, kTitleHeight, "faint", Fitted(bars.common, kWidth - 2 * kMargin));
  }
  const double zero = left + bars.PlaceOf(0) * room;
  for (size_t i = 0; i < shown; ++i) {
    const Bar& bar = bars.bars[i];
    const double y = top + kBarRow * static_cast<double>(i);
    const double place = bar.is_drawn ? left + bars.PlaceOf(bar.value) * room : zero;
    output << TextAt(kMargin + name_width, y + 17, "end", Fitted(bar.name, name_width));
    if (bar.is_drawn && bar.value != 0) {
      output << "<rect" << Colored("fill", bar.value < 0 ? 1 : 0) << " x=\""
             << Number(std::min(zero, place)) << "\" y=\"" << Number(y + 5) << "\" width=\""
             << Number(std::max(std::abs(place - zero), 1.0)) << "\" height=\"16\" rx=\"2\"/>\n";
    }
    output << TextAt(std::max(place, zero) + 6, y + 17, "number", XmlText(bar.text));
  }
  if (shown > 0) {
    output << "<line" << Styled("axis") << " x1=\"" << Number(zero) << "\" y1=\"" << Number(top)
           << "\" x2=\"" << Number(zero) << "\" y2=\"" << Number(bottom) << "\"/>\n";
  }
  std::string text = Counted(page.result.series.size(), "series");
  if (shown < page.result.series.size()) text += ", " + Grouped(shown) + " of them shown";
  const TimeSpan span = SpanOf(series);
  if (span.first <= span.last) text += "  ·  " + ReadableTime(span.last) + " UTC";
  output << TextAt(kMargin, bottom + 22, "faint", XmlText(text)) << "</svg>\n";
}

}  // namespace

void PrintResultSvg(const ResultPage& page, Output& output) {
  const PromqlResult& result = page.result;
  if (result.type == PromqlType::kString || result.type == PromqlType::kScalar) {
    const bool any = !result.series.empty() && !result.series.front().samples.empty();
    const std::string text = result.type == PromqlType::kString ? ForPeople(result.text, 200)
                             : any ? ReadableValue(result.series.front().samples.back().value)
                                   : "NaN";
    PrintHead(page, kTitleHeight + 40, output);
    output << TextAt(kMargin, kTitleHeight + 14, "title number",
                     Fitted(text, (kWidth - 2 * kMargin) * 12 / 15))
           << "</svg>\n";
    return;
  }
  if (result.series.empty() || IsBars(result)) return PrintSvgBars(page, output);
  LinesPicture(page, output).Print();
}

}  // namespace tsdb::tools

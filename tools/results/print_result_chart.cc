// Lines over time in the terminal. With colours they tell the lines apart; without, each line has a
// letter: along the braille dots now and then, in ASCII at every character.
#include <algorithm>
#include <cmath>
#include <string>

#include "tools/number_text.h"
#include "tools/results/axis.h"
#include "tools/results/canvas.h"
#include "tools/results/chart_text.h"
#include "tools/results/palette.h"
#include "tools/results/plot.h"
#include "tools/results/printers.h"

namespace tsdb::tools {
namespace {

constexpr size_t kPlotRowsMin = 5;
constexpr size_t kRowsPerTick = 2;
constexpr size_t kLetterEvery = 12;  // columns

struct Glyphs {
  const char* edge;
  const char* edge_tick;
  const char* corner;
  const char* line;
  const char* line_tick;
  const char* grid;
  const char* sample;  // of a line, in the legend
};
constexpr Glyphs kUnicode = {"│", "┤", "└", "─", "┬", "┈", "━━"};
constexpr Glyphs kAscii = {"|", "+", "+", "-", "+", ".", "--"};

class Chart {
 public:
  Chart(const ResultPage& page, Output& output)
      : page_(page),
        output_(output),
        style_(page.style.color),
        glyphs_(page.style.utf8 ? kUnicode : kAscii),
        width_(ChartWidth(page.style)),
        plot_(MakePlot(page)),
        rows_(PlotRows()),
        values_(plot_.low <= plot_.high ? MakeValueAxis(plot_.low, plot_.high, TicksMax())
                                        : MakeValueAxis(0, 1, 2)),
        gutter_(Gutter()),
        columns_(width_ - gutter_ - 2),
        times_(MakeTimeAxis(plot_.first, plot_.last, columns_, page.style.local_time)) {}

  void Print() {
    output_ << ChartTitle(page_);
    PrintPlot();
    PrintTimes();
    PrintLegend();
    output_ << style_.dim << Counted(page_.result.series.size(), "series") << ", "
            << times_.Range();
    if (page_.question.is_range()) output_ << ", step " << DurationText(page_.question.step_ms);
    output_ << style_.reset << "\n";
    if (plot_.left_out > 0) {
      output_ << style_.dim << Grouped(plot_.left_out)
              << " more series: drawn are those with the greatest mean" << style_.reset << "\n";
    }
  }

 private:
  bool letters() const { return !page_.style.color && plot_.lines.size() > 1; }

  size_t PlotRows() const {
    const size_t height = page_.style.height > 0 ? page_.style.height : kChartHeightUnknown;
    const size_t around = (page_.question.expression.empty() ? 0 : 1) + 2 + 1 + plot_.lines.size() +
                          1 + (plot_.left_out > 0 ? 1 : 0);
    return std::max(height > around ? height - around : 0, kPlotRowsMin);
  }

  size_t TicksMax() const { return std::max<size_t>(2, rows_ / kRowsPerTick + 1); }

  size_t Gutter() const {
    size_t width = 0;
    for (const ValueTick& tick : values_.ticks) width = std::max(width, DisplayWidth(tick.text));
    return std::min(width, width_ / 2);
  }

  size_t DotRow(const Canvas& canvas, double value) const {
    const double place = (1 - values_.PlaceOf(value)) * static_cast<double>(canvas.height() - 1);
    return static_cast<size_t>(std::lround(place));
  }

  size_t DotColumn(const Canvas& canvas, Timestamp time) const {
    const double place = times_.PlaceOf(time) * static_cast<double>(canvas.width() - 1);
    return static_cast<size_t>(std::lround(place));
  }

  void Draw(Canvas& canvas) const {
    for (size_t i = 0; i < plot_.lines.size(); ++i) {
      for (const auto& piece : plot_.lines[i].pieces) {
        size_t x = DotColumn(canvas, piece.front().timestamp);
        size_t y = DotRow(canvas, piece.front().value);
        for (const Sample& sample : piece) {
          const size_t next_x = DotColumn(canvas, sample.timestamp);
          const size_t next_y = DotRow(canvas, sample.value);
          canvas.DrawLine(x, y, next_x, next_y, static_cast<uint8_t>(i));
          x = next_x;
          y = next_y;
        }
      }
    }
    if (!letters()) return;
    // Each line's letters begin at a place of their own, so that lines that run together differ.
    const size_t every = page_.style.utf8 ? kLetterEvery : 1;
    for (size_t i = 0; i < plot_.lines.size(); ++i) {
      const size_t begin = every * i / plot_.lines.size();
      for (size_t column = begin; column < columns_; column += every) {
        canvas.MarkLine(column, static_cast<uint8_t>(i), static_cast<char>('a' + i));
      }
    }
  }

  void PrintPlot() {
    Canvas canvas(columns_, rows_, page_.style.utf8);
    Draw(canvas);
    std::vector<const ValueTick*> tick_of_row(rows_);
    for (const ValueTick& tick : values_.ticks) {
      tick_of_row[DotRow(canvas, tick.value) * rows_ / canvas.height()] = &tick;
    }
    for (size_t row = 0; row < rows_; ++row) {
      const ValueTick* tick = tick_of_row[row];
      if (plot_.low > plot_.high && row == rows_ / 2) {
        output_ << style_.dim << PaddedLeft("", gutter_) << " " << glyphs_.edge
                << PaddedLeft("no value to draw", (columns_ + 16) / 2) << style_.reset << "\n";
        continue;
      }
      output_ << style_.dim << PaddedLeft(tick == nullptr ? "" : tick->text, gutter_) << " "
              << (tick == nullptr ? glyphs_.edge : glyphs_.edge_tick) << style_.reset
              << RowText(canvas, row, tick != nullptr) << "\n";
    }
  }

  std::string RowText(const Canvas& canvas, size_t row, bool grid) const {
    std::string text;
    const char* color = "";  // in force
    const auto use = [&](const char* next) {
      if (!page_.style.color || color == next) return;
      text += style_.reset;
      text += next;
      color = next;
    };
    for (size_t column = 0; column < columns_; ++column) {
      const Canvas::Cell& cell = canvas.At(column, row);
      if (cell.line == Canvas::kNoLine) {
        // The grid only where colours keep it behind the lines.
        const bool drawn = grid && page_.style.color && page_.style.utf8;
        if (drawn) use(style_.dim);
        text += drawn ? glyphs_.grid : " ";
      } else {
        use(kLineColors[cell.line].terminal);
        text += page_.style.utf8 || cell.mark != 0 ? canvas.TextOf(cell) : "*";
      }
    }
    if (*color != '\0') text += style_.reset;
    if (!page_.style.color) text.erase(text.find_last_not_of(' ') + 1);
    return text;
  }

  void PrintTimes() {
    std::vector<size_t> places;
    for (const TimeTick& tick : times_.ticks) {
      const double place = times_.PlaceOf(tick.time) * static_cast<double>(columns_ - 1);
      places.push_back(static_cast<size_t>(std::lround(place)));
    }
    std::string rule;
    for (size_t column = 0; column < columns_; ++column) {
      const bool tick = std::find(places.begin(), places.end(), column) != places.end();
      rule += tick ? glyphs_.line_tick : glyphs_.line;
    }
    // Each text in the middle below its tick; one that would touch its neighbour is left out.
    std::string texts;
    const size_t origin = gutter_ + 2;
    for (size_t i = 0; i < places.size(); ++i) {
      const std::string& text = times_.ticks[i].text;
      const size_t middle = origin + places[i];
      size_t begin = middle > text.size() / 2 ? middle - text.size() / 2 : 0;
      if (begin + text.size() > width_) begin = width_ > text.size() ? width_ - text.size() : 0;
      if (!texts.empty() && begin < texts.size() + 2) continue;
      texts.resize(begin, ' ');
      texts += text;
    }
    output_ << style_.dim << std::string(gutter_ + 1, ' ') << glyphs_.corner << rule << "\n"
            << texts << style_.reset << "\n";
  }

  std::string LegendMark(size_t line) const {
    if (letters()) return std::string(1, static_cast<char>('a' + line));
    if (!page_.style.color) return page_.style.utf8 ? glyphs_.sample : "*";
    return std::string(kLineColors[line].terminal) + glyphs_.sample + style_.reset;
  }

  std::string NameOf(const PlotLine& line) const {
    if (plot_.lines.size() == 1) return NameOfSeries(line.series->labels, width_);
    return NameOfSeries(line.series->labels, plot_.labels.differing, width_);
  }

  void PrintLegend() {
    constexpr const char* kTitles[] = {"min", "max", "last"};
    std::vector<std::vector<std::string>> numbers;
    size_t widths[] = {3, 3, 4};
    for (const PlotLine& line : plot_.lines) {
      const SeriesSummary& summary = line.summary;
      numbers.push_back({});
      for (const double value : {summary.min, summary.max, summary.last}) {
        const size_t column = numbers.back().size();
        numbers.back().push_back(summary.samples == 0 ? "" : ReadableValue(value));
        widths[column] = std::max(widths[column], numbers.back().back().size());
      }
    }
    const size_t mark_width = letters() || (!page_.style.color && !page_.style.utf8) ? 1 : 2;
    const size_t numbers_width = widths[0] + widths[1] + widths[2] + 6;
    const bool with_numbers = width_ >= mark_width + 3 + 8 + numbers_width;
    const size_t around = mark_width + 1 + (with_numbers ? numbers_width : 0);
    const size_t room = width_ > around ? width_ - around : 1;
    const std::string heading =
        plot_.lines.size() > 1 && !plot_.labels.common.empty()
            ? ChartText(NameOfSeries(plot_.labels.common, width_), room, page_.style)
            : "";
    size_t name_width = DisplayWidth(heading);
    std::vector<std::string> names;
    for (const PlotLine& line : plot_.lines) {
      names.push_back(ChartText(NameOf(line), room, page_.style));
      name_width = std::max(name_width, DisplayWidth(names.back()));
    }
    output_ << style_.dim << std::string(mark_width + 1, ' ') << PaddedRight(heading, name_width);
    for (size_t i = 0; with_numbers && i < 3; ++i) {
      output_ << "  " << PaddedLeft(kTitles[i], widths[i]);
    }
    output_ << style_.reset << "\n";
    for (size_t line = 0; line < names.size(); ++line) {
      output_ << LegendMark(line) << " " << PaddedRight(names[line], name_width);
      for (size_t i = 0; with_numbers && i < 3; ++i) {
        output_ << "  " << PaddedLeft(numbers[line][i], widths[i]);
      }
      output_ << "\n";
    }
  }

  const ResultPage& page_;
  Output& output_;
  const Style style_;
  const Glyphs& glyphs_;
  const size_t width_;
  const Plot plot_;
  const size_t rows_;
  const ValueAxis values_;
  const size_t gutter_;   // columns of the values' texts
  const size_t columns_;  // of the plot
  const TimeAxis times_;
};

}  // namespace

bool IsBars(const PromqlResult& result) {
  return result.type == PromqlType::kVector ||
         std::all_of(result.series.begin(), result.series.end(),
                     [](const PromqlSeries& series) { return series.samples.size() <= 1; });
}

void PrintResultChart(const ResultPage& page, Output& output) {
  const PromqlResult& result = page.result;
  if (result.type == PromqlType::kString || result.type == PromqlType::kScalar ||
      result.series.empty()) {
    return PrintResultTable(page, output);
  }
  if (IsBars(result)) return PrintBars(page, output);
  Chart(page, output).Print();
}

}  // namespace tsdb::tools

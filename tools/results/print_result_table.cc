#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "tools/number_text.h"
#include "tools/results/printers.h"
#include "tools/results/result_text.h"
#include "tools/sparkline.h"
#include "tools/table.h"

namespace tsdb::tools {
namespace {

constexpr size_t kTrendColumns = 24;
constexpr size_t kTrendColumnsNarrow = 12;
constexpr size_t kLabelColumnMin = 8;

class ResultTable {
 public:
  ResultTable(const ResultPage& page, Output& output)
      : page_(page),
        style_(page.style.color),
        series_(page.result.series.data(), page.SeriesShown()),
        width_(page.style.width > 0 ? page.style.width : kWidthUnknown),
        split_(SplitLabels(series_)),
        span_(SpanOf(series_)),
        vector_(page.result.type == PromqlType::kVector),
        output_(output) {}

  void Print() {
    if (!split_.common.empty()) {
      output_ << style_.bold << CutMiddle(NameOfSeries(split_.common, width_), width_)
              << style_.reset << "\n";
    }
    // As much as fits: the course narrower first, then none; labels cut last.
    std::optional<Table> table;
    if (vector_) {
      table.emplace(MakeVector());
    } else {
      for (const size_t trend : {kTrendColumns, kTrendColumnsNarrow, size_t{0}}) {
        table.emplace(MakeMatrix(trend));
        if (table->Width() <= width_) break;
      }
    }
    CutLabels(*table);
    table->Print(output_, style_);
    PrintFooter();
  }

 private:
  static constexpr auto kRight = Table::Align::kRight;

  std::vector<Table::Column> LabelColumns() const {
    std::vector<Table::Column> columns;
    for (const std::string& name : split_.differing) columns.push_back({LabelTitle(name, width_)});
    return columns;
  }

  std::vector<std::string> LabelCells(const PromqlSeries& series) const {
    std::vector<std::string> cells;
    for (const std::string& name : split_.differing) {
      cells.push_back(ForPeople(series.labels.Get(name), width_));
    }
    return cells;
  }

  Table MakeVector() const {
    const bool times = span_.first < span_.last;  // else the footer tells the time
    std::vector<Table::Column> columns = LabelColumns();
    if (times) columns.push_back({"time (UTC)"});
    columns.push_back({"value", kRight});
    Table table(std::move(columns));
    for (const PromqlSeries& series : series_) {
      std::vector<std::string> cells = LabelCells(series);
      const bool any = !series.samples.empty();
      if (times) cells.push_back(any ? ReadableTime(series.samples.back().timestamp) : "");
      cells.push_back(any ? ReadableValue(series.samples.back().value) : "");
      table.AddRow(std::move(cells));
    }
    return table;
  }

  Table MakeMatrix(size_t trend_columns) const {
    std::vector<Table::Column> columns = LabelColumns();
    for (const char* title : {"samples", "min", "max", "last"}) columns.push_back({title, kRight});
    if (trend_columns > 0) columns.push_back({"course", Table::Align::kLeft, true});
    Table table(std::move(columns));
    for (const PromqlSeries& series : series_) {
      const SeriesSummary summary = SummaryOf(series);
      std::vector<std::string> cells = LabelCells(series);
      cells.push_back(Grouped(summary.samples));
      for (const double value : {summary.min, summary.max, summary.last}) {
        cells.push_back(summary.samples > 0 ? ReadableValue(value) : "");
      }
      if (trend_columns > 0) {
        std::string course;
        if (span_.first <= span_.last) {
          Sparkline trend(span_.first, span_.last, trend_columns);
          for (const Sample& sample : series.samples) trend.Add(sample.timestamp, sample.value);
          course = trend.Draw();
        }
        cells.push_back(std::move(course));
      }
      table.AddRow(std::move(cells));
    }
    return table;
  }

  void CutLabels(Table& table) const {
    while (table.Width() > width_ && !split_.differing.empty()) {
      size_t widest = 0;
      for (size_t i = 1; i < split_.differing.size(); ++i) {
        if (table.ColumnWidth(i) > table.ColumnWidth(widest)) widest = i;
      }
      const size_t column_width = table.ColumnWidth(widest);
      if (column_width <= kLabelColumnMin) break;
      const size_t excess = table.Width() - width_;
      const size_t step = std::min(excess, std::max<size_t>(1, column_width / 8));
      table.CutColumn(widest, std::max(kLabelColumnMin, column_width - step));
    }
  }

  void PrintFooter() const {
    output_ << style_.dim << Counted(series_.size(), "series");
    if (!vector_) {
      uint64_t samples = 0;
      for (const PromqlSeries& series : series_) samples += series.samples.size();
      output_ << ", " << Counted(samples, "sample");
    }
    if (span_.first <= span_.last) {
      output_ << ", " << ReadableTime(span_.first);
      if (span_.first < span_.last) output_ << " to " << ReadableTime(span_.last);
      output_ << " UTC";
    }
    output_ << style_.reset << "\n";
    PrintMoreSeries(page_, output_);
  }

  const ResultPage& page_;
  const Style style_;
  const std::span<const PromqlSeries> series_;
  const size_t width_;
  const LabelSplit split_;
  const TimeSpan span_;
  const bool vector_;
  Output& output_;
};

}  // namespace

void PrintResultTable(const ResultPage& page, Output& output) {
  const PromqlResult& result = page.result;
  if (result.type == PromqlType::kString) {
    // All of it, whatever the width: it is what was asked for.
    output << ForPeople(result.text, std::string::npos) << "\n";
    return;
  }
  if (result.type == PromqlType::kScalar) {
    const bool any = !result.series.empty() && !result.series.front().samples.empty();
    output << (any ? ReadableValue(result.series.front().samples.back().value) : "NaN") << "\n";
    return;
  }
  if (result.series.empty()) {
    const Style style(page.style.color);
    output << style.dim << "no series" << style.reset << "\n";
    return;
  }
  ResultTable(page, output).Print();
}

}  // namespace tsdb::tools

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "tools/number_text.h"
#include "tools/series_printer.h"
#include "tools/sparkline.h"
#include "tools/table.h"

namespace tsdb::tools {
namespace {

constexpr size_t kTrendColumns = 24;
constexpr size_t kTrendColumnsNarrow = 12;
constexpr size_t kLabelColumnMin = 8;

struct Summary {
  Aggregate aggregate;
  Sample first;
  Sample last;
};

// REQUIRES: the series has a sample in the range.
Summary Summarise(const Snapshot& snapshot, SeriesId series, TimeRange range) {
  Summary summary;
  summary.aggregate = snapshot.AggregateSeries(series, range);
  bool any = false;
  Cursor cursor = snapshot.Scan(series, range);
  for (ColumnBlock block; cursor.Next(block);) {
    if (!any) summary.first = {block.timestamps.front(), block.values.front()};
    any = true;
    summary.last = {block.timestamps.back(), block.values.back()};
  }
  return summary;
}

// What all series have in common, and the names of the labels in which they differ.
void SplitLabels(const std::vector<SelectedSeries>& series, std::vector<Label>& common,
                 std::vector<std::string>& differing) {
  for (const Label label : series.front().labels) {
    if (std::all_of(series.begin(), series.end(), [&](const SelectedSeries& each) {
          return each.labels.Get(label.name) == label.value;
        })) {
      common.push_back(label);
    }
  }
  std::set<std::string, std::less<>> names;
  for (const SelectedSeries& each : series) {
    for (const Label label : each.labels) {
      const bool is_common = std::any_of(common.begin(), common.end(), [&](const Label& other) {
        return other.name == label.name;
      });
      if (!is_common && !names.contains(label.name)) names.emplace(label.name);
    }
  }
  differing.assign(names.begin(), names.end());
}

std::string Title(const std::string& name) {
  return name == kMetricNameLabel ? "metric" : Printable(name);
}

class SeriesTable {
 public:
  SeriesTable(const Selection& selection, const Style& style, size_t width, Output& output)
      : selection_(selection), style_(style), width_(width), output_(output) {
    for (const SelectedSeries& each : selection.series) {
      summaries_.push_back(Summarise(selection.snapshot, each.id, selection.range));
      first_ = std::min(first_, summaries_.back().first.timestamp);
      last_ = std::max(last_, summaries_.back().last.timestamp);
    }
    SplitLabels(selection.series, common_, differing_);
  }

  void Print() {
    if (!common_.empty()) {
      const absl::StatusOr<Labels> labels = Labels::Create(common_);
      if (labels.ok()) {
        output_ << style_.bold << Printable(labels->ToString()) << style_.reset << "\n";
      }
    }
    // As much as fits: the course narrower first, then no times, then no course; labels cut last.
    std::optional<Table> table;
    for (const auto& [times, trend] :
         {std::pair{true, kTrendColumns}, std::pair{true, kTrendColumnsNarrow},
          std::pair{false, kTrendColumnsNarrow}, std::pair{false, size_t{0}}}) {
      table.emplace(Make(times && !SameTimes(), trend));
      if (table->Width() <= width_) break;
    }
    CutLabels(*table);
    table->Print(output_, style_);
    PrintFooter();
  }

 private:
  // Whether every series spans the same time, to the second, so that the footer can say it once.
  bool SameTimes() const {
    return std::all_of(summaries_.begin(), summaries_.end(), [&](const Summary& summary) {
      return summary.first.timestamp / 1000 == first_ / 1000 &&
             summary.last.timestamp / 1000 == last_ / 1000;
    });
  }

  Table Make(bool times, size_t trend_columns) const {
    using Column = Table::Column;
    constexpr auto kRight = Table::Align::kRight;
    std::vector<Column> columns;
    for (const std::string& name : differing_) columns.push_back({Title(name)});
    columns.push_back({"samples", kRight});
    if (times) {
      columns.push_back({"from"});
      columns.push_back({"to"});
    }
    for (const char* title : {"min", "max", "last"}) columns.push_back({title, kRight});
    if (trend_columns > 0) columns.push_back({"course", Table::Align::kLeft, true});
    Table table(std::move(columns));
    for (size_t i = 0; i < summaries_.size(); ++i) table.AddRow(Row(i, times, trend_columns));
    return table;
  }

  std::vector<std::string> Row(size_t i, bool times, size_t trend_columns) const {
    const Summary& summary = summaries_[i];
    const SelectedSeries& series = selection_.series[i];
    std::vector<std::string> row;
    for (const std::string& name : differing_) row.push_back(Printable(series.labels.Get(name)));
    row.push_back(Grouped(summary.aggregate.count));
    if (times) {
      row.push_back(ReadableTime(summary.first.timestamp / 1000 * 1000));
      row.push_back(ReadableTime(summary.last.timestamp / 1000 * 1000));
    }
    const bool has_number = summary.aggregate.min <= summary.aggregate.max;
    row.push_back(has_number ? ReadableValue(summary.aggregate.min) : "NaN");
    row.push_back(has_number ? ReadableValue(summary.aggregate.max) : "NaN");
    row.push_back(ReadableValue(summary.last.value));
    if (trend_columns == 0) return row;
    Sparkline trend(first_, last_, trend_columns);
    Cursor cursor = selection_.snapshot.Scan(series.id, selection_.range);
    for (ColumnBlock block; cursor.Next(block);) {
      for (size_t k = 0; k < block.size(); ++k) trend.Add(block.timestamps[k], block.values[k]);
    }
    row.push_back(trend.Draw());
    return row;
  }

  void CutLabels(Table& table) const {
    while (table.Width() > width_ && !differing_.empty()) {
      size_t widest = 0;
      for (size_t i = 1; i < differing_.size(); ++i) {
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
    uint64_t samples = 0;
    for (const Summary& summary : summaries_) samples += summary.aggregate.count;
    output_ << style_.dim << Counted(summaries_.size(), "series") << ", "
            << Counted(samples, "sample") << ", " << ReadableTime(first_) << " to "
            << ReadableTime(last_) << " UTC" << style_.reset << "\n";
  }

  const Selection& selection_;
  const Style& style_;
  const size_t width_;
  Output& output_;
  std::vector<Summary> summaries_;
  std::vector<Label> common_;
  std::vector<std::string> differing_;
  Timestamp first_ = kTimestampMax;
  Timestamp last_ = kTimestampMin;
};

void PrintSamples(const Selection& selection, const SelectedSeries& series, const Style& style,
                  Output& output) {
  output << style.bold << Printable(series.labels.ToString()) << style.reset << "\n";
  Cursor cursor = selection.snapshot.Scan(series.id, selection.range);
  for (ColumnBlock block; cursor.Next(block);) {
    for (size_t i = 0; i < block.size(); ++i) {
      std::string time = ReadableTime(block.timestamps[i]);
      time.resize(std::max<size_t>(time.size(), 24), ' ');
      output << "  " << style.dim << time << style.reset << ExactValue(block.values[i]) << "\n";
    }
  }
}

}  // namespace

void PrintTable(const Selection& selection, bool every_sample, const Style& style, size_t width,
                Output& output) {
  if (every_sample) {
    for (const SelectedSeries& each : selection.series) {
      PrintSamples(selection, each, style, output);
    }
  } else {
    SeriesTable(selection, style, width, output).Print();
  }
  if (selection.series_left_out > 0) {
    output << style.dim << Grouped(selection.series_left_out)
           << " more series match; --limit 0 shows all" << style.reset << "\n";
  }
}

}  // namespace tsdb::tools

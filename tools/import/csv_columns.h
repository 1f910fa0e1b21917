// What the columns of a CSV table mean: which holds the time, which hold values, which tell series
// apart. Told by the user, or by the header's names and by what stands in the first lines.
//
// Thread safety: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/import/csv_syntax.h"
#include "tools/import/line_parser.h"
#include "tools/import/text_time.h"

namespace tsdb::importer {

struct CsvOptions {
  std::optional<char> delimiter;  // nothing: a comma, or a tab for a file named .tsv
  std::string time_column;        // empty: by name
  std::string time_format = "auto";
  std::optional<std::vector<std::string>> value_columns;  // nothing: by their first value
  std::optional<std::vector<std::string>> label_columns;  // nothing: those that are no values
  std::string metric_column;                              // empty: by name, or none
  // The metric's name where no column gives it: of a sole value column "value" the whole name, of
  // others what comes before the column's. Nothing: by the file's name.
  std::optional<std::string> metric;
  std::vector<std::pair<std::string, std::string>> labels;  // that every series gets
};

// By default columns have these meanings (names in any case, blanks around them aside):
//   time    the one called time, timestamp, ts, date or datetime, with or without a unit behind it
//           (timestamp_ms: numbers are of this unit)
//   metric  the one called __name__ or metric
//   value   with a metric column, the one called value if there is one; else those whose first cell
//           that is not empty is a number
//   label   the others
// A column without a name is left out. What `tsdb export --format csv` writes is known by its
// header, which starts with labels, __name__ among them, and ends with timestamp_ms,value: labels
// of these names are no mistake there.
class CsvColumns {
 public:
  enum class Kind : uint8_t {
    kTime,
    kMetric,
    kValue,
    kLabel,
    kUndecided,  // nothing but empty cells was met: no values, no labels
    kLeftOut,
  };
  struct Column {
    std::string name;
    Kind kind = Kind::kUndecided;
    std::string metric;      // of a value column: the series' metric name, unless a column gives it
    std::string first_cell;  // which told the kind; empty: the header or an option did
  };

  // Reads the header. False: the options and the header do not go together.
  bool Map(const CsvOptions& options, const std::string& default_metric,
           std::string_view header_line, const std::vector<CsvField>& header, LineError& error);
  // Gives the column the kind its first cell that is not empty tells. REQUIRES: it is undecided.
  void Decide(size_t column, std::string_view cell);

  const std::vector<Column>& columns() const { return columns_; }
  size_t time() const { return time_; }
  std::optional<size_t> metric() const { return metric_; }
  // With the metric column first; in the order of the table. The lists grow by Decide.
  const std::vector<size_t>& labels() const { return labels_; }
  const std::vector<size_t>& values() const { return values_; }
  const std::vector<size_t>& undecided() const { return undecided_; }
  std::optional<TimeUnit> time_unit() const { return time_unit_; }

 private:
  bool ReadNames(const CsvOptions& options, const std::vector<CsvField>& header, LineError& error);
  bool CheckNames(LineError& error) const;
  void MapOwn();
  void DecideByName(const CsvOptions& options);
  bool TakeNamed(const CsvOptions& options, LineError& error);
  bool TakeNamed(const std::string& name, const char* option, Kind kind, LineError& error);
  bool FindTime(const CsvOptions& options, LineError& error);
  void FindMetric(const CsvOptions& options);
  bool CheckLabels(const CsvOptions& options, LineError& error) const;
  void SetKind(size_t column, Kind kind);
  std::string MetricOf(size_t column) const;
  std::string ListOfNames() const;
  // ", or is 'x' meant?" with the most similar names, if any are similar.
  std::string Suggestion(const std::string& name) const;

  std::vector<Column> columns_;
  std::vector<size_t> places_;  // of the columns in the header line
  size_t time_ = 0;
  std::optional<TimeUnit> time_unit_;
  std::optional<size_t> metric_;
  std::vector<size_t> labels_, values_, undecided_;
  bool values_given_ = false;
  bool labels_given_ = false;
  bool own_ = false;    // as tsdb export writes it
  std::string prefix_;  // of metric names
};

// A metric name made of any text: characters a name cannot have become "_".
std::string ValidMetricName(std::string_view text);

}  // namespace tsdb::importer

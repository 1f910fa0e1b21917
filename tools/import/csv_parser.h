// Tables of CSV (RFC 4180, any delimiter) to samples: the first record is the header, each other
// one has a time, a sample for every value column whose cell is not empty, and the labels of their
// series. What the columns mean: csv_columns.h.
//
// A record is taken whole or not at all. Numbers and times may have blanks around them, labels are
// taken as they stand.
//
// Thread safety: none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/base/types.h"
#include "tools/import/csv_columns.h"
#include "tools/import/csv_syntax.h"
#include "tools/import/line_parser.h"
#include "tools/import/series_cache.h"
#include "tools/import/sink.h"
#include "tools/import/text_time.h"

namespace tsdb::importer {

class CsvParser : public LineParser {
 public:
  // `default_metric`: used where the options give no metric. REQUIRES: options.time_format is one
  // that TimeFormat takes.
  CsvParser(const CsvOptions& options, char delimiter, std::string default_metric, Sink& sink);

  // `line` is a record: it may have newlines in it.
  bool Parse(std::string_view line, LineError& error) override;
  bool Finish(LineError& error) override;
  std::vector<std::string> Notes() const override;

 private:
  // One id for each value column; kInvalidSeriesId before its first value.
  using SeriesOfRow = SeriesCache<std::vector<SeriesId>>::Entry;
  struct Staged {
    size_t value;  // which value column
    double number;
  };

  bool ReadHeader(std::string_view line, LineError& error);
  bool Split(std::string_view line, SeriesOfRow*& row, LineError& error);
  bool WrongCount(LineError& error) const;
  // Whether the record must be looked at again, knowing more.
  bool DecideColumns();
  bool ParseTime(Timestamp& timestamp, LineError& error);
  bool ParseValues(LineError& error);
  std::string_view KeyOf(std::string_view line);
  void LearnLabels();
  SeriesOfRow* FindSeries(std::string_view line);
  bool Register(std::string_view line, size_t value, SeriesId& series, LineError& error);
  std::string MetricName(size_t value);
  // "column 3 'host': message", at the field.
  bool FailAt(size_t column, std::string message, LineError& error,
              Reason reason = Reason::kMalformed) const;

  const CsvOptions options_;
  const char delimiter_;
  const std::string default_metric_;
  Sink& sink_;
  TimeFormat time_format_;
  CsvColumns columns_;
  bool header_read_ = false;

  // The columns that tell series apart, in order, whether they stand side by side, and whether they
  // are the first ones.
  std::vector<size_t> key_columns_;
  bool key_is_one_piece_ = true;
  bool key_is_first_ = false;
  SeriesCache<std::vector<SeriesId>> series_;

  // Of the record at hand.
  std::vector<CsvField> fields_;  // those of the key are not set when it was recognised
  std::vector<Staged> staged_;
  std::string key_;
  std::string scratch_;
};

}  // namespace tsdb::importer

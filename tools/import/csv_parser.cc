#include "tools/import/csv_parser.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "tools/import/text_number.h"

namespace tsdb::importer {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

TimeFormat FormatOf(const std::string& text) {
  absl::StatusOr<TimeFormat> format = TimeFormat::Create(text);
  TSDB_CHECK(format.ok());
  return *std::move(format);
}

}  // namespace

CsvParser::CsvParser(const CsvOptions& options, char delimiter, std::string default_metric,
                     Sink& sink)
    : options_(options),
      delimiter_(delimiter),
      default_metric_(std::move(default_metric)),
      sink_(sink),
      time_format_(FormatOf(options.time_format)) {}

bool CsvParser::FailAt(size_t column, std::string message, LineError& error, Reason reason) const {
  return error.Set(reason, fields_[column].offset + 1,
                   absl::StrCat("column ", column + 1, " ",
                                InQuotes(columns_.columns()[column].name), ": ", message));
}

bool CsvParser::ReadHeader(std::string_view line, LineError& error) {
  if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  if (line.ends_with('\r')) line.remove_suffix(1);
  fields_.clear();
  if (!SplitCsv(line, delimiter_, 0, fields_, error)) {
    error.ends_input = true;
    return false;
  }
  CsvColumns columns;
  if (!columns.Map(options_, default_metric_, line, fields_, error)) return false;
  columns_ = std::move(columns);
  if (const auto unit = columns_.time_unit()) time_format_.ExpectUnit(*unit);
  LearnLabels();
  header_read_ = true;
  return true;
}

void CsvParser::LearnLabels() {
  key_columns_ = columns_.labels();
  std::sort(key_columns_.begin(), key_columns_.end());
  key_is_one_piece_ =
      key_columns_.empty() || key_columns_.back() - key_columns_.front() + 1 == key_columns_.size();
  key_is_first_ = !key_columns_.empty() && key_is_one_piece_ && key_columns_.front() == 0;
}

// Tables have the labels first, mostly, and series by series: then most of the record need not be
// looked at but for being the same as before.
bool CsvParser::Split(std::string_view line, SeriesOfRow*& row, LineError& error) {
  fields_.clear();
  row = key_is_first_ ? series_.Expected(line) : nullptr;
  size_t position = 0;
  if (row != nullptr && row->text.size() < line.size() && line[row->text.size()] == delimiter_) {
    position = row->text.size() + 1;
    fields_.resize(key_columns_.size());
  } else {
    row = nullptr;
  }
  return SplitCsv(line, delimiter_, position, fields_, error);
}

bool CsvParser::Parse(std::string_view line, LineError& error) {
  if (!header_read_) return ReadHeader(line, error);
  if (line.empty() || line == "\r") return true;
  SeriesOfRow* row = nullptr;
  if (!Split(line, row, error)) return false;
  if (fields_.size() != columns_.columns().size()) return WrongCount(error);
  if (!columns_.undecided().empty() && DecideColumns()) return Parse(line, error);
  Timestamp timestamp = 0;
  if (!ParseTime(timestamp, error) || !ParseValues(error)) return false;
  if (staged_.empty()) return true;
  if (row == nullptr) row = FindSeries(line);
  series_.Use(row);
  row->value.resize(columns_.values().size(), kInvalidSeriesId);
  for (const Staged& each : staged_) {
    SeriesId& series = row->value[each.value];
    if (series == kInvalidSeriesId && !Register(line, each.value, series, error)) return false;
  }
  for (const Staged& each : staged_) {
    absl::Status status = sink_.Append(row->value[each.value], timestamp, each.number);
    if (!status.ok()) return error.SetSink(std::move(status));
    ++counts_.samples;
  }
  return true;
}

bool CsvParser::WrongCount(LineError& error) const {
  const size_t wanted = columns_.columns().size();
  const size_t found = fields_.size();
  const CsvField& last = fields_.back();
  const size_t place = found > wanted ? fields_[wanted].offset : last.offset + last.raw_size;
  std::string message = absl::StrCat("the line has ", found, found == 1 ? " column" : " columns",
                                     ", the header ", wanted);
  if (found < wanted) {
    absl::StrAppend(&message, "; ", InQuotes(columns_.columns()[found].name), " is missing");
  }
  return error.Set(Reason::kMalformed, place + 1, std::move(message));
}

bool CsvParser::DecideColumns() {
  bool decided = false;
  for (const size_t column : std::vector<size_t>(columns_.undecided())) {
    const std::string_view cell = CsvText(fields_[column], scratch_);
    if (Trimmed(cell).empty() && !fields_[column].quoted) continue;
    if (cell.empty()) continue;
    columns_.Decide(column, cell);
    decided = true;
  }
  if (!decided) return false;
  // A column that was empty so far may be part of the key now.
  LearnLabels();
  series_.Clear();
  return true;
}

bool CsvParser::ParseTime(Timestamp& timestamp, LineError& error) {
  const size_t column = columns_.time();
  const std::string_view text = Trimmed(CsvText(fields_[column], scratch_));
  const TimestampError result = time_format_.Parse(text, timestamp);
  if (result == TimestampError::kNone) return true;
  if (text.empty()) return FailAt(column, "the time is empty", error);
  if (result == TimestampError::kOutOfRange) {
    return FailAt(column, "the time " + InQuotes(text) + " does not fit 64 bits of milliseconds",
                  error, Reason::kTimestampRange);
  }
  return FailAt(column, "not " + time_format_.Description() + ": " + InQuotes(text), error);
}

bool CsvParser::ParseValues(LineError& error) {
  staged_.clear();
  const std::vector<size_t>& values = columns_.values();
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string_view text = Trimmed(CsvText(fields_[values[i]], scratch_));
    if (text.empty()) continue;
    const std::optional<double> number = ParseValue(text);
    if (!number) {
      const std::string& first = columns_.columns()[values[i]].first_cell;
      std::string message = "not a number: " + InQuotes(text);
      if (!first.empty()) {
        message += "; the column was taken for values because its first cell is " + first +
                   ", --label-columns makes labels of columns";
      }
      return FailAt(values[i], std::move(message), error);
    }
    staged_.push_back({i, *number});
  }
  return true;
}

// The cells of the columns that tell series apart, as they are written.
std::string_view CsvParser::KeyOf(std::string_view line) {
  if (key_columns_.empty()) return {};
  if (key_is_one_piece_) {
    const size_t begin = fields_[key_columns_.front()].offset;
    const CsvField& last = fields_[key_columns_.back()];
    return line.substr(begin, last.offset + last.raw_size - begin);
  }
  key_.clear();
  for (const size_t column : key_columns_) {
    key_.append(line.substr(fields_[column].offset, fields_[column].raw_size)) += delimiter_;
  }
  return key_;
}

CsvParser::SeriesOfRow* CsvParser::FindSeries(std::string_view line) {
  const std::string_view key = KeyOf(line);
  SeriesOfRow* row = series_.Expected(key);
  if (row == nullptr || row->text.size() != key.size()) row = series_.Find(key);
  if (row == nullptr) row = series_.Add(key, {});
  return row;
}

std::string CsvParser::MetricName(size_t value) {
  const CsvColumns::Column& column = columns_.columns()[columns_.values()[value]];
  if (!columns_.metric()) return column.metric;
  std::string name(CsvText(fields_[*columns_.metric()], scratch_));
  if (name.empty()) return options_.metric ? column.metric : "";
  if (columns_.values().size() > 1) absl::StrAppend(&name, "_", ValidMetricName(column.name));
  return name;
}

bool CsvParser::Register(std::string_view line, size_t value, SeriesId& series, LineError& error) {
  fields_.clear();
  if (!SplitCsv(line, delimiter_, 0, fields_, error)) return false;
  std::deque<std::string> texts;  // stay in place when one is added
  std::vector<Label> labels;
  labels.push_back({kMetricNameLabel, texts.emplace_back(MetricName(value))});
  for (const auto& [name, text] : options_.labels) labels.push_back({name, text});
  for (const size_t column : columns_.labels()) {
    if (column == columns_.metric()) continue;
    const std::string& text = texts.emplace_back(CsvText(fields_[column], scratch_));
    if (!IsValidUtf8(text)) {
      return FailAt(column, "not valid UTF-8: " + InQuotes(text), error, Reason::kLabels);
    }
    labels.push_back({columns_.columns()[column].name, text});
  }
  const absl::StatusOr<Labels> set = Labels::Create(labels);
  if (!set.ok()) return error.Set(Reason::kLabels, 0, std::string(set.status().message()));
  const absl::StatusOr<SeriesId> id = sink_.FindOrCreateSeries(*set);
  if (!id.ok()) return error.SetSink(id.status());
  series = *id;
  return true;
}

bool CsvParser::Finish(LineError&) { return true; }

std::vector<std::string> CsvParser::Notes() const {
  std::string left_out;
  for (size_t i = 0; i < columns_.columns().size(); ++i) {
    const CsvColumns::Column& column = columns_.columns()[i];
    if (column.kind != CsvColumns::Kind::kLeftOut) continue;
    if (!left_out.empty()) left_out += ", ";
    left_out +=
        column.name.empty() ? absl::StrCat(i + 1, " (without a name)") : InQuotes(column.name);
  }
  if (left_out.empty()) return {};
  return {"columns left out, being neither time, value nor label: " + left_out};
}

}  // namespace tsdb::importer

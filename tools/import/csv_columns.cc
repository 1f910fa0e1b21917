#include "tools/import/csv_columns.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "storage/base/labels.h"
#include "storage/base/nearest_names.h"
#include "tools/import/text_number.h"

namespace tsdb::importer {
namespace {

constexpr size_t kNamesShownMax = 20;

bool Fatal(LineError& error, size_t column, std::string message) {
  error.ends_input = true;
  return error.Set(Reason::kMalformed, column, std::move(message));
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return lower;
}

struct TimeName {
  bool is_time = false;
  std::optional<TimeUnit> unit;
};

TimeName ReadTimeName(std::string_view name) {
  constexpr std::pair<std::string_view, TimeUnit> kUnits[] = {
      {"_s", TimeUnit::kSeconds},       {"_sec", TimeUnit::kSeconds},
      {"_seconds", TimeUnit::kSeconds}, {"_ms", TimeUnit::kMilliseconds},
      {"_us", TimeUnit::kMicroseconds}, {"_ns", TimeUnit::kNanoseconds}};
  std::string lower = LowerCase(name);
  TimeName result;
  for (const auto& [suffix, unit] : kUnits) {
    if (!lower.ends_with(suffix)) continue;
    lower.resize(lower.size() - suffix.size());
    result.unit = unit;
    break;
  }
  constexpr std::string_view kNames[] = {"time", "timestamp", "ts", "date", "datetime"};
  result.is_time = std::find(std::begin(kNames), std::end(kNames), lower) != std::end(kNames);
  return result;
}

}  // namespace

std::string ValidMetricName(std::string_view text) {
  std::string name;
  for (const char c : Trimmed(text)) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
    const bool digit = c >= '0' && c <= '9';
    if (digit && name.empty()) name += '_';
    name += letter || digit ? c : '_';
  }
  return name.empty() ? "_" : name;
}

std::string CsvColumns::ListOfNames() const {
  std::string list;
  for (size_t i = 0; i < columns_.size() && i < kNamesShownMax; ++i) {
    if (i > 0) list += ", ";
    list += InQuotes(columns_[i].name);
  }
  if (columns_.size() > kNamesShownMax) {
    absl::StrAppend(&list, " and ", columns_.size() - kNamesShownMax, " more");
  }
  return list;
}

std::string CsvColumns::Suggestion(const std::string& name) const {
  std::vector<std::string_view> names;
  for (const Column& column : columns_) {
    if (!column.name.empty()) names.push_back(column.name);
  }
  std::vector<std::string> quoted;
  for (const std::string_view near : NearestNames(name, names)) quoted.push_back(InQuotes(near));
  if (quoted.empty()) return "";
  const std::vector<std::string_view> texts(quoted.begin(), quoted.end());
  return "; is " + JoinWithOr(texts) + " meant?";
}

bool CsvColumns::CheckNames(LineError& error) const {
  // Sorted, because a header may have as many names as a line has room for.
  std::vector<size_t> order(columns_.size() - (own_ ? 2 : 0));
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return columns_[a].name < columns_[b].name; });
  for (size_t i = 0; i < order.size(); ++i) {
    const std::string& name = columns_[order[i]].name;
    if (!IsValidUtf8(name)) {
      return Fatal(error, places_[order[i]], "the name of a column is not valid UTF-8");
    }
    if (i == 0 || name.empty() || columns_[order[i - 1]].name != name) continue;
    return Fatal(error, places_[order[i]],
                 absl::StrCat("columns ", order[i - 1] + 1, " and ", order[i] + 1,
                              " are both called ", InQuotes(name)));
  }
  return true;
}

bool CsvColumns::ReadNames(const CsvOptions& options, const std::vector<CsvField>& header,
                           LineError& error) {
  std::string scratch;
  bool named = false;
  for (const CsvField& field : header) {
    const std::string_view text = CsvText(field, scratch);
    const std::string_view name = field.quoted ? text : Trimmed(text);
    named = named || name == kMetricNameLabel;
    columns_.push_back({std::string(name), Kind::kUndecided, "", ""});
    places_.push_back(field.offset + 1);
  }
  const size_t count = columns_.size();
  own_ = named && count >= 3 && columns_[count - 2].name == "timestamp_ms" &&
         columns_[count - 1].name == "value" && options.time_column.empty() &&
         options.metric_column.empty() && !options.value_columns && !options.label_columns;
  return CheckNames(error);
}

void CsvColumns::MapOwn() {
  values_given_ = labels_given_ = true;
  for (size_t i = 0; i + 2 < columns_.size(); ++i) {
    const bool metric = !metric_ && columns_[i].name == kMetricNameLabel;
    SetKind(i, metric ? Kind::kMetric : Kind::kLabel);
  }
  SetKind(columns_.size() - 2, Kind::kTime);
  SetKind(columns_.size() - 1, Kind::kValue);
  time_unit_ = TimeUnit::kMilliseconds;
}

void CsvColumns::SetKind(size_t column, Kind kind) {
  columns_[column].kind = kind;
  if (kind == Kind::kMetric) {
    metric_ = column;
    labels_.insert(labels_.begin(), column);
  }
  if (kind == Kind::kTime) time_ = column;
  if (kind == Kind::kLabel) labels_.push_back(column);
  if (kind == Kind::kValue) values_.push_back(column);
}

bool CsvColumns::TakeNamed(const std::string& name, const char* option, Kind kind,
                           LineError& error) {
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].name != name) continue;
    if (columns_[i].kind != Kind::kUndecided) {
      return Fatal(error, places_[i],
                   std::string(option) + " names the column " + InQuotes(name) +
                       ", which an option named already");
    }
    SetKind(i, kind);
    return true;
  }
  return Fatal(error, 0,
               "there is no column " + InQuotes(name) + ", which " + option + " names" +
                   Suggestion(name) + " There are " + ListOfNames());
}

bool CsvColumns::TakeNamed(const CsvOptions& options, LineError& error) {
  const auto take_one = [&](const std::string& name, const char* option, Kind kind) {
    return name.empty() || TakeNamed(name, option, kind, error);
  };
  const auto take_all = [&](const std::optional<std::vector<std::string>>& names,
                            const char* option, Kind kind) {
    if (!names) return true;
    return std::all_of(names->begin(), names->end(), [&](const std::string& name) {
      return TakeNamed(name, option, kind, error);
    });
  };
  values_given_ = options.value_columns.has_value();
  labels_given_ = options.label_columns.has_value();
  return take_one(options.time_column, "--time-column", Kind::kTime) &&
         take_one(options.metric_column, "--metric-column", Kind::kMetric) &&
         take_all(options.value_columns, "--value-columns", Kind::kValue) &&
         take_all(options.label_columns, "--label-columns", Kind::kLabel);
}

bool CsvColumns::FindTime(const CsvOptions& options, LineError& error) {
  if (!options.time_column.empty()) {
    time_unit_ = ReadTimeName(columns_[time_].name).unit;
    return true;
  }
  std::optional<size_t> found;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].kind != Kind::kUndecided) continue;
    const TimeName name = ReadTimeName(Trimmed(columns_[i].name));
    if (!name.is_time) continue;
    if (found) {
      return Fatal(error, places_[i],
                   "columns " + InQuotes(columns_[*found].name) + " and " +
                       InQuotes(columns_[i].name) +
                       " could both hold the time; --time-column says which does");
    }
    found = i;
    time_unit_ = name.unit;
  }
  if (found) return SetKind(*found, Kind::kTime), true;
  std::string hint;
  if (columns_.size() == 1) {
    for (const char delimiter : {';', '\t', '|'}) {
      if (columns_[0].name.find(delimiter) == std::string::npos) continue;
      const std::string named =
          delimiter == '\t' ? "tab" : absl::StrCat("'", std::string(1, delimiter), "'");
      hint = absl::StrCat("; if its fields are set apart by ", named, ", say --delimiter ", named);
    }
  }
  return Fatal(error, 0,
               "no column of the header is called time, timestamp, ts, date or datetime; "
               "--time-column NAME says which holds the time. There are " +
                   ListOfNames() + hint);
}

void CsvColumns::FindMetric(const CsvOptions& options) {
  if (!options.metric_column.empty()) return;
  for (const std::string_view name : {kMetricNameLabel, std::string_view("metric")}) {
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].kind != Kind::kUndecided || LowerCase(columns_[i].name) != name) continue;
      return SetKind(i, Kind::kMetric);
    }
  }
}

bool CsvColumns::CheckLabels(const CsvOptions& options, LineError& error) const {
  for (const auto& [name, value] : options.labels) {
    for (size_t i = 0; i < columns_.size(); ++i) {
      const bool clashes = columns_[i].kind == Kind::kLabel && columns_[i].name == name;
      if (!clashes) continue;
      return Fatal(
          error, places_[i],
          "--label gives " + InQuotes(name) + ", which is a column, too; leave one of them out");
    }
  }
  return true;
}

std::string CsvColumns::MetricOf(size_t column) const {
  const std::string& name = columns_[column].name;
  if (LowerCase(name) == "value") return prefix_.empty() ? "value" : prefix_;
  const bool joined = prefix_.empty() || prefix_.ends_with('_') || prefix_.ends_with(':');
  std::string own = ValidMetricName(name);
  if (!prefix_.empty() && own.size() > 1 && own[0] == '_' && name[0] != '_') own.erase(0, 1);
  return prefix_ + (joined ? "" : "_") + own;
}

// What is no value of a table that has a column for values is a label, a number or not.
void CsvColumns::DecideByName(const CsvOptions& options) {
  FindMetric(options);
  if (!metric_ || values_given_) return;
  const auto is_value = [](const Column& column) {
    return column.kind == Kind::kUndecided && LowerCase(column.name) == "value";
  };
  const auto value = std::find_if(columns_.begin(), columns_.end(), is_value);
  if (value == columns_.end()) return;
  values_given_ = true;
  SetKind(static_cast<size_t>(value - columns_.begin()), Kind::kValue);
  for (size_t i = 0; !labels_given_ && i < columns_.size(); ++i) {
    const bool left = columns_[i].kind == Kind::kUndecided && !columns_[i].name.empty();
    if (left) SetKind(i, Kind::kLabel);
  }
}

bool CsvColumns::Map(const CsvOptions& options, const std::string& default_metric,
                     std::string_view header_line, const std::vector<CsvField>& header,
                     LineError& error) {
  if (Trimmed(header_line).empty()) return Fatal(error, 0, "the header is empty");
  prefix_ = options.metric.value_or(default_metric);
  if (!ReadNames(options, header, error)) return false;
  if (own_) {
    MapOwn();
  } else {
    if (!TakeNamed(options, error) || !FindTime(options, error)) return false;
    DecideByName(options);
  }
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].kind == Kind::kValue) columns_[i].metric = MetricOf(i);
    if (columns_[i].kind != Kind::kUndecided) continue;
    if (columns_[i].name.empty() || (values_given_ && labels_given_)) {
      columns_[i].kind = Kind::kLeftOut;
    } else {
      undecided_.push_back(i);
    }
  }
  if (values_.empty() && undecided_.empty()) {
    return Fatal(error, 0, "no column is left for values. There are " + ListOfNames());
  }
  return CheckLabels(options, error);
}

void CsvColumns::Decide(size_t column, std::string_view cell) {
  const bool number = ParseValue(Trimmed(cell)).has_value();
  const Kind kind = number ? (values_given_ ? Kind::kLeftOut : Kind::kValue)
                           : (labels_given_ ? Kind::kLeftOut : Kind::kLabel);
  SetKind(column, kind);
  columns_[column].first_cell = InQuotes(cell);
  if (kind == Kind::kValue) columns_[column].metric = MetricOf(column);
  std::erase(undecided_, column);
}

}  // namespace tsdb::importer

#include "tools/import/influx_parser.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <deque>
#include <initializer_list>
#include <limits>
#include <optional>
#include <utility>

#include "tools/import/text_number.h"

namespace tsdb::importer {
namespace {

bool IsEscapable(char c) { return c == ',' || c == '=' || c == ' ' || c == '\\'; }

// The first of `ends` at or after `position` that no backslash escapes, or the end.
size_t FindUnescaped(std::string_view line, size_t position, std::string_view ends) {
  for (; position < line.size(); ++position) {
    const char c = line[position];
    if (c == '\\' && position + 1 < line.size() && IsEscapable(line[position + 1])) {
      ++position;
    } else if (ends.find(c) != std::string_view::npos) {
      return position;
    }
  }
  return line.size();
}

std::string Unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && IsEscapable(text[i + 1])) ++i;
    out += text[i];
  }
  return out;
}

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    if (text == word) return true;
  }
  return false;
}

template <typename Integer>
std::optional<double> WholeNumber(std::string_view digits, uint64_t& rounded) {
  if (digits.starts_with('+')) return std::nullopt;
  Integer number = 0;
  const char* const end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end || digits.empty()) return std::nullopt;
  constexpr double kExactMax = 9007199254740992;  // 2^53
  const auto value = static_cast<double>(number);
  rounded += std::abs(value) >= kExactMax &&
             (value >= static_cast<double>(std::numeric_limits<Integer>::max()) ||
              static_cast<Integer>(value) != number);
  return value;
}

std::optional<double> FieldNumber(std::string_view text, uint64_t& rounded) {
  if (IsOneOf(text, {"t", "T", "true", "True", "TRUE"})) return 1;
  if (IsOneOf(text, {"f", "F", "false", "False", "FALSE"})) return 0;
  if (text.ends_with('i')) return WholeNumber<int64_t>(text.substr(0, text.size() - 1), rounded);
  if (text.ends_with('u')) return WholeNumber<uint64_t>(text.substr(0, text.size() - 1), rounded);
  return ParseValue(text);
}

size_t SkipSpaces(std::string_view line, size_t position) {
  while (position < line.size() && line[position] == ' ') ++position;
  return position;
}

}  // namespace

InfluxParser::Known* InfluxParser::FindKnown(std::string_view line, size_t& end) {
  Known* const expected = known_.Expected(line);
  if (expected != nullptr) {
    end = expected->text.size();
    if (end < line.size() && line[end] == ' ') return expected;
  }
  end = FindUnescaped(line, 0, " ");
  return known_.Find(line.substr(0, end));
}

bool InfluxParser::Parse(std::string_view line, LineError& error) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) {
    // A blank after a backslash belongs to a name, which then has no fields behind it.
    line.remove_suffix(1);
  }
  const size_t indent = SkipSpaces(line, 0);
  if (indent == line.size() || line[indent] == '#') return true;
  if (indent > 0) return Fail(error, 0, "a blank before the measurement");
  size_t position = 0;
  Known* known = FindKnown(line, position);
  if (known == nullptr) {
    if (!ParseKey(line, position, error)) return false;
    known = known_.Add(line.substr(0, position), {});
  }
  staged_.clear();
  strings_ = rounded_ = 0;
  Timestamp timestamp = options_.default_timestamp;
  bool timed = false;
  if (!ParseFields(line, position, known->value, error) ||
      !ParseTimestamp(line, position, timestamp, timed, error)) {
    return false;
  }
  for (const Staged& each : staged_) {
    Field& field = known->value.list[each.field];
    if (field.series == kInvalidSeriesId && !Register(line, field, field.series, error)) {
      return false;
    }
  }
  for (const Staged& each : staged_) {
    const SeriesId series = known->value.list[each.field].series;
    absl::Status status = sink_.Append(series, timestamp, each.number);
    if (!status.ok()) return error.SetSink(std::move(status));
    ++counts_.samples;
    counts_.untimed += !timed;
  }
  known_.Use(known);
  strings_left_out_ += strings_;
  integers_rounded_ += rounded_;
  if (timed && !staged_.empty()) latest_ = std::max(latest_, timestamp);
  return true;
}

// Checks the measurement and tags of a line not seen before.
bool InfluxParser::ParseKey(std::string_view line, size_t& end, LineError& error) {
  size_t position = FindUnescaped(line, 0, ", ");
  if (position == 0) return Fail(error, 0, "the measurement is missing");
  while (position < line.size() && line[position] == ',') {
    const size_t name_at = position + 1;
    const size_t equals = FindUnescaped(line, name_at, ",= ");
    if (equals == name_at) return Fail(error, name_at, "the name of a tag is missing");
    if (equals == line.size() || line[equals] != '=') {
      return Fail(
          error, equals,
          "a '=' is missing after the tag " + InQuotes(line.substr(name_at, equals - name_at)));
    }
    position = FindUnescaped(line, equals + 1, ",= ");
    if (position == equals + 1) {
      return Fail(error, position,
                  "the value of the tag " + InQuotes(line.substr(name_at, equals - name_at)) +
                      " is missing");
    }
    if (position < line.size() && line[position] == '=') {
      return Fail(error, position, "a '=' in the value of a tag must be escaped: \\=");
    }
  }
  end = position;
  return true;
}

bool InfluxParser::ParseFields(std::string_view line, size_t& position, Fields& fields,
                               LineError& error) {
  position = SkipSpaces(line, position);
  if (position == line.size()) {
    return Fail(error, position, "the fields are missing after the measurement");
  }
  while (true) {
    if (!ParseField(line, position, fields, error)) return false;
    if (position == line.size() || line[position] == ' ') return true;
    if (line[position] != ',') return Fail(error, position, "a ',' is missing between fields");
    ++position;
  }
}

bool InfluxParser::ParseField(std::string_view line, size_t& position, Fields& fields,
                              LineError& error) {
  const size_t name_at = position;
  const size_t guess = staged_.empty() ? 0 : staged_.back().field + 1;
  size_t place = fields.list.size();
  if (guess < fields.list.size()) {
    const std::string& name = fields.list[guess].name;
    const size_t end = name_at + name.size();
    if (line.substr(name_at).starts_with(name) && end < line.size() && line[end] == '=') {
      place = guess;
      position = end;
    }
  }
  if (place == fields.list.size()) {
    position = FindUnescaped(line, name_at, ",= ");
    if (position == name_at) return Fail(error, name_at, "the name of a field is missing");
    if (position == line.size() || line[position] != '=') {
      return Fail(
          error, position,
          "a '=' is missing after the field " + InQuotes(line.substr(name_at, position - name_at)));
    }
  }
  const std::string_view name = line.substr(name_at, position - name_at);
  ++position;
  double number = 0;
  FieldKind kind = FieldKind::kNumber;
  if (!ParseFieldValue(line, position, number, kind, error)) return false;
  if (kind == FieldKind::kString) return true;
  if (place == fields.list.size()) {
    const auto [known, fresh] = fields.places.emplace(name, fields.list.size());
    if (fresh) fields.list.push_back({std::string(name), kInvalidSeriesId});
    place = known->second;
  }
  staged_.push_back({place, number});
  return true;
}

bool InfluxParser::ParseFieldValue(std::string_view line, size_t& position, double& number,
                                   FieldKind& kind, LineError& error) {
  const size_t begin = position;
  if (begin < line.size() && line[begin] == '"') {
    size_t i = begin + 1;
    while (i < line.size() && line[i] != '"') i += line[i] == '\\' ? 2 : 1;
    if (i >= line.size()) {
      return Fail(error, begin, "the quote is not closed in this line");
    }
    position = i + 1;
    kind = FieldKind::kString;
    ++strings_;
    return true;
  }
  while (position < line.size() && line[position] != ',' && line[position] != ' ') ++position;
  const std::string_view text = line.substr(begin, position - begin);
  if (text.empty()) return Fail(error, begin, "the value of the field is missing");
  const std::optional<double> value = FieldNumber(text, rounded_);
  if (!value) {
    return Fail(error, begin,
                "not a number, a truth value or a string in double quotes: " + InQuotes(text));
  }
  number = *value;
  return true;
}

bool InfluxParser::ParseTimestamp(std::string_view line, size_t position, Timestamp& timestamp,
                                  bool& timed, LineError& error) const {
  position = SkipSpaces(line, position);
  if (position == line.size()) return true;
  const std::string_view text = line.substr(position);
  if (const size_t blank = text.find(' '); blank != std::string_view::npos) {
    return Fail(error, position + blank, "unexpected text after the timestamp");
  }
  timed = true;
  const TimestampError result = ParseEpoch(text, options_.precision, timestamp);
  if (result == TimestampError::kOutOfRange) {
    return error.Set(Reason::kTimestampRange, position + 1,
                     "the timestamp " + InQuotes(text) + " does not fit 64 bits");
  }
  if (result == TimestampError::kMalformed) {
    constexpr const char* kUnits[] = {"seconds", "milliseconds", "microseconds", "nanoseconds"};
    return Fail(error, position,
                std::string("not a timestamp in whole ") +
                    kUnits[static_cast<size_t>(options_.precision)] + ": " + InQuotes(text));
  }
  return true;
}

bool InfluxParser::Register(std::string_view line, const Field& field, SeriesId& series,
                            LineError& error) {
  std::deque<std::string> texts;  // stay in place when one is added
  std::vector<Label> labels;
  size_t position = FindUnescaped(line, 0, ", ");
  const std::string measurement = Unescaped(line.substr(0, position));
  bool named = false;
  while (position < line.size() && line[position] == ',') {
    const size_t equals = FindUnescaped(line, position + 1, "=");
    const std::string& name =
        texts.emplace_back(Unescaped(line.substr(position + 1, equals - position - 1)));
    position = FindUnescaped(line, equals + 1, ", ");
    const std::string& value =
        texts.emplace_back(Unescaped(line.substr(equals + 1, position - equals - 1)));
    labels.push_back({name, value});
    named = named || name == kMetricNameLabel;
  }
  if (!named) {
    const std::string& name = texts.emplace_back(measurement + "_" + Unescaped(field.name));
    labels.push_back({kMetricNameLabel, name});
  }
  const absl::StatusOr<Labels> set = Labels::Create(labels);
  if (!set.ok()) return error.Set(Reason::kLabels, 1, std::string(set.status().message()));
  const absl::StatusOr<SeriesId> id = sink_.FindOrCreateSeries(*set);
  if (!id.ok()) return error.SetSink(id.status());
  series = *id;
  return true;
}

bool InfluxParser::Finish(LineError&) { return true; }

std::vector<std::string> InfluxParser::Notes() const {
  std::vector<std::string> notes;
  if (strings_left_out_ > 0) {
    notes.push_back("string fields left out, because a sample is a number: " +
                    std::to_string(strings_left_out_));
  }
  if (integers_rounded_ > 0) {
    notes.push_back("integers rounded to the nearest double, being beyond 2^53: " +
                    std::to_string(integers_rounded_));
  }
  constexpr Timestamp kEarlyMs = Timestamp{10} * 86'400'000;
  if (options_.precision != TimeUnit::kSeconds && latest_ != kTimestampMin && latest_ < kEarlyMs &&
      latest_ > 0) {
    notes.push_back(
        "all times lie within ten days of 1970-01-01; if that is wrong, --precision must be a "
        "larger unit");
  }
  return notes;
}

}  // namespace tsdb::importer

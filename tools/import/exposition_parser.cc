#include "tools/import/exposition_parser.h"

#include <cmath>
#include <optional>
#include <utility>

#include "tools/import/openmetrics_rules.h"
#include "tools/import/text_number.h"

namespace tsdb::importer {
namespace {

constexpr size_t kExemplarCharactersMax = 128;  // OpenMetrics 1.0, "Exemplars"

size_t TokenEnd(std::string_view line, size_t position) {
  while (position < line.size() && !IsBlank(line[position])) ++position;
  return position;
}

size_t SkipBlanks(std::string_view line, size_t position) {
  while (position < line.size() && IsBlank(line[position])) ++position;
  return position;
}

size_t CountCharacters(std::string_view utf8) {
  size_t count = 0;
  for (const char c : utf8) count += (c & 0xC0) != 0x80;
  return count;
}

}  // namespace

ExpositionParser::ExpositionParser(const ExpositionOptions& options, Sink& sink)
    : options_(options),
      sink_(sink),
      rules_(options.strict && options.dialect == Dialect::kOpenMetrics
                 ? std::make_unique<OpenMetricsRules>()
                 : nullptr) {}

ExpositionParser::~ExpositionParser() = default;

bool ExpositionParser::Parse(std::string_view line, LineError& error) {
  if (options_.dialect == Dialect::kPrometheus) {
    while (!line.empty() && (IsBlank(line.back()) || line.back() == '\r')) line.remove_suffix(1);
    const size_t indent = SkipBlanks(line, 0);
    line.remove_prefix(indent);
    if (line.empty()) return true;
    const bool taken = line[0] == '#' ? ParseComment(line, error) : ParseSample(line, error);
    if (!taken && error.column > 0) error.column += indent;
    return taken;
  }
  if (eof_seen_) return Fail(error, 0, "text after '# EOF'");
  if (line.empty()) return Fail(error, 0, "an empty line, which OpenMetrics does not allow");
  return line[0] == '#' ? ParseComment(line, error) : ParseSample(line, error);
}

bool ExpositionParser::Finish(LineError& error) {
  if (options_.dialect == Dialect::kPrometheus) {
    if (!eof_seen_ || !timestamp_seen_) return true;
    return error.Set(
        Reason::kMalformed, 0,
        "the input was read as Prometheus text, its timestamps as milliseconds, but ends "
        "with '# EOF' as OpenMetrics does, whose timestamps are seconds; say which it is "
        "with --input-format");
  }
  if (!eof_seen_) {
    return error.Set(Reason::kMalformed, 0,
                     "'# EOF' is missing at the end: the input is cut short");
  }
  return rules_ == nullptr || rules_->Finish(error);
}

bool ExpositionParser::ParseComment(std::string_view line, LineError& error) {
  Metadata metadata;
  if (!ParseMetadata(line, options_.dialect, metadata, error)) return false;
  // In Prometheus text only a last line that says EOF is a hint at the other format.
  eof_seen_ = metadata.kind == Metadata::Kind::kEof;
  return rules_ == nullptr || eof_seen_ || rules_->OnMetadata(metadata, error);
}

// The series of the line if it was seen before, by its text alone, with `end` behind it.
ExpositionParser::KnownSeries* ExpositionParser::FindKnown(std::string_view line, size_t& end) {
  if (KnownSeries* const expected = known_.Expected(line); expected != nullptr) {
    end = expected->text.size();
    if (expected->text.back() == '}') return expected;
    // A bare name: braces may follow it, in Prometheus text after blanks.
    const size_t next = SkipBlanks(line, end);
    if (next > end && (next == line.size() || line[next] != '{')) return expected;
  }
  end = FindSeriesEnd(line);
  return end == std::string_view::npos ? nullptr : known_.Find(line.substr(0, end));
}

bool ExpositionParser::ParseSample(std::string_view line, LineError& error) {
  eof_seen_ = false;
  size_t end = 0;
  KnownSeries* known = FindKnown(line, end);
  const bool parse_labels = known == nullptr || rules_ != nullptr;
  if (parse_labels && !ParseSeries(line, options_.dialect, series_, end, error)) return false;
  Tail tail;
  if (!ParseTail(line, end, tail, error)) return false;
  if (rules_ != nullptr) {
    const OpenMetricsSample sample = {series_.labels, tail.value, tail.timestamp_text,
                                      tail.has_exemplar};
    if (!rules_->OnSample(sample, error)) return false;
  }
  if (known == nullptr) known = RegisterSeries(line.substr(0, end), error);
  if (known == nullptr) return false;
  const Timestamp timestamp = tail.has_timestamp ? tail.timestamp : options_.default_timestamp;
  if (absl::Status status = sink_.Append(known->value, timestamp, tail.value); !status.ok()) {
    return error.SetSink(std::move(status));
  }
  known_.Use(known);
  ++counts_.samples;
  counts_.untimed += !tail.has_timestamp;
  timestamp_seen_ = timestamp_seen_ || tail.has_timestamp;
  return true;
}

ExpositionParser::KnownSeries* ExpositionParser::RegisterSeries(std::string_view key,
                                                                LineError& error) {
  const absl::StatusOr<Labels> labels = Labels::Create(series_.labels);
  if (!labels.ok()) {
    error.Set(Reason::kLabels, 1, std::string(labels.status().message()));
    return nullptr;
  }
  absl::StatusOr<SeriesId> id = sink_.FindOrCreateSeries(*labels);
  if (!id.ok()) {
    error.SetSink(id.status());
    return nullptr;
  }
  // The text found by quotes and braces may end elsewhere than the series parsed, and may be known.
  KnownSeries* const known = known_.Find(key);
  return known != nullptr ? known : known_.Add(key, *id);
}

bool ExpositionParser::ParseTail(std::string_view line, size_t position, Tail& tail,
                                 LineError& error) {
  const bool openmetrics = options_.dialect == Dialect::kOpenMetrics;
  if (position >= line.size()) return Fail(error, position, "a value is missing");
  if (!IsBlank(line[position])) {
    return Fail(error, position, "a space is missing before the value");
  }
  // OpenMetrics separates by exactly one space: a second one, or a tab, starts an empty token,
  // which is no number.
  position = openmetrics ? position + (line[position] == ' ') : SkipBlanks(line, position);
  size_t end = TokenEnd(line, position);
  const std::string_view value_text = line.substr(position, end - position);
  const std::optional<double> value = ParseValue(value_text);
  if (!value) {
    if (value_text.empty() || value_text == "#") return Fail(error, position, "a value is missing");
    return Fail(error, position, "not a number: " + InQuotes(value_text));
  }
  tail.value = *value;
  if (end == line.size()) return true;
  position = openmetrics ? end + 1 : SkipBlanks(line, end);
  if (openmetrics && line[end] != ' ') return Fail(error, end, "not one space after the value");
  if (line.substr(position, 1) != "#") {
    end = TokenEnd(line, position);
    if (!ParseTimestamp(line, position, end, tail, error)) return false;
    if (end == line.size()) return true;
    position = openmetrics ? end + 1 : SkipBlanks(line, end);
    if (openmetrics && line[end] != ' ') {
      return Fail(error, end, "not one space after the timestamp");
    }
  }
  if (!openmetrics) return Fail(error, position, "unexpected text after the sample");
  tail.has_exemplar = true;
  return ParseExemplar(line, position, error);
}

bool ExpositionParser::ParseTimestamp(std::string_view line, size_t position, size_t end,
                                      Tail& tail, LineError& error) {
  const std::string_view text = line.substr(position, end - position);
  const bool openmetrics = options_.dialect == Dialect::kOpenMetrics;
  const TimestampError result =
      openmetrics ? ParseSeconds(text, tail.timestamp) : ParseMilliseconds(text, tail.timestamp);
  if (result == TimestampError::kOutOfRange) {
    return error.Set(Reason::kTimestampRange, position + 1,
                     "the timestamp " + InQuotes(text) + " does not fit 64 bits of milliseconds");
  }
  if (result == TimestampError::kMalformed) {
    return Fail(error, position,
                text.empty() ? std::string("a timestamp is missing after the space")
                             : "not a timestamp in " +
                                   std::string(openmetrics ? "seconds" : "whole milliseconds") +
                                   ": " + InQuotes(text));
  }
  tail.has_timestamp = true;
  tail.timestamp_text = text;
  return true;
}

// ` # {label="value",...} value [timestamp]`, of which `position` is at the #.
bool ExpositionParser::ParseExemplar(std::string_view line, size_t position, LineError& error) {
  if (line.substr(position, 2) != "# ")
    return Fail(error, position, "an exemplar starts with '# {'");
  const size_t labels_at = position + 2;
  position = labels_at;
  if (!ParseLabelSet(line, options_.dialect, position, exemplar_, error)) return false;
  size_t characters = 0;
  for (const Label& label : exemplar_.labels) {
    characters += CountCharacters(label.name) + CountCharacters(label.value);
  }
  if (characters > kExemplarCharactersMax) {
    return Fail(error, labels_at,
                "an exemplar's labels have " + std::to_string(characters) +
                    " characters; OpenMetrics allows " + std::to_string(kExemplarCharactersMax));
  }
  if (!exemplar_.labels.empty()) {
    if (const auto labels = Labels::Create(exemplar_.labels); !labels.ok()) {
      return error.Set(Reason::kLabels, labels_at + 1, std::string(labels.status().message()));
    }
  }
  if (line.substr(position, 1) != " ") {
    return Fail(error, position, "a space is missing after the exemplar's labels");
  }
  ++position;
  size_t end = TokenEnd(line, position);
  if (!ParseValue(line.substr(position, end - position))) {
    return Fail(error, position, "the exemplar's value is not a number");
  }
  if (end == line.size()) return true;
  position = end + 1;
  Timestamp ignored;
  if (ParseSeconds(line.substr(position), ignored) == TimestampError::kMalformed) {
    return Fail(error, position, "the exemplar's timestamp is not a number of seconds");
  }
  return true;
}

}  // namespace tsdb::importer

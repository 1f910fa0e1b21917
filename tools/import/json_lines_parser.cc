#include "tools/import/json_lines_parser.h"

#include <simdjson.h>

#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/base/string_view_bridge.h"
#include "tools/import/line_reader.h"
#include "tools/import/text_number.h"

namespace tsdb::importer {
namespace {

namespace json = simdjson::ondemand;

static_assert(LineReader::kPadding >= simdjson::SIMDJSON_PADDING);

}  // namespace

struct JsonLinesParser::State {
  json::parser parser;
  std::vector<std::string> texts;  // names and values of the labels, alternating; reused
  size_t text_count = 0;
  std::vector<Label> labels;
  std::vector<double> values;
  std::vector<Timestamp> timestamps;
  std::string_view line;

  size_t ColumnOf(const char* place) const {
    // At the start of the line it is the document as a whole that simdjson could not make out.
    return place > line.data() && place <= line.data() + line.size()
               ? static_cast<size_t>(place - line.data()) + 1
               : 0;
  }
  bool Fail(LineError& error, json::document& document, std::string message) const {
    const char* place = nullptr;
    if (document.current_location().get(place) != simdjson::SUCCESS) place = nullptr;
    return error.Set(Reason::kMalformed, place == nullptr ? 0 : ColumnOf(place),
                     std::move(message));
  }
  bool FailBroken(LineError& error, json::document& document, simdjson::error_code code) const {
    return Fail(error, document, std::string("not valid JSON: ") + simdjson::error_message(code));
  }

  std::string_view Keep(std::string_view text) {
    if (text_count == texts.size()) texts.emplace_back();
    return texts[text_count++] = text;
  }

  bool ReadLine(json::document& document, LineError& error);
  bool ReadField(json::document& document, json::field& field, unsigned& seen, LineError& error);
  bool ReadMetric(json::document& document, json::value value, LineError& error);
  bool ReadValues(json::document& document, json::value value, LineError& error);
  bool ReadTimestamps(json::document& document, json::value value, LineError& error);
};

JsonLinesParser::JsonLinesParser(Sink& sink) : sink_(sink), state_(std::make_unique<State>()) {}

JsonLinesParser::~JsonLinesParser() = default;

bool JsonLinesParser::State::ReadMetric(json::document& document, json::value value,
                                        LineError& error) {
  json::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) {
    return Fail(error, document, "\"metric\" must be an object of labels");
  }
  // Views into a text that is moved when `texts` grows would dangle: first the texts, then the
  // views.
  for (auto field : object) {
    std::string_view name;
    std::string_view text;
    if (const auto code = field.unescaped_key().get(name)) return FailBroken(error, document, code);
    Keep(name);
    if (field.value().get_string().get(text) != simdjson::SUCCESS) {
      return Fail(error, document, "a label's value must be a string");
    }
    Keep(text);
  }
  for (size_t i = 0; i < text_count; i += 2) labels.push_back({texts[i], texts[i + 1]});
  return true;
}

bool JsonLinesParser::State::ReadValues(json::document& document, json::value value,
                                        LineError& error) {
  json::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) {
    return Fail(error, document, "\"values\" must be an array");
  }
  for (auto element : array) {
    json::value item;
    if (const auto code = element.get(item)) return FailBroken(error, document, code);
    double number = 0;
    if (item.get_double().get(number) == simdjson::SUCCESS) {
      values.push_back(number);
      continue;
    }
    std::string_view text;
    std::optional<double> parsed;
    bool null = false;
    if (item.get_string().get(text) == simdjson::SUCCESS) {
      parsed = ParseValue(text);
    } else if (item.is_null().get(null) == simdjson::SUCCESS && null) {
      parsed = std::numeric_limits<double>::quiet_NaN();
    }
    if (!parsed) {
      return Fail(error, document,
                  absl::StrCat("value ", values.size() + 1,
                               " is neither a number nor null, \"NaN\", \"+Inf\" or \"-Inf\""));
    }
    values.push_back(*parsed);
  }
  return true;
}

bool JsonLinesParser::State::ReadTimestamps(json::document& document, json::value value,
                                            LineError& error) {
  json::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) {
    return Fail(error, document, "\"timestamps\" must be an array");
  }
  for (auto element : array) {
    json::value item;
    if (const auto code = element.get(item)) return FailBroken(error, document, code);
    int64_t timestamp = 0;
    if (item.get_int64().get(timestamp) != simdjson::SUCCESS) {
      return Fail(error, document,
                  absl::StrCat("timestamp ", timestamps.size() + 1,
                               " is not a whole number of milliseconds within 64 bits"));
    }
    timestamps.push_back(timestamp);
  }
  return true;
}

bool JsonLinesParser::State::ReadField(json::document& document, json::field& field, unsigned& seen,
                                       LineError& error) {
  constexpr std::string_view kKeys[] = {"metric", "values", "timestamps"};
  std::string_view key;
  if (const auto code = field.unescaped_key().get(key)) return FailBroken(error, document, code);
  for (unsigned i = 0; i < 3; ++i) {
    if (key != kKeys[i]) continue;
    if ((seen & 1u << i) != 0) {
      return Fail(error, document, absl::StrCat("\"", ToAbsl(key), "\" appears twice"));
    }
    seen |= 1u << i;
    switch (i) {
      case 0:
        return ReadMetric(document, field.value(), error);
      case 1:
        return ReadValues(document, field.value(), error);
      default:
        return ReadTimestamps(document, field.value(), error);
    }
  }
  return true;
}

bool JsonLinesParser::State::ReadLine(json::document& document, LineError& error) {
  json::object object;
  if (const auto code = document.get_object().get(object)) {
    if (code == simdjson::INCORRECT_TYPE) return Fail(error, document, "not a JSON object");
    return FailBroken(error, document, code);
  }
  unsigned seen = 0;
  for (auto each : object) {
    json::field field;
    if (const auto code = std::move(each).get(field)) return FailBroken(error, document, code);
    if (!ReadField(document, field, seen, error)) return false;
  }
  const char* rest = nullptr;  // an error at the end of the document, as it should be
  if (document.current_location().get(rest) == simdjson::SUCCESS) {
    return Fail(error, document, "text after the JSON object");
  }
  if (seen != 7) {
    const char* missing = (seen & 1) == 0 ? "metric" : (seen & 2) == 0 ? "values" : "timestamps";
    return error.Set(Reason::kMalformed, 0, absl::StrCat("\"", missing, "\" is missing"));
  }
  if (values.size() != timestamps.size()) {
    return error.Set(Reason::kMalformed, 0,
                     absl::StrCat(values.size(), " values but ", timestamps.size(), " timestamps"));
  }
  return true;
}

bool JsonLinesParser::Parse(std::string_view line, LineError& error) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return true;
  State& state = *state_;
  state.text_count = 0;
  state.labels.clear();
  state.values.clear();
  state.timestamps.clear();
  state.line = line;
  json::document document;
  const simdjson::padded_string_view padded(line.data(), line.size(),
                                            line.size() + LineReader::kPadding);
  if (const auto code = state.parser.iterate(padded).get(document)) {
    return error.Set(Reason::kMalformed, 0,
                     std::string("not valid JSON: ") + simdjson::error_message(code));
  }
  if (!state.ReadLine(document, error)) return false;
  const absl::StatusOr<Labels> labels = Labels::Create(state.labels);
  if (!labels.ok()) {
    return error.Set(Reason::kLabels, 0, std::string(labels.status().message()));
  }
  const absl::StatusOr<SeriesId> series = sink_.FindOrCreateSeries(*labels);
  if (!series.ok()) return error.SetSink(series.status());
  absl::Status status = sink_.AppendColumns(*series, state.timestamps, state.values);
  if (!status.ok()) return error.SetSink(std::move(status));
  counts_.samples += state.values.size();
  return true;
}

bool JsonLinesParser::Finish(LineError&) { return true; }

}  // namespace tsdb::importer

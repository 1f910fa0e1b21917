// promql_answer SAMPLES [--closed-ranges]: answers PromQL queries over the samples of a file, one
// line of JSON for each line of standard input. For tests that compare with another engine.
//
// A line of SAMPLES is a series, a tab, and its samples: m{a="b"}<tab>1000 1.5,2000 stale
// A line of input is "instant <ms> EXPR" or "range <start ms> <end ms> <step ms> EXPR".
// A line of output is {"error":"..."} or {"type":"vector","result":[{"labels":{},"samples":
// [[<ms>,"<value>"]]}]}; of a string {"type":"string","text":"..."}.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"
#include "test/tsdb/promql/series_notation.h"
#include "tools/json_text.h"
#include "tools/number_text.h"
#include "tsdb/database.h"
#include "tsdb/promql.h"

namespace tsdb::conformance {
namespace {

std::string JsonOf(const PromqlSeries& series) {
  std::string text =
      absl::StrCat("{\"labels\":", tools::JsonLabels(series.labels), ",\"samples\":[");
  const char* comma = "";
  for (const Sample& sample : series.samples) {
    absl::StrAppend(&text, comma, "[", sample.timestamp, ",\"", tools::ExactValue(sample.value),
                    "\"]");
    comma = ",";
  }
  return text + "]}";
}

std::string JsonOf(const absl::StatusOr<PromqlResult>& result) {
  if (!result.ok()) {
    const absl::Status& status = result.status();
    return absl::StrCat("{\"code\":\"", absl::StatusCodeToString(status.code()),
                        "\",\"error\":", tools::JsonString(ToStd(status.message())), "}");
  }
  std::string text = absl::StrCat("{\"type\":\"", ToAbsl(PromqlTypeName(result->type)), "\"");
  if (result->type == PromqlType::kString) {
    return absl::StrCat(text, ",\"text\":", tools::JsonString(result->text), "}");
  }
  text += ",\"result\":[";
  const char* comma = "";
  for (const PromqlSeries& series : result->series) {
    absl::StrAppend(&text, comma, JsonOf(series));
    comma = ",";
  }
  return text + "]}";
}

absl::StatusOr<Sample> SampleOf(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(text, ' ');
  Sample sample;
  if (!absl::SimpleAtoi(parts.first, &sample.timestamp)) {
    return absl::InvalidArgumentError(absl::StrCat("not a sample: '", text, "'"));
  }
  if (parts.second == "stale") {
    sample.value = StaleNan();
  } else {
    TSDB_ASSIGN_OR_RETURN(sample.value, ParseNumber(ToStd(parts.second)));
  }
  return sample;
}

absl::Status Load(const std::string& path, Database& database) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  Appender appender = database.NewAppender();
  for (std::string line; std::getline(file, line);) {
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(line, '\t');
    TSDB_ASSIGN_OR_RETURN(const SeriesDescription series, ParseSeries(ToStd(parts.first)));
    TSDB_ASSIGN_OR_RETURN(const SeriesId id, database.FindOrCreateSeries(series.labels));
    for (const absl::string_view text : absl::StrSplit(parts.second, ',', absl::SkipEmpty())) {
      TSDB_ASSIGN_OR_RETURN(const Sample sample, SampleOf(text));
      if (!appender.Append(id, sample.timestamp, sample.value)) return appender.status();
    }
  }
  return appender.Commit().Await(Milestone::kVisible);
}

// Takes the number at the front of the text, and the blank behind it.
absl::StatusOr<int64_t> TakeInteger(std::string_view& text) {
  const size_t end = std::min(text.find(' '), text.size());
  int64_t value = 0;
  if (!absl::SimpleAtoi(ToAbsl(text.substr(0, end)), &value)) {
    return absl::InvalidArgumentError(absl::StrCat("not a time: '", ToAbsl(text), "'"));
  }
  text.remove_prefix(std::min(end + 1, text.size()));
  return value;
}

absl::StatusOr<PromqlResult> Answer(std::string_view line, const PromqlOptions& options,
                                    Database& database) {
  const size_t blank = std::min(line.find(' '), line.size());
  const std::string_view kind = line.substr(0, blank);
  std::string_view rest = line.substr(std::min(blank + 1, line.size()));
  if (kind == "instant") {
    TSDB_ASSIGN_OR_RETURN(const Timestamp time, TakeInteger(rest));
    return RunPromql(database, rest, time, options);
  }
  if (kind != "range") {
    return absl::InvalidArgumentError(absl::StrCat("neither instant nor range: ", ToAbsl(line)));
  }
  PromqlRange range;
  TSDB_ASSIGN_OR_RETURN(range.start, TakeInteger(rest));
  TSDB_ASSIGN_OR_RETURN(range.end, TakeInteger(rest));
  TSDB_ASSIGN_OR_RETURN(range.step_ms, TakeInteger(rest));
  return RunPromqlRange(database, rest, range, options);
}

int Run(const std::string& path, const PromqlOptions& options) {
  auto database = Database::Open();
  const absl::Status loaded = database.ok() ? Load(path, **database) : database.status();
  if (!loaded.ok()) {
    std::cerr << loaded.ToString() << "\n";
    return 1;
  }
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << JsonOf(Answer(line, options, **database)) << std::endl;  // the other side waits
  }
  return 0;
}

}  // namespace
}  // namespace tsdb::conformance

int main(int argc, char** argv) {
  tsdb::PromqlOptions options;
  options.closed_ranges = argc == 3 && std::string_view(argv[2]) == "--closed-ranges";
  if (argc < 2 || argc > 3 || (argc == 3 && !options.closed_ranges)) {
    std::cerr << "usage: promql_answer SAMPLES [--closed-ranges]\n";
    return 2;
  }
  return tsdb::conformance::Run(argv[1], options);
}

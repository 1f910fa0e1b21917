// What Prometheus's test files cannot say of the engine: limits, cost, cancellation, options, the
// extremes, and many samples.
#include "tsdb/promql.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "test/tsdb/promql/series_notation.h"
#include "test/tsdb/test_database.h"

namespace tsdb {
namespace {

constexpr int64_t kMinute = 60'000;

SeriesId Add(Database& database, const std::string& series) {
  const auto parsed = conformance::ParseSeries(series);
  REQUIRE(parsed.ok());
  const auto id = database.FindOrCreateSeries(parsed->labels);
  REQUIRE(id.ok());
  return *id;
}

// `count` samples of a series, a minute apart from time 0, of ascending values.
void Fill(Database& database, const std::string& series, size_t count) {
  const SeriesId id = Add(database, series);
  Appender appender = database.NewAppender();
  for (size_t i = 0; i < count; ++i) {
    REQUIRE(appender.Append(id, static_cast<Timestamp>(i) * kMinute, static_cast<double>(i)));
  }
}

void FillMany(Database& database, size_t series, size_t samples) {
  for (size_t i = 0; i < series; ++i) {
    Fill(database, "m_total{i=\"" + std::to_string(i) + "\"}", samples);
  }
}

PromqlResult Ask(Database& database, const std::string& expression, Timestamp time,
                 const PromqlOptions& options = {}) {
  auto result = RunPromql(database, expression, time, options);
  INFO(expression << ": " << result.status().ToString());
  REQUIRE(result.ok());
  return *std::move(result);
}

PromqlResult AskRange(Database& database, const std::string& expression, PromqlRange range,
                      const PromqlOptions& options = {}) {
  auto result = RunPromqlRange(database, expression, range, options);
  INFO(expression << ": " << result.status().ToString());
  REQUIRE(result.ok());
  REQUIRE(result->type == PromqlType::kMatrix);
  return *std::move(result);
}

// "m{a="1"} 1 2; m{a="2"} 3"
std::string TextOf(const PromqlResult& result) {
  std::string text;
  for (const PromqlSeries& series : result.series) {
    if (!text.empty()) text += "; ";
    text += series.labels.empty() ? "{}" : series.labels.ToString();
    for (const Sample& sample : series.samples) {
      text += " " + (std::isnan(sample.value) ? "NaN" : std::to_string(sample.value));
      text.erase(text.find_last_not_of('0') + 1);
      if (text.back() == '.') text.pop_back();
    }
  }
  return text;
}

void RequireError(const absl::Status& status, absl::StatusCode code, const std::string& words) {
  INFO(status.ToString());
  REQUIRE(status.code() == code);
  REQUIRE(std::string(status.message()).find(words) != std::string::npos);
}

TEST_CASE("promql: an empty database has no series", "[promql]") {
  const auto database = Open();
  CHECK(Ask(*database, "m", 0).series.empty());
  CHECK(Ask(*database, "m", 0).type == PromqlType::kVector);
  CHECK(Ask(*database, "m[5m]", 0).type == PromqlType::kMatrix);
  CHECK(TextOf(Ask(*database, "absent(m{a=\"b\"})", 0)) == "{a=\"b\"} 1");
  CHECK(TextOf(Ask(*database, "1 + time()", 5000)) == "{} 6");
  CHECK(Ask(*database, "\"text\"", 0).text == "text");
  CHECK(AskRange(*database, "sum(rate(m_total[5m]))", {0, kMinute, 1000}).series.empty());
  CHECK(TextOf(AskRange(*database, "vector(time())", {0, 2000, 1000})) == "{} 0 1 2");
  CHECK(Ask(*database, "m", 0).completeness.Complete());
}

TEST_CASE("promql: how far an instant looks back is an option", "[promql]") {
  const auto database = Open();
  Fill(*database, "m", 2);
  PromqlOptions options;
  CHECK(TextOf(Ask(*database, "m", 6 * kMinute - 1)) == "m 1");
  CHECK(Ask(*database, "m", 6 * kMinute).series.empty());
  options.lookback_ms = 10 * kMinute;
  CHECK(TextOf(Ask(*database, "m", 11 * kMinute - 1, options)) == "m 1");
  CHECK(Ask(*database, "m", 11 * kMinute, options).series.empty());
  options.closed_ranges = true;
  CHECK(TextOf(Ask(*database, "m", 11 * kMinute, options)) == "m 1");
  CHECK(Ask(*database, "m", 11 * kMinute + 1, options).series.empty());
  options.lookback_ms = 1;
  options.closed_ranges = false;
  CHECK(TextOf(Ask(*database, "m", kMinute, options)) == "m 1");
  CHECK(Ask(*database, "m", kMinute + 1, options).series.empty());
  for (const int64_t bad : {0, -1}) {
    options.lookback_ms = bad;
    const absl::Status status = RunPromql(*database, "m", 0, options).status();
    CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  }
}

TEST_CASE("promql: the step of a subquery that names none is an option", "[promql]") {
  const auto database = Open();
  Fill(*database, "m", 20);
  PromqlOptions options;
  CHECK(TextOf(Ask(*database, "count_over_time(m[6m:])", 10 * kMinute)) == "{} 6");
  options.subquery_step_ms = 2 * kMinute;
  CHECK(TextOf(Ask(*database, "count_over_time(m[6m:])", 10 * kMinute, options)) == "{} 3");
  CHECK(TextOf(Ask(*database, "count_over_time(m[6m:1m])", 10 * kMinute, options)) == "{} 6");
}

TEST_CASE("promql: a range must run forward, in whole milliseconds", "[promql]") {
  const auto database = Open();
  Fill(*database, "m", 3);
  for (const int64_t step : {int64_t{0}, int64_t{-1}, kTimestampMin}) {
    RequireError(RunPromqlRange(*database, "m", {0, kMinute, step}).status(),
                 absl::StatusCode::kInvalidArgument, "step");
  }
  const absl::Status backwards = RunPromqlRange(*database, "m", {kMinute, 0, 1000}).status();
  CHECK(backwards.code() == absl::StatusCode::kInvalidArgument);
  CHECK(TextOf(AskRange(*database, "m", {kMinute, kMinute, 1000})) == "m 1");
  CHECK(TextOf(AskRange(*database, "m", {0, 2 * kMinute - 1, kMinute})) == "m 0 1");
  // A range vector or a string has no value at each step.
  for (const char* expression : {"m[5m]", "\"text\"", "m[5m:1m]"}) {
    INFO(expression);
    CHECK(RunPromqlRange(*database, expression, {0, kMinute, 1000}).status().code() ==
          absl::StatusCode::kInvalidArgument);
  }
  CHECK_FALSE(RunPromql(*database, "m[5m:0.0001]", 0).ok());
}

TEST_CASE("promql: an error names the limit that was passed", "[promql]") {
  const auto database = Open();
  FillMany(*database, 50, 200);
  const PromqlRange range{0, 200 * kMinute, kMinute};
  PromqlOptions options;
  options.query.limits.windows = 100;
  RequireError(RunPromqlRange(*database, "m_total", range, options).status(),
               absl::StatusCode::kInvalidArgument, "100");
  options.query.limits = {};
  options.query.limits.series = 49;
  RequireError(RunPromqlRange(*database, "m_total", range, options).status(),
               absl::StatusCode::kResourceExhausted, "series");
  options.query.limits = {};
  options.query.limits.samples = 1000;
  RequireError(RunPromqlRange(*database, "m_total", range, options).status(),
               absl::StatusCode::kResourceExhausted, "samples");
  RequireError(RunPromql(*database, "sum(rate(m_total[3h]))", 200 * kMinute, options).status(),
               absl::StatusCode::kResourceExhausted, "samples");
  options.query.limits = {};
  options.query.limits.memory_bytes = 10'000;
  RequireError(RunPromqlRange(*database, "m_total", range, options).status(),
               absl::StatusCode::kResourceExhausted, "memory");
  // The same at just enough.
  options.query.limits = {};
  options.query.limits.windows = 201;
  options.query.limits.series = 50;
  options.query.limits.samples = 10'000;
  CHECK(AskRange(*database, "m_total", range, options).series.size() == 50);
}

TEST_CASE("promql: what would take all memory is refused, not tried", "[promql]") {
  const auto database = Open();
  FillMany(*database, 2, 10);
  PromqlOptions options;
  options.query.limits.windows = 0;  // no bound but the memory
  constexpr Timestamp kFar = Timestamp{1} << 50;
  for (const char* expression : {"m_total", "1", "vector(1)", "m_total or on() vector(time())"}) {
    INFO(expression);
    const absl::Status status =
        RunPromqlRange(*database, expression, {-kFar, kFar, 1}, options).status();
    INFO(status.ToString());
    CHECK(status.code() == absl::StatusCode::kResourceExhausted);
  }
  const absl::Status inner =
      RunPromql(*database, "count_over_time(m_total[10000y:1ms])", 0, options).status();
  INFO(inner.ToString());
  CHECK((inner.code() == absl::StatusCode::kResourceExhausted ||
         inner.code() == absl::StatusCode::kInvalidArgument));
}

TEST_CASE("promql: time runs out", "[promql]") {
  const auto database = Open();
  FillMany(*database, 100, Scaled(2000));
  PromqlOptions options;
  options.query.limits.time_ms = 1;
  // Nested subqueries ask a hundred thousand steps of every series.
  const absl::Status status =
      RunPromqlRange(*database, "max_over_time(max_over_time(m_total[10h:1s])[10h:1s])",
                     {0, 2000 * kMinute, kMinute}, options)
          .status();
  INFO(status.ToString());
  CHECK(status.code() == absl::StatusCode::kDeadlineExceeded);
}

TEST_CASE("promql: a query that is stopped says so", "[promql]") {
  const auto database = Open();
  FillMany(*database, 10, 100);
  std::stop_source source;
  PromqlOptions options;
  options.query.stop = source.get_token();
  CHECK(Ask(*database, "count(m_total)", kMinute, options).series.size() == 1);
  source.request_stop();
  CHECK(RunPromql(*database, "count(m_total)", kMinute, options).status().code() ==
        absl::StatusCode::kCancelled);
  CHECK(RunPromqlRange(*database, "rate(m_total[5m])", {0, 100 * kMinute, kMinute}, options)
            .status()
            .code() == absl::StatusCode::kCancelled);
}

TEST_CASE("promql: samples are decoded once, however many steps there are", "[promql]") {
  constexpr size_t kSeries = 20;
  constexpr size_t kSamples = 2000;
  const auto database = Open();
  FillMany(*database, kSeries, kSamples);
  REQUIRE(database->Flush().ok());
  const Timestamp end = static_cast<Timestamp>(kSamples) * kMinute;
  for (const char* expression : {"m_total", "rate(m_total[30m])", "sum(max_over_time(m_total[2h]))",
                                 "max_over_time(m_total[1h:5m])"}) {
    INFO(expression);
    const uint64_t few = AskRange(*database, expression, {0, end, end / 10}).cost.samples_decoded;
    const uint64_t many =
        AskRange(*database, expression, {0, end, end / 10'000}).cost.samples_decoded;
    INFO(few << " samples at 11 steps, " << many << " at 10,001");
    CHECK(many > 0);
    // Every leaf twice would be too often.
    CHECK(many < 2 * kSeries * kSamples);
    CHECK(few <= many);
  }
}

TEST_CASE("promql: series come in the order of their labels, unless sorted", "[promql]") {
  const auto database = Open();
  const std::vector<std::string> names = {"m{a=\"10\"}",        "m{a=\"9\"}", "b{z=\"1\"}",
                                          "m{a=\"1\",b=\"0\"}", "m",          "m{A=\"x\"}"};
  for (const std::string& name : names) Fill(*database, name, names.size() - name.size() % 5);
  const std::string ordered = R"(m{A="x"}; b{z="1"}; m; m{a="1",b="0"}; m{a="10"}; m{a="9"})";
  for (const size_t threads : {1, 3}) {
    PromqlOptions options;
    options.query.threads = threads;
    std::string text;
    for (const PromqlSeries& series :
         Ask(*database, "{__name__=~\"m|b\"}", kMinute, options).series) {
      text += (text.empty() ? "" : "; ") + series.labels.ToString();
    }
    CHECK(text == ordered);
    text.clear();
    for (const PromqlSeries& series :
         AskRange(*database, "{__name__=~\"m|b\"}", {0, kMinute, kMinute}, options).series) {
      text += (text.empty() ? "" : "; ") + series.labels.ToString();
    }
    CHECK(text == ordered);
  }
  Fill(*database, "s{a=\"1\"}", 3);
  Fill(*database, "s{a=\"2\"}", 1);
  Fill(*database, "s{a=\"3\"}", 2);
  CHECK(TextOf(Ask(*database, "sort(s)", 2 * kMinute)) == R"(s{a="2"} 0; s{a="3"} 1; s{a="1"} 2)");
  CHECK(TextOf(Ask(*database, "topk(2, s)", 2 * kMinute)) == R"(s{a="1"} 2; s{a="3"} 1)");
  CHECK(TextOf(AskRange(*database, "sort(s)", {kMinute, kMinute, kMinute})) ==
        R"(s{a="1"} 1; s{a="2"} 0; s{a="3"} 1)");
}

TEST_CASE("promql: what is not merged may be left out, and the answer says so", "[promql]") {
  const auto database = Open();
  Fill(*database, "m", 10);
  PromqlOptions options;
  options.query.freshness = Freshness::kMerged;
  // Whether they are merged is a matter of time; whoever says so has them all.
  const PromqlResult merged = Ask(*database, "m", kMinute, options);
  if (merged.completeness.latest) CHECK(TextOf(merged) == "m 1");
  const PromqlResult latest = Ask(*database, "m", kMinute);
  CHECK(latest.completeness.latest);
  CHECK(TextOf(latest) == "m 1");
}

TEST_CASE("promql: stale markers, late samples and deletions", "[promql]") {
  const auto database = Open();
  const SeriesId id = Add(*database, "m");
  {
    Appender appender = database->NewAppender();
    REQUIRE(appender.Append(id, 3 * kMinute, 3));
    REQUIRE(appender.Append(id, 4 * kMinute, conformance::StaleNan()));
    REQUIRE(appender.Append(id, 1 * kMinute, 7));
    REQUIRE(appender.Append(id, 1 * kMinute, 1));  // the later one is kept
    REQUIRE(appender.Append(id, 6 * kMinute, std::nan("")));
  }
  CHECK(TextOf(AskRange(*database, "m", {0, 7 * kMinute, kMinute})) == "m 1 1 3 NaN NaN");
  CHECK(TextOf(AskRange(*database, "count_over_time(m[10m])", {0, 7 * kMinute, kMinute})) ==
        "{} 1 1 2 2 2 3 3");
  REQUIRE(database->Delete(std::vector{id}, {0, 2 * kMinute}).ok());
  CHECK(TextOf(AskRange(*database, "m", {0, 3 * kMinute, kMinute})) == "m 3");
}

TEST_CASE("promql: the ends of time and of nesting are refused or empty", "[promql]") {
  const auto database = Open();
  Fill(*database, "m", 3);
  for (const Timestamp time :
       {kTimestampMin, kTimestampMin + 1, kTimestampMax - 1, kTimestampMax}) {
    for (const char* expression :
         {"m", "rate(m[5m])", "m offset 100y", "m offset -100y", "m @ 0", "sum(m[1y:1w])"}) {
      const auto result = RunPromql(*database, expression, time);
      INFO(expression << " at " << time << ": " << result.status().ToString());
      CHECK((result.ok() || result.status().code() == absl::StatusCode::kInvalidArgument));
    }
  }
  for (const char* expression :
       {"m @ 1e300", "m @ -1e300", "m @ NaN", "m[99999999999y]", "m offset 99999999999y",
        "m offset 1e300", "count_over_time(m[292277024y:292277024y])",
        "m @ 9223372036854775.807"}) {
    const auto result = RunPromql(*database, expression, 0);
    INFO(expression << ": " << result.status().ToString());
    CHECK((result.ok() || result.status().code() == absl::StatusCode::kInvalidArgument));
  }
  for (const char* opening : {"(", "-", "sum(", "1+", "m or ", "abs("}) {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += opening;
    INFO(opening);
    CHECK(RunPromql(*database, deep + "m", 0).status().code() ==
          absl::StatusCode::kInvalidArgument);
  }
}

TEST_CASE("promql: an error of the syntax has its place and a caret", "[promql]") {
  const auto database = Open();
  const absl::Status status = RunPromql(*database, "sum(rate(m[5m])", 0).status();
  RequireError(status, absl::StatusCode::kInvalidArgument, "1:16: parse error:");
  RequireError(status, absl::StatusCode::kInvalidArgument, "^");
  RequireError(RunPromql(*database, "ratee(m[5m])", 0).status(), absl::StatusCode::kInvalidArgument,
               "rate");
}

// The samples of one series as the model keeps them.
class Model {
 public:
  explicit Model(std::map<Timestamp, double> samples) : samples_(std::move(samples)) {}

  // Of (time - width, time], or with `closed` [time - width, time].
  std::vector<double> Values(Timestamp time, int64_t width, bool closed) const {
    std::vector<double> values;
    const auto begin =
        closed ? samples_.lower_bound(time - width) : samples_.upper_bound(time - width);
    for (auto at = begin; at != samples_.end() && at->first <= time; ++at) {
      values.push_back(at->second);
    }
    return values;
  }

 private:
  std::map<Timestamp, double> samples_;
};

// What the function makes of the values of a window; nothing of none.
std::optional<double> Expected(const std::string& function, const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  if (function == "last_over_time") return values.back();
  if (function == "count_over_time") return static_cast<double>(values.size());
  if (function == "max_over_time") return *std::max_element(values.begin(), values.end());
  if (function == "min_over_time") return *std::min_element(values.begin(), values.end());
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

void CheckAgainst(const Model& model, Database& database, int64_t width, PromqlRange range,
                  bool closed) {
  PromqlOptions options;
  options.closed_ranges = closed;
  for (const std::string function :
       {"last_over_time", "count_over_time", "max_over_time", "min_over_time", "sum_over_time"}) {
    const std::string expression = function + "(m[" + std::to_string(width) + "ms])";
    std::vector<Sample> expected;
    for (Timestamp time = range.start; time <= range.end; time += range.step_ms) {
      const auto value = Expected(function, model.Values(time, width, closed));
      if (value) expected.push_back({time, *value});
    }
    const PromqlResult result = AskRange(database, expression, range, options);
    INFO(expression << " from " << range.start << " step " << range.step_ms);
    REQUIRE(result.series.size() == (expected.empty() ? 0 : 1));
    if (expected.empty()) continue;
    const std::vector<Sample>& got = result.series[0].samples;
    REQUIRE(std::equal(expected.begin(), expected.end(), got.begin(), got.end(),
                       [](const Sample& a, const Sample& b) {
                         return a.timestamp == b.timestamp && a.value == b.value;
                       }));
  }
}

TEST_CASE("promql: windows over many samples, in leaves and late, are the model's", "[promql]") {
  std::mt19937_64 random(7);
  const auto database = Open(TinyBuffers());
  const SeriesId id = Add(*database, "m");
  std::map<Timestamp, double> samples;
  {
    Appender appender = database->NewAppender();
    Timestamp time = 1'000'000;
    for (size_t i = 0; i < Scaled(30'000); ++i) {
      time += random() % 50 == 0 ? static_cast<Timestamp>(random() % 100'000) : 1000;
      const Timestamp at =
          random() % 20 == 0 ? time - static_cast<Timestamp>(random() % 500'000) : time;
      const auto value = static_cast<double>(random() % 1000);  // their sums are exact
      samples[at] = value;
      REQUIRE(appender.Append(id, at, value));
    }
  }
  const Timestamp first = samples.begin()->first;
  const Timestamp last = samples.rbegin()->first;
  const Model model(std::move(samples));
  for (const int64_t width : {1, 1000, 1001, 60'000, 5'000'000}) {
    for (const bool closed : {false, true}) {
      // Steps on the samples' times and off them, narrower and wider than the windows.
      CheckAgainst(model, *database, width, {first - 5000, last + 5000, (last - first) / 300},
                   closed);
      CheckAgainst(model, *database, width, {last - 200'000, last + 1000, 1000}, closed);
      CheckAgainst(model, *database, width, {first, first + 3000, 1}, closed);
    }
  }
}

}  // namespace
}  // namespace tsdb

// Queries: what each kind of question answers, what bad ones and those past a limit are told.
#include "tsdb/query.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "test/tsdb/test_database.h"

namespace tsdb {
namespace {

using absl::StatusCode;

// Four series: a="x", a="y", a="x" b="1", and one with a name of its own; `samples` each, at 0,
// 1000, 2000 and so on, with values 1, 2, 3 ... times the series' number from 1 on.
std::unique_ptr<Database> OpenFour(int samples) {
  auto database = Open(TinyBuffers());
  const std::vector<std::vector<Label>> sets = {{{kMetricNameLabel, "m"}, {"a", "x"}},
                                                {{kMetricNameLabel, "m"}, {"a", "y"}},
                                                {{kMetricNameLabel, "m"}, {"a", "x"}, {"b", "1"}},
                                                {{kMetricNameLabel, "other"}}};
  Appender appender = database->NewAppender();
  for (size_t s = 0; s < sets.size(); ++s) {
    const auto id = database->FindOrCreateSeries(*Labels::Create(sets[s]));
    REQUIRE(id.ok());
    for (int i = 0; i < samples; ++i) {
      REQUIRE(appender.Append(*id, i * 1000, (i + 1) * static_cast<double>(s + 1)));
    }
  }
  return database;
}

QueryResult Ask(Database& database, const Query& query) {
  auto result = RunQuery(database, query);
  INFO(result.status().ToString());
  REQUIRE(result.ok());
  return *std::move(result);
}

void RequireRefused(Database& database, const Query& query, StatusCode code,
                    const std::string& text) {
  const auto result = RunQuery(database, query);
  INFO(result.status().ToString());
  REQUIRE(result.status().code() == code);
  REQUIRE(std::string(result.status().message()).find(text) != std::string::npos);
}

TEST_CASE("query: matchers, windows and groups together", "[query]") {
  const auto database = OpenFour(10);
  Query query;
  query.matchers = {{"__name__", MatchOp::kEqual, "m"}};
  query.range = {0, 10'000};
  query.step_ms = 5000;
  query.columns = {{.function = WindowFunction::kSum, .group_function = GroupFunction::kMax},
                   {.function = WindowFunction::kAvg, .group_function = GroupFunction::kCount}};
  query.grouping = Grouping{{"a"}, false};
  const QueryResult result = Ask(*database, query);
  REQUIRE(result.times() == std::vector<Timestamp>{0, 5000});
  REQUIRE(result.rows() == 2);
  REQUIRE(result.labels(0).ToString() == "{a=\"x\"}");
  REQUIRE(result.At(0, 0) == 15.0 * 3);
  REQUIRE(result.At(0, 1) == 40.0 * 3);
  REQUIRE(result.At(0, 0, 1) == 2.0);
  REQUIRE(result.labels(1).ToString() == "{a=\"y\"}");
  REQUIRE(result.At(1, 1) == 40.0 * 2);
  REQUIRE(result.At(1, 1, 1) == 1.0);
  REQUIRE(result.completeness().Complete());
  REQUIRE(result.cost().series == 3);
  REQUIRE(result.cost().wall_ns > 0);
}

TEST_CASE("query: windows are whole whatever the range's end", "[query]") {
  const auto database = OpenFour(10);
  Query query;
  query.matchers = {{"a", MatchOp::kEqual, "y"}};
  query.range = {0, 9000};
  query.step_ms = 6000;
  query.columns[0].function = WindowFunction::kCount;
  const QueryResult result = Ask(*database, query);
  REQUIRE(result.times().size() == 2);
  REQUIRE(result.At(0, 0) == 6.0);
  REQUIRE(result.At(0, 1) == 4.0);
}

TEST_CASE("query: a window without samples has no value, one of NaNs has", "[query]") {
  const auto database = Open();
  AddSeries(*database, 1);
  Appender appender = database->NewAppender();
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  REQUIRE(appender.Append(0, 0, kNan));
  REQUIRE(appender.Append(0, 20, kNan));
  REQUIRE(appender.Append(0, 21, 5.0));
  Query query;
  query.range = {0, 30};
  query.step_ms = 10;
  query.columns = {{.function = WindowFunction::kMin},
                   {.function = WindowFunction::kMax},
                   {.function = WindowFunction::kSum},
                   {.function = WindowFunction::kCount}};
  const QueryResult result = Ask(*database, query);
  REQUIRE(result.rows() == 1);
  REQUIRE(result.Has(0, 0));
  REQUIRE_FALSE(result.Has(0, 1));
  REQUIRE(result.Has(0, 2));
  for (size_t column = 0; column < 3; ++column) REQUIRE(std::isnan(*result.At(0, 0, column)));
  REQUIRE(result.At(0, 0, 3) == 1.0);
  REQUIRE(result.At(0, 2, 0) == 5.0);
  REQUIRE(result.At(0, 2, 1) == 5.0);
  REQUIRE(std::isnan(*result.At(0, 2, 2)));
  REQUIRE(result.At(0, 2, 3) == 2.0);
}

TEST_CASE("query: top and bottom rank rows by their first column", "[query]") {
  const auto database = OpenFour(10);
  Query query;
  query.range = {0, 10'000};
  query.top = 2;
  for (const RankBy by : {RankBy::kMean, RankBy::kLast, RankBy::kMax}) {
    query.rank_by = by;
    const QueryResult top = Ask(*database, query);
    REQUIRE(top.rows() == 2);
    REQUIRE(top.labels(0).ToString() == "other");
    REQUIRE(top.labels(1).ToString() == "m{a=\"x\",b=\"1\"}");
  }
  query.top = 0;
  query.bottom = 10;
  const QueryResult bottom = Ask(*database, query);
  REQUIRE(bottom.rows() == 4);
  REQUIRE(bottom.labels(0).ToString() == "m{a=\"x\"}");
  REQUIRE(bottom.labels(3).ToString() == "other");
}

TEST_CASE("query: what has no windows or no series has no rows", "[query]") {
  const auto database = OpenFour(10);
  Query query;
  query.range = {5, 5};
  REQUIRE(Ask(*database, query).times().empty());
  query.step_ms = 10;
  REQUIRE(Ask(*database, query).rows() == 0);
  query.range = {0, 10};
  query.matchers = {{"a", MatchOp::kEqual, "nowhere"}};
  REQUIRE(Ask(*database, query).rows() == 0);
  REQUIRE(Ask(*database, query).times().size() == 1);
  query.grouping = Grouping{};
  REQUIRE(Ask(*database, query).rows() == 0);
}

TEST_CASE("query: bad ones are told what is wrong", "[query]") {
  const auto database = OpenFour(1);
  const auto refused = [&](auto&& change, const char* text) {
    Query query;
    query.range = {0, 1000};
    change(query);
    RequireRefused(*database, query, StatusCode::kInvalidArgument, text);
  };
  refused([](Query& q) { q.range = {10, 9}; }, "before it begins");
  refused([](Query& q) { q.step_ms = -1; }, "step_ms is negative");
  refused([](Query& q) { q.step_ms = 1, q.window_ms = -1; }, "window_ms is negative");
  refused([](Query& q) { q.window_ms = 5; }, "step_ms is not");
  refused([](Query& q) { q.step_ms = 1, q.range.end = 11'001; }, "QueryLimits::windows");
  refused([](Query& q) { q.step_ms = 1, q.range = TimeRange::All(); }, "QueryLimits::windows");
  refused([](Query& q) { q.step_ms = 1, q.window_ms = kTimestampMax; }, "past the last timestamp");
  refused(
      [](Query& q) {
        q.step_ms = 3, q.range = {kTimestampMax - 4, kTimestampMax};
      },
      "past the last timestamp");
  refused([](Query& q) { q.columns.clear(); }, "no columns");
  refused([](Query& q) { q.columns[0].quantile = 1.01; }, "Column::quantile");
  refused([](Query& q) { q.columns[0].quantile = std::nan(""); }, "Column::quantile");
  refused([](Query& q) { q.columns[0].group_quantile = -0.1; }, "Column::group_quantile");
  refused([](Query& q) { q.grouping = Grouping{{"a", ""}, false}; }, "empty name");
  refused([](Query& q) { q.grouping = Grouping{{"a", "b", "a"}, true}; }, "twice: a");
  refused([](Query& q) { q.top = q.bottom = 1; }, "both top and bottom");
  refused([](Query& q) { q.options.limits.time_ms = -5; }, "time_ms is negative");
  refused([](Query& q) { q.matchers = {{"a", MatchOp::kRegex, "("}}; }, "(");
  refused([](Query& q) { q.matchers = {{"", MatchOp::kEqual, "x"}}; }, "name");
}

TEST_CASE("query: more windows are answered if the limit allows", "[query]") {
  const auto database = OpenFour(10);
  Query query;
  query.range = {0, 11'001};
  query.step_ms = 1;
  query.options.limits.windows = 11'001;
  query.columns[0].function = WindowFunction::kCount;
  const QueryResult result = Ask(*database, query);
  REQUIRE(result.times().size() == 11'001);
  size_t present = 0;
  for (size_t k = 0; k < result.times().size(); ++k) present += result.Has(0, k);
  REQUIRE(present == 10);
}

TEST_CASE("query: limits end it and are named", "[query]") {
  const auto database = OpenFour(2000);
  REQUIRE(database->Flush().ok());
  Query query;
  query.range = {0, 2'000'000};
  query.options.use_statistics = false;
  query.options.threads = GENERATE(1, 2);
  query.options.limits.series = 3;
  RequireRefused(*database, query, StatusCode::kResourceExhausted, "QueryLimits::series");
  query.options.limits.series = 4;
  query.options.limits.samples = 7999;
  RequireRefused(*database, query, StatusCode::kResourceExhausted, "QueryLimits::samples");
  query.options.limits.samples = 8000;
  REQUIRE(Ask(*database, query).rows() == 4);
  REQUIRE(Ask(*database, query).cost().samples_decoded == 8000);
  query.options.limits.memory_bytes = 100;
  RequireRefused(*database, query, StatusCode::kResourceExhausted, "QueryLimits::memory_bytes");
  query.options.limits.memory_bytes = 8000;  // enough for everything but the values of a quantile
  REQUIRE(Ask(*database, query).rows() == 4);
  query.columns[0].function = WindowFunction::kQuantile;
  RequireRefused(*database, query, StatusCode::kResourceExhausted, "QueryLimits::memory_bytes");
  query.step_ms = 1;
  query.options.limits.windows = 0;
  RequireRefused(*database, query, StatusCode::kResourceExhausted, "QueryLimits::memory_bytes");
}

TEST_CASE("query: statistics answer what they can and cost no samples", "[query]") {
  const auto database = OpenFour(512 * 8);
  REQUIRE(database->Flush().ok());
  Query query;
  query.range = TimeRange::All();
  query.matchers = {{"a", MatchOp::kEqual, "y"}};
  query.columns = {{.function = WindowFunction::kSum}, {.function = WindowFunction::kLast}};
  const QueryCost cost = Ask(*database, query).cost();
  REQUIRE(cost.statistics >= 7);
  REQUIRE(cost.samples_decoded + cost.statistics * 512 == 512 * 8);
  query.columns.push_back({.function = WindowFunction::kStddev});
  REQUIRE(Ask(*database, query).cost().statistics == 0);
  REQUIRE(Ask(*database, query).cost().samples_decoded == 512 * 8);
}

TEST_CASE("query: a stop that was requested cancels it", "[query]") {
  const auto database = OpenFour(100);
  std::stop_source source;
  Query query;
  query.range = {0, 100'000};
  query.options.stop = source.get_token();
  REQUIRE(Ask(*database, query).rows() == 4);
  source.request_stop();
  RequireRefused(*database, query, StatusCode::kCancelled, "stop");
  const QueryOptions stopped{.stop = source.get_token()};
  REQUIRE(CountSamples(*database, {}, TimeRange::All(), stopped).status().code() ==
          StatusCode::kCancelled);
  REQUIRE(ListSeries(*database, {}, {0, 10}, stopped).status().code() == StatusCode::kCancelled);
  REQUIRE(LastValues(*database, {}, stopped).status().code() == StatusCode::kCancelled);
}

TEST_CASE("query: one that takes too long is ended", "[query]") {
  // Each of the 11,000 windows merges 200 deviations at least: longer than 1 ms.
  const auto database = OpenFour(20'000);
  Query query;
  query.range = {0, 11'000'000};
  query.step_ms = 1000;
  query.window_ms = 200'000;
  query.columns[0].function = WindowFunction::kQuantile;
  query.options.limits.time_ms = 1;
  RequireRefused(*database, query, StatusCode::kDeadlineExceeded, "QueryLimits::time_ms");
}

TEST_CASE("query: the newest time is that of the newest sample that matches", "[query]") {
  const auto database = OpenFour(10);
  const SeriesId late = *database->FindOrCreateSeries(*Labels::Create({{"z", "late"}}));
  REQUIRE(*NewestTime(*database, {}) == (*LastValues(*database, {}))[0].sample.timestamp);
  REQUIRE(database->NewAppender().Append(late, 77'777'777, 1));
  REQUIRE(*NewestTime(*database, {}) == 77'777'777);
  REQUIRE(*NewestTime(*database, std::vector<Matcher>{{"z", MatchOp::kEqual, ""}}) < 77'777'777);
  REQUIRE_FALSE(
      NewestTime(*database, std::vector<Matcher>{{"z", MatchOp::kEqual, "no"}})->has_value());
}

TEST_CASE("query: lists, counts and last values", "[query]") {
  const auto database = OpenFour(1000);
  const auto empty = database->FindOrCreateSeries(*Labels::Create({{"a", "z"}}));
  REQUIRE(empty.ok());
  const std::vector<Matcher> has_a = {{"a", MatchOp::kNotEqual, ""}};
  const auto all = ListSeries(*database, has_a);
  REQUIRE(all.ok());
  REQUIRE(all->size() == 4);
  REQUIRE((*all)[0].labels.ToString() == "m{a=\"x\"}");
  REQUIRE((*all)[3].labels.ToString() == "{a=\"z\"}");
  REQUIRE((*all)[3].series == *empty);
  REQUIRE(ListSeries(*database, has_a, {0, 5000})->size() == 3);
  REQUIRE(ListSeries(*database, has_a, {5001, 5999})->empty());
  REQUIRE(ListSeries(*database, has_a, {1, 0}).status().code() == StatusCode::kInvalidArgument);
  REQUIRE(*CountSeries(*database, has_a) == 4);
  REQUIRE(*CountSeries(*database, {}) == 5);
  REQUIRE(*CountSamples(*database, has_a) == 3000);
  REQUIRE(*CountSamples(*database, has_a, {1000, 700'000}) == 3 * 699);
  REQUIRE(*CountSamples(*database, {}, {5, 5}) == 0);
  const auto last = LastValues(*database, has_a);
  REQUIRE(last.ok());
  REQUIRE(last->size() == 3);
  REQUIRE((*last)[2].labels.ToString() == "m{a=\"y\"}");
  REQUIRE((*last)[2].sample.timestamp == 999'000);
  REQUIRE((*last)[2].sample.value == 2000);
  const QueryOptions few{.limits = {.series = 2}};
  REQUIRE(CountSeries(*database, {}, few).status().code() == StatusCode::kResourceExhausted);
}

TEST_CASE("query: what was merged can be asked for without the rest", "[query]") {
  const auto database = OpenFour(10);
  Query query;
  query.range = {0, 10'000};
  REQUIRE(Ask(*database, query).completeness().latest);
  query.options.freshness = Freshness::kMerged;
  REQUIRE(Ask(*database, query).rows() == 4);  // the first query merged them
}

TEST_CASE("query: long series are read in sections with the same answer", "[query]") {
  const auto database = Open();
  AddSeries(*database, 1);
  std::vector<Timestamp> times(1000);
  const size_t samples = Scaled(3'000) * times.size();
  std::vector<double> values(1000);
  double sum = 0;
  {
    Appender appender = database->NewAppender();
    for (size_t i = 0; i < samples; i += times.size()) {
      for (size_t j = 0; j < times.size(); ++j) {
        times[j] = static_cast<Timestamp>(i + j) * 1000;
        values[j] = static_cast<double>((i + j) % 1009);
        sum += values[j];
      }
      REQUIRE(appender.AppendColumns(0, times, values));
    }
    REQUIRE(appender.Append(0, 500'000'500, 2000));  // late, in some section
    sum += 2000;
  }
  Query query;
  query.range = TimeRange::All();
  query.columns = {{.function = WindowFunction::kSum},
                   {.function = WindowFunction::kCount},
                   {.function = WindowFunction::kMax},
                   {.function = WindowFunction::kLast},
                   {.function = WindowFunction::kStddev}};
  const size_t all = samples + 1;
  for (const size_t threads : {1, 2, 5}) {
    query.options.threads = threads;
    const QueryResult result = Ask(*database, query);
    REQUIRE(result.At(0, 0, 0) == sum);  // of integers: exact
    REQUIRE(result.At(0, 0, 1) == static_cast<double>(all));
    REQUIRE(result.At(0, 0, 2) == 2000.0);
    REQUIRE(result.At(0, 0, 3) == values.back());
    REQUIRE(*result.At(0, 0, 4) == Approx(291.3).epsilon(0.01));
    REQUIRE(result.cost().samples_decoded == all);
  }
  Query windows = query;
  windows.range = {0, static_cast<Timestamp>(samples) * 1000};
  windows.step_ms = 777'000;
  const QueryResult cut = Ask(*database, windows);
  double total = 0, count = 0;
  for (size_t k = 0; k < cut.times().size(); ++k) {
    total += *cut.At(0, k, 0);
    count += *cut.At(0, k, 1);
  }
  REQUIRE(total == sum);
  REQUIRE(count == static_cast<double>(all));
}

}  // namespace
}  // namespace tsdb

// Label names, values and counts, against looking at the labels of every series.
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "test/tsdb/test_database.h"
#include "tsdb/query.h"

namespace tsdb {
namespace {

using absl::StatusCode;

constexpr size_t kSeries = 300;
constexpr Timestamp kSpan = 100'000;

std::string Text(char letter, size_t number) {
  std::string text(1, letter);
  text += std::to_string(number);
  return text;
}

// Series with some of four labels, and samples in a stretch of time of their own; every tenth has
// none.
std::unique_ptr<Database> OpenRandom(uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto pick = [&](size_t below) { return static_cast<size_t>(random() % below); };
  auto database = Open(TinyBuffers());
  Appender appender = database->NewAppender();
  for (size_t i = 0; i < kSeries; ++i) {
    const std::string number = std::to_string(i), metric = Text('m', pick(7));
    const std::string rare = Text('r', pick(40)), job = pick(2) == 0 ? "api" : "db";
    std::vector<Label> labels = {{"number", number}};
    if (pick(5) > 0) labels.push_back({kMetricNameLabel, metric});
    if (pick(3) == 0) labels.push_back({"rare", rare});
    if (pick(2) == 0) labels.push_back({"job", job});
    const auto set = Labels::Create(labels);
    REQUIRE(set.ok());
    const auto id = database->FindOrCreateSeries(*set);
    REQUIRE(id.ok());
    if (i % 10 == 0) continue;
    const auto begin = static_cast<Timestamp>(pick(kSpan));
    for (int sample = 0; sample < 5; ++sample) {
      REQUIRE(appender.Append(*id, begin + sample * 500, 1.0));
    }
  }
  return database;
}

struct Question {
  std::vector<Matcher> matchers;
  std::function<bool(const Labels&)> takes;
};

std::vector<Question> Questions() {
  return {
      {{}, [](const Labels&) { return true; }},
      {{{"job", MatchOp::kEqual, "api"}}, [](const Labels& s) { return s.Get("job") == "api"; }},
      {{{"job", MatchOp::kNotEqual, ""}}, [](const Labels& s) { return !s.Get("job").empty(); }},
      {{{"rare", MatchOp::kRegex, "r1.*"}, {"job", MatchOp::kNotRegex, "d."}},
       [](const Labels& s) { return s.Get("rare").starts_with("r1") && s.Get("job") != "db"; }},
      {{{"__name__", MatchOp::kEqual, "nowhere"}}, [](const Labels&) { return false; }}};
}

// What a question takes: every label pair of the series.
std::vector<Label> PairsOf(Database& database, const Question& question, TimeRange range,
                           std::vector<Labels>& kept) {
  const Snapshot snapshot = database.NewSnapshot();
  for (SeriesId series = 0; series < database.SeriesCount(); ++series) {
    if (range != TimeRange::All() && snapshot.Count(series, range) == 0) continue;
    Labels labels = *database.SeriesLabels(series);
    if (question.takes(labels)) kept.push_back(std::move(labels));
  }
  std::vector<Label> pairs;
  for (const Labels& labels : kept) {
    for (const Label label : labels) pairs.push_back(label);
  }
  return pairs;
}

std::vector<std::string> Sorted(const std::set<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

TEST_CASE("query labels: names and values are those of every series looked at", "[query]") {
  const uint64_t seed = GENERATE(1, 2, 3);
  const auto database = OpenRandom(seed);
  const std::vector<TimeRange> ranges = {
      TimeRange::All(),       {0, kSpan / 4}, {kSpan / 2, kSpan / 2 + 1},
      {kSpan * 2, kSpan * 3}, {5, 5},         {kSpan / 2, kTimestampMax}};
  for (const Question& question : Questions()) {
    for (const TimeRange range : ranges) {
      std::vector<Labels> kept;
      std::map<std::string, std::set<std::string>> values;
      std::set<std::string> names;
      for (const Label& pair : PairsOf(*database, question, range, kept)) {
        names.emplace(pair.name);
        values[std::string(pair.name)].emplace(pair.value);
      }
      REQUIRE(*LabelNames(*database, question.matchers, range) == Sorted(names));
      for (const std::string name : {"__name__", "job", "number", "rare", "unknown"}) {
        REQUIRE(*LabelValues(*database, name, question.matchers, range) == Sorted(values[name]));
      }
    }
  }
}

TEST_CASE("query labels: the counts are those of every series looked at", "[query]") {
  const auto database = OpenRandom(7);
  std::vector<Labels> kept;
  std::map<std::pair<std::string, std::string>, uint64_t> pairs;
  std::map<std::string, uint64_t> names;
  for (const Label& pair : PairsOf(*database, Questions()[0], TimeRange::All(), kept)) {
    if (++pairs[{std::string(pair.name), std::string(pair.value)}] == 1) {
      ++names[std::string(pair.name)];
    }
  }
  const LabelCounts all = Cardinality(*database, 1'000'000);
  REQUIRE(all.series == kSeries);
  REQUIRE(all.names == names.size());
  REQUIRE(all.pairs == pairs.size());
  const auto in_order = [](const LabelCounts::Count& a, const LabelCounts::Count& b) {
    if (a.count != b.count) return a.count > b.count;
    return a.name != b.name ? a.name < b.name : a.value < b.value;
  };
  for (const auto* list : {&all.pairs_by_series, &all.metrics_by_series, &all.names_by_values}) {
    REQUIRE(std::is_sorted(list->begin(), list->end(), in_order));
  }
  REQUIRE(all.names_by_values.size() == names.size());
  for (const auto& each : all.names_by_values) {
    REQUIRE(each.value.empty());
    REQUIRE(each.count == names[each.name]);
  }
  REQUIRE(all.pairs_by_series.size() == pairs.size());
  for (const auto& each : all.pairs_by_series) {
    REQUIRE(each.count == pairs[{each.name, each.value}]);
  }
  REQUIRE(all.metrics_by_series.size() == 7);
  for (const auto& each : all.metrics_by_series) {
    REQUIRE(each.count == pairs[{std::string(kMetricNameLabel), each.value}]);
  }

  const LabelCounts first = Cardinality(*database, 3);
  REQUIRE(first.pairs == all.pairs);
  REQUIRE(first.pairs_by_series.size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    REQUIRE(first.pairs_by_series[i].value == all.pairs_by_series[i].value);
    REQUIRE(first.metrics_by_series[i].value == all.metrics_by_series[i].value);
  }
  REQUIRE(Cardinality(*database, 0).names_by_values.empty());
}

TEST_CASE("query labels: an empty database has none", "[query]") {
  const auto database = Open(TinyBuffers());
  REQUIRE(LabelNames(*database, {})->empty());
  REQUIRE(LabelValues(*database, "a", {}, {0, 10})->empty());
  const LabelCounts counts = Cardinality(*database, 10);
  REQUIRE(counts.series + counts.names + counts.pairs == 0);
  REQUIRE(counts.pairs_by_series.empty());
}

TEST_CASE("query labels: mistakes and limits are told", "[query]") {
  const auto database = OpenRandom(1);
  const std::vector<Matcher> wrong = {{"a", MatchOp::kRegex, "("}};
  for (const TimeRange range : {TimeRange::All(), TimeRange{0, kSpan}}) {
    REQUIRE(LabelNames(*database, wrong, range).status().code() == StatusCode::kInvalidArgument);
    REQUIRE(LabelValues(*database, "", {}, range).status().code() == StatusCode::kInvalidArgument);
    REQUIRE(LabelValues(*database, "\xFF", {}, range).status().code() ==
            StatusCode::kInvalidArgument);
    QueryOptions options;
    options.limits.series = 10;
    REQUIRE(LabelNames(*database, {}, range, options).status().code() ==
            StatusCode::kResourceExhausted);
    options.limits = {.memory_bytes = 100};
    REQUIRE(LabelValues(*database, "number", {}, range, options).status().code() ==
            StatusCode::kResourceExhausted);
    std::stop_source stop;
    stop.request_stop();
    options = {.stop = stop.get_token()};
    REQUIRE(LabelNames(*database, {}, range, options).status().code() == StatusCode::kCancelled);
  }
}

}  // namespace
}  // namespace tsdb

// The index against the plain evaluation, over random label sets and matchers.
#include <catch2/catch.hpp>
#include <map>
#include <numeric>
#include <set>

#include "index/label/label_index.h"
#include "test/index/label/label_model.h"
#include "test/tsdb/threads.h"

namespace tsdb::label {
namespace {

using Random = std::mt19937_64;

size_t Below(Random& random, size_t end) { return random() % end; }

template <typename Item>
const Item& OneOf(Random& random, const std::vector<Item>& items) {
  return items[Below(random, items.size())];
}

const std::vector<std::string> kNames = {"__name__", "job",   "instance", "region", "env",
                                         "rare",     "größe", "every",    "absent"};
const std::vector<std::string> kOddValues = {
    "a",    "ab",     "abc",       "b",    "ba",  "a.b",    "a|b",     "a\nb",       "größe",
    "日本", "日本語", "A",         "aB",   "x*y", "(a)",    "10%",     "^a$",        "a b",
    "\\d",  "é",      "e\xCC\x81", "🙂", "_",   "host-1", "host-10", "host-1:9100"};

std::string RandomValue(Random& random, const std::string& name, SeriesId id) {
  if (name == "instance") return Numbered("host-", Below(random, 900), ":9100");
  if (name == "every") return Numbered("n", id);
  if (name == "region") return Numbered("region-", Below(random, 3));
  return OneOf(random, kOddValues);
}

std::vector<Labels> RandomSeries(Random& random, size_t count) {
  std::vector<Labels> all;
  for (SeriesId id = 0; id < count; ++id) {
    std::vector<std::pair<std::string, std::string>> labels = {
        {"every", RandomValue(random, "every", id)}};
    for (const std::string& name : kNames) {
      const size_t percent = name == "rare" ? 1 : name == "env" ? 50 : name == "job" ? 80 : 95;
      if (name == "absent" || name == "every" || Below(random, 100) >= percent) continue;
      labels.emplace_back(name, RandomValue(random, name, id));
    }
    all.push_back(MakeLabels(labels));
  }
  return all;
}

const std::vector<std::string> kExpressions = {"",
                                               ".*",
                                               ".+",
                                               "a",
                                               "a.*",
                                               ".*b",
                                               ".*b.*",
                                               "a|b",
                                               "a|",
                                               "|a|b",
                                               "(a|ab)",
                                               "(?:a|b)c",
                                               "a(|b|bc)",
                                               "[ab]+",
                                               "a?",
                                               "a*",
                                               "(a|b)*",
                                               "a.b",
                                               "a\\.b",
                                               "a\\|b",
                                               "^a$",
                                               "^a",
                                               "a$",
                                               "^(a|b)$",
                                               "^a|b$",
                                               "host-.*",
                                               "host-1.*",
                                               "host-1.+",
                                               "host-[0-9]+:9100",
                                               "host-(1|2|3)(0|1):9100",
                                               ".*:9100",
                                               "(?i)a",
                                               "(?i)AB.*",
                                               "日.*",
                                               "日本語?",
                                               ".",
                                               "..",
                                               "größ.",
                                               "\\pL+",
                                               "[^a]*",
                                               "\\\\d",
                                               "x\\*y",
                                               "\\(a\\)",
                                               "n[0-9]*7",
                                               "n1.*|n2.*",
                                               ".*9.*",
                                               "n.*",
                                               "region-[01]",
                                               "region-.*",
                                               "()",
                                               "(a|)",
                                               ".*\\.b",
                                               ".+b",
                                               "a{1,2}",
                                               "\\Qa|b\\E",
                                               "a\\b",
                                               "(?s).*",
                                               "((a|b)|(ab|abc))",
                                               "a||b",
                                               "é?",
                                               ".*1.*:.*",
                                               "host-1\\d*:.*"};

Matcher RandomMatcher(Random& random) {
  Matcher matcher;
  matcher.name = OneOf(random, kNames);
  matcher.op = static_cast<MatchOp>(Below(random, 4));
  if (matcher.op == MatchOp::kRegex || matcher.op == MatchOp::kNotRegex) {
    matcher.value = OneOf(random, kExpressions);
  } else if (Below(random, 6) > 0) {
    matcher.value = RandomValue(random, matcher.name, static_cast<SeriesId>(Below(random, 9000)));
  }
  return matcher;
}

uint64_t Seed() {
  const uint64_t seed = std::random_device{}();
  return seed;
}

struct Indexed {
  explicit Indexed(const std::vector<Labels>& series) : index(table) {
    for (const Labels& labels : series) REQUIRE(table.FindOrCreate(labels).ok());
  }
  SeriesTable table{10'000'000};
  LabelIndex index;
};

TEST_CASE("label index: every expression selects what it does by itself", "[label]") {
  const uint64_t seed = Seed();
  INFO("seed " << seed);
  Random random(seed);
  const std::vector<Labels> all = RandomSeries(random, 1500);
  const Indexed indexed(all);
  for (const std::string& name : kNames) {
    for (const std::string& expression : kExpressions) {
      for (const MatchOp op :
           {MatchOp::kEqual, MatchOp::kNotEqual, MatchOp::kRegex, MatchOp::kNotRegex}) {
        const std::vector<Matcher> matchers = {{name, op, expression}};
        INFO(Describe(matchers));
        const auto ids = indexed.index.SelectIds(matchers);
        REQUIRE(ids.ok());
        REQUIRE(*ids == SelectPlainly(matchers, all));
        REQUIRE(*indexed.index.SeriesCount(matchers) == ids->size());
      }
    }
  }
}

TEST_CASE("label index: random matchers together select what brute force does", "[label]") {
  const uint64_t seed = Seed();
  INFO("seed " << seed);
  Random random(seed);
  for (const size_t count : {1, 7, 300, 5000}) {
    const std::vector<Labels> all = RandomSeries(random, count);
    const Indexed indexed(all);
    Roaring live;
    for (SeriesId id = 0; id < count + 10; ++id) {
      if (Below(random, 3) > 0) live.add(id);
    }
    for (int round = 0; round < 250; ++round) {
      std::vector<Matcher> matchers(1 + Below(random, 4));
      for (Matcher& matcher : matchers) matcher = RandomMatcher(random);
      INFO(count << " series: " << Describe(matchers));
      const std::vector<SeriesId> expected = SelectPlainly(matchers, all);
      REQUIRE(*indexed.index.SelectIds(matchers) == expected);
      REQUIRE(*indexed.index.SeriesCount(matchers) == expected.size());
      std::vector<SeriesId> expected_live;
      std::copy_if(expected.begin(), expected.end(), std::back_inserter(expected_live),
                   [&](SeriesId id) { return live.contains(id); });
      REQUIRE(*indexed.index.SelectIds(matchers, &live) == expected_live);
      REQUIRE(*indexed.index.SeriesCount(matchers, &live) == expected_live.size());
    }
  }
}

TEST_CASE("label index: what it says does not depend on how it was caught up", "[label]") {
  const uint64_t seed = Seed();
  INFO("seed " << seed);
  Random random(seed);
  const std::vector<Labels> all = RandomSeries(random, 9000);
  SeriesTable table(100'000);
  const LabelIndex index(table);
  for (size_t next = 0; next < all.size();) {
    const size_t end = std::min(all.size(), next + 1 + Below(random, 1 + Below(random, 3000)));
    for (; next < end; ++next) REQUIRE(table.FindOrCreate(all[next]).ok());
    std::vector<Matcher> matchers = {RandomMatcher(random)};
    INFO(Describe(matchers) << " of " << next);
    const std::vector<Labels> so_far(all.begin(), all.begin() + static_cast<ptrdiff_t>(next));
    REQUIRE(*index.SelectIds(matchers) == SelectPlainly(matchers, so_far));
    REQUIRE(index.indexed() == next);
  }
}

TEST_CASE("label index: names and values of random series, all and by matchers", "[label]") {
  const uint64_t seed = Seed();
  INFO("seed " << seed);
  Random random(seed);
  const std::vector<Labels> all = RandomSeries(random, 5000);
  const Indexed indexed(all);
  Roaring live;
  for (SeriesId id = 0; id < all.size(); id += 3) live.add(id);
  for (size_t round = 0; round < Scaled(60); ++round) {
    std::vector<Matcher> matchers(Below(random, 3));
    for (Matcher& matcher : matchers) matcher = RandomMatcher(random);
    for (const Roaring* filter : {static_cast<const Roaring*>(nullptr), &std::as_const(live)}) {
      INFO(Describe(matchers) << (filter == nullptr ? "" : "live"));
      std::map<std::string, std::set<std::string>> expected;
      for (const SeriesId id : SelectPlainly(matchers, all)) {
        if (filter != nullptr && !filter->contains(id)) continue;
        for (const Label label : all[id]) expected[std::string(label.name)].emplace(label.value);
      }
      std::vector<std::string> names;
      for (const auto& [name, values] : expected) names.push_back(name);
      REQUIRE(*indexed.index.LabelNames(matchers, filter) == names);
      for (const std::string& name : kNames) {
        const std::vector<std::string> values(expected[name].begin(), expected[name].end());
        REQUIRE(*indexed.index.LabelValues(name, matchers, filter) == values);
      }
    }
  }
}

TEST_CASE("label index: the top of names, pairs and metrics", "[label]") {
  const uint64_t seed = Seed();
  INFO("seed " << seed);
  Random random(seed);
  const std::vector<Labels> all = RandomSeries(random, 4000);
  const Indexed indexed(all);
  std::map<std::string, std::map<std::string, uint64_t>> counts;
  for (const Labels& labels : all) {
    for (const Label label : labels) ++counts[std::string(label.name)][std::string(label.value)];
  }
  using Row = std::tuple<int64_t, std::string, std::string>;
  std::vector<Row> names, pairs, metrics;
  for (const auto& [name, values] : counts) {
    names.emplace_back(-static_cast<int64_t>(values.size()), name, "");
    for (const auto& [value, count] : values) {
      pairs.emplace_back(-static_cast<int64_t>(count), name, value);
      if (name == "__name__") metrics.push_back(pairs.back());
    }
  }
  const auto same = [](const std::vector<Cardinality::Count>& found, std::vector<Row> expected,
                       size_t top) {
    std::sort(expected.begin(), expected.end());
    expected.resize(std::min(expected.size(), top));
    std::vector<Row> rows;
    for (const auto& [name, value, count] : found) {
      rows.emplace_back(-static_cast<int64_t>(count), name, value);
    }
    return rows == expected;
  };
  for (const size_t top : {0u, 1u, 3u, 10u, 100'000u}) {
    const Cardinality cardinality = indexed.index.CardinalityTop(top);
    REQUIRE(same(cardinality.names_by_values, names, top));
    REQUIRE(same(cardinality.pairs_by_series, pairs, top));
    REQUIRE(same(cardinality.metrics_by_series, metrics, top));
    REQUIRE(cardinality.series == all.size());
    REQUIRE(cardinality.names == names.size());
    REQUIRE(cardinality.pairs == pairs.size());
  }
}

}  // namespace
}  // namespace tsdb::label

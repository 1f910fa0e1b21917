#include "index/label/label_index.h"

#include <catch2/catch.hpp>

#include "index/label/union.h"
#include "test/index/label/label_model.h"

namespace tsdb::label {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

class Fixture {
 public:
  SeriesId Add(const Pairs& labels) {
    const auto id = table_.FindOrCreate(MakeLabels(labels));
    REQUIRE(id.ok());
    return *id;
  }
  std::vector<SeriesId> Select(const std::vector<Matcher>& matchers) {
    const auto ids = index_.SelectIds(matchers);
    REQUIRE(ids.ok());
    return *ids;
  }
  std::string ErrorOf(const std::vector<Matcher>& matchers) {
    const auto selected = index_.Select(matchers);
    REQUIRE(selected.status().code() == absl::StatusCode::kInvalidArgument);
    REQUIRE(index_.SeriesCount(matchers).status() == selected.status());
    REQUIRE(index_.LabelNames(matchers).status() == selected.status());
    REQUIRE(index_.LabelValues("a", matchers).status() == selected.status());
    return std::string(selected.status().message());
  }

  SeriesTable table_{100'000'000};
  LabelIndex index_{table_};
};

using Ids = std::vector<SeriesId>;

TEST_CASE("label index: nothing is found in an empty table", "[label]") {
  Fixture f;
  REQUIRE(f.Select({}).empty());
  REQUIRE(f.Select({{"a", MatchOp::kEqual, ""}}).empty());
  REQUIRE(f.Select({{"a", MatchOp::kNotRegex, "x.*"}}).empty());
  REQUIRE(f.index_.LabelNames({})->empty());
  REQUIRE(f.index_.LabelValues("a", {})->empty());
  REQUIRE(*f.index_.SeriesCount({}) == 0);
  REQUIRE(f.index_.CardinalityTop(10).pairs_by_series.empty());
}

TEST_CASE("label index: no matchers select every series", "[label]") {
  Fixture f;
  for (int i = 0; i < 5; ++i) f.Add({{"a", std::to_string(i)}});
  REQUIRE(f.Select({}) == Ids{0, 1, 2, 3, 4});
  REQUIRE(*f.index_.SeriesCount({}) == 5);
}

TEST_CASE("label index: a label that is absent counts as empty", "[label]") {
  Fixture f;
  f.Add({{"a", "x"}});
  f.Add({{"b", "x"}});
  f.Add({{"a", "y"}, {"b", "x"}});
  REQUIRE(f.Select({{"a", MatchOp::kEqual, ""}}) == Ids{1});
  REQUIRE(f.Select({{"a", MatchOp::kNotEqual, ""}}) == Ids{0, 2});
  REQUIRE(f.Select({{"a", MatchOp::kNotEqual, "x"}}) == Ids{1, 2});
  REQUIRE(f.Select({{"a", MatchOp::kRegex, "x|"}}) == Ids{0, 1});
  REQUIRE(f.Select({{"a", MatchOp::kNotRegex, "x|"}}) == Ids{2});
  REQUIRE(f.Select({{"a", MatchOp::kRegex, ".*"}}) == Ids{0, 1, 2});
  REQUIRE(f.Select({{"a", MatchOp::kNotRegex, ".+"}}) == Ids{1});
  REQUIRE(f.Select({{"c", MatchOp::kEqual, ""}}) == Ids{0, 1, 2});
  REQUIRE(f.Select({{"c", MatchOp::kNotEqual, "x"}}) == Ids{0, 1, 2});
  REQUIRE(f.Select({{"c", MatchOp::kRegex, ".+"}}).empty());
}

TEST_CASE("label index: matchers that contradict each other select nothing", "[label]") {
  Fixture f;
  for (int i = 0; i < 1000; ++i) f.Add({{"a", i % 2 == 0 ? "x" : "y"}, {"n", std::to_string(i)}});
  REQUIRE(f.Select({{"a", MatchOp::kEqual, "x"}, {"a", MatchOp::kEqual, "y"}}).empty());
  REQUIRE(f.Select({{"a", MatchOp::kEqual, "x"}, {"a", MatchOp::kNotEqual, "x"}}).empty());
  REQUIRE(f.Select({{"a", MatchOp::kEqual, ""}, {"a", MatchOp::kRegex, ".+"}}).empty());
  REQUIRE(f.Select({{"a", MatchOp::kNotRegex, ".*"}}).empty());
  REQUIRE(f.Select({{"n", MatchOp::kRegex, "1.*"}, {"n", MatchOp::kRegex, "2.*"}}).empty());
}

TEST_CASE("label index: a series is seen by whoever asks after it was registered", "[label]") {
  Fixture f;
  for (SeriesId i = 0; i < 10'000; ++i) {
    f.Add({{"n", std::to_string(i)}});
    if (i % 97 == 0) REQUIRE(f.Select({{"n", MatchOp::kEqual, std::to_string(i)}}) == Ids{i});
  }
}

TEST_CASE("label index: it catches up when it is behind by enough", "[label]") {
  Fixture f;
  REQUIRE_FALSE(f.index_.CatchUpIfBehind(0));
  for (SeriesId i = 0; i < 10; ++i) f.Add({{"n", std::to_string(i)}});
  REQUIRE_FALSE(f.index_.CatchUpIfBehind(11));
  REQUIRE(f.index_.indexed() == 0);
  REQUIRE(f.index_.CatchUpIfBehind(10));
  REQUIRE(f.index_.indexed() == 10);
  REQUIRE_FALSE(f.index_.CatchUpIfBehind(0));
}

TEST_CASE("label index: wrong matchers are refused, and which is said", "[label]") {
  Fixture f;
  f.Add({{"a", "x"}});
  REQUIRE(f.ErrorOf({{"a", MatchOp::kEqual, "x"}, {"", MatchOp::kEqual, "y"}}) ==
          "matcher 2 has an empty label name (its value is \"y\")");
  REQUIRE(f.ErrorOf({{"\xFF", MatchOp::kEqual, "y"}}) ==
          "matcher 1: the label name \"\\377\" is not valid UTF-8");
  REQUIRE(f.ErrorOf({{"a", MatchOp::kEqual, "x\xC3"}}) ==
          "matcher 1: the value for label \"a\" is not valid UTF-8: \"x\\303\"");
  // Also when an earlier matcher already finds nothing, or the label is unknown.
  REQUIRE(f.ErrorOf({{"a", MatchOp::kEqual, "z"}, {"b", MatchOp::kRegex, "ab(c"}}) ==
          "the regular expression \"ab(c\" for label \"b\" is wrong: missing ): ab(c (at byte 0)");
  REQUIRE(f.ErrorOf({{"a", MatchOp::kNotRegex, "x**"}}) ==
          "the regular expression \"x**\" for label \"a\" is wrong: bad repetition operator: ** "
          "(at byte 1)");
  for (const char* wrong : {"a)", "(a", "[a", "a{2000}", "*a", "a|*", "(?<x", "\\8", "x\\",
                            "(?P<n>", "^*(", "a$)", "((((((((((a)", "\\pX", "[[:foo:]]"}) {
    INFO(wrong);
    REQUIRE(f.ErrorOf({{"a", MatchOp::kRegex, wrong}}).find("is wrong: ") != std::string::npos);
  }
  REQUIRE(f.index_.LabelValues("", {}).status().code() == absl::StatusCode::kInvalidArgument);
  REQUIRE(f.index_.LabelValues("\xFF", {}).status().code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("label index: an expression that would need too much memory is refused", "[label]") {
  Fixture f;
  f.Add({{"a", "x"}});
  const std::string message = f.ErrorOf({{"a", MatchOp::kRegex, "((a{100}){100}){100}"}});
  REQUIRE(message.find("((a{100}){100}){100}") != std::string::npos);
  // Refused with eight times the memory, too.
  std::string huge = "x[ab]";
  for (int i = 0; i < 4'000; ++i) huge += "(\\pL|b)";
  REQUIRE(f.ErrorOf({{"a", MatchOp::kRegex, huge}}).size() < 1000);
}

TEST_CASE("label index: more literals than are looked up by themselves", "[label]") {
  Fixture f;
  std::string expression = "no";
  for (int i = 0; i < 5000; ++i) {
    f.Add({{"n", std::to_string(i)}});
    if (i % 2 == 0) expression += Numbered("|", i);
  }
  REQUIRE(f.Select({{"n", MatchOp::kRegex, expression}}).size() == 2500);
  REQUIRE(f.Select({{"n", MatchOp::kNotRegex, expression}}).size() == 2500);
}

TEST_CASE("label index: postings of every size", "[label]") {
  for (const SeriesId count : {1u, 2u, 3u, 4u, 5u, 8u, 9u, 255u, 256u, 257u, 4095u, 4096u, 4097u,
                               65536u, 65537u, 140'000u}) {
    Fixture f;
    Ids expected;
    for (SeriesId i = 0; i < count; ++i) {
      f.Add({{"all", "x"}, {"n", std::to_string(i)}});
      expected.push_back(i);
    }
    INFO(count);
    REQUIRE(f.Select({{"all", MatchOp::kEqual, "x"}}) == expected);
    REQUIRE(f.Select({{"all", MatchOp::kNotEqual, "x"}}).empty());
    REQUIRE(f.Select({{"n", MatchOp::kRegex, ".*[0-9]"}}) == expected);
    REQUIRE(f.Select({{"all", MatchOp::kEqual, "x"}, {"n", MatchOp::kEqual, "0"}}) == Ids{0});
    REQUIRE(*f.index_.SeriesCount({{{"all", MatchOp::kEqual, "x"}}}) == count);
  }
}

// Unions both ways, where the column is dense, sparse, and becomes dense late.
TEST_CASE("label index: unions by postings and by the column are the same", "[label]") {
  SeriesTable table(1'000'000);
  IndexState state(table);
  Indexer indexer(state);
  std::vector<Labels> all;
  std::mt19937_64 random(7);
  for (SeriesId i = 0; i < 150'000; ++i) {
    const uint64_t part = i / 30'000;
    Pairs labels = {{"n", std::to_string(i)}};
    if (random() % 100 < part * part * 5) {
      labels.emplace_back("v", std::to_string(random() % (i % 3 == 0 ? 5000 : 3)));
    }
    all.push_back(MakeLabels(labels));
    REQUIRE(table.FindOrCreate(all.back()).ok());
    if (random() % 1000 == 0) indexer.IndexBelow(table.Count());
  }
  indexer.IndexBelow(table.Count());
  const NameIndex* name = nullptr;
  {
    ReaderMutexLock lock(&state.mutex);
    name = state.names.Find("v");
  }
  REQUIRE(name != nullptr);
  REQUIRE(name->column().dense_chunks() > 5);
  REQUIRE(name->column().dense_chunks() < name->column().chunks());
  const uint32_t values = name->values().size();
  for (const size_t step : {1u, 2u, 10u, 1000u, 10'000u}) {
    std::vector<ValueId> wanted;
    for (ValueId id = 1; id < values; id += static_cast<ValueId>(step)) wanted.push_back(id);
    std::vector<bool> is_wanted(values);
    for (const ValueId id : wanted) is_wanted[id] = true;
    for (const SeriesId bound : {0u, 1u, 4096u, 100'001u, 150'000u}) {
      Roaring expected;
      for (SeriesId i = 0; i < bound; ++i) {
        const std::string_view text = all[i].Get("v");
        if (!text.empty() && is_wanted[name->values().Find(text, HashOfText(text))]) {
          expected.add(i);
        }
      }
      for (const UnionWay way : {UnionWay::kCheaper, UnionWay::kPostings, UnionWay::kColumn}) {
        Roaring found = UnionOfValues(state, *name, values, wanted, bound, way);
        if (!found.isEmpty() && found.maximum() >= bound) {
          roaring_bitmap_remove_range_closed(&found.roaring, bound, 0xFFFFFFFF);
        }
        REQUIRE(found == expected);
      }
    }
  }
}

TEST_CASE("label index: many names, each of few series, cost no columns", "[label]") {
  Fixture f;
  for (SeriesId i = 0; i < 20'000; ++i) {
    f.Add({{Numbered("label_", i / 4), std::to_string(i % 4)}, {"n", std::to_string(i)}});
  }
  REQUIRE(f.Select({{"label_77", MatchOp::kRegex, "[1-2]"}}) == Ids{309, 310});
  REQUIRE(f.Select({{"label_77", MatchOp::kNotEqual, ""}}) == Ids{308, 309, 310, 311});
  REQUIRE(*f.index_.LabelValues("label_4999", {}) == std::vector<std::string>{"0", "1", "2", "3"});
  REQUIRE(f.index_.LabelNames({})->size() == 5001);
  REQUIRE(f.index_.Bytes() < 20'000 * 600);
}

TEST_CASE("label index: at most 100 bytes a series with six labels", "[label]") {
  Fixture f;
  constexpr SeriesId kCount = 200'000;
  for (SeriesId i = 0; i < kCount; ++i) {
    f.Add({{"__name__", Numbered("metric_", i % 200)},
           {"instance", Numbered("host-", i / 10, ":9100")},
           {"job", Numbered("job-", i % 7)},
           {"mode", Numbered("mode-", i % 10)},
           {"rack", Numbered("rack-", i / 1000)},
           {"region", Numbered("region-", i / 20'000)}});
  }
  f.index_.CatchUp();
  const size_t before_questions = f.index_.Bytes();
  REQUIRE(*f.index_.SeriesCount({{{"instance", MatchOp::kRegex, "host-1.*"}}}) == 111'110);
  REQUIRE(f.index_.Bytes() > before_questions);  // the order of the instances is kept
  REQUIRE(f.index_.Bytes() > kCount * 24);       // the columns are counted
  REQUIRE(f.index_.Bytes() <= kCount * 100);
}

}  // namespace
}  // namespace tsdb::label

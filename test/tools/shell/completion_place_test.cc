// What can stand at the cursor, which is at the end of each text.
#include "tools/shell/completion_place.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

namespace tsdb::tools {
namespace {

bool Offers(const CompletionPlace& place, const std::string& word) {
  return std::ranges::find(place.words, word) != place.words.end();
}
std::string MatchersOf(const CompletionPlace& place) {
  std::string text;
  for (const Matcher& matcher : place.matchers) text += matcher.name + "=" + matcher.value + ";";
  return text;
}

TEST_CASE("completion: expressions", "[shell]") {
  for (const char* text : {"", "up", "sum(", "sum by (job) (", "a + b", "a, no", "sum(\n  ra"}) {
    INFO(text);
    REQUIRE(FindCompletionPlace(text).kind == PlaceKind::kExpression);
  }
  REQUIRE(FindCompletionPlace("sum(rat").prefix == "rat");
  REQUIRE(FindCompletionPlace("a:b:c").prefix == "a:b:c");
  REQUIRE(Offers(FindCompletionPlace("a == "), "bool"));
  REQUIRE_FALSE(Offers(FindCompletionPlace("a + "), "bool"));
  REQUIRE(Offers(FindCompletionPlace("a / on (x) group"), "group_left"));
}

TEST_CASE("completion: words of the language", "[shell]") {
  REQUIRE(Offers(FindCompletionPlace("sum b"), "by"));
  REQUIRE(Offers(FindCompletionPlace("sum(up) w"), "without"));
  REQUIRE_FALSE(Offers(FindCompletionPlace("rate(up[5m]) b"), "by"));
  REQUIRE(Offers(FindCompletionPlace("up o"), "offset"));
  REQUIRE(Offers(FindCompletionPlace("up @ "), "start"));
}

TEST_CASE("completion: label names, of the metric where it is known", "[shell]") {
  CompletionPlace place = FindCompletionPlace("sum(up{job=\"a\", in");
  REQUIRE(place.kind == PlaceKind::kLabelName);
  REQUIRE(place.in_matcher);
  REQUIRE(place.prefix == "in");
  REQUIRE(MatchersOf(place) == "__name__=up;job=a;");
  REQUIRE(MatchersOf(FindCompletionPlace("a + {")) == "");
  REQUIRE(MatchersOf(FindCompletionPlace("{\"a b\", ")) == "__name__=a b;");
  REQUIRE(MatchersOf(FindCompletionPlace("{\"a b\"=\"c\", ")) == "a b=c;");
  place = FindCompletionPlace("sum(rate(up[5m])) by (job, i");
  REQUIRE(place.kind == PlaceKind::kLabelName);
  REQUIRE_FALSE(place.in_matcher);
  REQUIRE(MatchersOf(place) == "__name__=up;");
  REQUIRE(MatchersOf(FindCompletionPlace("a / on (")) == "__name__=a;");
  // What these are of is not in front of the cursor.
  REQUIRE(MatchersOf(FindCompletionPlace("a + sum by (")) == "");
  REQUIRE(MatchersOf(FindCompletionPlace("a / on (x) group_left (")) == "");
}

TEST_CASE("completion: label values", "[shell]") {
  CompletionPlace place = FindCompletionPlace("up{a=\"b\",job=\"no");
  REQUIRE(place.kind == PlaceKind::kLabelValue);
  REQUIRE(place.label == "job");
  REQUIRE(place.prefix == "no");
  REQUIRE(place.quote == '"');
  REQUIRE(MatchersOf(place) == "__name__=up;a=b;");
  place = FindCompletionPlace("up{job=");
  REQUIRE(place.kind == PlaceKind::kLabelValue);
  REQUIRE(place.quote == 0);
  place = FindCompletionPlace("up{job=~'a|b");
  REQUIRE(place.regex);
  REQUIRE(place.prefix == "b");
}

TEST_CASE("completion: nothing where nothing is known", "[shell]") {
  for (const char* text : {"5", "up[5", "up offset ", "up # co", "label_replace(up, \"a",
                           "up{job \"a", "up{job=\"a\"", "up{job=no", ".time ", ".nothing "}) {
    INFO(text);
    REQUIRE(FindCompletionPlace(text).kind == PlaceKind::kNothing);
  }
}

TEST_CASE("completion: commands and their arguments", "[shell]") {
  REQUIRE(Offers(FindCompletionPlace(".mo"), ".mode"));
  REQUIRE(Offers(FindCompletionPlace(".mode ch"), "chart"));
  REQUIRE(FindCompletionPlace(".mode ch").prefix == "ch");
  REQUIRE(Offers(FindCompletionPlace(".timer "), "on"));
  REQUIRE(FindCompletionPlace(".values jo").kind == PlaceKind::kLabelName);
  CompletionPlace place = FindCompletionPlace(".values job up{");
  REQUIRE(place.kind == PlaceKind::kLabelName);
  REQUIRE(MatchersOf(place) == "__name__=up;");
  place = FindCompletionPlace(".series no");
  REQUIRE(place.kind == PlaceKind::kExpression);
  REQUIRE_FALSE(place.functions);
}

TEST_CASE("completion: any beginning of a text has a place that its end begins with", "[shell]") {
  const std::string text =
      "sum by (a) (rate(x{b=\"c\\\"d\",e=~'f|g'}[5m:1m] offset -1h)) / on (h) group_left (i) y)]}"
      "\xff\"";
  for (size_t size = 0; size <= text.size(); ++size) {
    const std::string begin = text.substr(0, size);
    INFO(begin);
    REQUIRE(begin.ends_with(FindCompletionPlace(begin).prefix));
    REQUIRE(("." + begin).ends_with(FindCompletionPlace("." + begin).prefix));
  }
}

}  // namespace
}  // namespace tsdb::tools

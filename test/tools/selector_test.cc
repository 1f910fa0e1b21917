#include "tools/selector.h"

#include <catch2/catch.hpp>
#include <string>

#include "storage/base/labels.h"
#include "test/tools/few_series.h"

namespace tsdb::tools {
namespace {

Labels Series(std::initializer_list<Label> labels) { return *Labels::Create(labels); }

bool Matches(std::string_view text, const Labels& labels) {
  Selector selector;
  SelectorError error;
  const bool parsed = Selector::Parse(text, selector, error);
  INFO(text);
  INFO(error.message);
  REQUIRE(parsed);
  FewSeries series(1);
  REQUIRE(series.Add(labels));
  const auto picked = series.Pick(selector.matchers());
  INFO(picked.status().ToString());
  REQUIRE(picked.ok());
  return picked->size() == 1;
}

// "column: message"
std::string Refusal(std::string_view text) {
  Selector selector;
  SelectorError error;
  INFO(text);
  REQUIRE_FALSE(Selector::Parse(text, selector, error));
  REQUIRE(error.position <= text.size());
  return std::to_string(error.position + 1) + ": " + error.message;
}

const Labels& Cpu() {
  static const Labels kLabels =
      Series({{"__name__", "cpu:total"}, {"mode", "idle"}, {"path", "a\nb\"c"}});
  return kLabels;
}

TEST_CASE("selector: a name alone", "[selector]") {
  REQUIRE(Matches("cpu:total", Cpu()));
  REQUIRE(Matches("  cpu:total { } ", Cpu()));
  REQUIRE_FALSE(Matches("cpu", Cpu()));
  REQUIRE(Matches("{}", Cpu()));
}

TEST_CASE("selector: the four matchers", "[selector]") {
  REQUIRE(Matches("{mode=\"idle\"}", Cpu()));
  REQUIRE_FALSE(Matches("{mode=\"user\"}", Cpu()));
  REQUIRE(Matches("{mode!=\"user\"}", Cpu()));
  REQUIRE_FALSE(Matches("{mode!=\"idle\"}", Cpu()));
  REQUIRE(Matches("{mode=~\"i.*\"}", Cpu()));
  REQUIRE_FALSE(Matches("{mode!~\"i.*\"}", Cpu()));
  REQUIRE(Matches("{mode!~\"u.*\"}", Cpu()));
  REQUIRE(Matches("cpu:total{ mode = \"idle\" , path != \"x\" , }", Cpu()));
  REQUIRE_FALSE(Matches("cpu:total{mode=\"idle\",path=\"x\"}", Cpu()));
}

TEST_CASE("selector: regular expressions match the whole value, over lines too", "[selector]") {
  REQUIRE_FALSE(Matches("{mode=~\"dl\"}", Cpu()));
  REQUIRE_FALSE(Matches("{mode=~\"id|user\"}", Cpu()));
  REQUIRE(Matches("{mode=~\"user|idle\"}", Cpu()));
  REQUIRE(Matches("{path=~\"a.*\"}", Cpu()));
  REQUIRE(Matches("{__name__=~\"cpu:.+\",__name__!~\".*:max\"}", Cpu()));
}

TEST_CASE("selector: a label that is not there is empty", "[selector]") {
  REQUIRE(Matches("{none=\"\"}", Cpu()));
  REQUIRE_FALSE(Matches("{none!=\"\"}", Cpu()));
  REQUIRE(Matches("{none=~\".*\"}", Cpu()));
  REQUIRE_FALSE(Matches("{none=~\".+\"}", Cpu()));
  REQUIRE(Matches("{none!=\"x\"}", Cpu()));
}

TEST_CASE("selector: quotes and escapes as PromQL has them", "[selector]") {
  REQUIRE(Matches(R"({path="a\nb\"c"})", Cpu()));
  REQUIRE(Matches(R"({path='a\nb"c'})", Cpu()));
  REQUIRE(Matches("{path=`a\nb\"c`}", Cpu()));
  REQUIRE(Matches(R"({path="\x61\012\u0062\U00000022c"})", Cpu()));
  REQUIRE(Matches(R"({mode=~`\w+`})", Cpu()));
  REQUIRE(Matches(R"({"cpu:total","mode"="idle"})", Cpu()));
  REQUIRE(Matches(R"({"h t\u00e9"="1"})", Series({{"h t\xC3\xA9", "1"}})));
}

TEST_CASE("selector: refusals point at the place", "[selector]") {
  REQUIRE(Refusal("") == "1: the selector is empty");
  REQUIRE(Refusal("1a") == "1: a metric name or '{' is missing");
  REQUIRE(Refusal("a b") == "3: unexpected text after the selector");
  REQUIRE(Refusal("a[5m]") == "2: unexpected text after the selector");
  REQUIRE(Refusal("a{") == "3: a label name is missing");
  REQUIRE(Refusal("a{b") == "4: one of = != =~ !~ is missing after the label name");
  REQUIRE(Refusal("a{b=") == "5: a value in quotes is missing");
  REQUIRE(Refusal("a{b=c}") == "5: a value in quotes is missing");
  REQUIRE(Refusal("a{b=\"c}") == "5: the quote is not closed");
  REQUIRE(Refusal("a{b=\"c\"") == "8: a '}' is missing at the end");
  REQUIRE(Refusal("a{b=\"c\" d") == "9: a ',' or '}' is missing here");
  REQUIRE(Refusal("a{,}") == "3: a label name is missing");
  REQUIRE(Refusal("a{1=\"x\"}") == "3: a label name is missing");
  REQUIRE(Refusal("a{b=\"\\q\"}") == "6: not an escape sequence");
  REQUIRE(Refusal("a{b=\"\\xg0\"}") == "6: not an escape sequence");
  REQUIRE(Refusal("a{b=\"\\ud800\"}") == "6: not a Unicode character");
  REQUIRE(Refusal("a{b=\"\xFF\"}") == "5: the text is not valid UTF-8");
  REQUIRE(Refusal("a{__name__=\"b\"}") == "3: the metric name is given twice");
  REQUIRE(Refusal("a{\"b\"}") == "3: the metric name is given twice");
  REQUIRE(Refusal("a{b=~\"(\"}").starts_with("6: the regular expression is wrong: "));
}

TEST_CASE("selector: a regular expression that would take too much memory is refused",
          "[selector]") {
  REQUIRE(Refusal("a{b=~\"((((x{1,100}){1,100}){1,100}){1,100}){1,100}\"}")
              .starts_with("6: the regular expression is wrong: "));
}

}  // namespace
}  // namespace tsdb::tools

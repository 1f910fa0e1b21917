// Expressions that are taken, and how they are printed.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <set>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include "tsdb/promql/parser.h"

namespace tsdb::promql {
namespace {

// Empty: refused.
std::string Canonical(std::string_view text) {
  const auto expr = Parse(text);
  return expr.ok() ? ToString(**expr) : "";
}

struct Case {
  const char* text;
  const char* canonical;
};

void CheckAll(std::initializer_list<Case> cases) {
  for (const Case& each : cases) {
    INFO(each.text);
    CHECK(Canonical(each.text) == each.canonical);
    CHECK(Canonical(each.canonical) == each.canonical);
  }
}

TEST_CASE("promql parser: literals and operators in the normal form", "[promql]") {
  CheckAll({
      {"1", "1"},
      {"+Inf", "+Inf"},
      {"-inf", "-Inf"},
      {"nAn", "NaN"},
      {"5m", "5m"},
      {"0xff", "255"},
      {"1e6", "1000000"},
      {"1 + 2/(3*1)", "1 + 2 / (3 * 1)"},
      {"1 < bool 2 - 1 * 2", "1 < bool 2 - 1 * 2"},
      {"- 1 ^ 2", "-1 ^ 2"},
      {"+some_metric", "+some_metric"},
      {"((foo))", "((foo))"},
      {"foo # a comment { [ (", "foo"},
      {"# first\nfoo\t+\r\nbar", "foo + bar"},
      {"foo * on(a,b) group_left(c, d) bar", "foo * on (a, b) group_left (c, d) bar"},
      {"foo * ignoring(a) group_right bar", "foo * ignoring (a) group_right () bar"},
      {"foo + ignoring() bar", "foo + bar"},
      {"foo + on() bar", "foo + on () bar"},
      {"foo == bool bar", "foo == bool bar"},
      {"foo AND on(\"a b\") bar", "foo and on (\"a b\") bar"},

  });
}

TEST_CASE("promql parser: aggregations and names in the normal form", "[promql]") {
  CheckAll({
      {"sum(foo) by (job)", "sum by (job) (foo)"},
      {"SUM BY(job,)(foo)", "sum by (job) (foo)"},
      {"sum by () (foo)", "sum(foo)"},
      {"sum without () (foo)", "sum without () (foo)"},
      {"sum by (sum, by, on, bool, offset, \"nan\", atan2) (x)",
       "sum by (sum, by, on, bool, offset, \"nan\", atan2) (x)"},
      {"count_values('v', x)", "count_values(\"v\", x)"},
      {"topk(3, x)", "topk(3, x)"},
      {"foo{}", "foo"},
      {"foo{a='b',}", "foo{a=\"b\"}"},
      {"{\"foo\"}", "foo"},
      {"{\"foo\",a='b'}", "foo{a=\"b\"}"},
      {"{'a b', 'c.d'='e'}", "{\"a b\",\"c.d\"=\"e\"}"},
      {"{\"ignoring\"}", "{\"ignoring\"}"},
      {"{\"Inf\"}", "{\"Inf\"}"},
      {"{\"by\"}", "by"},
      {"{\"日本\"}", "{\"日本\"}"},
      {"{__name__='foo'}", "{__name__=\"foo\"}"},
      {"{__name__=~'a.*',__name__!='ab'}", "{__name__=~\"a.*\",__name__!=\"ab\"}"},
      {"{on='x',by!='y',nan=~'z'}", "{on=\"x\",by!=\"y\",nan=~\"z\"}"},
  });
}

TEST_CASE("promql parser: ranges, shifts and calls in the normal form", "[promql]") {
  CheckAll({
      {"foo[5m]", "foo[5m]"},
      {"foo[ 300 ]", "foo[5m]"},
      {"foo[5m] OFFSET 1h", "foo[5m] offset 1h"},
      {"foo offset 1h @ 5", "foo @ 5.000 offset 1h"},
      {"foo @ -1.5", "foo @ -1.500"},
      {"foo @ +1e3", "foo @ 1000.000"},
      {"foo @ START()", "foo @ start()"},
      {"foo offset 0", "foo"},
      {"foo[1h:]", "foo[1h:]"},
      {"foo[1h:30]", "foo[1h:30s]"},
      {"foo offset 5m[1h:1m] offset 1m", "foo offset 5m[1h:1m] offset 1m"},
      {"(foo + bar)[5m:10s] @ end()", "(foo + bar)[5m:10s] @ end()"},
      {"min_over_time(rate(foo{bar=\"baz\"}[2s])[5m:5s])[4m:3s] @ 1603775091",
       "min_over_time(rate(foo{bar=\"baz\"}[2s])[5m:5s])[4m:3s] @ 1603775091.000"},
      {"sum", "sum"},
      {"sum offset 5m", "sum offset 5m"},
      {"offset offset 5m", "offset offset 5m"},
      {"and and and", "and and and"},
      {"or{a='b'} or unless", "or{a=\"b\"} or unless"},
      {"start + end", "start + end"},
      {"topk", "topk"},
      {"step + range", "step + range"},
      {":a:b", ":a:b"},
      {"label_join(x, 'a', ',', 'b', 'c', 'd')",
       "label_join(x, \"a\", \",\", \"b\", \"c\", \"d\")"},
      {"round(x)", "round(x)"},
      {"round(x, 0.1)", "round(x, 0.1)"},
      {"hour()", "hour()"},
      {"holt_winters(x[5m], 0.1, 0.1)", "holt_winters(x[5m], 0.1, 0.1)"},
      {"'a\"b\\x00'", "\"a\\\"b\\x00\""},
      {"count_values(\"a\\xc5z\", x)", "count_values(\"a\\xc5z\", x)"},
  });
}

TEST_CASE("promql printing: parentheses where a tree needs them", "[promql]") {
  const auto leaf = [](const char* text) { return *Parse(text); };
  const auto join = [](BinaryOp op, ExprPtr left, ExprPtr right) {
    auto expr = std::make_unique<Expr>();
    Binary binary;
    binary.op = op;
    binary.left = std::move(left);
    binary.right = std::move(right);
    expr->node = std::move(binary);
    return expr;
  };
  const auto sum = [&] { return join(BinaryOp::kAdd, leaf("a"), leaf("b")); };
  CHECK(ToString(*join(BinaryOp::kMul, sum(), sum())) == "(a + b) * (a + b)");
  CHECK(ToString(*join(BinaryOp::kSub, sum(), sum())) == "a + b - (a + b)");
  CHECK(ToString(*join(BinaryOp::kPow, leaf("-a"), leaf("-b"))) == "(-a) ^ -b");
  CHECK(ToString(*join(BinaryOp::kPow, leaf("-1"), leaf("a ^ b"))) == "(-1) ^ a ^ b");
  CHECK(ToString(*join(BinaryOp::kPow, leaf("a ^ b"), leaf("c"))) == "(a ^ b) ^ c");
  auto negative = std::make_unique<Expr>();
  negative->node = Unary{true, leaf("a * b")};
  CHECK(ToString(*negative) == "-(a * b)");
  auto subquery = std::make_unique<Expr>();
  subquery->node = Subquery{sum(), 60'000, 0, {}};
  CHECK(ToString(*subquery) == "(a + b)[1m:]");
}

TEST_CASE("promql parser: long chains and deep nesting within the limit", "[promql]") {
  std::string chain = "a";
  for (int i = 0; i < 150; ++i) chain += " + a";
  CHECK(Canonical(chain) == chain);
  const std::string nested = std::string(150, '(') + "a" + std::string(150, ')');
  CHECK(Canonical(nested) == nested);
  std::string labels = "{";
  for (int i = 0; i < 10'000; ++i) labels += "a" + std::to_string(i) + "=\"b\",";
  CHECK(Parse(labels + "}").ok());
}

std::filesystem::path CasesFolder() {
  if (const char* folder = std::getenv("TSDB_PROMQL_CASES")) return folder;
  return std::filesystem::path(TSDB_SOURCE_DIR) / "../shared/promql";
}

// Of a line "eval instant [at T] EXPRESSION" or "eval range from A to B step S EXPRESSION"; else
// empty.
std::string ExpressionIn(const std::string& line) {
  std::istringstream words(line);
  std::string word, kind;
  words >> word >> kind;
  if (!word.starts_with("eval") || (kind != "instant" && kind != "range")) return "";
  const auto before = words.tellg();
  words >> word;
  if (kind == "range") {
    for (int i = 0; i < 5; ++i) words >> word;
  } else if (word == "at") {
    words >> word;
  } else {
    words.seekg(before);
  }
  std::string expression;
  std::getline(words >> std::ws, expression);
  return expression;
}

// The expressions of Prometheus's test files below the folder.
std::set<std::string> Expressions() {
  std::set<std::string> expressions;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(CasesFolder(), error)) {
    if (entry.path().extension() != ".test") continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      std::string expression = ExpressionIn(line);
      if (!expression.empty()) expressions.insert(std::move(expression));
    }
  }
  return expressions;
}

TEST_CASE("promql parser: Prometheus's own expressions, printed and parsed again", "[promql]") {
  const std::set<std::string> expressions = Expressions();
  if (expressions.empty()) {
    WARN("skipped: there are no PromQL cases in " << CasesFolder().string());
    return;
  }
  size_t taken = 0, unsupported = 0;
  for (const std::string& text : expressions) {
    INFO(text);
    const auto expr = Parse(text);
    if (!expr.ok()) {
      const std::string message(expr.status().message());
      INFO(message);
      CHECK(message.find("not supported: it is") != std::string::npos);
      ++unsupported;
      continue;
    }
    ++taken;
    const std::string printed = ToString(**expr);
    INFO(printed);
    CHECK(Canonical(printed) == printed);
  }
  WARN(taken << " expressions taken, " << unsupported << " with unsupported functions");
  CHECK(taken > unsupported);
}

TEST_CASE("promql parser: what is printed of infinity and powers reads back as the same",
          "[promql]") {
  for (const auto& [text, printed] :
       {std::pair("inf ^0", "(+Inf) ^ 0"), std::pair("inf ^ -inf", "(+Inf) ^ -Inf"),
        std::pair("2 ^ inf", "2 ^ +Inf"), std::pair("inf * inf", "+Inf * +Inf"),
        std::pair("-inf ^ 2", "-(+Inf) ^ 2"), std::pair("(-inf) ^ 2", "(-Inf) ^ 2")}) {
    CAPTURE(text);
    const auto expr = Parse(text);
    REQUIRE(expr.ok());
    CHECK(ToString(**expr) == printed);
    const auto again = Parse(ToString(**expr));
    REQUIRE(again.ok());
    CHECK(ToString(**again) == printed);
  }
}

}  // namespace
}  // namespace tsdb::promql

// What the tree of an expression is made of.
#include <catch2/catch.hpp>
#include <cmath>

#include "tsdb/promql/functions.h"
#include "tsdb/promql/parser.h"

namespace tsdb::promql {
namespace {

ExprPtr Parsed(std::string_view text) {
  auto expr = Parse(text);
  INFO(text << "\n" << std::string(expr.status().message()));
  REQUIRE(expr.ok());
  return *std::move(expr);
}

template <typename Node>
const Node& As(const ExprPtr& expr) {
  REQUIRE(std::holds_alternative<Node>(expr->node));
  return std::get<Node>(expr->node);
}

std::string Describe(const Matcher& matcher) {
  constexpr const char* kSigns[] = {"=", "!=", "=~", "!~"};
  return matcher.name + kSigns[static_cast<int>(matcher.op)] + matcher.value;
}

// Every operator in parentheses.
std::string Shape(const Expr& expr) {
  if (const auto* binary = std::get_if<Binary>(&expr.node)) {
    return "(" + Shape(*binary->left) + std::string(NameOf(binary->op)) + Shape(*binary->right) +
           ")";
  }
  if (const auto* unary = std::get_if<Unary>(&expr.node)) {
    return (unary->negative ? "[-" : "[+") + Shape(*unary->expr) + "]";
  }
  return ToString(expr);
}

TEST_CASE("promql tree: precedence and associativity", "[promql]") {
  const std::pair<const char*, const char*> cases[] = {
      {"1 + 2 * 3", "(1+(2*3))"},
      {"1 * 2 + 3", "((1*2)+3)"},
      {"1 - 2 - 3", "((1-2)-3)"},
      {"2 ^ 3 ^ 4", "(2^(3^4))"},
      {"-1 ^ 2", "[-(1^2)]"},
      {"-1 * 2", "(-1*2)"},
      {"-a * b", "([-a]*b)"},
      {"-a ^ -b", "[-(a^[-b])]"},
      {"2 ^ -1 * 3", "((2^-1)*3)"},
      {"a % b atan2 c", "((a%b)atan2c)"},
      {"a or b and c unless d", "(aor((bandc)unlessd))"},
      {"a > b + c", "(a>(b+c))"},
      {"a == b > c", "((a==b)>c)"},
      {"a and b == c or d", "((aand(b==c))ord)"},
      {"- - a", "[-[-a]]"},
      {"-foo offset 5m", "[-foo offset 5m]"},
      {"a AND b Or c", "((aandb)orc)"},
  };
  for (const auto& [text, shape] : cases) {
    INFO(text);
    CHECK(Shape(*Parsed(text)) == shape);
  }
}

TEST_CASE("promql tree: signs belong to numbers", "[promql]") {
  CHECK(As<NumberLiteral>(Parsed("-1")).value == -1);
  CHECK(As<NumberLiteral>(Parsed("- - +1")).value == 1);
  CHECK(std::signbit(As<NumberLiteral>(Parsed("-0")).value));
  const ExprPtr duration = Parsed("-1h30m");
  CHECK(As<NumberLiteral>(duration).value == -5400);
  CHECK(As<NumberLiteral>(duration).duration);
  CHECK_FALSE(As<NumberLiteral>(Parsed("300")).duration);
  CHECK(As<Unary>(Parsed("-foo")).negative);
}

TEST_CASE("promql tree: selectors", "[promql]") {
  const ExprPtr expr = Parsed(R"(foo:bar{a="b", c!='d', e=~`f.*`, g!~"h", "x y"="z",})");
  const auto& selector = As<VectorSelector>(expr);
  CHECK(selector.name == "foo:bar");
  REQUIRE(selector.matchers.size() == 6);
  CHECK(Describe(selector.matchers[0]) == "__name__=foo:bar");
  CHECK(Describe(selector.matchers[1]) == "a=b");
  CHECK(Describe(selector.matchers[2]) == "c!=d");
  CHECK(Describe(selector.matchers[3]) == "e=~f.*");
  CHECK(Describe(selector.matchers[4]) == "g!~h");
  CHECK(Describe(selector.matchers[5]) == "x y=z");
  CHECK(As<VectorSelector>(Parsed(R"({a="b", "quoted name"})")).name == "quoted name");
  CHECK(As<VectorSelector>(Parsed(R"({__name__="x"})")).name.empty());
  CHECK(As<VectorSelector>(Parsed("foo{}")).matchers.size() == 1);
}

TEST_CASE("promql tree: time shifts", "[promql]") {
  const auto shift = [](std::string_view text) { return As<VectorSelector>(Parsed(text)).shift; };
  CHECK_FALSE(shift("foo").at);
  CHECK(shift("foo offset 5m").offset_ms == 300'000);
  CHECK(shift("foo offset -1m30s").offset_ms == -90'000);
  CHECK(shift("foo offset 0.5").offset_ms == 500);
  CHECK(shift("foo offset -300").offset_ms == -300'000);
  CHECK(shift("foo @ 1.2345").at->time == 1235);
  CHECK(shift("foo @ -10").at->time == -10'000);
  CHECK(shift("foo @ 1m40s").at->time == 100'000);
  CHECK(shift("foo @ start()").at->kind == AtModifier::Kind::kStart);
  const TimeShift both = shift("foo offset 5m @ end()");
  CHECK(both.at->kind == AtModifier::Kind::kEnd);
  CHECK(both.offset_ms == 300'000);
}

TEST_CASE("promql tree: ranges and subqueries", "[promql]") {
  const ExprPtr range = Parsed("foo[5m] offset 1m @ 17");
  CHECK(As<MatrixSelector>(range).range_ms == 300'000);
  CHECK(As<MatrixSelector>(range).vector.shift.offset_ms == 60'000);
  CHECK(As<MatrixSelector>(range).vector.shift.at->time == 17'000);
  const ExprPtr subquery = Parsed("rate(foo[1e3])[1h:0.5] @ start() offset -1s");
  CHECK(As<Subquery>(subquery).range_ms == 3'600'000);
  CHECK(As<Subquery>(subquery).step_ms == 500);
  CHECK(As<Subquery>(subquery).shift.offset_ms == -1000);
  CHECK(As<Subquery>(subquery).shift.at->kind == AtModifier::Kind::kStart);
  CHECK(As<Subquery>(Parsed("foo[5m:]")).step_ms == 0);
  CHECK(As<MatrixSelector>(Parsed("foo[1y]")).range_ms == 31'536'000'000);
}

TEST_CASE("promql tree: how vectors are matched", "[promql]") {
  const auto matching = [](std::string_view text) { return As<Binary>(Parsed(text)).matching; };
  CHECK_FALSE(matching("1 + 2"));
  CHECK_FALSE(matching("foo + 1"));
  CHECK_FALSE(matching("1 > on() foo"));
  REQUIRE(matching("foo + bar"));
  CHECK(matching("foo + bar")->cardinality == Cardinality::kOneToOne);
  CHECK_FALSE(matching("foo + bar")->on);
  CHECK(matching("foo and bar")->cardinality == Cardinality::kManyToMany);
  const auto left = matching(R"(foo / on(a, "b c", sum) group_left(d, by) bar)");
  CHECK(left->cardinality == Cardinality::kManyToOne);
  CHECK(left->on);
  CHECK(left->labels == std::vector<std::string>{"a", "b c", "sum"});
  CHECK(left->include == std::vector<std::string>{"d", "by"});
  const auto right = matching("foo / ignoring(a,) group_right bar");
  CHECK(right->cardinality == Cardinality::kOneToMany);
  CHECK_FALSE(right->on);
  CHECK(right->include.empty());
  CHECK(As<Binary>(Parsed("foo == BOOL on() bar")).return_bool);
}

TEST_CASE("promql tree: aggregations", "[promql]") {
  const ExprPtr top = Parsed("TOPK by (job) (3, foo)");
  CHECK(As<Aggregation>(top).op == AggregateOp::kTopk);
  CHECK(As<NumberLiteral>(As<Aggregation>(top).parameter).value == 3);
  CHECK(As<VectorSelector>(As<Aggregation>(top).expr).name == "foo");
  CHECK(As<Aggregation>(top).labels == std::vector<std::string>{"job"});
  const ExprPtr sum = Parsed("sum(foo) without ()");
  CHECK(As<Aggregation>(sum).without);
  CHECK(As<Aggregation>(sum).parameter == nullptr);
  CHECK_FALSE(As<Aggregation>(Parsed("sum(foo)")).without);
}

TEST_CASE("promql tree: types and spans", "[promql]") {
  const std::pair<const char*, ValueType> cases[] = {
      {"1", ValueType::kScalar},         {"\"a\"", ValueType::kString},
      {"foo", ValueType::kVector},       {"foo[5m]", ValueType::kMatrix},
      {"foo[5m:]", ValueType::kMatrix},  {"(1)", ValueType::kScalar},
      {"-foo", ValueType::kVector},      {"1 + 1", ValueType::kScalar},
      {"1 < foo", ValueType::kVector},   {"sum(foo)", ValueType::kVector},
      {"time()", ValueType::kScalar},    {"scalar(foo)", ValueType::kScalar},
      {"vector(1)", ValueType::kVector}, {"(foo[5m])", ValueType::kMatrix},
  };
  for (const auto& [text, type] : cases) {
    INFO(text);
    const ExprPtr expr = Parsed(text);
    CHECK(expr->type == type);
    CHECK(expr->span.begin == 0);
    CHECK(expr->span.end == std::string_view(text).size());
  }
  const ExprPtr expr = Parsed("  abs( foo{a=\"b\"} offset 1m ) + -1 ");
  const auto& binary = As<Binary>(expr);
  CHECK(expr->span.begin == 2);
  CHECK(expr->span.end == 34);
  CHECK(binary.right->span.begin == 32);
  const Expr& argument = *As<Call>(binary.left).arguments[0];
  CHECK(argument.span.begin == 7);
  CHECK(argument.span.end == 27);
}

TEST_CASE("promql functions: the table is sorted, found and typed", "[promql]") {
  const auto functions = AllFunctions();
  CHECK(functions.size() == static_cast<size_t>(FunctionId::kYear) + 1);
  for (size_t i = 0; i < functions.size(); ++i) {
    INFO(functions[i].name);
    CHECK(static_cast<size_t>(functions[i].id) == i);
    CHECK(FindFunction(functions[i].name) == &functions[i]);
    CHECK(UnsupportedReason(functions[i].name).empty());
    if (i > 0) CHECK(functions[i - 1].name < functions[i].name);
  }
  CHECK(FindFunction("") == nullptr);
  CHECK(FindFunction("ABS") == nullptr);
  CHECK(FindFunction("zzz") == nullptr);
  CHECK(FindFunction("rate")->arguments == std::vector<ValueType>{ValueType::kMatrix});
  CHECK(UnsupportedReason("histogram_avg") == "it is about native histograms");
  CHECK(UnsupportedReason("histogram_fraction").empty());
  CHECK(UnsupportedReason("limitk") == "it is experimental");
  CHECK(UnsupportedReason("no_such").empty());
}

}  // namespace
}  // namespace tsdb::promql

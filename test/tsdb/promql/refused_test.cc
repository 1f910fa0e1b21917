// Expressions that are refused: where, and in which words. Most are of Prometheus's parser_test.go.
#include <algorithm>
#include <catch2/catch.hpp>
#include <initializer_list>
#include <string>

#include "tsdb/promql/parser.h"

namespace tsdb::promql {
namespace {

std::string Refusal(std::string_view text) {
  const auto expr = Parse(text);
  return expr.ok() ? "taken" : std::string(expr.status().message());
}

// The first line alone, without "parse error: ".
std::string FirstLine(std::string_view text) {
  std::string message = Refusal(text);
  message.resize(std::min(message.size(), message.find('\n')));
  const std::string kind = " parse error:";
  const size_t at = message.find(kind);
  return at == std::string::npos ? message : message.erase(at, kind.size());
}

struct Refused {
  const char* text;
  const char* message;
};

void CheckRefused(std::initializer_list<Refused> cases) {
  for (const Refused& each : cases) {
    INFO(each.text);
    CHECK(FirstLine(each.text) == each.message);
    CHECK(Parse(each.text).status().code() == absl::StatusCode::kInvalidArgument);
  }
}

TEST_CASE("promql refused: operators", "[promql]") {
  CheckRefused({
      {"", "1:1: no expression found in input"},
      {"# just a comment\n\n", "1:1: no expression found in input"},
      {"1+", "1:3: unexpected end of input"},
      {".", "1:1: unexpected character: '.'"},
      {"2.5.", "1:1: bad number or duration syntax: \"2.5.\""},
      {"100..4", "1:1: bad number or duration syntax: \"100..4\""},
      {"0deadbeef", "1:1: bad number or duration syntax: \"0deadbeef\""},
      {"1 /", "1:4: unexpected end of input"},
      {"*1", "1:1: unexpected <op:*>"},
      {"(1))", "1:4: unexpected right parenthesis ')'"},
      {"((1)", "1:5: unclosed left parenthesis"},
      {"999e999", "1:1: error parsing number: \"999e999\" is not a number or out of range"},
      {"(", "1:2: unclosed left parenthesis"},
      {"1 and 1", "1:1: set operator \"and\" not allowed in binary scalar expression"},
      {"1 == 1", "1:3: comparisons between scalars must use BOOL modifier"},
      {"1 or 1", "1:1: set operator \"or\" not allowed in binary scalar expression"},
      {"1 unless 1", "1:1: set operator \"unless\" not allowed in binary scalar expression"},
      {"1 !~ 1", "1:3: unexpected character after '!': '~'"},
      {"1 =~ 1", "1:3: unexpected character after '=': '~'"},
      {"-\"string\"",
       "1:1: unary expression only allowed on expressions of type scalar or instant vector, got "
       "\"string\""},
      {"-test[5m]",
       "1:1: unary expression only allowed on expressions of type scalar or instant vector, got "
       "\"range vector\""},
      {"*test", "1:1: unexpected <op:*>"},
      {"1 offset 1d",
       "1:1: offset modifier must be preceded by an instant vector selector or range vector "
       "selector or a subquery"},
      {"foo offset 1s offset 2s", "1:1: offset may not be set multiple times"},
      {"a - on(b) ignoring(c) d", "1:11: unexpected <ignoring>"},
      {"foo and 1", "1:1: set operator \"and\" not allowed in binary scalar expression"},
      {"1 and foo", "1:1: set operator \"and\" not allowed in binary scalar expression"},
      {"1 or on(bar) foo", "1:1: vector matching only allowed between instant vectors"},
      {"foo == on(bar) 10", "1:1: vector matching only allowed between instant vectors"},
      {"foo + group_left(baz) bar", "1:7: unexpected <group_left>"},
      {"foo and on(bar) group_left(baz) bar", "1:1: no grouping allowed for \"and\" operation"},
      {"foo unless on(bar) group_right(baz) bar",
       "1:1: no grouping allowed for \"unless\" operation"},
      {"http_requests{group=\"production\"} + on(instance) group_left(job,instance) cpu",
       "1:35: label \"instance\" must not occur in ON and GROUP clause at once"},
      {"foo + bool bar", "1:5: bool modifier can only be used on comparison operators"},
      {"foo + bool 10", "1:5: bool modifier can only be used on comparison operators"},
      {"foo and bool 10", "1:5: bool modifier can only be used on comparison operators"},
      {"foo # why\n + bool 10", "2:2: bool modifier can only be used on comparison operators"},
      {"foo[5m] + 1", "1:1: binary expression must contain only scalar and instant vector types"},
      {"1 + \"a\"", "1:5: binary expression must contain only scalar and instant vector types"},
      {"foo on(a) bar", "1:5: unexpected <on>"},
      {"foo bar", "1:5: unexpected identifier \"bar\""},
      {"foo a:b", "1:5: unexpected metric identifier \"a:b\""},
      {"foo 5m", "1:5: unexpected duration \"5m\""},
      {"foo \"a long string\"", "1:5: unexpected string \"\\\"a long st\"..."},
      {"foo = 1", "1:5: unexpected \"=\""},
      {"ignoring", "1:1: unexpected <ignoring>"},
      {"bool + 1", "1:1: unexpected <bool>"},
      {"a atan2", "1:8: unexpected end of input"},
  });
}

TEST_CASE("promql refused: selectors", "[promql]") {
  CheckRefused({
      {"{", "1:2: unexpected end of input inside braces"},
      {"}", "1:1: unexpected character: '}'"},
      {"some{", "1:6: unexpected end of input inside braces"},
      {"some}", "1:5: unexpected character: '}'"},
      {"some_metric{a=b}", "1:15: unexpected identifier \"b\" in label matching, expected string"},
      {"some_metric{a:b=\"b\"}", "1:14: unexpected character inside braces: ':'"},
      {"foo{a*\"b\"}", "1:6: unexpected character inside braces: '*'"},
      {"foo{a>=\"b\"}", "1:6: unexpected character inside braces: '>'"},
      {"some_metric{a=\"\\xff\"}", "1:15: the value is not valid UTF-8: \"\\xff\""},
      {"foo{gibberish}",
       "1:14: unexpected \"}\" in label matching, expected label matching operator"},
      {"foo{1}", "1:5: unexpected character inside braces: '1'"},
      {"{}", "1:1: vector selector must contain at least one non-empty matcher"},
      {"{x=\"\"}", "1:1: vector selector must contain at least one non-empty matcher"},
      {"{x=~\".*\"}", "1:1: vector selector must contain at least one non-empty matcher"},
      {"{x=~\"(a|b)?\"}", "1:1: vector selector must contain at least one non-empty matcher"},
      {"{x!~\".+\"}", "1:1: vector selector must contain at least one non-empty matcher"},
      {"{x!=\"a\"}", "1:1: vector selector must contain at least one non-empty matcher"},
      {"{\"\"}", "1:1: vector selector must contain at least one non-empty matcher"},
      {"foo{__name__=\"bar\"}", "1:1: metric name must not be set twice: \"foo\" or \"bar\""},
      {"foo{\"bar\"}", "1:1: metric name must not be set twice: \"foo\" or \"bar\""},
      {"{\"foo\",\"bar\"}", "1:1: metric name must not be set twice: \"foo\" or \"bar\""},
      {"{\"foo\",__name__=\"bar\"}", "1:1: metric name must not be set twice: \"foo\" or \"bar\""},
      {"{__name__=\"foo\",\"bar\"}", "1:1: metric name must not be set twice: \"foo\" or \"bar\""},
      {"{\"\"=\"x\"}", "1:2: invalid label name \"\""},
      {"{\"a\\xff\"=\"x\"}", "1:2: invalid label name \"a\\xff\""},
      {"foo{__name__= =\"bar\"}", "1:15: unexpected \"=\" in label matching, expected string"},
      {"foo{,}", "1:5: unexpected \",\" in label matching, expected identifier or \"}\""},
      {"foo{__name__ == \"bar\"}", "1:15: unexpected \"=\" in label matching, expected string"},
      {"foo{a=\"b\" c=\"d\"}",
       "1:11: unexpected identifier \"c\" in label matching, expected \",\" or \"}\""},
      {"foo{a!b}", "1:6: unexpected character after '!' inside braces: 'b'"},
      {"foo{{a=\"b\"}}", "1:5: unexpected left brace '{'"},
      {"foo{a=~\"(\"}",
       "1:5: error parsing regexp: the regular expression \"(\" for label \"a\" is wrong: missing "
       "): ( (at byte 0)"},
      {"foo{a=\"b}", "1:7: unterminated quoted string"},
      {"foo{a='b\n'}", "1:7: unterminated quoted string"},
      {"foo{a=`b}", "1:7: unterminated raw string"},
      {"foo{a=\"b\\", "1:7: unterminated quoted string"},
      {"foo{a=\"\\y\"}", "1:8: unknown escape sequence U+0079 'y'"},
  });
}

TEST_CASE("promql refused: ranges, subqueries, offset and at", "[promql]") {
  const std::string shifted =
      " modifier must be preceded by an instant vector selector or range vector selector or a "
      "subquery";
  CheckRefused({
      {"foo[5mm]", "1:5: bad number or duration syntax: \"5mm\""},
      {"foo[5m1]", "1:5: bad number or duration syntax: \"5m1\""},
      {"foo[5m:1m1]", "1:8: bad number or duration syntax: \"1m1\""},
      {"foo[5y1hs]", "1:5: bad number or duration syntax: \"5y1hs\""},
      {"foo[5m1h]", "1:5: bad number or duration syntax: \"5m1h\""},
      {"foo[5m1m]", "1:5: bad number or duration syntax: \"5m1m\""},
      {"foo[0m]", "1:5: duration must be greater than 0"},
      {"foo[0]", "1:5: duration must be greater than 0"},
      {"foo[-1]", "1:5: duration must be greater than 0"},
      {"foo[5m:0]", "1:8: duration must be greater than 0"},
      {"foo[\"5m\"]",
       "1:5: unexpected string \"\\\"5m\\\"\" in subquery or range selector, expected number or "
       "duration"},
      {"foo[]", "1:5: unexpected \"]\" in subquery or range selector, expected number or duration"},
      {"foo[5m:x]",
       "1:8: unexpected identifier \"x\" in subquery selector, expected number, duration, or "
       "\"]\""},
      {"foo[5m:1m x]", "1:11: unexpected identifier \"x\" in subquery selector, expected \"]\""},
      {"foo[5m", "1:7: unclosed left bracket"},
      {"foo[5m)", "1:7: unexpected right parenthesis ')'"},
      {"(foo[5m)", "1:8: unexpected \")\" in subquery or range selector, expected \":\" or \"]\""},
      {"foo[5m[", "1:7: unexpected left bracket '['"},
      {"foo]", "1:4: unexpected right bracket ']'"},
      {"foo[5m:1m:1m]", "1:10: unexpected colon ':'"},
      {"foo[300y]", "1:5: duration out of range"},
      {"foo[1e12]", "1:5: duration out of range"},
      {"foo[nan]", "1:5: duration out of range"},
      {"foo[5m] OFFSET 1h30", "1:16: bad number or duration syntax: \"1h30\""},
      {"foo OFFSET inf", "1:12: duration out of range"},
      {"foo offset", "1:11: unexpected end of input in offset, expected number or duration"},
      {"foo offset x", "1:12: unexpected identifier \"x\" in offset, expected number or duration"},
      {"1[5m]", "1:2: ranges only allowed for vector selectors"},
      {"(foo)[5m]", "1:6: ranges only allowed for vector selectors"},
      {"foo[5m][5m]", "1:8: ranges only allowed for vector selectors"},
      {"some_metric OFFSET 1m[5m]", "1:22: no offset modifiers allowed before range"},
      {"some_metric @ 1234 [5m]", "1:20: no @ modifiers allowed before range"},
      {"(foo + bar)[5m:][10m:5s]",
       "1:1: subquery is only allowed on instant vector, got matrix instead"},
      {"1[5m:]", "1:1: subquery is only allowed on instant vector, got scalar instead"},
      {"\"a\"[5m:]", "1:1: subquery is only allowed on instant vector, got string instead"},
      {"foo @ 1 @ 2", "1:1: @ <timestamp> may not be set multiple times"},
      {"foo @ inf", "1:1: timestamp out of bounds for @ modifier: +Inf"},
      {"foo @ -inf", "1:1: timestamp out of bounds for @ modifier: -Inf"},
      {"foo @ nan", "1:1: timestamp out of bounds for @ modifier: NaN"},
      {"foo @ 9223372036854775808",
       "1:1: timestamp out of bounds for @ modifier: 9223372036854775808.000000"},
      {"foo @", "1:6: unexpected end of input in @, expected timestamp"},
      {"foo @ start", "1:12: unexpected end of input in @, expected timestamp"},
      {"foo @ bar()", "1:7: unexpected identifier \"bar\" in @, expected timestamp"},
      {"foo[5m+1m]", "1:7: duration expressions are experimental and not supported"},
      {"foo[step()]", "1:5: duration expressions are experimental and not supported"},
      {"foo[5m:min_of(1,2)]", "1:8: duration expressions are experimental and not supported"},
      {"foo offset (5m)", "1:12: duration expressions are experimental and not supported"},
      {"foo offset -range()", "1:13: duration expressions are experimental and not supported"},
  });
  CHECK(FirstLine("sum(foo) offset 5m") == "1:1: offset" + shifted);
  CHECK(FirstLine("1 + (foo) @ 5") == "1:5: @" + shifted);
}

TEST_CASE("promql refused: aggregations and functions", "[promql]") {
  CheckRefused({
      {"sum without(==)(some_metric)", "1:13: unexpected <op:==> in grouping opts, expected label"},
      {"sum without(,)(some_metric)", "1:13: unexpected \",\" in grouping opts, expected label"},
      {"sum some_metric by (test)", "1:5: unexpected identifier \"some_metric\""},
      {"sum (some_metric) by test",
       "1:22: unexpected identifier \"test\" in grouping opts, expected \"(\""},
      {"sum () by (test)", "1:1: no arguments for aggregate expression provided"},
      {"MIN keep_common (some_metric)", "1:5: unexpected identifier \"keep_common\""},
      {"MIN (some_metric) keep_common", "1:19: unexpected identifier \"keep_common\""},
      {"sum (some_metric) without (test) by (test)", "1:34: unexpected <by>"},
      {"sum without (test) (some_metric) by (test)", "1:34: unexpected <by>"},
      {"sum by (a) foo", "1:12: unexpected identifier \"foo\" in aggregation"},
      {"topk(some_metric)",
       "1:1: wrong number of arguments for aggregate expression provided, expected 2, got 1"},
      {"sum(a, b)",
       "1:1: wrong number of arguments for aggregate expression provided, expected 1, got 2"},
      {"topk(some_metric,)", "1:17: trailing commas not allowed in function call args"},
      {"topk(some_metric, other_metric)",
       "1:6: expected type scalar in aggregation parameter, got instant vector"},
      {"count_values(5, other_metric)",
       "1:14: expected type string in aggregation parameter, got scalar"},
      {"sum(1)", "1:5: expected type instant vector in aggregation expression, got scalar"},
      {"sum(foo[5m])",
       "1:5: expected type instant vector in aggregation expression, got range vector"},
      {"rate(some_metric[5m]) @ 1",
       "1:1: @ modifier must be preceded by an instant vector selector or range vector selector "
       "or a subquery"},
      {"floor()", "1:1: expected 1 argument(s) in call to \"floor\", got 0"},
      {"floor(some_metric, other_metric)",
       "1:1: expected 1 argument(s) in call to \"floor\", got 2"},
      {"floor(some_metric, 1)", "1:1: expected 1 argument(s) in call to \"floor\", got 2"},
      {"floor(1)", "1:7: expected type instant vector in call to function \"floor\", got scalar"},
      {"hour(some_metric, some_metric, some_metric)",
       "1:1: expected at most 1 argument(s) in call to \"hour\", got 3"},
      {"time(some_metric)", "1:1: expected 0 argument(s) in call to \"time\", got 1"},
      {"round()", "1:1: expected at least 1 argument(s) in call to \"round\", got 0"},
      {"label_join(x, \"a\")",
       "1:1: expected at least 3 argument(s) in call to \"label_join\", got 2"},
      {"label_join(x, \"a\", \",\", \"b\", 1)",
       "1:30: expected type string in call to function \"label_join\", got scalar"},
      {"non_existent_function_far_bar()",
       "1:1: unknown function with name \"non_existent_function_far_bar\""},
      {"rate(some_metric)",
       "1:6: expected type range vector in call to function \"rate\", got instant vector"},
      {"label_replace(a, `b`, `c\xff`, `d`, `.*`)", "1:25: the expression is not valid UTF-8"},
      {"abs(", "1:5: unclosed left parenthesis"},
      {"abs(x y)", "1:7: unexpected identifier \"y\""},
      {"a:b(x)", "1:4: unexpected \"(\""},
      {"rate (avg)",
       "1:7: expected type range vector in call to function \"rate\", got instant "
       "vector"},
      {"info(x)", "1:1: function \"info\" is not supported: it is experimental"},
      {"start()", "1:1: function \"start\" is not supported: it is experimental"},
      {"limitk(2, x)", "1:1: aggregation \"limitk\" is not supported: it is experimental"},
      {"LIMIT_RATIO by (a) (2, x)",
       "1:1: aggregation \"limit_ratio\" is not supported: it is experimental"},
      {"1 + histogram_sum(x)",
       "1:5: function \"histogram_sum\" is not supported: it is about native histograms"},
      {"sum(x) by (\"\")", "1:12: invalid label name \"\""},
      {"sum(x) by (nan)", "1:12: unexpected number \"nan\" in grouping opts, expected label"},
  });
}

TEST_CASE("promql refused: a caret under the place, and a hint", "[promql]") {
  CHECK(Refusal("sum(rat(x[5m]))") ==
        "1:5: parse error: unknown function with name \"rat\"\n"
        "  sum(rat(x[5m]))\n"
        "      ^\n"
        "hint: did you mean rate or rad?");
  CHECK(Refusal("foo +\n\tbar{a=~\"b\"} =\n 3") ==
        "2:14: parse error: unexpected \"=\"\n"
        "  \tbar{a=~\"b\"} =\n"
        "  \t            ^\n"
        "hint: == compares");
  CHECK(Refusal("{a=\"äö日\"} $") ==
        "1:11: parse error: unexpected character: '$'\n"
        "  {a=\"äö日\"} $\n"
        "            ^");
  CHECK(Refusal("rate(x)") ==
        "1:6: parse error: expected type range vector in call to function \"rate\", got instant "
        "vector\n"
        "  rate(x)\n"
        "       ^\n"
        "hint: a range is missing behind the selector, as [5m]");
  CHECK(Refusal("sum(\n  (foo)\n") ==
        "3:1: parse error: unclosed left parenthesis\n"
        "  \n"
        "  ^\n"
        "hint: the parenthesis was opened at 1:4");
  CHECK(Refusal("foo{a=“b”}") ==
        "1:7: parse error: unexpected character inside braces: '“'\n"
        "  foo{a=“b”}\n"
        "        ^\n"
        "hint: use the plain quotes \" or '");
  CHECK(Refusal("a\x01 \xff") ==
        "1:4: parse error: the expression is not valid UTF-8\n"
        "  a  \xEF\xBF\xBD\n"
        "     ^");
}

TEST_CASE("promql refused: of a long line the part around the place is shown", "[promql]") {
  const std::string name(300, 'a');
  const std::string begin = Refusal(name + "{");
  CHECK(begin == "1:302: parse error: unexpected end of input inside braces\n  ..." +
                     std::string(99, 'a') + "{\n     " + std::string(100, ' ') +
                     "^\nhint: the brace was opened at 1:301");
  CHECK(Refusal("$" + name) ==
        "1:1: parse error: unexpected character: '$'\n  $" + std::string(159, 'a') + "...\n  ^");
}

TEST_CASE("promql refused: nesting and length beyond the limits", "[promql]") {
  const std::string deep = "the expression is nested deeper than 200";
  const auto refuses = [&](const std::string& text) {
    return FirstLine(text).find(deep) != std::string::npos;
  };
  std::string sum = "a", power = "a";
  for (int i = 0; i < 10'000; ++i) {
    sum += "+a";
    power += "^a";
  }
  const std::string many(100'000, '(');
  CHECK(refuses(sum));
  CHECK(refuses(power));
  CHECK(refuses(many));
  CHECK(refuses(std::string(100'000, '-') + "a"));
  CHECK(refuses(std::string(100'000, '+') + "1"));
  std::string calls, subqueries = "a", aggregations;
  for (int i = 0; i < 1000; ++i) {
    calls += "abs(";
    aggregations += "sum(";
    subqueries += "[5m:]";
  }
  CHECK(refuses(calls));
  CHECK(refuses(aggregations));
  CHECK(refuses(subqueries));
  CHECK(Refusal(std::string(kExpressionBytesMax + 1, ' '))
            .starts_with("1:1: parse error: the expression has 1048577 bytes, more than 1048576"));
  CHECK(Refusal(std::string(kExpressionBytesMax, ' ')).starts_with("1:1: parse error: no expr"));
}

TEST_CASE("promql parser: the exact depth that is taken", "[promql]") {
  const auto nested = [](size_t parens) {
    return std::string(parens, '(') + "a" + std::string(parens, ')');
  };
  CHECK(Parse(nested(kDepthMax - 1)).ok());
  CHECK_FALSE(Parse(nested(kDepthMax)).ok());
  std::string chain = "a";
  for (size_t i = 1; i < kDepthMax; ++i) chain += "+a";
  CHECK(Parse(chain).ok());
  CHECK_FALSE(Parse(chain + "+a").ok());
}

TEST_CASE("promql places: lines and columns in characters", "[promql]") {
  CHECK(PlaceOf("", 0) == "1:1");
  CHECK(PlaceOf("ab\ncd", 3) == "2:1");
  CHECK(PlaceOf("ab\ncd", 99) == "2:3");
  CHECK(PlaceOf("äb\n日本x", 10) == "2:3");
}

}  // namespace
}  // namespace tsdb::promql

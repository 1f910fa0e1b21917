// The reader of Prometheus's test files and the judge of answers, without the engine.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "test/tsdb/promql/comparison.h"
#include "test/tsdb/promql/series_notation.h"
#include "test/tsdb/promql/test_language.h"
#include "test/tsdb/promql/unsupported.h"

namespace tsdb::conformance {
namespace {

SeriesDescription Series(const std::string& line) {
  auto series = ParseSeries(line);
  INFO(line << ": " << series.status().ToString());
  REQUIRE(series.ok());
  return *std::move(series);
}

// The values of a line, with _ for a gap and h for a histogram.
std::string Values(const std::string& values) {
  std::string text;
  for (const SequenceValue& value : Series("m " + values).values) {
    if (!text.empty()) text += ' ';
    switch (value.kind) {
      case SequenceValue::Kind::kOmitted:
        text += '_';
        break;
      case SequenceValue::Kind::kHistogram:
        text += 'h';
        break;
      case SequenceValue::Kind::kFloat:
        text += IsStaleNan(value.value) ? "stale" : Catch::Detail::stringify(value.value);
    }
  }
  return text;
}

TEST_CASE("promql tests: the notation of series", "[promql]") {
  CHECK(Series("m").labels.ToString() == "m");
  CHECK(Series("m{} 1").labels.ToString() == "m");
  CHECK(Series("{} 1").labels.empty());
  CHECK(Series("{a=\"\"} 1").labels.empty());
  CHECK(Series("a:b_c { x = \"1\" , y='2', } 1").labels.ToString() == R"(a:b_c{x="1",y="2"})");
  CHECK(Series(R"({"odd name", "odd label"=`a\b`} 1)").labels.MetricName() == "odd name");
  CHECK(Series(R"({"odd name", "odd label"=`a\b`} 1)").labels.Get("odd label") == "a\\b");
  CHECK(Series(R"(m{a="\"\\\n\x41\u00e9\101"} 1)").labels.Get("a") ==
        "\"\\\nA\xc3\xa9"
        "A");
  CHECK(Series("m{a=\"# no comment\"} 1 # a comment").values.size() == 1);
  for (const char* bad :
       {"", "{", "m{a}", "m{a=b} 1", "m{a=\"b\" 1", "m{a=\"b\"}1", "m{a=\"\\q\"} 1",
        "m{a=\"b\" c=\"d\"} 1", "m 1 two", "m 1+2", "m 1x", "m 1x-1", "m {{", "m __"}) {
    INFO(bad);
    CHECK_FALSE(ParseSeries(bad).ok());
  }
}

TEST_CASE("promql tests: the notation of values", "[promql]") {
  CHECK(Values("0 1.5 -2 +3 1e3 .5") == "0.0 1.5 -2.0 3.0 1000.0 0.5");
  CHECK(Values("1x2") == "1.0 1.0 1.0");
  CHECK(Values("1+2x3") == "1.0 3.0 5.0 7.0");
  CHECK(Values("1-2x2") == "1.0 -1.0 -3.0");
  CHECK(Values("-1-2x1") == "-1.0 -3.0");
  CHECK(Values("-4x1 4+0x0") == "-4.0 -4.0 4.0");
  CHECK(Values("1e1-1e-1x1") == "10.0 9.9");
  CHECK(Values("_ _x2 1\t_x0") == "_ _ _ 1.0");
  CHECK(Values("stale stalex1") == "stale stale stale");
  CHECK(Values("{{count:1 buckets:[1 2]}} {{sum:1}}x1 {{}}+{{count:1}}x2") == "h h h h h h");
  const std::vector<SequenceValue> odd = Series("m NaN Inf -Inf +Inf inf nan").values;
  CHECK(std::isnan(odd[0].value));
  CHECK_FALSE(IsStaleNan(odd[0].value));
  CHECK(odd[1].value == std::numeric_limits<double>::infinity());
  CHECK(odd[2].value == -odd[1].value);
  CHECK(odd[3].value == odd[1].value);
  CHECK(odd[4].value == odd[1].value);
  CHECK(std::isnan(odd[5].value));
  // Added, not multiplied: as Prometheus has it.
  CHECK(Series("m 0+0.1x3").values[3].value == 0.1 + 0.1 + 0.1);
}

TEST_CASE("promql tests: times and numbers", "[promql]") {
  CHECK(*ParseTime("0") == 0);
  CHECK(*ParseTime("1h30m") == 5'400'000);
  CHECK(*ParseTime("1m5s100ms") == 65'100);
  CHECK(*ParseTime("2w1d") == 15 * 86'400'000LL);
  CHECK(*ParseTime("1.5") == 1500);
  CHECK(*ParseTime("-1m") == -60'000);
  for (const char* bad : {"", "m", "1m1h", "1x", "1m1", "nan", "1e300"}) {
    INFO(bad);
    CHECK_FALSE(ParseTime(bad).ok());
  }
  CHECK(*ParseNumber("0x1F") == 31);
  CHECK(*ParseNumber("010") == 8);
  CHECK(*ParseNumber("09.5") == 9.5);
  CHECK(*ParseNumber("0b101") == 5);
  CHECK(*ParseNumber("1_000") == 1000);
  CHECK(*ParseNumber("+1e-3") == 0.001);
  CHECK(*ParseNumber("-Inf") == -std::numeric_limits<double>::infinity());
  CHECK_FALSE(ParseNumber("{}").ok());
}

constexpr char kFile[] = R"(# a comment
load 5m
  m{a="1"} 0 1

clear
eval_ordered instant at 50m sort(m)
  m{a="1"} 1
  # ends the block
eval range from 0 to 1m step 30s m offset 1s
  expect no_warn
  expect info regex: .*counter.*
  m 1 _ 2

eval_fail instant at 1 m + on(a) m
  expected_fail_message many-to-many

eval instant at 1m m[1m]
  expect range vector from 0 to 1m step 10s
  m 1 2

eval instant "a"
  expect string "a"
eval instant at 5m 1
  0x10
eval instant at x m
  m 1

nonsense
load_with_nhcb 1m
  x_bucket{le="1"} 1x3
)";

TEST_CASE("promql tests: a file is its commands", "[promql]") {
  const std::vector<Command> commands = ParseTestFile(kFile);
  REQUIRE(commands.size() == 10);
  CHECK(std::get<LoadCommand>(commands[0].what).series.at(0).values.size() == 2);
  CHECK(std::holds_alternative<ClearCommand>(commands[1].what));
  const auto& ordered = std::get<EvalCommand>(commands[2].what);
  CHECK((ordered.Expects(Outcome::kOrdered) && ordered.time == 3'000'000));
  CHECK(ordered.expression == "sort(m)");
  const auto& range = std::get<EvalCommand>(commands[3].what);
  CHECK(range.expression == "m offset 1s");
  CHECK((range.range && range.range->end == 60'000 && range.range->step_ms == 30'000));
  CHECK(range.Expects(Outcome::kNoWarn));
  CHECK(Matches(range.outcomes.at(Outcome::kInfo)[0], "is a counter?", true));
  CHECK(range.series.at(0).values.size() == 3);
  const auto& fail = std::get<EvalCommand>(commands[4].what);
  CHECK(Matches(fail.outcomes.at(Outcome::kFail)[0], "1:3: many-to-many matching", false));
  CHECK_FALSE(Matches(fail.outcomes.at(Outcome::kFail)[0], "1:3: many-to-many matching", true));
  CHECK(std::get<EvalCommand>(commands[5].what).range_vector->step_ms == 10'000);
  CHECK(std::get<EvalCommand>(commands[6].what).text == "a");
  CHECK(std::get<EvalCommand>(commands[7].what).scalar == 16);
  CHECK(commands[7].line == 23);
  CHECK(std::holds_alternative<BadCommand>(commands[8].what));
  CHECK(commands[8].line == 25);
  CHECK(std::holds_alternative<BadCommand>(commands[9].what));
  CHECK(commands[9].line == 28);
}

TEST_CASE("promql tests: what is at fault in a file is named by its line", "[promql]") {
  const std::vector<std::string> bad = {"nonsense",
                                        "clear all",
                                        "load x\n m 1",
                                        "load 1m\n m{",
                                        "eval m",
                                        "evalx instant at 1m m",
                                        "eval_no_warn instant at 1m m",
                                        "eval instant at x m",
                                        "eval instant at 1m",
                                        "eval range from 1m to 0 step 1m m",
                                        "eval range from 0 to 1m step 0 m",
                                        "eval range from 0 to 1m m",
                                        "eval_ordered range from 0 to 1m step 1m m",
                                        "eval instant at 1m m\n m 1 2",
                                        "eval instant at 1m m\n m",
                                        "eval instant at 1m m\n m 1\n 1",
                                        "eval instant at 1m m\n expect nothing",
                                        "eval instant at 1m m\n expect warn x",
                                        "eval instant at 1m m\n expect warn\n expect no_warn",
                                        "eval instant at 1m m\n expect fail\n expect fail",
                                        "eval instant at 1m m\n expect fail regex: (",
                                        "eval instant at 1m m\n expect string a",
                                        "eval instant at 1m m\n expect range vector from 0 to 1"};
  for (const std::string& lines : bad) {
    INFO(lines);
    const std::vector<Command> commands = ParseTestFile("\n" + lines + "\n m 5\n\nclear");
    REQUIRE(commands.size() == 2);
    CHECK(commands[0].line == 2);
    REQUIRE(std::holds_alternative<BadCommand>(commands[0].what));
    CHECK(std::get<BadCommand>(commands[0].what).message.find("line ") == 0);
  }
}

EvalCommand Expecting(const std::string& lines) {
  const std::vector<Command> commands = ParseTestFile("eval instant at 1m m\n" + lines);
  REQUIRE(commands.size() == 1);
  return std::get<EvalCommand>(commands[0].what);
}

PromqlResult Vector(const std::vector<std::string>& lines) {
  PromqlResult result;
  for (const std::string& line : lines) {
    const SeriesDescription series = Series(line);
    result.series.push_back({series.labels, {{60'000, series.values.at(0).value}}});
  }
  return result;
}

TEST_CASE("promql tests: every way to differ is seen", "[promql]") {
  const EvalCommand two = Expecting("m{a=\"1\"} 1\nm{a=\"2\"} 2");
  const std::string one = "m{a=\"1\"} 1";
  CHECK(DifferenceOf(two, Vector({one, "m{a=\"2\"} 2.000001"})).empty());
  CHECK(DifferenceOf(two, Vector({one, "m{a=\"2\"} 2.00001"})).find("got: m{a=\"2\"} 2.00001") !=
        std::string::npos);
  CHECK(DifferenceOf(two, Vector({one})).find("missing: m{a=\"2\"} 2") == 0);
  CHECK(DifferenceOf(two, Vector({one, "m{a=\"2\"} 2", "x 1"})).find("extra:   x 1") == 0);
  CHECK(DifferenceOf(two, Vector({one, one, "m{a=\"2\"} 2"})).find("twice") == 0);
  CHECK(DifferenceOf(two, Vector({"m{a=\"2\"} 2", one})).empty());
  const EvalCommand ordered = Expecting("expect ordered\nm{a=\"1\"} 1\nm{a=\"2\"} 2");
  CHECK(DifferenceOf(ordered, Vector({one, "m{a=\"2\"} 2"})).empty());
  CHECK(DifferenceOf(ordered, Vector({"m{a=\"2\"} 2", one})).find("order") == 0);
  CHECK(DifferenceOf(Expecting("1"), Vector({"{} 1"})).find("expected a scalar") == 0);
  CHECK(DifferenceOf(Expecting("m NaN"), Vector({"m NaN"})).empty());
  CHECK_FALSE(DifferenceOf(Expecting("m NaN"), Vector({"m stale"})).empty());
  CHECK_FALSE(DifferenceOf(Expecting("m 0"), Vector({"m 1e-300"})).empty());
  CHECK(DifferenceOf(Expecting("expect string 'a'"), Vector({})).find("expected a string") == 0);
}

TEST_CASE("promql tests: annotations are compared when something is expected of them", "[promql]") {
  PromqlResult result = Vector({});
  result.infos = {"PromQL info: x (1:1)"};
  CHECK(AnnotationDifference(Expecting(""), result).empty());
  CHECK(AnnotationDifference(Expecting("expect no_warn"), result).empty());
  CHECK(AnnotationDifference(Expecting("expect info"), result).empty());
  CHECK(AnnotationDifference(Expecting("expect info msg: PromQL info: x (1:1)"), result).empty());
  CHECK_FALSE(AnnotationDifference(Expecting("expect info msg: PromQL info: x"), result).empty());
  CHECK_FALSE(AnnotationDifference(Expecting("expect no_info"), result).empty());
  CHECK_FALSE(AnnotationDifference(Expecting("expect warn"), result).empty());
}

TEST_CASE("promql tests: what is experimental is named", "[promql]") {
  for (const char* plain :
       {"rate(m[5m])", "m[5m:1m] @ start()", "m offset -5m", "start", "{a=\"limitk(\"}", "m[1h:]",
        "histogram_quantile(0.9, m)", "m[300] offset 1.5"}) {
    INFO(plain);
    CHECK(ExperimentalPart(plain).empty());
  }
  for (const char* experimental :
       {"limitk(1, m)", "limitk by (a) (1, m)", "sum(info(m))", "m[5m+1m]", "m offset (5m)",
        "end()", "m offset step()", "m[step()]", "rate(m[5m] anchored)", "a + fill(0) b",
        "histogram_sum(m)", "first_over_time(m[1m])", "m </ 5"}) {
    INFO(experimental);
    CHECK_FALSE(ExperimentalPart(experimental).empty());
  }
}

}  // namespace
}  // namespace tsdb::conformance

#include "tools/results/result_text.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>

#include "test/tools/results/printed.h"
#include "test/tools/results/sample_results.h"
#include "tools/results/result_printer.h"
#include "tools/terminal.h"

namespace tsdb::tools {
namespace {

TEST_CASE("result text: values of samples are as Prometheus's API has them", "[results]") {
  // What Go's strconv.FormatFloat gives: 'e' below 1e-6 and from 1e21 on, else 'f'.
  REQUIRE(ApiSampleValue(1.5) == "1.5");
  REQUIRE(ApiSampleValue(0) == "0");
  REQUIRE(ApiSampleValue(-0.0) == "-0");
  REQUIRE(ApiSampleValue(1e20) == "100000000000000000000");
  REQUIRE(ApiSampleValue(1e21) == "1e+21");
  REQUIRE(ApiSampleValue(0.000001) == "0.000001");
  REQUIRE(ApiSampleValue(0.0000009) == "9e-07");
  REQUIRE(ApiSampleValue(-1.25e-9) == "-1.25e-09");
  REQUIRE(ApiSampleValue(123456789.125) == "123456789.125");
  REQUIRE(ApiSampleValue(9007199254740993.0) == "9007199254740992");
  REQUIRE(ApiSampleValue(std::nan("")) == "NaN");
  REQUIRE(ApiSampleValue(INFINITY) == "+Inf");
  REQUIRE(ApiSampleValue(-INFINITY) == "-Inf");
}

TEST_CASE("result text: a scalar never has an exponent", "[results]") {
  REQUIRE(ApiScalarValue(1e21) == "1000000000000000000000");
  REQUIRE(ApiScalarValue(-1e-9) == "-0.000000001");
  REQUIRE(ApiScalarValue(1e21 / 3) == "333333333333333300000");
  REQUIRE(ApiScalarValue(5e-324).size() == 326);
  REQUIRE(ApiScalarValue(std::numeric_limits<double>::max()).size() == 309);
  REQUIRE(ApiScalarValue(12.5) == "12.5");
  REQUIRE(ApiScalarValue(10) == "10");
  REQUIRE(ApiScalarValue(-INFINITY) == "-Inf");
}

TEST_CASE("result text: both forms of a value read back to it", "[results]") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t bits = random();
    double value = 0;
    std::memcpy(&value, &bits, sizeof(value));
    if (!std::isfinite(value)) continue;
    REQUIRE(std::strtod(ApiSampleValue(value).c_str(), nullptr) == value);
    REQUIRE(std::strtod(ApiScalarValue(value).c_str(), nullptr) == value);
    REQUIRE(ApiScalarValue(value).find('e') == std::string::npos);
  }
}

TEST_CASE("result text: times are RFC 3339 with milliseconds", "[results]") {
  REQUIRE(Rfc3339Time(1795230000000) == "2026-11-21T03:00:00.000Z");
  REQUIRE(Rfc3339Time(1795230000007) == "2026-11-21T03:00:00.007Z");
  REQUIRE(Rfc3339Time(-1) == "1969-12-31T23:59:59.999Z");
  REQUIRE(Rfc3339Time(253402300799999) == "9999-12-31T23:59:59.999Z");
  REQUIRE(Rfc3339Time(253402300800000) == "253402300800000");
  REQUIRE(Rfc3339Time(kTimestampMin) == "-9223372036854775808");
}

TEST_CASE("result csv: every time is as Rfc3339Time has it", "[results]") {
  std::mt19937_64 random(5);
  std::vector<Sample> samples;
  std::string wanted = "timestamp,value\n";
  Timestamp time = -100'000'000'000;
  for (int i = 0; i < 20000; ++i) {
    time += static_cast<int64_t>(random() % (i % 7 == 0 ? 400'000'000 : 20'000));
    samples.push_back({time, 1});
  }
  for (const Timestamp each : {Timestamp{253402300799999}, Timestamp{253402300800000},
                               Timestamp{253402300800001}, kTimestampMax}) {
    samples.push_back({each, 1});
  }
  for (const Sample& sample : samples) wanted += Rfc3339Time(sample.timestamp) + ",1\n";
  PromqlResult result;
  result.type = PromqlType::kMatrix;
  result.series.push_back({Labels(), samples});
  // Not REQUIRE(a == b), which would print both.
  const bool same = Printed(result, {}, {}, ResultFormat::kCsv) == wanted;
  REQUIRE(same);
}

TEST_CASE("result text: what is not UTF-8 becomes replacement characters", "[results]") {
  REQUIRE(WellFormed("plain 日本") == "plain 日本");
  REQUIRE(WellFormed("a\xff"
                     "b") ==
          "a\xEF\xBF\xBD"
          "b");
  REQUIRE(WellFormed("\xE6\x97") == "\xEF\xBF\xBD\xEF\xBF\xBD");
  REQUIRE(WellFormed("\xC0\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD");
  REQUIRE(WellFormed("\xED\xA0\x80").find("\xEF\xBF\xBD") == 0);  // a surrogate
  REQUIRE(WellFormed("\xF4\x90\x80\x80x").ends_with("x"));
}

TEST_CASE("result text: nothing for people steers or turns the terminal", "[results]") {
  REQUIRE(ForPeople("a\x1b[2J\n\x9b", 80) == "a\\x1b[2J\\n\xEF\xBF\xBD");
  REQUIRE(ForPeople("\xE2\x80\xAE"
                    "evil\xE2\x81\xA9",
                    80) == "\\u202eevil\\u2069");
  REQUIRE(ForPeople("\xD8\x9C\xEF\xBB\xBF\xE2\x80\xA8", 80) == "\\u061c\\ufeff\\u2028");
  REQUIRE(ForPeople("שלום", 80) == "שלום");
  REQUIRE(DisplayWidth(ForPeople(std::string(65536, 'x'), 40)) <= 40);
}

TEST_CASE("result text: XML has every character it can have, escaped", "[results]") {
  REQUIRE(XmlText("<a b=\"c\">'&") == "&lt;a b=&quot;c&quot;&gt;&#39;&amp;");
  REQUIRE(XmlText(std::string_view("\0\x01\n\t\r", 5)) ==
          "\xEF\xBF\xBD\xEF\xBF\xBD\n\t\xEF\xBF\xBD");
  REQUIRE(XmlText("\xEF\xBF\xBE\xEF\xBF\xBF\xEF\xBF\xBD") ==
          "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("result text: names are selectors, with quotes where they need them", "[results]") {
  const auto name = [](std::initializer_list<Label> labels) {
    return NameOfSeries(MakeSeries(labels, {}).labels, 40);
  };
  REQUIRE(name({}) == "{}");
  REQUIRE(name({{"__name__", "up"}}) == "up");
  REQUIRE(name({{"__name__", "up"}, {"a", "b\"\\"}}) == R"(up{a="b\"\\"})");
  REQUIRE(name({{"a", "b"}, {"c d", "e"}}) == R"({a="b","c d"="e"})");
  REQUIRE(name({{"__name__", "not one"}, {"a", "b"}}) == R"({"not one",a="b"})");
}

TEST_CASE("result text: common labels are those all series have alike", "[results]") {
  const std::vector<PromqlSeries> series = {
      MakeSeries({{"a", "1"}, {"b", "x"}, {"only", "here"}}, {}),
      MakeSeries({{"a", "1"}, {"b", "y"}}, {})};
  const LabelSplit split = SplitLabels(series);
  REQUIRE(split.common.ToString() == R"({a="1"})");
  REQUIRE(split.differing == std::vector<std::string>{"b", "only"});
  REQUIRE(SplitLabels({}).differing.empty());
}

TEST_CASE("result text: summaries pass over what is no number", "[results]") {
  const SeriesSummary summary = SummaryOf(
      MakeSeries({}, {{1, std::nan("")}, {2, 4}, {3, INFINITY}, {4, 2}, {5, std::nan("")}}));
  REQUIRE(summary.samples == 5);
  REQUIRE(summary.min == 2);
  REQUIRE(summary.max == INFINITY);
  REQUIRE(summary.mean == 3);
  REQUIRE(std::isnan(summary.last));
  const double greatest = std::numeric_limits<double>::max();
  const SeriesSummary huge =
      SummaryOf(MakeSeries({}, {{1, greatest}, {2, greatest}, {3, -greatest}}));
  REQUIRE(std::isfinite(huge.mean));
  REQUIRE(std::isnan(SummaryOf(MakeSeries({}, {})).min));
}

TEST_CASE("result printer: every name of a format is one", "[results]") {
  size_t names = 0;
  for (size_t begin = 0; begin <= kResultFormatNames.size(); ++names) {
    const size_t end = std::min(kResultFormatNames.find('|', begin), kResultFormatNames.size());
    REQUIRE(ParseResultFormat(kResultFormatNames.substr(begin, end - begin)) ==
            static_cast<ResultFormat>(names));
    begin = end + 1;
  }
  REQUIRE(names == 10);
  REQUIRE_FALSE(ParseResultFormat("").has_value());
  REQUIRE_FALSE(ParseResultFormat("JSON").has_value());
}

TEST_CASE("result printer: auto is a chart, a table or csv", "[results]") {
  const ResultQuestion instant{"up", 5, 5, 0};
  const ResultQuestion range{"up", 5, 500, 5};
  REQUIRE(ChooseFormat(ResultFormat::kAuto, instant, true) == ResultFormat::kTable);
  REQUIRE(ChooseFormat(ResultFormat::kAuto, range, true) == ResultFormat::kChart);
  REQUIRE(ChooseFormat(ResultFormat::kAuto, range, false) == ResultFormat::kCsv);
  REQUIRE(ChooseFormat(ResultFormat::kHtml, range, true) == ResultFormat::kHtml);
}

TEST_CASE("result printer: the locale says whether to draw with ASCII", "[results]") {
  const auto utf8_with = [](const char* all, const char* type, const char* lang) {
    const std::pair<const char*, const char*> variables[] = {
        {"LC_ALL", all}, {"LC_CTYPE", type}, {"LANG", lang}};
    for (const auto& [name, value] : variables) {
      if (value == nullptr) {
        unsetenv(name);
      } else {
        setenv(name, value, 1);
      }
    }
    return StyleOfStdout(Color::kNever).utf8;
  };
  REQUIRE(utf8_with(nullptr, nullptr, nullptr));
  REQUIRE(utf8_with(nullptr, nullptr, "de_DE.UTF-8"));
  REQUIRE(utf8_with("", "en_US.utf8", "C"));
  REQUIRE_FALSE(utf8_with("C", nullptr, "de_DE.UTF-8"));
  REQUIRE_FALSE(utf8_with(nullptr, nullptr, "de_DE.ISO-8859-1"));
}

}  // namespace
}  // namespace tsdb::tools

#include "tools/import/exposition_parser.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "test/tools/import/memory_sink.h"

namespace tsdb::importer {
namespace {

constexpr Timestamp kDefault = 77;

// The samples of lines that must all be taken.
std::string Read(Dialect dialect, const std::vector<std::string>& lines, bool strict = false) {
  MemorySink sink;
  ExpositionParser parser({dialect, kDefault, strict}, sink);
  LineError error;
  for (const std::string& line : lines) {
    INFO(line);
    INFO(error.message);
    const bool taken = parser.Parse(line, error);
    INFO(error.message);
    REQUIRE(taken);
  }
  const bool finished = parser.Finish(error);
  INFO(error.message);
  REQUIRE(finished);
  REQUIRE(parser.counts().samples == sink.entries.size());
  return sink.Text();
}

std::string Prometheus(const std::string& line) { return Read(Dialect::kPrometheus, {line}); }
std::string OpenMetrics(const std::string& line) {
  return Read(Dialect::kOpenMetrics, {line, "# EOF"});
}

// "column: message" of a line that must be refused.
std::string Refusal(Dialect dialect, const std::string& line) {
  MemorySink sink;
  ExpositionParser parser({dialect, kDefault, false}, sink);
  LineError error;
  REQUIRE_FALSE(parser.Parse(line, error));
  REQUIRE(sink.entries.empty());
  REQUIRE(error.sink_status.ok());
  return std::to_string(error.column) + ": " + error.message;
}

std::string PrometheusRefusal(const std::string& line) {
  return Refusal(Dialect::kPrometheus, line);
}
std::string OpenMetricsRefusal(const std::string& line) {
  return Refusal(Dialect::kOpenMetrics, line);
}

TEST_CASE("prometheus text: samples with and without labels and timestamps", "[import]") {
  REQUIRE(Prometheus("up 1") == "up 77 1\n");
  REQUIRE(Prometheus("up 1 1795229635568") == "up 1795229635568 1\n");
  REQUIRE(Prometheus("up{job=\"a\",instance=\"b\"} 0.5 -3") ==
          "up{instance=\"b\",job=\"a\"} -3 0.5\n");
  REQUIRE(Prometheus("up{} 1") == "up 77 1\n");
  REQUIRE(Prometheus("a:b_1 2") == "a:b_1 77 2\n");
}

TEST_CASE("prometheus text: blanks are free, a last comma too", "[import]") {
  REQUIRE(Prometheus("  up \t { job = \"a\" , } \t 1 \t 5  ") == "up{job=\"a\"} 5 1\n");
  REQUIRE(Prometheus("up 1\r") == "up 77 1\n");
  REQUIRE(Prometheus("").empty());
  REQUIRE(Prometheus("   ").empty());
}

TEST_CASE("prometheus text: comments are passed over, metadata is checked", "[import]") {
  REQUIRE(Prometheus("# anything at all {").empty());
  REQUIRE(Prometheus("#").empty());
  REQUIRE(Prometheus("# HELP up What it is.").empty());
  REQUIRE(Prometheus("# TYPE up gauge").empty());
  REQUIRE(PrometheusRefusal("# TYPE up meter") == "11: not a metric type");
  REQUIRE(PrometheusRefusal("# TYPE 1up gauge") == "8: a metric name is missing");
}

TEST_CASE("prometheus text: escapes in label values", "[import]") {
  REQUIRE(Prometheus(R"(up{p="a\\b\"c\nd\e"} 1)") == "up{p=\"a\\\\b\\\"c\\nd\\\\e\"} 77 1\n");
  REQUIRE(Prometheus(R"(up{a="x\"y",b="} # 2",c="\\"} 1)") ==
          R"(up{a="x\"y",b="} # 2",c="\\"} 77 1)"
          "\n");
}

TEST_CASE("prometheus text: quoted names", "[import]") {
  REQUIRE(Prometheus(R"({"my metric","a.b"="c"} 1)") == "{\"my metric\",\"a.b\"=\"c\"} 77 1\n");
  REQUIRE(Prometheus(R"({__name__="up"} 1)") == "up 77 1\n");
  REQUIRE(PrometheusRefusal(R"(up{"down"} 1)") == "4: a second metric name");
  REQUIRE(PrometheusRefusal(R"({a="b"} 1)") == "1: a metric name is missing");
}

TEST_CASE("prometheus text: values keep every bit they can have in text", "[import]") {
  MemorySink sink;
  ExpositionParser parser({Dialect::kPrometheus, kDefault, false}, sink);
  LineError error;
  for (const char* text : {"NaN", "+Inf", "-Inf", "inf", "-0", "5e-324", "1.7976931348623157e308",
                           "0.1", "+1.5", ".5", "1."}) {
    REQUIRE(parser.Parse(std::string("a ") + text, error));
  }
  const auto bits = [&](size_t i) {
    uint64_t word;
    std::memcpy(&word, &sink.entries[i].value, sizeof(word));
    return word;
  };
  REQUIRE(std::isnan(sink.entries[0].value));
  REQUIRE(bits(1) == 0x7FF0000000000000);
  REQUIRE(bits(2) == 0xFFF0000000000000);
  REQUIRE(bits(3) == 0x7FF0000000000000);
  REQUIRE(bits(4) == 0x8000000000000000);
  REQUIRE(bits(5) == 1);
  REQUIRE(bits(6) == 0x7FEFFFFFFFFFFFFF);
  REQUIRE(sink.entries[7].value == 0.1);
  REQUIRE(sink.entries[8].value == 1.5);
  REQUIRE(sink.entries[9].value == 0.5);
  REQUIRE(sink.entries[10].value == 1);
}

TEST_CASE("prometheus text: refusals give the column and what is wrong there", "[import]") {
  REQUIRE(PrometheusRefusal("up") == "3: a value is missing");
  REQUIRE(PrometheusRefusal("up x") == "4: not a number: 'x'");
  REQUIRE(PrometheusRefusal("up 0x1") == "4: not a number: '0x1'");
  REQUIRE(PrometheusRefusal("up 1_0") == "4: not a number: '1_0'");
  REQUIRE(PrometheusRefusal("up 1e999") == "4: not a number: '1e999'");
  REQUIRE(PrometheusRefusal("up +-1") == "4: not a number: '+-1'");
  REQUIRE(PrometheusRefusal("up 1 1.5") == "6: not a timestamp in whole milliseconds: '1.5'");
  REQUIRE(PrometheusRefusal("up 1 2 3") == "8: unexpected text after the sample");
  REQUIRE(PrometheusRefusal("9up 1") == "1: a metric name is missing");
  REQUIRE(PrometheusRefusal("up{a=\"1\" 1") == "10: a ',' or '}' is missing between labels");
  REQUIRE(PrometheusRefusal("up{a=\"1\"") == "9: the line ends inside the labels");
  REQUIRE(PrometheusRefusal("up{a=1} 1") == "6: a label value must be in double quotes");
  REQUIRE(PrometheusRefusal("up{a=\"1} 1") == "6: the quote is not closed");
  REQUIRE(PrometheusRefusal("up{a=\"1\"}1") == "10: a space is missing before the value");
  REQUIRE(PrometheusRefusal("   up{a=\"1\"}1") == "13: a space is missing before the value");
  REQUIRE(PrometheusRefusal("up{a=\"1\",a=\"2\"} 1") ==
          "1: the label name \"a\" appears more than once");
  REQUIRE(PrometheusRefusal("up{a=\"\xFF\"} 1") ==
          "1: the value of label \"a\" is not valid UTF-8: \"\\xff\"");
}

TEST_CASE("prometheus text: the extremes of time pass, one more does not", "[import]") {
  REQUIRE(Prometheus("a 1 9223372036854775807") == "a 9223372036854775807 1\n");
  REQUIRE(Prometheus("a 1 -9223372036854775808") == "a -9223372036854775808 1\n");
  REQUIRE(PrometheusRefusal("a 1 9223372036854775808") ==
          "5: the timestamp '9223372036854775808' does not fit 64 bits of milliseconds");
}

TEST_CASE("openmetrics: the extremes of time pass, one more does not", "[import]") {
  REQUIRE(OpenMetrics("a 1 9223372036854775.807") == "a 9223372036854775807 1\n");
  REQUIRE(OpenMetrics("a 1 -9223372036854775.808") == "a -9223372036854775808 1\n");
  REQUIRE(OpenMetrics("a 1 9223372036854775.8074") == "a 9223372036854775807 1\n");
  for (const std::string past : {"9223372036854775.808", "-9223372036854775.809",
                                 "9223372036854775.8075", "99999999999999999999", "1e16"}) {
    REQUIRE(OpenMetricsRefusal("a 1 " + past) ==
            "5: the timestamp '" + past + "' does not fit 64 bits of milliseconds");
  }
}

TEST_CASE("prometheus text: a repeated series is looked up once", "[import]") {
  MemorySink sink;
  ExpositionParser parser({Dialect::kPrometheus, kDefault, false}, sink);
  LineError error;
  for (int i = 0; i < 10; ++i) REQUIRE(parser.Parse("up{a=\"b\"} 1 " + std::to_string(i), error));
  REQUIRE(sink.lookups == 1);
  REQUIRE(sink.entries.size() == 10);
  REQUIRE(sink.entries[9].timestamp == 9);
}

TEST_CASE("prometheus text: a sink that is full ends the import", "[import]") {
  MemorySink sink;
  sink.capacity = 1;
  ExpositionParser parser({Dialect::kPrometheus, kDefault, false}, sink);
  LineError error;
  REQUIRE(parser.Parse("a 1", error));
  REQUIRE_FALSE(parser.Parse("a 2", error));
  REQUIRE(error.sink_status.code() == absl::StatusCode::kResourceExhausted);
}

TEST_CASE("openmetrics: timestamps are seconds, kept to the millisecond exactly", "[import]") {
  REQUIRE(OpenMetrics("a 1 1795229635.568") == "a 1795229635568 1\n");
  REQUIRE(OpenMetrics("a 1 1.5") == "a 1500 1\n");
  REQUIRE(OpenMetrics("a 1 -1.5") == "a -1500 1\n");
  REQUIRE(OpenMetrics("a 1 0.0004") == "a 0 1\n");
  REQUIRE(OpenMetrics("a 1 0.0005") == "a 1 1\n");
  REQUIRE(OpenMetrics("a 1 .25") == "a 250 1\n");
  REQUIRE(OpenMetrics("a 1 1.5e3") == "a 1500000 1\n");
  REQUIRE(OpenMetrics("a 1 9007199254740.993") == "a 9007199254740993 1\n");
  REQUIRE(OpenMetrics("a 1") == "a 77 1\n");
  REQUIRE(OpenMetricsRefusal("a 1 12345678901234567890.5") ==
          "5: the timestamp '12345678901234567890.5' does not fit 64 bits of milliseconds");
}

TEST_CASE("openmetrics: exemplars are checked and dropped", "[import]") {
  REQUIRE(OpenMetrics("a_total 1 # {a=\"b\"} 0.5") == "a_total 77 1\n");
  REQUIRE(OpenMetrics("a_total 1 2 # {} 0.5 3.25") == "a_total 2000 1\n");
  REQUIRE(OpenMetricsRefusal("a_total 1 #{} 1") == "11: an exemplar starts with '# {'");
  REQUIRE(OpenMetricsRefusal("a_total 1 # {} x") == "16: the exemplar's value is not a number");
  REQUIRE(PrometheusRefusal("a_total 1 # {} 1") == "11: unexpected text after the sample");
}

TEST_CASE("openmetrics: one space, no comment, no text after the end", "[import]") {
  REQUIRE(OpenMetricsRefusal("a  1") == "3: a value is missing");
  REQUIRE(OpenMetricsRefusal("a 1 ") == "5: a timestamp is missing after the space");
  REQUIRE(OpenMetricsRefusal(" a 1") == "1: a metric name is missing");
  REQUIRE(OpenMetricsRefusal("").starts_with("1: an empty line"));
  REQUIRE(OpenMetricsRefusal("# a comment").starts_with("1: only '# HELP'"));
  MemorySink sink;
  ExpositionParser parser({Dialect::kOpenMetrics, kDefault, false}, sink);
  LineError error;
  REQUIRE(parser.Parse("# EOF", error));
  REQUIRE_FALSE(parser.Parse("a 1", error));
  REQUIRE(error.message == "text after '# EOF'");
}

TEST_CASE("openmetrics: without its end mark the input is cut short", "[import]") {
  MemorySink sink;
  ExpositionParser parser({Dialect::kOpenMetrics, kDefault, false}, sink);
  LineError error;
  REQUIRE(parser.Parse("a 1", error));
  REQUIRE_FALSE(parser.Finish(error));
  REQUIRE(error.message == "'# EOF' is missing at the end: the input is cut short");
}

TEST_CASE("prometheus text: timestamps and an OpenMetrics end mark contradict each other",
          "[import]") {
  for (const bool timed : {false, true}) {
    MemorySink sink;
    ExpositionParser parser({Dialect::kPrometheus, kDefault, false}, sink);
    LineError error;
    REQUIRE(parser.Parse(timed ? "a 1 5" : "a 1", error));
    REQUIRE(parser.Parse("# EOF", error));
    REQUIRE(parser.Finish(error) == !timed);
  }
}

}  // namespace
}  // namespace tsdb::importer

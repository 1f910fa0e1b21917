#include "tools/import/json_lines_parser.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "test/tools/import/memory_sink.h"
#include "tools/import/line_reader.h"

namespace tsdb::importer {
namespace {

bool Parse(JsonLinesParser& parser, const std::string& line, LineError& error) {
  std::string padded = line;
  padded.reserve(line.size() + LineReader::kPadding);
  return parser.Parse(std::string_view(padded.data(), line.size()), error);
}

std::string Read(const std::string& line) {
  MemorySink sink;
  JsonLinesParser parser(sink);
  LineError error;
  const bool taken = Parse(parser, line, error);
  INFO(error.message);
  REQUIRE(taken);
  REQUIRE(parser.counts().samples == sink.entries.size());
  return sink.Text();
}

std::string Refusal(const std::string& line) {
  MemorySink sink;
  JsonLinesParser parser(sink);
  LineError error;
  REQUIRE_FALSE(Parse(parser, line, error));
  REQUIRE(sink.entries.empty());
  // The parser is as good as new afterwards.
  REQUIRE(Parse(parser, R"({"metric":{"a":"b"},"values":[1],"timestamps":[2]})", error));
  REQUIRE(sink.entries.size() == 1);
  return error.message;
}

TEST_CASE("json lines: a series with its samples", "[import]") {
  REQUIRE(Read(R"({"metric":{"__name__":"up","job":"a"},"values":[1,0.5],"timestamps":[10,20]})") ==
          "up{job=\"a\"} 10 1\nup{job=\"a\"} 20 0.5\n");
  REQUIRE(Read(R"( { "timestamps" : [ 5 ] , "values" : [ -2 ] , "metric" : { "a" : "b" } } )") ==
          "{a=\"b\"} 5 -2\n");
  REQUIRE(Read(R"({"metric":{"a":"b"},"values":[],"timestamps":[]})").empty());
  REQUIRE(Read("").empty());
  REQUIRE(Read("  \r").empty());
}

TEST_CASE("json lines: escapes in labels, other keys ignored", "[import]") {
  REQUIRE(Read(R"({"x":{"y":[1]},"metric":{"a":"q\"\\\n\u00e9"},"values":[1],"timestamps":[2]})") ==
          "{a=\"q\\\"\\\\\\n\xC3\xA9\"} 2 1\n");
}

TEST_CASE("json lines: special values", "[import]") {
  MemorySink sink;
  JsonLinesParser parser(sink);
  LineError error;
  REQUIRE(Parse(parser,
                R"({"metric":{"a":"b"},"values":["NaN","+Inf","-Inf","1.5",-0.0,1e300,)"
                R"(18446744073709551615],"timestamps":[1,2,3,4,5,6,9223372036854775807]})",
                error));
  REQUIRE(std::isnan(sink.entries[0].value));
  REQUIRE(sink.entries[1].value == INFINITY);
  REQUIRE(sink.entries[2].value == -INFINITY);
  REQUIRE(sink.entries[3].value == 1.5);
  REQUIRE(std::signbit(sink.entries[4].value));
  REQUIRE(sink.entries[5].value == 1e300);
  REQUIRE(sink.entries[6].value == 18446744073709551615.0);
  REQUIRE(sink.entries[6].timestamp == 9223372036854775807);
}

TEST_CASE("json lines: NaN and infinity as VictoriaMetrics exports them", "[import]") {
  MemorySink sink;
  JsonLinesParser parser(sink);
  LineError error;
  REQUIRE(Parse(parser,
                R"({"metric":{"a":"b"},"values":[1,null,"Infinity","-Infinity"],)"
                R"("timestamps":[1,2,3,4]})",
                error));
  REQUIRE(sink.entries.size() == 4);
  CHECK(sink.entries[0].value == 1);
  CHECK(std::isnan(sink.entries[1].value));
  CHECK(sink.entries[2].value == INFINITY);
  CHECK(sink.entries[3].value == -INFINITY);
}

TEST_CASE("json lines: refusals say what is wrong", "[import]") {
  REQUIRE(Refusal("[1]") == "not a JSON object");
  REQUIRE(Refusal(R"({"values":[1],"timestamps":[2]})") == "\"metric\" is missing");
  REQUIRE(Refusal(R"({"metric":{"a":"b"},"timestamps":[2]})") == "\"values\" is missing");
  REQUIRE(Refusal(R"({"metric":{"a":"b"},"values":[2]})") == "\"timestamps\" is missing");
  REQUIRE(Refusal(R"({"metric":{"a":"b"},"values":[1,2],"timestamps":[1]})") ==
          "2 values but 1 timestamps");
  REQUIRE(Refusal(R"({"metric":{"a":1},"values":[1],"timestamps":[1]})") ==
          "a label's value must be a string");
  REQUIRE(Refusal(R"({"metric":{"a":"b"},"values":[1,true],"timestamps":[1,2]})") ==
          "value 2 is neither a number nor null, \"NaN\", \"+Inf\" or \"-Inf\"");
  REQUIRE(Refusal(R"({"metric":{"a":"b"},"values":[1],"timestamps":[1.5]})") ==
          "timestamp 1 is not a whole number of milliseconds within 64 bits");
  REQUIRE(Refusal(R"({"metric":{"a":"b"},"values":[1],"timestamps":[9223372036854775808]})") ==
          "timestamp 1 is not a whole number of milliseconds within 64 bits");
  REQUIRE(Refusal(R"({"metric":{"a":"b"},"values":[1],"values":[1],"timestamps":[1]})") ==
          "\"values\" appears twice");
  REQUIRE(Refusal(R"({"metric":{},"values":[1],"timestamps":[1]})") ==
          "a series needs at least one label");
  REQUIRE(Refusal(R"({"metric":{"a":"1","a":"2"},"values":[1],"timestamps":[1]})") ==
          "the label name \"a\" appears more than once");
  REQUIRE(Refusal(R"({"metric":{"a":"b"},"values":[1],"timestamps":[1]} {})") ==
          "text after the JSON object");
  REQUIRE(Refusal(R"({"metric":{"a":"b"},"values":[1],"timestamps":[1]} x)")
              .starts_with("not valid JSON: "));
}

TEST_CASE("json lines: cut anywhere, a line is refused", "[import]") {
  const std::string line =
      R"({"metric":{"__name__":"up","j\"ob":"a"},"values":[1,"NaN"],"timestamps":[10,20]})";
  for (size_t length = 1; length < line.size(); ++length) {
    INFO(line.substr(0, length));
    Refusal(line.substr(0, length));
  }
}

TEST_CASE("json lines: text that is not UTF-8 is refused", "[import]") {
  REQUIRE(Refusal("{\"metric\":{\"a\":\"\xFF\"},\"values\":[1],\"timestamps\":[1]}")
              .starts_with("not valid JSON: "));
}

}  // namespace
}  // namespace tsdb::importer

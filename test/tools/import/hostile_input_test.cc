// Text nobody meant to write: random changes to valid lines must be taken or refused, never crash
// (the sanitizer builds run this too), and whatever is taken must have been counted.
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "test/tools/import/memory_sink.h"
#include "tools/import/exposition_parser.h"
#include "tools/import/json_lines_parser.h"
#include "tools/import/line_reader.h"

namespace tsdb::importer {
namespace {

constexpr uint32_t kSeed = 20261121;

class Mutator {
 public:
  std::string Change(std::string line) {
    const size_t changes = 1 + random_() % 4;
    for (size_t i = 0; i < changes && !line.empty(); ++i) {
      const size_t place = random_() % line.size();
      switch (random_() % 5) {
        case 0:
          line[place] = static_cast<char>(random_());
          break;
        case 1:
          line.erase(place, 1 + random_() % 5);
          break;
        case 2:
          line.insert(place, 1, "{}[]\"\\,= \t#:-+.eEnN0\n\xFF\xC3"[random_() % 24]);
          break;
        case 3:
          line.insert(place, line.substr(random_() % line.size(), random_() % 20));
          break;
        default:
          line.resize(place);
      }
    }
    return line;
  }

 private:
  std::mt19937 random_{kSeed};
};

// Every line through one parser, as a file of them would.
void Feed(LineParser& parser, const MemorySink& sink, const std::vector<std::string>& lines,
          size_t rounds) {
  Mutator mutator;
  size_t taken = 0;
  for (size_t i = 0; i < rounds; ++i) {
    std::string line = mutator.Change(lines[i % lines.size()]);
    const size_t size = line.size();
    line.append(LineReader::kPadding, '\0');
    LineError error;
    const size_t before = sink.entries.size();
    if (parser.Parse(std::string_view(line).substr(0, size), error)) {
      ++taken;
      continue;
    }
    REQUIRE_FALSE(error.message.empty());
    REQUIRE(error.column <= size + 1);
    REQUIRE(sink.entries.size() == before);
  }
  REQUIRE(taken > 0);
  REQUIRE(parser.counts().samples == sink.entries.size());
}

TEST_CASE("changed exposition lines are taken or refused", "[import]") {
  const std::vector<std::string> lines = {
      "up 1",
      "up{job=\"a\",instance=\"h:9100\"} 1.5e3 1795229635568",
      "a_bucket{le=\"+Inf\"} 17 1.5 # {trace=\"x\\\"y\"} 0.5 1795229635.5",
      "# HELP up Whether it is up.",
      "# TYPE up gauge",
      "{\"a name\",\"a.b\"=\"c\\n\"} NaN",
      "# UNIT a_seconds seconds"};
  for (const auto dialect : {Dialect::kPrometheus, Dialect::kOpenMetrics}) {
    for (const bool strict : {false, true}) {
      MemorySink sink;
      ExpositionParser parser({dialect, 0, strict}, sink);
      Feed(parser, sink, lines, 20'000);
    }
  }
}

TEST_CASE("changed JSON lines are taken or refused", "[import]") {
  const std::vector<std::string> lines = {
      R"({"metric":{"__name__":"up","job":"a"},"values":[1,0.5,"NaN"],"timestamps":[1,2,3]})",
      R"({"x":[{"y":null}],"metric":{"a":"\u00e9\n"},"values":["+Inf"],"timestamps":[-5]})",
      R"({"metric":{"a":"b"},"values":[],"timestamps":[]})"};
  MemorySink sink;
  JsonLinesParser parser(sink);
  Feed(parser, sink, lines, 50'000);
}

}  // namespace
}  // namespace tsdb::importer

// Holds the strict reading of OpenMetrics to the parser cases of the OpenMetrics project, where
// they are at hand: in $TSDB_SHARED_DATA, or ../shared/data beside the repository.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "test/tools/import/memory_sink.h"
#include "tools/import/exposition_parser.h"

namespace tsdb::importer {
namespace {

namespace fs = std::filesystem;

fs::path CasesFolder() {
  const char* data = std::getenv("TSDB_SHARED_DATA");
  const fs::path root =
      data != nullptr ? fs::path(data) : fs::path(TSDB_SOURCE_DIR) / "../shared/data";
  return root / "openmetrics/cases";
}

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Empty when the document is taken, else why not. A timestamp no 64 bits of milliseconds can hold
// is no fault of the document, so the next line is read.
std::string Verdict(const std::string& document, bool strict) {
  MemorySink sink;
  ExpositionParser parser({Dialect::kOpenMetrics, 0, strict}, sink);
  LineError error;
  size_t begin = 0;
  while (begin < document.size()) {
    const size_t end = std::min(document.find('\n', begin), document.size());
    if (!parser.Parse(document.substr(begin, end - begin), error) &&
        error.reason != Reason::kTimestampRange) {
      return error.message;
    }
    begin = end + 1;
  }
  return parser.Finish(error) ? "" : error.message;
}

TEST_CASE("openmetrics: the project's own parser cases are judged right", "[import]") {
  const fs::path folder = CasesFolder();
  if (!fs::is_directory(folder)) {
    WARN("skipped: there are no OpenMetrics cases in " << folder.string());
    return;
  }
  size_t cases = 0;
  std::vector<std::string> wrong;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string expected = ReadFile(entry.path() / "test.json");
    const bool valid = expected.find("\"shouldParse\": true") != std::string::npos;
    REQUIRE((valid || expected.find("\"shouldParse\": false") != std::string::npos));
    const std::string document = ReadFile(entry.path() / "metrics");
    const std::string verdict = Verdict(document, true);
    if (verdict.empty() != valid) {
      wrong.push_back(entry.path().filename().string() + " (" + verdict + ")");
    }
    // What is valid is so without the rules of order and type, too.
    if (valid && !Verdict(document, false).empty()) {
      wrong.push_back(entry.path().filename().string() + " (not strict)");
    }
    ++cases;
  }
  CAPTURE(wrong);
  REQUIRE(wrong.empty());
  REQUIRE(cases >= 151);
}

TEST_CASE("openmetrics: a histogram that adds up passes, each way it cannot is found", "[import]") {
  const std::string head = "# TYPE a histogram\n";
  const std::string tail = "# EOF\n";
  const auto verdict = [&](const std::string& body) { return Verdict(head + body + tail, true); };
  const std::string buckets = "a_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 3\n";
  REQUIRE(verdict(buckets + "a_count 3\na_sum 4\n").empty());
  REQUIRE(verdict("a_bucket{le=\"1\"} 2\n") == "the histogram 'a' has no bucket le=\"+Inf\"");
  REQUIRE(verdict(buckets + "a_count 4\na_sum 4\n") ==
          "the histogram 'a' has a count that differs from its bucket le=\"+Inf\"");
  REQUIRE(verdict(buckets + "a_sum 4\n") == "the histogram 'a' has a sum and no count");
  REQUIRE(verdict("a_bucket{le=\"1\"} 4\na_bucket{le=\"+Inf\"} 3\n") ==
          "the buckets' counts decrease");
  REQUIRE(verdict("a_bucket{le=\"2\"} 1\na_bucket{le=\"1\"} 1\n") ==
          "the buckets' bounds do not increase");
}

TEST_CASE("openmetrics: names of two families clash, with samples or without", "[import]") {
  for (const char* clashing :
       {"# TYPE a counter\n# TYPE a info\n", "# TYPE a_created gauge\n# TYPE a counter\n",
        "# TYPE a counter\n# TYPE a_created gauge\n", "# HELP a_created x\n# TYPE a counter\n",
        "# TYPE a counter\na_total 1\n# TYPE a_total gauge\n", "a_count 1\n# TYPE a summary\n",
        "# TYPE a_total counter\n# TYPE a counter\n"}) {
    INFO(clashing);
    REQUIRE_FALSE(Verdict(std::string(clashing) + "# EOF\n", true).empty());
  }
  REQUIRE(Verdict("# TYPE a_b gauge\na_b 1\n# TYPE a counter\n# EOF\n", true).empty());
}

}  // namespace
}  // namespace tsdb::importer

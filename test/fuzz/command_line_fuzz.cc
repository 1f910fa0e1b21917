// Command lines: any words are understood or refused, and until they are to be done nothing is.
// Beside CLI11's part, the texts for times that commands read out of their options.
#include <string>
#include <vector>

#include "test/fuzz/fuzz_target.h"
#include "tools/command_line.h"
#include "tools/number_text.h"
#include "tools/query_times.h"

namespace tsdb::tools {
namespace {

void FuzzTimes(const std::string& first, const std::string& second) {
  (void)ParseTime(first);
  // Durations that are read are those that make sense everywhere: negative ones do not.
  if (const auto duration = ParseDuration(first)) TSDB_CHECK(*duration >= 0);
  for (const WhenOptions& when :
       {WhenOptions{.time = first, .start = "", .end = "", .last = "", .step = second},
        WhenOptions{.time = "", .start = first, .end = second, .last = "", .step = ""},
        WhenOptions{.time = "", .start = "", .end = "", .last = first, .step = second}}) {
    const auto times = ParseQueryTimes(when);
    if (!times.ok()) TSDB_CHECK(!times.status().message().empty());
  }
}

// A word a line.
void Fuzz(std::string_view text) {
  std::vector<std::string> words = {"tsdb"};
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    words.emplace_back(text.substr(0, end).substr(0, text.find('\0')));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  std::vector<const char*> arguments;
  for (const std::string& word : words) arguments.push_back(word.c_str());
  TSDB_CHECK(ParseCommandLine(static_cast<int>(arguments.size()), arguments.data()) != nullptr);
  for (size_t i = 1; i + 1 < words.size(); ++i) FuzzTimes(words[i], words[i + 1]);
}

}  // namespace
}  // namespace tsdb::tools

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const tsdb::fuzz::ExactBytes exact({data, size});
  tsdb::tools::Fuzz(tsdb::fuzz::AsText(exact.bytes()));
  return 0;
}

// print_sample SAMPLE FORMAT [color] [ascii] [width=N] [height=N] [limit=N]: one of the fixed
// answers on stdout, for the tests of documents and for looking at.
// print_sample: the names of the answers.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "test/tools/results/sample_results.h"

int main(int count, char** arguments) {
  using namespace tsdb::tools;
  if (count < 3) {
    for (const std::string& name : SampleNames()) std::puts(name.c_str());
    return 0;
  }
  const SampleResult sample = MakeSample(arguments[1]);
  const std::optional<ResultFormat> format = ParseResultFormat(arguments[2]);
  if (!format) {
    std::fprintf(stderr, "the formats are %s\n", std::string(kResultFormatNames).c_str());
    return 2;
  }
  ResultStyle style;
  for (int i = 3; i < count; ++i) {
    const std::string argument = arguments[i];
    const size_t number =
        std::strtoul(argument.substr(argument.find('=') + 1).c_str(), nullptr, 10);
    if (argument == "color") style.color = true;
    if (argument == "ascii") style.utf8 = false;
    if (argument.starts_with("width=")) style.width = number;
    if (argument.starts_with("height=")) style.height = number;
    if (argument.starts_with("limit=")) style.limit = number;
  }
  Output output;
  PrintResult(sample.result, sample.question, style, *format, output);
  return output.Flush().ok() ? 0 : 1;
}

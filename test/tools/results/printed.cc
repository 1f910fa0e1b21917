#include "test/tools/results/printed.h"

#include <catch2/catch.hpp>
#include <cstdio>

namespace tsdb::tools {

std::string Printed(const PromqlResult& result, const ResultQuestion& question,
                    const ResultStyle& style, ResultFormat format) {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  {
    Output output(fileno(file), "a temporary file");
    PrintResult(result, question, style, format, output);
    REQUIRE(output.Flush().ok());
  }
  std::rewind(file);
  std::string text;
  char buffer[65536];
  for (size_t bytes = 0; (bytes = std::fread(buffer, 1, sizeof(buffer), file)) > 0;) {
    text.append(buffer, bytes);
  }
  std::fclose(file);
  return text;
}

}  // namespace tsdb::tools

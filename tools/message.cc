#include "tools/message.h"

#include <cstdio>
#include <string_view>

namespace tsdb::tools {

void PrintError(const std::string& message, Color color) {
  const Style style(UseColor(color, StderrIsTerminal()));
  std::fprintf(stderr, "tsdb: %serror:%s %s\n", style.red, style.reset, message.c_str());
}

void PrintWarning(const std::string& message, Color color) {
  const Style style(UseColor(color, StderrIsTerminal()));
  std::fprintf(stderr, "tsdb: %swarning:%s %s\n", style.yellow, style.reset, message.c_str());
}

std::string MessageOf(const absl::Status& status) {
  constexpr std::string_view kInCode = "Options::memory_budget_bytes";
  std::string message(status.message().data(), status.message().size());
  if (const size_t at = message.find(kInCode); at != std::string::npos) {
    message.replace(at, kInCode.size(), "--memory-budget");
  }
  return message;
}

}  // namespace tsdb::tools

#include "tools/message.h"

#include <cstdio>
#include <string_view>
#include <utility>

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
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"Options::memory_budget_bytes", "--memory-budget"},
      {"QueryLimits::windows", "--max-steps"},
      {"QueryLimits::memory_bytes", "--max-memory"}};
  std::string message(status.message().data(), status.message().size());
  for (const auto& [in_code, option] : kNames) {
    if (const size_t at = message.find(in_code); at != std::string::npos) {
      message.replace(at, in_code.size(), option);
    }
  }
  return message;
}

}  // namespace tsdb::tools

#include "tools/message.h"

#include <cstdio>

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
  return {status.message().data(), status.message().size()};
}

}  // namespace tsdb::tools

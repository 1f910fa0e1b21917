// What the program tells people on stderr. Thread safety: pure functions but for stderr.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "tools/terminal.h"

namespace tsdb::tools {

// "tsdb: error: MESSAGE".
void PrintError(const std::string& message, Color color);
// "tsdb: warning: MESSAGE".
void PrintWarning(const std::string& message, Color color);

std::string MessageOf(const absl::Status& status);

}  // namespace tsdb::tools

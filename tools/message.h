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

// What the library says, with its options by their names on the command line.
std::string MessageOf(const absl::Status& status);

}  // namespace tsdb::tools

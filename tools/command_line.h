// The command line: which commands and options there are. Each command is in a file of its own.
// Thread safety: none.
#pragma once

#include <functional>

#include "tools/exit_code.h"

namespace tsdb::tools {

// What a command line asks for, be it help or the complaint that it is wrong: never null. Until it
// is called nothing is read, written or printed.
std::function<ExitCode()> ParseCommandLine(int argc, const char* const* argv);

}  // namespace tsdb::tools

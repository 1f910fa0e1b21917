// `tsdb shell --db DIR|--from FILE...`: questions and commands, one after the other.
#pragma once

#include "tools/ask.h"
#include "tools/exit_code.h"
#include "tools/source.h"

namespace tsdb::tools {

// The options of questions are what they begin with.
struct ShellOptions : AskOptions {
  SourceOptions source;
  bool keep_going = false;  // after an error in what is read from a pipe
};

ExitCode RunShell(const ShellOptions& options);

}  // namespace tsdb::tools

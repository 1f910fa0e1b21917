// `tsdb completion bash|zsh|fish`: a script that completes command lines in a shell.
#pragma once

#include <string>

#include "tools/exit_code.h"
#include "tools/guide/command_tree.h"

namespace tsdb::tools {

// REQUIRES: `shell` is one of these three.
ExitCode RunCompletion(const CommandTree& tree, const std::string& shell);

}  // namespace tsdb::tools

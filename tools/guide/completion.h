// Scripts that complete the program's commands, options, words, files and, with --db, the names of
// metrics and labels in a shell. Thread safety: pure functions.
#pragma once

#include <string>

#include "tools/guide/command_tree.h"

namespace tsdb::tools {

std::string BashCompletion(const CommandTree& tree);  // for bash 4.4 and later
std::string ZshCompletion(const CommandTree& tree);
std::string FishCompletion(const CommandTree& tree);  // for fish 3.0 and later

}  // namespace tsdb::tools

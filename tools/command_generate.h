// `tsdb generate-man DIR` and `tsdb generate-reference`: documents of the program, for its build.
#pragma once

#include <string>

#include "tools/exit_code.h"
#include "tools/guide/command_tree.h"

namespace tsdb::tools {

// Writes tsdb.1 and a tsdb-COMMAND.1 for each command into a directory, which must be there.
ExitCode RunGenerateMan(const CommandTree& tree, const std::string& directory);
// Prints the reference in Markdown.
ExitCode RunGenerateReference(const CommandTree& tree);

}  // namespace tsdb::tools

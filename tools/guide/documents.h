// Manual pages and the reference of the command line, written from the tree of commands.
// Thread safety: pure functions.
#pragma once

#include <string>

#include "tools/guide/command_tree.h"

namespace tsdb::tools {

// Pages in the man macros, which every roff knows: of the program, and of one command.
std::string ProgramManPage(const CommandTree& tree);
std::string CommandManPage(const CommandTree& tree, const CommandNode& command);

// All commands in Markdown.
std::string MarkdownReference(const CommandTree& tree);

}  // namespace tsdb::tools

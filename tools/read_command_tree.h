// The commands and options that CLI11 parses with, as plain data.
// Thread safety: none.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "tools/guide/command_tree.h"

namespace tsdb::tools {

// All but the hidden commands, whose group is empty.
CommandTree ReadCommandTree(CLI::App& app, const std::string& version);

}  // namespace tsdb::tools

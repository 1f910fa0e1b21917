// The commands that look at a database's files one by one, with their options. For main.cc.
//
// Thread safety: none.
#pragma once

#include <CLI/CLI.hpp>

#include "tools/add_source_options.h"

namespace tsdb::tools {

Command AddListSegments(CLI::App& app);
Command AddInspect(CLI::App& app);

}  // namespace tsdb::tools

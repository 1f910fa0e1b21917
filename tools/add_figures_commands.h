// The commands about a database's figures and their options. For main.cc.
//
// Thread safety: none.
#pragma once

#include "tools/add_source_options.h"

namespace tsdb::tools {

Command AddStats(CLI::App& app);
Command AddWatch(CLI::App& app);
Command AddAdvise(CLI::App& app);

}  // namespace tsdb::tools

// `tsdb repair --db DIR`: a whole database out of what is intact of a damaged one.
#pragma once

#include "tools/exit_code.h"
#include "tools/open_directory.h"

namespace tsdb::tools {

// kOk: the database is whole now, which another opening and a reading of every sample have shown.
ExitCode RunRepair(const DirectoryOptions& options);

}  // namespace tsdb::tools

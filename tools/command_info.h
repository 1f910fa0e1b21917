// `tsdb info --db DIR`: on one screen, what a database directory is and what state it is in.
#pragma once

#include "tools/exit_code.h"
#include "tools/open_directory.h"

namespace tsdb::tools {

// kFindings when something is damaged, which is told. When the database cannot be opened: what its
// files say, the reason on stderr, and kFailure, or kFindings if damage is the reason.
ExitCode RunInfo(const DirectoryOptions& options);

}  // namespace tsdb::tools

// `tsdb compact --db DIR`: the space of deleted and overwritten samples, at once.
#pragma once

#include "tools/exit_code.h"
#include "tools/open_directory.h"

namespace tsdb::tools {

ExitCode RunCompact(const DirectoryOptions& options);

}  // namespace tsdb::tools

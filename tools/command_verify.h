// `tsdb verify --db DIR`: whether a database directory is whole.
#pragma once

#include "tools/exit_code.h"
#include "tools/open_directory.h"

namespace tsdb::tools {

// kOk: everything that was made durable is there, was read, and adds up. Changes nothing.
ExitCode RunVerify(const DirectoryOptions& options);

}  // namespace tsdb::tools

// `tsdb verify --db DIR`: whether a database directory is whole.
#pragma once

#include "tools/exit_code.h"
#include "tools/open_directory.h"

namespace tsdb::tools {

// kOk: everything that was made durable is there, was read, and adds up. kFindings: it does not, or
// it is so damaged that it cannot be opened. kFailure: it cannot be opened for another reason, so
// that nothing is known of it. Changes nothing.
ExitCode RunVerify(const DirectoryOptions& options);

}  // namespace tsdb::tools

// `tsdb backup --db DIR TARGET`: a copy of a database that is a database of its own.
#pragma once

#include <string>

#include "tools/exit_code.h"
#include "tools/open_directory.h"

namespace tsdb::tools {

struct BackupOptions : DirectoryOptions {
  std::string target;  // must not exist or be empty
};

ExitCode RunBackup(const BackupOptions& options);

}  // namespace tsdb::tools

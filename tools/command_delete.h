// `tsdb delete --db DIR SELECTOR`: samples out of a database.
#pragma once

#include "tools/exit_code.h"
#include "tools/open_directory.h"
#include "tools/select_series.h"

namespace tsdb::tools {

struct DeleteOptions : DirectoryOptions {
  SelectionOptions selection;
  bool dry_run = false;  // say what would be deleted, and only read
  bool all = false;      // a selector that picks every series is meant
};

// When it returns kOk the deletion survives a loss of power.
ExitCode RunDelete(const DeleteOptions& options);

}  // namespace tsdb::tools

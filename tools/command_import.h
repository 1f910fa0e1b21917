// `tsdb import --db DIR FILE...`: files into a database directory, which is made if need be.
#pragma once

#include "tools/exit_code.h"
#include "tools/load_files.h"
#include "tools/open_directory.h"
#include "tsdb/options.h"

namespace tsdb::tools {

struct ImportOptions : DirectoryOptions {
  InputOptions input;
  Durability durability = Durability::kAsync;
  Compression compression = Compression::kLz4;
  bool dry_run = false;  // then the directory may be empty
};

// What was read before an error, or Ctrl-C, is kept. A damaged database is refused and left as it
// is.
ExitCode RunImport(const ImportOptions& options);

}  // namespace tsdb::tools

// `tsdb import --db DIR FILE...`: files into a database directory, which is made if need be.
#pragma once

#include <cstdint>
#include <string>

#include "tools/exit_code.h"
#include "tools/load_files.h"
#include "tools/terminal.h"
#include "tsdb/options.h"

namespace tsdb::tools {

struct ImportOptions {
  std::string directory;
  InputOptions input;
  Durability durability = Durability::kAsync;
  uint64_t memory_budget_bytes = 0;
  Color color = Color::kAuto;
  bool json = false;
};

// What was read before an error, or Ctrl-C, is kept. A damaged database is refused and left as it
// is.
ExitCode RunImport(const ImportOptions& options);

}  // namespace tsdb::tools

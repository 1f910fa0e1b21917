// `tsdb stats --from FILE...`: what the files hold and what it takes to keep it.
#pragma once

#include "tools/exit_code.h"
#include "tools/load_files.h"

namespace tsdb::tools {

struct StatsOptions {
  FromOptions from;
  bool json = false;
};

// kFailure, too, when the ledger does not balance, when the tree's invariants do not hold, or when
// not as many samples are read back as there should be.
ExitCode RunStats(const StatsOptions& options);

}  // namespace tsdb::tools

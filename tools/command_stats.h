// `tsdb stats --db DIR|--from FILE...`: what a database or files hold and what it takes to keep it.
#pragma once

#include "tools/exit_code.h"
#include "tools/source.h"

namespace tsdb::tools {

struct StatsOptions {
  SourceOptions source;
  bool json = false;
};

// kFailure, too, when the ledger does not balance, when the tree's invariants do not hold, or when
// not as many samples are read back as there should be.
ExitCode RunStats(const StatsOptions& options);

}  // namespace tsdb::tools

// `tsdb stats --db DIR|--from FILE...`: what a database or files hold and what it takes to keep it.
#pragma once

#include <cstdint>

#include "tools/exit_code.h"
#include "tools/source.h"

namespace tsdb::tools {

// kPrometheus: what Database::Statistics says, as tsdb/figures.h has it.
enum class StatsFormat : uint8_t { kTable, kJson, kPrometheus };

struct StatsOptions {
  SourceOptions source;
  StatsFormat format = StatsFormat::kTable;
};

// kFailure, too, when the ledger does not balance, when the tree's invariants do not hold, or when
// not as many samples are read back as there should be.
ExitCode RunStats(const StatsOptions& options);

}  // namespace tsdb::tools

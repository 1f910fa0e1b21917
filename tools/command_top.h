// `tsdb top --db DIR|--from FILE...`: what most series and label values belong to.
#pragma once

#include <cstdint>

#include "tools/exit_code.h"
#include "tools/source.h"

namespace tsdb::tools {

struct TopOptions {
  SourceOptions source;
  uint64_t limit = 10;  // lines of each list; 0: all
  bool json = false;
};

ExitCode RunTop(const TopOptions& options);

}  // namespace tsdb::tools

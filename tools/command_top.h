// `tsdb top --db DIR|--from FILE...`: what most series and label values belong to.
#pragma once

#include <cstdint>

#include "tools/exit_code.h"
#include "tools/output.h"
#include "tools/source.h"
#include "tools/terminal.h"
#include "tsdb/query.h"

namespace tsdb::tools {

struct TopOptions {
  SourceOptions source;
  uint64_t limit = 10;  // lines of each list; 0: all
  bool json = false;
};

// The lists as tables, cut to `width` columns.
void PrintTop(const LabelCounts& counts, const Style& style, size_t width, Output& output);

ExitCode RunTop(const TopOptions& options);

}  // namespace tsdb::tools

// `tsdb query --db DIR|--from FILE... EXPR`: what a PromQL expression comes to.
#pragma once

#include <string>

#include "tools/ask.h"
#include "tools/exit_code.h"
#include "tools/source.h"

namespace tsdb::tools {

struct QueryOptions : AskOptions {
  SourceOptions source;
  std::string output;  // a file; empty: stdout
};

ExitCode RunQuery(const QueryOptions& options);

}  // namespace tsdb::tools

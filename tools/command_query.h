// `tsdb query --from FILE... SELECTOR`: the series in files that a selector picks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tools/exit_code.h"
#include "tools/load_files.h"

namespace tsdb::tools {

enum class QueryFormat { kAuto, kTable, kJson, kCsv };

struct QueryOptions {
  FromOptions from;
  std::string selector;
  std::string start;  // empty: the beginning
  std::string end;    // empty: the end
  QueryFormat format = QueryFormat::kAuto;
  std::optional<uint64_t> limit;  // of series; 0: none
  bool every_sample = false;
};

ExitCode RunQuery(const QueryOptions& options);

}  // namespace tsdb::tools

// `tsdb query --db DIR|--from FILE... SELECTOR`: the series that a selector picks.
#pragma once

#include <cstdint>
#include <optional>

#include "tools/exit_code.h"
#include "tools/select_series.h"
#include "tools/source.h"

namespace tsdb::tools {

enum class QueryFormat { kAuto, kTable, kJson, kCsv };

struct QueryOptions {
  SourceOptions source;
  SelectionOptions selection;
  QueryFormat format = QueryFormat::kAuto;
  std::optional<uint64_t> limit;  // of series; 0: none
  bool every_sample = false;
};

ExitCode RunQuery(const QueryOptions& options);

}  // namespace tsdb::tools

// `tsdb labels --db DIR|--from FILE... [SELECTOR]`: which label names series have.
#pragma once

#include "tools/exit_code.h"
#include "tools/listing.h"

namespace tsdb::tools {

ExitCode RunLabels(const ListOptions& options);

}  // namespace tsdb::tools

// `tsdb series --db DIR|--from FILE... [SELECTOR]`: which series there are.
#pragma once

#include "tools/exit_code.h"
#include "tools/listing.h"

namespace tsdb::tools {

ExitCode RunSeries(const ListOptions& options);

}  // namespace tsdb::tools

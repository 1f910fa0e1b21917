// `tsdb values --db DIR|--from FILE... NAME [SELECTOR]`: which values series have of a label.
#pragma once

#include <string>

#include "tools/exit_code.h"
#include "tools/listing.h"

namespace tsdb::tools {

struct ValuesOptions : ListOptions {
  std::string name;
};

ExitCode RunValues(const ValuesOptions& options);

}  // namespace tsdb::tools

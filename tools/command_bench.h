// `tsdb bench [NAME [ARGUMENT...]]`: the benchmark programs, which lie beside the program.
#pragma once

#include <string>
#include <vector>

#include "tools/exit_code.h"

namespace tsdb::tools {

// With a name the process becomes that program; without one it lists them.
ExitCode RunBench(const std::vector<std::string>& arguments);

}  // namespace tsdb::tools

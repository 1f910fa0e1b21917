// What PrintResult prints, as a string.
// Thread safety: pure functions.
#pragma once

#include <string>

#include "tools/results/result_printer.h"

namespace tsdb::tools {

std::string Printed(const PromqlResult& result, const ResultQuestion& question,
                    const ResultStyle& style, ResultFormat format);

}  // namespace tsdb::tools

// What is said of an expression that is wrong:
//
//   1:6: parse error: unknown function with name "rat"
//     sum(rat(x[5m]))
//         ^
//   hint: the nearest names are rate, rad
//
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"

namespace tsdb::promql {

// kInvalidArgument, at byte `at` of the text (its size: the end). Of a long line only the part
// around the place is shown. The message is UTF-8, whatever the text is.
absl::Status ParseError(std::string_view text, size_t at, std::string_view message,
                        std::string_view hint = {});

}  // namespace tsdb::promql

// Text as a JSON string, quotes included.
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace tsdb::tools {

// REQUIRES: UTF-8.
std::string JsonString(std::string_view text);

}  // namespace tsdb::tools

// Text as a JSON string, quotes included, and labels as an object.
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "storage/base/labels.h"

namespace tsdb::tools {

// REQUIRES: UTF-8.
std::string JsonString(std::string_view text);
std::string JsonLabels(const Labels& labels);

}  // namespace tsdb::tools

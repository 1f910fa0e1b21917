// What was probably meant by a metric's name that nothing has.
// Thread safety: one thread.
#pragma once

#include <string>
#include <string_view>

#include "tsdb/database.h"

namespace tsdb::tools {

// For an expression without an answer: "there is no metric node_laod1; the nearest are ..."; empty
// if every metric it names is there.
std::string ExplainNothing(Database& database, std::string_view expression);

}  // namespace tsdb::tools

// What Prometheus's test files ask for that lies outside of the float core of the language:
// experimental functions and syntax, and native histograms.
//
// Thread safety: any thread.
#pragma once

#include <string>
#include <string_view>

namespace tsdb::conformance {

// The first experimental function or syntax in the expression, as "limitk: experimental
// aggregation"; empty if there is none. By its words alone, as the expression need not parse.
std::string ExperimentalPart(std::string_view expression);

}  // namespace tsdb::conformance

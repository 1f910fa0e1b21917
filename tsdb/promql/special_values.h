// The two values of floating point that expressions give where there is no other.
// Thread safety: constants.
#pragma once

#include <limits>

namespace tsdb::promql {

inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace tsdb::promql

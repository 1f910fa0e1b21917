// The one bridge between std::string_view, which our interfaces speak, and absl::string_view, which
// in the packaged Abseil is a type of its own and does not convert. Both point at the same bytes.
#pragma once

#include <string_view>

#include "absl/strings/string_view.h"

namespace tsdb {

inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view ToStd(absl::string_view text) { return {text.data(), text.size()}; }

}  // namespace tsdb

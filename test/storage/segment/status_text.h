// What a status says.
//
// Thread safety: pure.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "storage/base/string_view_bridge.h"

namespace tsdb::segment {

inline bool Contains(const absl::Status& status, std::string_view text) {
  return absl::StrContains(status.message(), ToAbsl(text));
}

}  // namespace tsdb::segment

// Names that look like one that does not exist: what was probably meant.
//
// Thread safety: any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tsdb {

// At most three of `names` that differ from `name` in few letters (Levenshtein's distance, ASCII
// letters of either case alike), the
// nearest first; of equally near ones those that begin alike, then in their order.
std::vector<std::string_view> NearestNames(std::string_view name,
                                           std::span<const std::string_view> names);

// "a", "a or b", "a, b or c".
std::string JoinWithOr(std::span<const std::string_view> names);

}  // namespace tsdb

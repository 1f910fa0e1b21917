// Walks the whole tree and checks every invariant that page.h and inner_node.h state.
//
// Thread safety: CheckPage by the page's owner, or with the tree at rest; CheckTree with the tree
// at rest: no merge running. Readers do no harm.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "index/tree/tree.h"
#include "storage/base/types.h"

namespace tsdb::tree {

// Records found in leaves of series [0, series), decoding every one. kDataLoss names the series and
// what is wrong.
absl::StatusOr<uint64_t> CheckTree(const Tree& tree, SeriesId series);

// The same of one page.
absl::StatusOr<uint64_t> CheckPage(const Page& page, SeriesId first_series);

}  // namespace tsdb::tree

// Lists of what there is: label names, values, and who has most of them.
//
// Thread safety: any thread. The index's lock is held for moments.
#pragma once

#include <roaring/roaring.hh>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "index/label/index_state.h"
#include "index/label/label_index.h"

namespace tsdb::label {

// Names that some of `series` have, sorted.
std::vector<std::string> NamesOf(const IndexState& state, const Roaring& series)
    ABSL_LOCKS_EXCLUDED(state.mutex);
// Values of `name` that some of `series` have, sorted. REQUIRES: series below what is indexed.
std::vector<std::string> ValuesOf(const IndexState& state, std::string_view name,
                                  const Roaring& series) ABSL_LOCKS_EXCLUDED(state.mutex);
// Values of `name` that some series below `bound` has, sorted.
std::vector<std::string> AllValuesOf(const IndexState& state, std::string_view name, SeriesId bound)
    ABSL_LOCKS_EXCLUDED(state.mutex);
// Of series below `bound`.
Cardinality CountTop(const IndexState& state, SeriesId bound, size_t top)
    ABSL_LOCKS_EXCLUDED(state.mutex);

}  // namespace tsdb::label

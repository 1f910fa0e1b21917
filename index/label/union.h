// The series of many values of one name, together: from the values' postings, or by a pass over the
// column of values by series, whichever is cheaper.
//
// Postings cost a cache miss or two for each value and some nanoseconds for each series; the pass a
// nanosecond for each series that there is (and more where the column is not dense). So the pass
// wins when the values hold a good part of all series.
#pragma once

#include <roaring/roaring.hh>
#include <span>

#include "absl/base/thread_annotations.h"
#include "index/label/index_state.h"

namespace tsdb::label {

enum class UnionWay : uint8_t { kCheaper, kPostings, kColumn };

// Series at `bound` and above may be among the result. `way` is for tests and measurements.
Roaring UnionOfValues(const IndexState& state, const NameIndex& name, uint32_t value_count,
                      std::span<const ValueId> values, SeriesId bound,
                      UnionWay way = UnionWay::kCheaper) ABSL_LOCKS_EXCLUDED(state.mutex);

}  // namespace tsdb::label

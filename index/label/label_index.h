// Which series have which labels: label name -> value -> series, over the series of a table.
//
//   name --> values --XXH3--> value id --> posting: series ids in place, a list, or Roaring bitmap
//        --> column:  series id --> value id              --> order of the values, when asked for
//
// Registering a series only gives it an id. The index catches up in batches: ids are dense and
// rise, so what it lacks is always the range [indexed(), table.Count()). Every question first
// catches up with what was registered before it, and so sees that; who registers may call
// CatchUpIfBehind now and then, so that no question has much to catch up with.
//
// Thread safety: every method from any thread. One thread indexes at a time. Questions share a lock
// that indexing takes alone for the moments (about 0.1 ms) in which it changes postings; no
// question holds it for long (see index_state.h), so they do not wait for each other. Lock order:
// indexing_mutex_, then IndexState::mutex, then a ValueOrder's.
//
// `live`, where it can be given, restricts a question to the series in it; null does not.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <roaring/roaring.hh>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "index/label/index_state.h"
#include "index/label/indexer.h"
#include "index/label/matcher.h"
#include "index/label/series_table.h"
#include "storage/base/mutex.h"

namespace tsdb::label {

// Who has most of something. Ties are in the order of names and values.
struct Cardinality {
  struct Count {
    std::string name;
    std::string value;  // empty where names are counted
    uint64_t count = 0;
  };
  std::vector<Count> names_by_values;    // label names by number of values
  std::vector<Count> pairs_by_series;    // name=value pairs by number of series
  std::vector<Count> metrics_by_series;  // values of __name__ by number of series
  uint64_t series = 0;
  uint64_t names = 0;
  uint64_t pairs = 0;
};

class LabelIndex {
 public:
  // REQUIRES: `table` outlives the index.
  explicit LabelIndex(const SeriesTable& table) : state_(table), indexer_(state_) {}
  LabelIndex(const LabelIndex&) = delete;
  LabelIndex& operator=(const LabelIndex&) = delete;

  // Indexes what was registered before the call, or waits until another thread has.
  void CatchUp() const ABSL_LOCKS_EXCLUDED(indexing_mutex_);
  // Indexes what is registered if that is `pending` series at least and nobody else does; returns
  // at once otherwise. True if it did.
  bool CatchUpIfBehind(uint32_t pending) const ABSL_LOCKS_EXCLUDED(indexing_mutex_);
  // Series below it are indexed.
  SeriesId indexed() const { return state_.indexed.load(std::memory_order_acquire); }

  // The series that all matchers take; without matchers, all. kInvalidArgument, naming the matcher
  // and the reason, for an empty label name, text that is not UTF-8, or a wrong regular expression.
  absl::StatusOr<Roaring> Select(std::span<const Matcher> matchers,
                                 const Roaring* live = nullptr) const;
  // The same, sorted.
  absl::StatusOr<std::vector<SeriesId>> SelectIds(std::span<const Matcher> matchers,
                                                  const Roaring* live = nullptr) const;
  // Their number; of one matcher with a literal without making a bitmap.
  absl::StatusOr<uint64_t> SeriesCount(std::span<const Matcher> matchers,
                                       const Roaring* live = nullptr) const;

  // Sorted, each once: the label names of the series that the matchers take, and the values of one
  // of them. kInvalidArgument as above, and for a `name` that is empty or not UTF-8.
  absl::StatusOr<std::vector<std::string>> LabelNames(std::span<const Matcher> matchers,
                                                      const Roaring* live = nullptr) const;
  absl::StatusOr<std::vector<std::string>> LabelValues(std::string_view name,
                                                       std::span<const Matcher> matchers,
                                                       const Roaring* live = nullptr) const;

  // The `top` first of each; without `live`, a look at every value.
  Cardinality CardinalityTop(size_t top) const;

  // Memory of the index, beside the series table. Looks at every bitmap.
  size_t Bytes() const;

 private:
  // Catches up; what is below the result is indexed and was registered before the call at least.
  SeriesId Bound() const;

  mutable IndexState state_;
  mutable Mutex indexing_mutex_;
  mutable Indexer indexer_ ABSL_GUARDED_BY(indexing_mutex_);
};

}  // namespace tsdb::label

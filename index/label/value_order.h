// The values of one label name in the order of their bytes, made when somebody asks and kept until
// there are a sixteenth more: values that came since follow, unsorted, and are looked at one by
// one. So a name that gains values all the time is not sorted for every question.
//
// Thread safety: any thread. Whoever makes the order anew has others that need it wait.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "index/label/value_table.h"
#include "storage/base/mutex.h"

namespace tsdb::label {

class ValueOrder {
 public:
  // Value ids, sorted by text: of all values below the size.
  using Sorted = std::vector<ValueId>;

  // Covers [0, result->size()) of the first `count` values, all but a sixteenth (or 1,024) at
  // least. REQUIRES: the caller has seen `count` values in `values` under the index's lock.
  std::shared_ptr<const Sorted> Get(const ValueTable& values, uint32_t count)
      ABSL_LOCKS_EXCLUDED(mutex_);
  size_t Bytes() ABSL_LOCKS_EXCLUDED(mutex_);

  // [first, last) of `sorted`: the values that begin with `prefix`.
  static std::pair<size_t, size_t> RangeOf(const Sorted& sorted, const ValueTable& values,
                                           std::string_view prefix);

 private:
  static constexpr uint32_t kUnsortedMin = 1024;

  Mutex mutex_;
  std::shared_ptr<const Sorted> sorted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tsdb::label

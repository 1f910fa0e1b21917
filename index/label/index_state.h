// What the parts of the label index share: the names, and the lock over them and all below.
//
// Invariant: what the index says of series below `indexed` never changes, while the lock guards
// only how it is stored. So a question fixes a bound first, may let go of the lock and take it
// again, and leaves out what lies above its bound: it sees the labels of the same series
// throughout. Text of values, chunks of columns and finished entries in them never move and are
// read without the lock.
//
// Lock order: the lock is innermost, but for the mutex of a ValueOrder.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "index/label/name_index.h"
#include "index/label/series_table.h"
#include "storage/base/shared_mutex.h"

namespace tsdb::label {

// Label names by text.
class NameDirectory {
 public:
  NameIndex* Find(std::string_view name) const;
  NameIndex* FindOrCreate(std::string_view name);

  // In order of first sight.
  const std::vector<std::unique_ptr<NameIndex>>& all() const { return names_; }
  size_t Bytes() const;

 private:
  void Store(uint32_t number);

  std::vector<std::unique_ptr<NameIndex>> names_;
  std::vector<uint32_t> slots_;  // number + 1; a power of two, at most half full
};

struct IndexState {
  explicit IndexState(const SeriesTable& series) : table(series) {}

  const SeriesTable& table;
  mutable SharedMutex mutex;
  NameDirectory names ABSL_GUARDED_BY(mutex);
  // Series below it are in the index with all of their labels. Written by who indexes, with
  // release; readers acquire it before they take the lock.
  std::atomic<SeriesId> indexed{0};
};

}  // namespace tsdb::label

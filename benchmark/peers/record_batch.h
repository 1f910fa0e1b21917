// Records that a writer has taken in and not handed over yet, for stores that want them in batches.
//
// Thread safety: as a plain vector.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "benchmark/input.h"
#include "storage/base/types.h"

namespace tsdb::benchmark {

struct KeyedRecord {
  SeriesId series;
  Timestamp timestamp;
  double value;
  friend bool operator<(const KeyedRecord& a, const KeyedRecord& b) {
    return a.series != b.series ? a.series < b.series : a.timestamp < b.timestamp;
  }
};

class RecordBatch {
 public:
  void Add(const RecordBlock& block, size_t i) {
    records_.push_back({block.series[i], block.timestamps[i], block.values[i]});
  }
  // Sorted by (series, time), records of one series lie on the same pages of a tree, which is then
  // searched from the root once for many of them. What came sorted is left alone.
  void Sort() {
    if (!std::is_sorted(records_.begin(), records_.end())) {
      std::sort(records_.begin(), records_.end());
    }
  }
  void Clear() { records_.clear(); }
  void Reserve(size_t records) { records_.reserve(records); }
  size_t size() const { return records_.size(); }
  const std::vector<KeyedRecord>& records() const { return records_; }

 private:
  std::vector<KeyedRecord> records_;
};

}  // namespace tsdb::benchmark

// A label index over a few series, to ask what a selector picks of them.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "index/label/label_index.h"
#include "index/label/matcher.h"
#include "index/label/series_table.h"
#include "storage/base/labels.h"
#include "storage/base/types.h"

namespace tsdb::tools {

class FewSeries {
 public:
  explicit FewSeries(uint32_t series_max) : table_(series_max), index_(table_) {}

  // False for labels that no series can have.
  bool Add(const Labels& labels) { return table_.FindOrCreate(labels).ok(); }
  // Added series have the numbers below it, in the order in which they came first.
  SeriesId Count() const { return table_.Count(); }
  // Those that all matchers take, ascending.
  absl::StatusOr<std::vector<SeriesId>> Pick(std::span<const Matcher> matchers) const {
    return index_.SelectIds(matchers);
  }

 private:
  label::SeriesTable table_;
  label::LabelIndex index_;
};

}  // namespace tsdb::tools

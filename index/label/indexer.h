// Brings series into the index, up to 4,096 at a time: their labels are taken apart and sorted by
// name, and then each name takes all of its entries at once.
//
// Only the taking in (about 0.1 ms for a name) holds the index's lock; look-ups of values, which
// wait for memory most, are made under the shared one.
//
// Thread safety: one thread at a time; readers of the index meanwhile.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "index/label/index_state.h"

namespace tsdb::label {

class Indexer {
 public:
  explicit Indexer(IndexState& state) : state_(state) {}

  // Indexes all series below `end`. REQUIRES: end <= state.table.Count().
  void IndexBelow(SeriesId end);
  size_t Bytes() const;

 private:
  struct NamedEntries {
    NameIndex* name = nullptr;
    std::vector<Entry> entries;
  };

  // Within one chunk of the columns.
  void IndexRange(SeriesId begin, SeriesId end);
  void TakeApart(SeriesId series, std::string_view label_bytes);
  size_t NumberOf(std::string_view name);

  IndexState& state_;
  std::vector<std::string_view> texts_;  // label bytes of the series at hand
  std::vector<NamedEntries> names_;      // by number of the name
  std::vector<uint32_t> touched_;        // names that have entries
  // Number of the name that the series before had at each place: mostly the next one's, too.
  std::vector<uint32_t> guesses_;
};

}  // namespace tsdb::label

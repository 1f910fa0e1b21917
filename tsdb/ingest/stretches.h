// The series of the records with which a chunk begins, as long as they came by columns: a few
// stretches of one series each, in place of a number for each record. Most chunks that are filled
// by columns are described by them to the end, and the merge need not look for runs.
//
// Thread safety: Extend by the chunk's writer. The others by anybody who has read the chunk's mark
// `published` with acquire, about records below that mark; Reset while nobody uses the chunk.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "storage/base/types.h"

namespace tsdb::ingest {

class Stretches {
 public:
  struct Stretch {
    SeriesId series;
    uint32_t begin;
  };
  // Shorter ones would be too many. Such, and what comes after them, has numbers in the chunk.
  static constexpr uint32_t kRecordsMin = 64;
  // No more of them are in so many records.
  static constexpr size_t BytesFor(uint32_t records) {
    return records / kRecordsMin * sizeof(Stretch);
  }

  // Whether the records [begin, begin + count), which the writer publishes next, are described
  // here.
  bool Extend(SeriesId series, uint32_t begin, uint32_t count) {
    const uint32_t stretches = count_.load(std::memory_order_relaxed);
    if (begin != end_.load(std::memory_order_relaxed) || count < kRecordsMin) return false;
    if (stretches == 0 || stretches_[stretches - 1].series != series) {
      stretches_[stretches] = {series, begin};
      count_.store(stretches + 1, std::memory_order_release);  // pairs with Visit's acquire
    }
    // Before the mark, whose release publishes it: who has read the mark sees that end or a later.
    end_.store(begin + count, std::memory_order_relaxed);
    return true;
  }

  // Records below are described here. Of those above, the chunk has the series.
  uint32_t end() const { return end_.load(std::memory_order_relaxed); }

  // visit(series, begin, end) for each stretch within [begin, end), in order. REQUIRES: end <=
  // end().
  template <typename Visitor>
  void Visit(uint32_t begin, uint32_t end, Visitor visit) const {
    const uint32_t count = count_.load(std::memory_order_acquire);
    for (uint32_t i = 0; i < count && stretches_[i].begin < end; ++i) {
      // The last one reaches to the end, whatever that is by now.
      const uint32_t next = i + 1 < count ? stretches_[i + 1].begin : end;
      if (next > begin) {
        visit(stretches_[i].series, std::max(begin, stretches_[i].begin), std::min(end, next));
      }
    }
  }

  // Begins anew, with `room` of BytesFor(the chunk's records).
  void Reset(Stretch* room) {
    stretches_ = room;
    count_.store(0, std::memory_order_relaxed);
    end_.store(0, std::memory_order_relaxed);
  }

 private:
  Stretch* stretches_ = nullptr;
  std::atomic<uint32_t> count_{0};
  std::atomic<uint32_t> end_{0};
};

}  // namespace tsdb::ingest

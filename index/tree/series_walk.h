// One pass over a series' samples in a range of time, leaf by leaf: what an aggregate over windows
// reads. Leaves are shown encoded, with their statistics, so that only those are decoded that need
// to be.
//
// Thread safety: a SeriesWalk is made and destroyed by one thread, and pins the epoch as long as it
// lives. Meanwhile several threads may walk its sections, with a buffer and a visitor each.
//
// Invariants: everything shown lies in the range, timestamps increase strictly from call to call of
// a section's visitor and from section to section, and each sample is shown once. A dense series is
// seen as of the instant at which the SeriesWalk was made, a sparse one as of the walk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "index/tree/series_reader.h"
#include "index/tree/series_view.h"
#include "index/tree/tree.h"
#include "storage/base/types.h"
#include "storage/codec/block.h"

namespace tsdb::tree {

// A leaf that no late record touches.
struct WalkedLeaf {
  codec::BlockView block;
  codec::BlockStatistics statistics;
  // Positions in the range of time; not empty. [0, statistics.count): all of it.
  uint32_t begin, end;
  // Where the leaf after it lies, if that is known: worth asking memory for before decoding this
  // one; not to be read.
  const uint8_t* following;

  bool whole() const { return begin == 0 && end == statistics.count; }
};

class SeriesVisitor {
 public:
  // False ends the walk.
  virtual bool VisitLeaf(const WalkedLeaf& leaf) = 0;
  // `count` samples, at least one; the columns are valid during the call.
  virtual bool VisitColumns(const Timestamp* times, const double* values, size_t count) = 0;

 protected:
  ~SeriesVisitor() = default;
};

// Columns that a walk decodes and merges into; grows to the largest leaf and stays. One per thread.
struct WalkBuffer {
  PieceBuffer piece;         // of sparse series
  std::vector<Sample> late;  // of the series, sorted, one per timestamp
  ColumnRoom room;
  std::vector<Timestamp> merged_times;
  std::vector<double> merged_values;
};

// Asks memory for what the walk of a series begins with.
void PrefetchWalk(const Tree& tree, SeriesId series);

class SeriesWalk {
 public:
  // Over the samples in [from, last], both included.
  SeriesWalk(const Tree& tree, SeriesId series, Timestamp from, Timestamp last);
  SeriesWalk(const SeriesWalk&) = delete;
  SeriesWalk& operator=(const SeriesWalk&) = delete;

  // Cuts the range in sections if the series has so many leaves in it that they are worth several
  // threads. Returns how many there are; the cuts depend on the leaves alone.
  size_t Split();
  // Shows one section, or all of them when nothing was split. False if the visitor ended it.
  bool Walk(size_t section, WalkBuffer& buffer, SeriesVisitor& visitor) const;
  Timestamp from(size_t section) const { return section == 0 ? from_ : cuts_[section - 1]; }
  Timestamp last(size_t section) const {
    return section < cuts_.size() ? cuts_[section] - 1 : last_;
  }

 private:
  bool WalkSparse(Timestamp from, Timestamp last, WalkBuffer& buffer, SeriesVisitor& visitor) const;

  const Tree& tree_;
  const EpochDomain::Guard guard_;
  const SeriesId series_;
  const Timestamp from_, last_;
  SeriesView view_;
  std::vector<Timestamp> cuts_;  // where sections but the first begin
};

}  // namespace tsdb::tree

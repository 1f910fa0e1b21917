// Reads one series out of the tree: point lookups, pieces in time order, aggregates. Never waits
// for a writer; sees each series whole as of some instant during the call (page.h says why).
//
// Thread safety: any thread, any number at once. Functions pin the epoch themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <vector>

#include "index/tree/page.h"
#include "index/tree/tree.h"
#include "storage/base/types.h"

namespace tsdb::tree {

// The decoders store whole vectors of this many samples.
inline constexpr size_t kVector = 64;

inline size_t RoundUpToVector(size_t count) { return (count + kVector - 1) / kVector * kVector; }

// Room for a column of timestamps and one of values, not initialised. It grows, without what it
// held, and never shrinks.
class ColumnRoom {
 public:
  void Reserve(size_t count) {
    if (count <= count_) return;
    memory_ =
        std::make_unique_for_overwrite<std::byte[]>(count * (sizeof(Timestamp) + sizeof(double)));
    count_ = count;
    times_ = new (memory_.get()) Timestamp[count];
    values_ = new (memory_.get() + count * sizeof(Timestamp)) double[count];
  }
  Timestamp* times() { return times_; }
  double* values() { return values_; }

 private:
  std::unique_ptr<std::byte[]> memory_;
  Timestamp* times_ = nullptr;
  double* values_ = nullptr;
  size_t count_ = 0;
};

// What is wanted of samples: decoding values alone takes about three quarters of the time.
enum class ColumnSet : uint8_t { kBoth, kValues };

struct DecodedColumns {
  const Timestamp* times;  // null if only values were asked for
  const double* values;
};
// Positions [begin, end) of a block, decoded into `room`; valid until that is used again. REQUIRES:
// begin < end.
DecodedColumns DecodeColumns(const codec::BlockView& block, size_t begin, size_t end,
                             ColumnSet columns, ColumnRoom& room);

// What pieces are read into.
struct PieceBuffer {
  ColumnRoom room;
  std::vector<Sample> late;
  std::vector<Timestamp> merged_times;
  std::vector<double> merged_values;
};

// A stretch of samples in time order, in a PieceBuffer; `more` says whether there may be samples at
// or after `next`. If only values were asked for, there may be no times.
struct Piece {
  const Timestamp* times = nullptr;
  const double* values = nullptr;
  size_t count = 0;
  bool more = false;
  Timestamp next = 0;
};

std::optional<double> Lookup(const Tree& tree, SeriesId series, Timestamp timestamp);

// Answers many lookups, with their cache misses in flight together. Returns the number found.
size_t LookupMany(const Tree& tree, std::span<const SeriesId> series,
                  std::span<const Timestamp> timestamps, std::span<double> results,
                  std::span<bool> found);

std::optional<Sample> Last(const Tree& tree, SeriesId series);

// The next stretch with timestamps in [from, last], both included; count is 0 only at the end.
// Reading on from `next` yields strictly increasing timestamps, however the series changes in
// between.
Piece ReadPiece(const Tree& tree, SeriesId series, Timestamp from, Timestamp last,
                PieceBuffer& buffer, ColumnSet columns = ColumnSet::kBoth);

// Count, minimum, maximum and sum of the samples in [from, last]. NaN takes no part in minimum and
// maximum.
struct Summary {
  uint64_t count = 0;
  double min, max;
  double sum = 0;
  Summary();
  void Add(const double* values, size_t count);
  void Add(const codec::BlockStatistics& statistics);
  void Add(const Summary& other);
};
// With `use_statistics`, leaves that lie whole within the range and that no late record touches are
// answered by their statistics.
Summary Summarize(const Tree& tree, SeriesId series, Timestamp from, Timestamp last,
                  bool use_statistics, PieceBuffer& buffer);

}  // namespace tsdb::tree

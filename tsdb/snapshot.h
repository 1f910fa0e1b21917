// The way out: lookups, cursors of column blocks and aggregates over one database.
//
// A Snapshot fixes how much it sees *at least*: with kLatest every append that had returned, on any
// thread, before it was taken; with kMerged what had been merged by then. It may also see records
// that arrive later; each series is read consistently (strictly increasing timestamps, each once).
// A Snapshot holds no version of the data, so keeping one open costs no memory.
//
// Thread safety: const methods from any number of threads; a Cursor belongs to one thread. Reads
// never block writers or merges and never wait for them. The Database must outlive both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "storage/base/types.h"

namespace tsdb {

class Database;
class Snapshot;

enum class Freshness : uint8_t { kLatest, kMerged };

struct SnapshotOptions {
  Freshness freshness = Freshness::kLatest;
};

struct ScanOptions {
  // Off, blocks have values and no timestamps, and take three quarters of the time: for sums,
  // histograms, whatever asks only what was measured and not when.
  bool timestamps = true;
};

// A run of samples of one series in time order. The spans have equal lengths (timestamps may be
// left out) and are valid until the cursor moves or dies.
struct ColumnBlock {
  std::span<const Timestamp> timestamps;
  std::span<const double> values;
  size_t size() const { return values.size(); }
};

// Yields a series' samples in a range of time as column blocks; timestamps increase strictly across
// them.
class Cursor {
 public:
  Cursor(Cursor&&) noexcept;
  Cursor& operator=(Cursor&&) noexcept;
  ~Cursor();
  // Fills `block` and returns true, or returns false at the end. Blocks are never empty.
  bool Next(ColumnBlock& block);

 private:
  friend class Snapshot;
  struct State;
  explicit Cursor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Over the samples of one or more series. A NaN takes no part in min and max and makes sum NaN;
// when there is no number at all, min is +infinity and max -infinity.
struct Aggregate {
  uint64_t count = 0;
  double min, max, sum;
  Aggregate();
  void Merge(const Aggregate& other);
};

struct AggregateOptions {
  // Threads to use, the calling one included; 0: all cores.
  size_t threads = 1;
  // Answer whole blocks from their stored statistics. Off, every block is decoded: for measuring,
  // and for a sum that adds values strictly block by block.
  bool use_statistics = true;
};

class Snapshot {
 public:
  // Value at exactly this timestamp.
  std::optional<double> Lookup(SeriesId series, Timestamp timestamp) const;
  // Many at once, faster than one by one: results[i], found[i] answer (series[i], timestamps[i]);
  // misses leave results[i] alone. Returns the number found. REQUIRES: spans of equal size.
  size_t LookupMany(std::span<const SeriesId> series, std::span<const Timestamp> timestamps,
                    std::span<double> results, std::span<bool> found) const;
  // The sample with the highest timestamp.
  std::optional<Sample> Last(SeriesId series) const;
  uint64_t Count(SeriesId series, TimeRange range = TimeRange::All()) const;
  Cursor Scan(SeriesId series, TimeRange range = TimeRange::All(), ScanOptions options = {}) const;
  Aggregate AggregateSeries(SeriesId series, TimeRange range = TimeRange::All(),
                            AggregateOptions options = {}) const;
  Aggregate AggregateMany(std::span<const SeriesId> series, TimeRange range = TimeRange::All(),
                          AggregateOptions options = {}) const;
  // Calls `visit(series, cursor)` once for every series, on `threads` threads at once (0: all
  // cores). (Declared in terms of a plain function pointer; the template below takes any callable.)
  template <typename Visit>
  void ScanMany(std::span<const SeriesId> series, TimeRange range, size_t threads,
                Visit&& visit) const {
    ScanManyErased(
        series, range, threads,
        [](void* context, SeriesId id, Cursor& cursor) {
          (*static_cast<std::remove_reference_t<Visit>*>(context))(id, cursor);
        },
        const_cast<void*>(static_cast<const void*>(&visit)));
  }

  // Everything up to this position of the commit order is seen.
  uint64_t reach() const { return reach_; }
  // Whether everything accepted before the snapshot is in it (always with kLatest).
  bool complete() const { return complete_; }

 private:
  friend class Database;
  Snapshot(Database* database, uint64_t reach, bool complete)
      : database_(database), reach_(reach), complete_(complete) {}
  void ScanManyErased(std::span<const SeriesId> series, TimeRange range, size_t threads,
                      void (*visit)(void*, SeriesId, Cursor&), void* context) const;

  Database* database_;
  uint64_t reach_;
  bool complete_;
};

}  // namespace tsdb

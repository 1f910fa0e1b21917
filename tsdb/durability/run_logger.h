// Writes what is about to be merged to the log: new series, then the runs of a part. The merge
// pipeline encodes parts in parallel, and appends them in the order in which it hands them out, so
// that replaying the log in order leads to the same records.
//
// Invariants
//  1. A series' labels are in the log before the first record that names its number.
//  2. After the first failure nothing more is appended: the log holds a prefix of what was merged.
//
// Thread safety: every method from any thread, but appending by one thread at a time (the
// pipeline's order_mutex_).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "index/label/series_table.h"
#include "storage/base/mutex.h"
#include "storage/codec/run.h"
#include "storage/wal/log.h"

namespace tsdb::durability {

class RunLogger {
 public:
  // Of the series in `table` the first `logged` are in the log already.
  RunLogger(wal::Log* log, const label::SeriesTable* table, SeriesId logged)
      : log_(log), table_(table), logged_(logged) {}

  // Encodes runs of the columns, for AppendRecords: returns the bytes, which are at the front of
  // `scratch` (it only grows). From any thread, each with an encoder of its own.
  static std::span<const uint8_t> Encode(std::span<const codec::Run> runs, const Timestamp* times,
                                         const double* values, size_t records,
                                         codec::RunsEncoder& encoder,
                                         std::vector<uint8_t>& scratch);

  // Logs the series that are not in the log yet, then the payload. What fails is kept: see status.
  void Append(uint8_t kind, std::span<const uint8_t> payload);
  // `part`: a number, above those before it, by which PositionOf is asked.
  void AppendRecords(std::span<const uint8_t> payload, uint64_t part);
  // Logs the series alone: those that have no records yet.
  void AppendSeriesOnly();

  // Position in the log up to which everything handed to Append is in it.
  uint64_t last_position() const { return last_position_.load(std::memory_order_acquire); }
  // Position up to which what part `part` and those before it of its writer held is in the log: its
  // own if it was lately appended, else, and for part 0, that of everything. REQUIRES: the caller
  // knows it appended.
  uint64_t PositionOf(uint64_t part) const;
  // Why the log takes nothing any more; OK while it does.
  absl::Status status() const ABSL_LOCKS_EXCLUDED(mutex_);
  bool failed() const { return failed_.load(std::memory_order_relaxed); }
  void Fail(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  absl::Status AppendNewSeries();
  absl::Status AppendBatch(uint8_t kind, std::span<const uint8_t> payload);

  wal::Log* const log_;
  const label::SeriesTable* const table_;
  SeriesId logged_;  // Append's thread only, like the next
  std::vector<uint8_t> series_payload_;
  std::atomic<uint64_t> last_position_{0};
  struct PartPosition {
    std::atomic<uint64_t> part{0};
    std::atomic<uint64_t> position{0};
  };
  static constexpr size_t kRecentParts = 1024;
  std::array<PartPosition, kRecentParts> recent_;  // by part, modulo
  std::atomic<bool> failed_{false};
  mutable Mutex mutex_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tsdb::durability

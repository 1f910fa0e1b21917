// Puts what the log holds back: series into the series table, records to whoever takes them.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "index/label/series_table.h"
#include "storage/base/types.h"
#include "storage/codec/run.h"

namespace tsdb::durability {

class LogReplayer {
 public:
  // Takes a run of one series, in the order of the log.
  using Sink = std::function<absl::Status(SeriesId series, std::span<const Timestamp> times,
                                          std::span<const double> values)>;

  // Deletes what the series had in the range at that point of the log. `series`: ascending.
  using Deleter = std::function<absl::Status(std::span<const SeriesId> series, TimeRange range)>;

  // `numbers`: of the table, by number in the log, of series that are in the table already.
  LogReplayer(label::SeriesTable* table, std::vector<SeriesId> numbers, Sink sink, Deleter deleter);

  // Applies one batch. Bytes that are not what this program writes are counted as damage, with
  // what they cost; only an error of the sink or of the table ends the replay.
  absl::Status Apply(uint64_t sequence, uint8_t kind, std::span<const uint8_t> payload);

  uint64_t records() const { return records_; }
  // Records whose series' labels are lost.
  uint64_t orphans() const { return orphans_; }
  // Batches that are not what they should be, in words.
  const std::vector<std::string>& damage() const { return damage_; }
  // Whether the table's numbers are those of the log, so that logging can go on with them.
  bool numbers_kept() const { return numbers_kept_; }

 private:
  absl::Status ApplySeries(std::span<const uint8_t> payload, absl::Status& damage);
  absl::Status ApplyRecords(std::span<const uint8_t> payload, absl::Status& damage);
  absl::Status ApplyDelete(std::span<const uint8_t> payload, absl::Status& damage);

  label::SeriesTable* const table_;
  const Sink sink_;
  const Deleter deleter_;
  std::vector<SeriesId> numbers_;  // of the table, by number in the log; kUnknownSeries: none
  std::vector<codec::Run> runs_;   // of the payload being applied, and their columns
  std::vector<Timestamp> times_;
  std::vector<double> values_;
  bool numbers_kept_ = true;
  uint64_t records_ = 0;
  uint64_t orphans_ = 0;
  std::vector<std::string> damage_;
};

}  // namespace tsdb::durability

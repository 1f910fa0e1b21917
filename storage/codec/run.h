// Runs of records as the log carries them: many short stretches of series, compact and read from
// front to back. Leaves are blocks (block.h): statistics and random access cost too much for the
// 1 to 64 records that a series has in a part of a chunk.
//
// Bytes: docs/formats/runs.md. Encoding is deterministic and the same on every instruction set.
//
// Thread safety: EncodeRuns is a pure function; a RunsReader is used by one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/types.h"

namespace tsdb::codec {

// Records of one series: positions [begin, begin + count) of two columns, in order of arrival.
struct Run {
  SeriesId series;
  uint32_t begin;
  uint32_t count;
};

// Records in one payload, at most.
inline constexpr size_t kRunsRecordsMax = size_t{1} << 20;

// What EncodeRuns writes at most.
size_t EncodedRunsBytesMax(size_t records, size_t runs);

// Encodes runs of the columns and returns the bytes written at `out`. Any timestamps, any bits as
// values. REQUIRES: series ascend (equal neighbours are fine), counts are positive, their sum is
// at most kRunsRecordsMax, `out` has room for EncodedRunsBytesMax.
size_t EncodeRuns(std::span<const Run> runs, const Timestamp* times, const double* values,
                  uint8_t* out);

// Reads what EncodeRuns wrote, run by run. Bytes are hostile: whatever they are, nothing outside
// them is read, and no more than kRunsRecordsMax records come out.
class RunsReader {
 public:
  // kDataLoss when the header is malformed.
  static absl::StatusOr<RunsReader> Parse(std::span<const uint8_t> payload);

  size_t records() const { return records_; }

  // The next run, its columns valid until the next call; null at the end, or when `status` is not
  // OK: kDataLoss naming the run and its offset.
  struct DecodedRun {
    SeriesId series = 0;
    std::span<const Timestamp> times;
    std::span<const double> values;
  };
  const DecodedRun* Next();
  const absl::Status& status() const { return status_; }

 private:
  explicit RunsReader(std::span<const uint8_t> payload) : payload_(payload) {}
  bool ReadTimes(size_t count);
  bool ReadValues(size_t count);
  bool ReadDecimals(size_t count, int exponent, bool deltas);
  const uint8_t* TakePacked(size_t count, uint32_t width);

  std::span<const uint8_t> payload_;
  size_t position_ = 0;
  size_t records_ = 0;    // in all, as the header says
  size_t runs_left_ = 0;  // to come
  size_t records_left_ = 0;
  uint64_t previous_first_ = 0;
  DecodedRun run_;
  std::vector<Timestamp> times_;
  std::vector<double> values_;
  absl::Status status_;
};

}  // namespace tsdb::codec

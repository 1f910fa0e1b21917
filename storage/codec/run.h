// Runs: the records of one part of a chunk, grouped by series, as the log carries them. Made for
// runs of 1 to 64 samples, where a block's statistics and lanes would cost more than its samples:
// a few bytes a run, shared with the run before it where they are equal. No random access and no
// statistics. docs/formats/runs.md is the full description.
//
// Any timestamps and values come back bit for bit, in the order they had. The bytes depend on the
// records only, not on the processor nor on what an encoder did before.
//
// Thread safety: a RunsEncoder and a RunsReader belong to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/types.h"

namespace tsdb::codec {

// Records of one series: positions begin .. begin + count of a pair of columns.
struct Run {
  SeriesId series = 0;
  uint32_t begin = 0;
  uint32_t count = 0;
  friend bool operator==(const Run&, const Run&) = default;
};

// Bytes that EncodeRuns may touch at most, its scratch past the end included.
size_t EncodedRunsBytesMax(size_t records, size_t runs);

// Scratch memory, kept so that a steady state allocates nothing: it grows with the longest run.
class RunsEncoder {
 public:
  // Encodes the runs into `out`; returns the bytes used. Positions that no run covers are left out.
  // Ascending series are shortest; any order is right. REQUIRES: count > 0 in each run; fewer than
  // 2^32 records in all; `out` has EncodedRunsBytesMax(records in the runs, runs) bytes.
  size_t Encode(std::span<const Run> runs, const Timestamp* times, const double* values,
                uint8_t* out);

 private:
  std::vector<int64_t> integers_, other_integers_;
  std::vector<uint32_t> exceptions_, other_exceptions_;
};

// Reads runs in the order they were encoded. The bytes must outlive it.
class RunsReader {
 public:
  // Room that the columns need past records(): whole vectors are stored.
  static constexpr size_t kColumnSlack = 8;

  // Checks the counts. A few bytes can stand for any number of equal records, so the caller says
  // with `records_max` how many it has room for. The runs themselves are checked as they are read.
  static absl::StatusOr<RunsReader> Parse(std::span<const uint8_t> bytes, size_t records_max);

  size_t records() const { return records_; }
  size_t runs() const { return runs_; }

  // Decodes the next run to positions run.begin .. run.begin + run.count of the columns; the runs
  // follow each other from position 0. False after the last one, and when the bytes are damaged:
  // status() tells which (kDataLoss with the offset). REQUIRES: the same columns, of records() +
  // kColumnSlack each, in every call.
  bool Next(Run& run, Timestamp* times, double* values);
  const absl::Status& status() const { return status_; }

 private:
  RunsReader() = default;
  bool ReadHead(uint8_t& tag, Run& run);
  bool ReadTimes(uint32_t mode, const Run& run, Timestamp* times);
  bool ReadDecimals(uint8_t tag, const Run& run, double* values);
  bool ReadExceptions(const Run& run, double* values);
  bool ReadReals(const Run& run, double* values);
  bool Varint(uint64_t& value, const char* what);
  bool Byte(uint32_t& value, uint32_t greatest, const char* what);
  const uint8_t* Packed(size_t count, uint32_t width, const char* what);
  bool Fail(const char* what);

  const uint8_t* begin_ = nullptr;
  const uint8_t* at_ = nullptr;
  const uint8_t* end_ = nullptr;  // kBitStreamSlack zero bytes follow
  size_t records_ = 0, runs_ = 0;
  size_t records_read_ = 0, runs_read_ = 0;
  // What a run shares with the one before it.
  SeriesId series_ = kInvalidSeriesId;
  uint32_t count_ = 0;
  Timestamp time_ = 0;
  uint64_t stride_ = 0;
  uint32_t time_width_ = 0, value_width_ = 0, exponent_ = 0;
  absl::Status status_;
};

}  // namespace tsdb::codec

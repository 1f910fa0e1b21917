// Databases in directories of the benchmarks' own: opened again, and checked to hold all that was
// written.
//
// Thread safety: each function from one thread.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmark/workload.h"
#include "tsdb/database.h"

namespace tsdb::benchmark {

struct Reopened {
  std::unique_ptr<Database> database;
  double open_seconds = 0;    // until Open returned
  double merged_seconds = 0;  // until everything read back was merged, too
};

// Opens the directory of `options`. kDataLoss if the engine reports damage, or did not recover just
// `records` records.
absl::StatusOr<Reopened> Reopen(const Options& options, uint64_t records);

// As above, and compares everything with the workload, then closes; returns the merged_seconds.
absl::StatusOr<double> CheckReopened(const Options& options, const Workload& workload);

}  // namespace tsdb::benchmark

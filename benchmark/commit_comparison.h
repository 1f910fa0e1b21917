// What group commit saves: writers that commit and wait for the disk together, against one writer
// whose commits each wait for a sync of their own; both write the whole workload.
//
// Thread safety: one thread; runs start and join threads of their own.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "benchmark/flags.h"
#include "benchmark/report.h"
#include "benchmark/workload.h"
#include "benchmark/writers.h"
#include "tsdb/database.h"

namespace tsdb::benchmark {

class CommitComparison {
 public:
  // REQUIRES: flags.directory and flags.commit_every are set.
  explicit CommitComparison(const Flags& flags);

  absl::Status Measure();
  bool Print() const { return report_.Print(flags_.json); }

 private:
  // The runs of a number of writers.
  struct Row {
    uint32_t writers = 0;
    uint64_t commits = 0;  // of one run
    double best_seconds = 0;
    Spread rate;         // records per second
    uint64_t syncs = 0;  // of the best run
    uint64_t log_bytes = 0;
    Ledger ledger;
  };

  absl::Status MeasureRow(uint32_t writers, bool alone, Row& row);
  // Writes into a new database, checks everything, reopens it and checks again.
  absl::Status MeasureOnce(const Inputs& inputs, bool alone, double& seconds, Stats& stats);
  void AddRow(const Row& row, const Row& alone);

  const Flags flags_;
  const Workload workload_;
  Report report_;
};

}  // namespace tsdb::benchmark

// What CompareAndSet gains by letting calls share a wait for the disk: many threads, each counting
// up a value of its own by conditional writes, against the same threads behind one lock.
//
// Thread safety: one thread; runs start and join threads of their own.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "benchmark/flags.h"
#include "benchmark/report.h"
#include "tsdb/database.h"

namespace tsdb::benchmark {

class SetComparison {
 public:
  // REQUIRES: flags.directory is set.
  explicit SetComparison(const Flags& flags);

  absl::Status Measure();
  bool Print() const { return report_.Print(flags_.json); }

 private:
  struct Row {
    uint32_t threads = 0;
    Spread rate;  // successful calls per second
    uint64_t syncs = 0;
    double best_seconds = 0;
  };

  absl::Status MeasureRow(uint32_t threads, bool one_lock, Row& row);
  // Into a new database, which is then reopened: every count must be what it was counted up to.
  absl::Status MeasureOnce(uint32_t threads, bool one_lock, double& seconds, uint64_t& syncs);
  absl::Status CheckCounts(Database& database, uint32_t threads) const;
  uint64_t SetsOf(uint32_t threads) const;  // of each thread
  void AddRow(const std::string& name, const Row& row, const Row& locked);

  const Flags flags_;
  Report report_;
};

}  // namespace tsdb::benchmark

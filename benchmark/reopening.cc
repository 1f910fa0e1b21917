#include "benchmark/reopening.h"

#include <string>
#include <utility>

#include "benchmark/start_gate.h"
#include "benchmark/verification.h"
#include "storage/base/status_macros.h"

namespace tsdb::benchmark {

absl::StatusOr<Reopened> Reopen(const Options& options, uint64_t records) {
  Reopened reopened;
  const auto begin = Clock::now();
  TSDB_ASSIGN_OR_RETURN(reopened.database, Database::Open(options));
  reopened.open_seconds = SecondsBetween(begin, Clock::now());
  TSDB_RETURN_IF_ERROR(reopened.database->Flush());
  reopened.merged_seconds = SecondsBetween(begin, Clock::now());
  const RecoveryReport& recovery = reopened.database->Recovery();
  const uint64_t recovered = recovery.checkpoint_records + recovery.log_records;
  if (!recovery.damage.empty() || recovery.orphans > 0 || recovered != records) {
    return absl::DataLossError("the directory gave back " + std::to_string(recovered) +
                               " records of " + std::to_string(records) + ", " +
                               std::to_string(recovery.orphans) + " without their series" +
                               (recovery.damage.empty() ? "" : "; " + recovery.damage[0]));
  }
  return reopened;
}

absl::StatusOr<double> CheckReopened(const Options& options, const Workload& workload) {
  TSDB_ASSIGN_OR_RETURN(Reopened reopened, Reopen(options, workload.records()));
  ReadBack read_back;
  TSDB_RETURN_IF_ERROR(CheckContent(*reopened.database, workload, read_back));
  TSDB_RETURN_IF_ERROR(reopened.database->Close());
  return reopened.merged_seconds;
}

}  // namespace tsdb::benchmark

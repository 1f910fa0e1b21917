// One run of writers and readers beside each other on one database, every operation's latency
// taken, every answer checked.
//
// A tenth of the workload is there before; the writers append the rest. A reader takes a fresh
// snapshot, then asks many questions of it: random lookups, short scans and last values. It asks
// only for what had been appended before the snapshot was taken, so each must be answered, rightly.
//
// Latencies. Appends are timed in groups of kGroupAppends, one after the other, none left out: the
// slow path (a full chunk handed over, helping with the merge, waiting) is in one of them, whatever
// its period. Besides, single appends are timed at random distances, one in Flags::time_every on
// average: at even distances they would always or never meet the end of a chunk.
//
// Thread safety: one thread; a run starts and joins threads of its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "benchmark/flags.h"
#include "benchmark/latency_histogram.h"
#include "benchmark/questions.h"
#include "benchmark/writers.h"
#include "tsdb/database.h"
#include "tsdb/query.h"

namespace tsdb::benchmark {

inline constexpr uint64_t kGroupAppends = 64;

enum Operation : size_t {
  kAppend,
  kAppendGroup,
  kCommit,  // and its wait, by --await
  kFreshSnapshot,
  kLookup,
  kShortScan,
  kLast,
  kQuery,  // by matchers, with its own fresh snapshot
  kOperations
};
const char* OperationName(Operation operation);

using Latencies = std::array<LatencyHistogram, kOperations>;  // in nanoseconds

// What all runs of a row share.
struct MixedSetting {
  MixedSetting(const Flags& flags, const Workload& workload, uint32_t writers, uint32_t readers);

  const Flags& flags;
  const Workload& workload;
  uint32_t readers;
  uint64_t preloaded;  // samples of each series
  // Whether writers finish one sample of all series after the other, so that readers may ask for
  // what is being written; else they ask for what was there before.
  bool in_rows;
  std::vector<Share> shares;  // of the writers
  Inputs preload, inputs;
  LookupQuestions lookups;  // both in the order of their samples
  ScanQuestions scans;
  std::vector<std::vector<Matcher>> matchers;  // of each series; with --query small
};

struct MixedRun {
  Latencies latencies;
  uint64_t appended = 0;
  uint64_t reads = 0;
  double writer_seconds = 0;  // until the last append returned; readers stop then
  double merged_seconds = 0;  // until everything was merged, and as durable as the mode says
  Stats stats;
};

// In a new database, in a directory of its own with --directory, with a checkpoint after each
// `checkpoint_every` bytes of log (0: none). kDataLoss unless every answer was right and all of the
// workload came back, after reopening as well.
absl::StatusOr<MixedRun> RunMixed(const MixedSetting& setting, uint64_t checkpoint_every);

}  // namespace tsdb::benchmark

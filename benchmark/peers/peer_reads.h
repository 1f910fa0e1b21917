// Asking a peer that holds the workload, by any number of threads, and checking every answer.
//
// Thread safety: one thread; MeasureReads starts and joins threads of its own.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "benchmark/child_process.h"
#include "benchmark/peers/peer.h"
#include "benchmark/questions.h"
#include "benchmark/workload.h"

namespace tsdb::benchmark {

// What is asked, at random places, and the answers.
class PeerQuestions {
 public:
  PeerQuestions(const Workload& workload, uint64_t lookups, uint64_t scans, uint64_t length)
      : workload_(workload),
        lookups_(MakeLookups(workload, lookups, workload.seed())),
        scans_(MakeScans(workload, scans, length, workload.seed())) {}
  const Workload& workload() const { return workload_; }
  const LookupQuestions& lookups() const { return lookups_; }
  const ScanQuestions& scans() const { return scans_; }

 private:
  Workload workload_;
  LookupQuestions lookups_;
  ScanQuestions scans_;
};

// Adds lookups_per_second@T, scan_samples_per_second@T, aggregate_samples_per_second@T and, where
// the peer keeps `summaries`, decoded_samples_per_second@T (the aggregate without them), T being
// `threads`. Passes are repeated for `pass_seconds` at least, after one that warms up. kDataLoss
// when an answer is wrong.
absl::Status MeasureReads(Peer& peer, const PeerQuestions& questions, uint32_t threads,
                          double pass_seconds, bool summaries, Figures& figures);

}  // namespace tsdb::benchmark

// What must be true of a peer that holds the workload, or none of its figures count.
//
// Thread safety: each function from one thread; it starts and joins threads of its own.
#pragma once

#include "absl/status/status.h"
#include "benchmark/peers/peer.h"
#include "benchmark/workload.h"

namespace tsdb::benchmark {

// Reads every series completely and compares it with the workload, made anew: each sample once, in
// the order of time, bit for bit, and nothing else in any series. kDataLoss names the first
// difference. REQUIRES: an order of writing that the peer takes; no writers.
absl::Status CheckPeerContent(Peer& peer, const Workload& workload);

// Whether the peer was handed each record once. REQUIRES: as above, not reopened since.
absl::Status CheckPeerTaken(Peer& peer, const Workload& workload);

}  // namespace tsdb::benchmark

// What one process measures of one peer. Its figures go to the process that started it; see
// benchmark/child_process.h.
//
// Thread safety: one thread; it starts and joins threads of its own.
#pragma once

#include "absl/status/status.h"
#include "benchmark/peers/peer_flags.h"

namespace tsdb::benchmark {

inline constexpr const char* kPeerDone = "done";

// Does what flags.child_case says with flags.child_peer, tells the figures once everything is
// checked, and then kPeerDone. Figures of reading end in "@" and the number of threads.
absl::Status RunPeerCase(const PeerFlags& flags);

}  // namespace tsdb::benchmark

// What fault_calls.cc has done to a process, in a file that the process and whoever started it map.
//
// Thread safety: any thread of any process.
#pragma once

#include <atomic>
#include <cstdint>

namespace tsdb {

struct FaultCounts {
  std::atomic<uint64_t> calls;                // that could have failed
  std::atomic<uint64_t> failed;               // and did
  std::atomic<uint64_t> failed_log_syncs;     // of files in a directory log/
  std::atomic<uint64_t> syncs_after_failure;  // of files of which a sync had failed: retries
  char first[256];                            // "fdatasync /tmp/db/log/1.log": the first to fail
};

}  // namespace tsdb

// What must be true after the workload was written, checked against the workload made anew: the
// ledger adds up, and every sample of every series comes back once, bit for bit, and nothing else.
//
// Thread safety: each function from one thread; reading back starts and joins threads of its own.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "benchmark/workload.h"
#include "tsdb/database.h"

namespace tsdb::benchmark {

struct ReadBack {
  uint64_t records = 0;  // samples that a complete scan of all series gave
  uint64_t matches = 0;  // of which equal the workload's at the same place
};

// kDataLoss that says what differs, else OK. REQUIRES: everything was flushed, nothing is appended.
// `records`: how many records were to be taken in, all with keys of their own.
absl::Status CheckLedger(const Stats& stats, uint64_t records);

// Scans every series of the workload completely. kDataLoss names the first sample that differs.
absl::Status CheckContent(Database& database, const Workload& workload, ReadBack& read_back);

// As CheckContent for the series of `share` only, of each of which the first samples were written,
// none left out: how many is not known for each, but for all together.
absl::Status CheckPrefixes(Database& database, const Workload& workload, const Share& share,
                           uint64_t records, ReadBack& read_back);

}  // namespace tsdb::benchmark

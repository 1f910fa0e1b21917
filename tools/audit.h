// Whether a database holds what it should: its own invariants, its ledger, and every sample read
// back through a snapshot.
//
// Thread safety: one thread; the reading uses all cores.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "storage/base/types.h"
#include "tools/report.h"
#include "tsdb/database.h"

namespace tsdb::tools {

struct Audit {
  absl::Status verified;  // Database::Verify
  uint64_t samples = 0;   // read back, and their times
  Timestamp first = kTimestampMax;
  Timestamp last = kTimestampMin;
  uint64_t disordered = 0;  // samples whose time is not after that of the one before
  Stats stats;

  // In words, what is not as it should be. Empty: nothing.
  std::vector<std::string> Findings() const;
};

// REQUIRES: nothing is appended meanwhile.
Audit AuditDatabase(Database& database);

// The section "content": series, samples, and their times.
void AddContent(const Audit& audit, Report& report);

// The section "ledger".
void AddLedger(const Audit& audit, Report& report);

}  // namespace tsdb::tools

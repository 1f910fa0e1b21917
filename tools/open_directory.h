// Database directories as the commands open them, and what is said about damage in them.
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/terminal.h"
#include "tsdb/database.h"

namespace tsdb::tools {

// To be read: only a directory that holds a database is opened, and nothing in it is changed but
// what recovery itself sets right (a torn tail of the log, files of an unfinished checkpoint).
absl::StatusOr<std::unique_ptr<Database>> OpenToRead(const std::string& directory,
                                                     uint64_t memory_budget_bytes);

// To be written: made if it is not there. Close writes no checkpoint; whoever opens decides that
// once it is known whether the database is whole.
absl::StatusOr<std::unique_ptr<Database>> OpenToWrite(const std::string& directory,
                                                      uint64_t memory_budget_bytes,
                                                      Durability durability);

// Whether recovery found all that was ever made durable.
bool IsIntact(const RecoveryReport& recovery);

// A warning for each damage, and one for orphans; nothing if there are none.
void WarnOfDamage(const RecoveryReport& recovery, Color color);

}  // namespace tsdb::tools

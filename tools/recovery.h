// What opening a database directory found, and what is said about damage in it.
// Thread safety: one thread.
#pragma once

#include <string>

#include "tools/report.h"
#include "tools/terminal.h"
#include "tsdb/database.h"

namespace tsdb::tools {

// Whether recovery found all that was ever made durable.
bool IsIntact(const RecoveryReport& recovery);

// A warning for each damage, and one for orphans; nothing if there are none.
void WarnOfDamage(const RecoveryReport& recovery, Color color);

// What can be done about damage in `directory`, as an error.
void SayWhatToDo(const std::string& directory, Color color);

// The section "recovery".
void AddRecovery(const RecoveryReport& recovery, Report& report);

// The section "damage": each in words. For programs; people have the warnings.
void AddDamage(const RecoveryReport& recovery, Report& report);

}  // namespace tsdb::tools

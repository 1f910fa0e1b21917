// Who has a database directory open for writing: what stands in LOCK, and whether it still holds.
// Thread safety: pure functions but for the file system.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tsdb::tools {

struct LockHolder {
  enum class Held { kNo, kYes, kUnknown };
  Held held = Held::kUnknown;
  // Who holds the lock, or held it last. 0 and empty where LOCK does not say it.
  uint64_t pid = 0;
  std::string process;
  std::string since;
};

// "pid 4711 (tsdb) since 2026-01-31T12:00:00Z"; what is missing stays empty.
LockHolder ParseLockText(std::string_view text);

// Nothing if there is no LOCK. The lock itself is not touched: a process that opens the database
// at this moment must not be refused for the sake of a look.
absl::StatusOr<std::optional<LockHolder>> FindLockHolder(const std::string& directory);

}  // namespace tsdb::tools

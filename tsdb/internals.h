// Doors into a Database for the project's own tests and benchmarks. Not part of the public
// contract, and not installed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "storage/base/file_system.h"
#include "tsdb/database.h"

namespace tsdb {

struct Internals {
  // Database::Open with files and, if given, the clock in the hands of a test.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const Options& options, FileSystem* files,
                                                        std::function<Timestamp()> clock = {});
  // Throws chunks handed to the merge away from now on: what the writers alone can do. The ledger
  // then does not balance.
  static void SetDiscardSealed(Database& database, bool discard);
  static uint64_t DiscardedRecords(const Database& database);
};

}  // namespace tsdb

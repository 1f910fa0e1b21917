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

// What every command takes that works on a database directory and reports what it did.
struct DirectoryOptions {
  std::string directory;
  uint64_t memory_budget_bytes = 0;
  Color color = Color::kAuto;
  bool json = false;
};

// What to do about a directory that is not there, or is empty.
enum class Missing { kRefuse, kMake };

// Whether there is a database. Opening to write makes one of an empty directory, so whoever must
// not asks this first.
absl::Status CheckIsDatabase(const std::string& directory);

// Whether a database that is there can be read: DataLoss if its manifest is gone.
absl::Status CheckHasManifest(const std::string& directory);

// To be read, beside a process that may be writing: nothing in the directory is changed.
absl::StatusOr<std::unique_ptr<Database>> OpenToRead(const std::string& directory,
                                                     uint64_t memory_budget_bytes);

// To be written, damaged or not; opening may put what is intact of it into new files. Close writes
// no checkpoint: that is up to whoever opens. Missing::kMake, to bring data, publishes STATS; else
// that of the process that brought it stays.
absl::StatusOr<std::unique_ptr<Database>> OpenToWrite(const DirectoryOptions& options,
                                                      Missing missing, Durability durability,
                                                      Compression compression = Compression::kLz4);

// To be written if it is whole. Null, with the reason and "so `nothing_done`" on stderr, if it is
// damaged, which changes nothing in the directory, or cannot be opened. Cost: it is read twice,
// since an opening for writing may be what hides the damage from the next one.
std::unique_ptr<Database> OpenWhole(const DirectoryOptions& options, Missing missing,
                                    Durability durability, const std::string& nothing_done,
                                    Compression compression = Compression::kLz4);

// A checkpoint, so that the next opening need not replay what was done, and the end of the
// database.
absl::Status CheckpointAndClose(Database& database);

}  // namespace tsdb::tools

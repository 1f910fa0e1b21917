// What is in the directory of a database:
//
//   <directory>/LOCK       held by the process that has the database open for writing
//   <directory>/FORMAT     "tsdb 1": that this is a database, and of which version
//   <directory>/manifest   which segments there are, and from where the log is needed
//   <directory>/segments/  what checkpoints have written
//   <directory>/log/       the log since the last one
//   <directory>/STATS      what Statistics said a moment ago, or when it was closed; no data
//                          (tsdb/published_stats.h). STATS.new until it is whole; after a crash
//                          that is left, and the next process to write the database replaces it
//
// Thread safety: functions only.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/file_system.h"

namespace tsdb::durability {

inline constexpr char kLockName[] = "LOCK";
inline constexpr char kLogName[] = "log";
inline constexpr char kSegmentsName[] = "segments";

// Makes `path` unless it is there. Its name is durable once the directory around it is synced:
// WriteFormat does so for a database's, writing the manifest for the folders in it.
absl::Status EnsureDirectory(FileSystem* files, const std::string& path);

// Whether the directory holds a database already. An error if what it holds is something else,
// which cannot be told without holding the lock once there is one: another process may be making a
// database of the directory. kUnimplemented for a database of another version.
absl::StatusOr<bool> HoldsDatabase(FileSystem* files, const std::string& directory, bool locked);

// Makes the folders, if need be, and, in an empty directory, FORMAT: the lock is held.
absl::Status PrepareDirectory(FileSystem* files, const std::string& directory);

// The last thing to be written into a directory that is being made a database. Makes the names of
// the directory and of what is in it durable.
absl::Status WriteFormat(FileSystem* files, const std::string& directory);

}  // namespace tsdb::durability

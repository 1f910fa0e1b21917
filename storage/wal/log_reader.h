// Reads the files of a log from front to back, telling what was never finished from what was
// damaged.
//
// A batch that is not whole ends the log if nothing shows that it was durable: the process or the
// power went while it was being written, and whatever lies behind it was not acknowledged either.
// It is damage if a later batch was appended knowing it durable, or the next file takes up the
// count behind it (a file is begun only when all before it is durable): then it is reported, and
// reading goes on with the next whole batch.
//
// Thread safety: functions without state. Memory: a mapping of one file at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/file_system.h"
#include "storage/wal/log.h"

namespace tsdb::wal {

// What is added to the name of a log file that is kept for its damage; no log file any more.
inline constexpr char kDamagedSuffix[] = ".damaged";

// The first sequence numbers of the log files in `directory`, ascending; adds what is none of them,
// nor kept for its damage, to `foreign`.
absl::StatusOr<std::vector<uint64_t>> ListLogFiles(FileSystem* files, const std::string& directory,
                                                   std::vector<std::string>* foreign);

// Passes every intact batch from `from` (at least 1) on to `visit`. kUnimplemented, before anything
// is passed on, for files of another version; errors of the file system as they come. Changes
// nothing.
absl::StatusOr<ReplayReport> ReplayLog(FileSystem* files, const std::string& directory,
                                       uint64_t from, const ReplayVisitor& visit);

// The same while another process appends to the log, begins files and removes them: what is there
// when it is read. kNotFound, or a report of damage, when files went away meanwhile.
absl::StatusOr<ReplayReport> ReplayLogBesideWriter(FileSystem* files, const std::string& directory,
                                                   uint64_t from, const ReplayVisitor& visit);

}  // namespace tsdb::wal

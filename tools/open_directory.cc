#include "tools/open_directory.h"

#include <sys/stat.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/file_system.h"
#include "storage/base/status_macros.h"
#include "storage/segment/manifest.h"
#include "tools/directory_files.h"
#include "tools/message.h"
#include "tools/recovery.h"

namespace tsdb::tools {
namespace {

// Openings for reading, each overtaken by the writer's checkpoints, before giving up.
constexpr int kOpeningsMax = 8;

std::string Opening(const std::string& directory) {
  return absl::StrCat("cannot open the database in '", directory, "': ");
}

absl::StatusOr<std::unique_ptr<Database>> Open(const Options& options) {
  auto database = Database::Open(options);
  if (database.ok()) return database;
  return absl::Status(database.status().code(),
                      Opening(options.directory) + MessageOf(database.status()));
}

std::unique_ptr<Database> Refuse(const DirectoryOptions& options, const RecoveryReport& recovery,
                                 const std::string& nothing_done) {
  WarnOfDamage(recovery, options.color);
  PrintError("'" + options.directory + "' is damaged, so " + nothing_done +
                 "; copy the directory if it matters, then run tsdb repair --db " +
                 options.directory + ", which keeps all that is intact",
             options.color);
  return nullptr;
}

}  // namespace

absl::Status CheckIsDatabase(const std::string& directory) {
  struct stat status;
  if (stat(directory.c_str(), &status) != 0) {
    const int error = errno;
    if (error != ENOENT) return FileError(error, "open the database in", directory);
    return absl::NotFoundError(absl::StrCat(
        Opening(directory), "there is no such directory; tsdb import --db DIR FILE... makes one"));
  }
  if (!S_ISDIR(status.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(Opening(directory), "it is a file, and a database is a directory; for a file ",
                     "of metrics use --from"));
  }
  const std::string format = JoinPath(directory, "FORMAT");
  if (stat(format.c_str(), &status) == 0) return absl::OkStatus();
  const int error = errno;
  if (error != ENOENT) return FileError(error, "open", format);
  return absl::FailedPreconditionError(absl::StrCat(
      Opening(directory), "it has no file FORMAT, so it is no database; check the path"));
}

absl::Status CheckHasManifest(const std::string& directory) {
  const std::string path = JoinPath(directory, segment::kManifestFileName);
  struct stat status;
  if (stat(path.c_str(), &status) == 0) return absl::OkStatus();
  const int error = errno;
  if (error != ENOENT) return FileError(error, "look at", path);
  // It is made before the first segment is.
  const auto files = ListFiles(directory);
  if (!files.ok()) return files.status();
  if (files->segment_files > 0) {
    return absl::DataLossError(absl::StrCat(
        Opening(directory), "its manifest is missing, but there are segments; restore '", path,
        "' from a backup"));
  }
  return absl::NotFoundError(
      absl::StrCat(Opening(directory), "it has no manifest and no segments: whoever began to make ",
                   "it has not finished; try again, or tsdb import --db DIR FILE... finishes it"));
}

absl::StatusOr<std::unique_ptr<Database>> OpenToRead(const std::string& directory,
                                                     uint64_t memory_budget_bytes) {
  TSDB_RETURN_IF_ERROR(CheckIsDatabase(directory));
  TSDB_RETURN_IF_ERROR(CheckHasManifest(directory));
  Options options;
  options.directory = directory;
  options.memory_budget_bytes = memory_budget_bytes;
  options.read_only = true;
  auto database = Open(options);
  for (int tried = 1; tried < kOpeningsMax && absl::IsAborted(database.status()); ++tried) {
    database = Open(options);
  }
  if (!absl::IsAborted(database.status())) return database;
  return absl::AbortedError(absl::StrCat(
      MessageOf(database.status()), ", ", kOpeningsMax,
      " times over; if a process is writing it, try again when it writes less; if none is, tsdb ",
      "repair --db DIR"));
}

absl::StatusOr<std::unique_ptr<Database>> OpenToWrite(const DirectoryOptions& options,
                                                      Missing missing, Durability durability,
                                                      Compression compression) {
  const std::string& directory = options.directory;
  if (missing == Missing::kRefuse) TSDB_RETURN_IF_ERROR(CheckIsDatabase(directory));
  Options database_options;
  database_options.directory = directory;
  database_options.memory_budget_bytes = options.memory_budget_bytes;
  database_options.checkpoint_on_close = false;
  database_options.durability = durability;
  database_options.compression = compression;
  if (missing == Missing::kRefuse) database_options.stats_interval_ms = 0;
  auto database = Open(database_options);
  struct stat status;
  if (database.ok() || stat(ParentPath(directory).c_str(), &status) == 0) return database;
  return absl::Status(database.status().code(),
                      MessageOf(database.status()) + "; make its parent directory first");
}

std::unique_ptr<Database> OpenWhole(const DirectoryOptions& options, Missing missing,
                                    Durability durability, const std::string& nothing_done,
                                    Compression compression) {
  if (CheckIsDatabase(options.directory).ok()) {
    const auto seen = OpenToRead(options.directory, options.memory_budget_bytes);
    // Another error than damage is met again below, or is one of reading only.
    if (seen.ok() && !IsIntact((*seen)->Recovery())) {
      return Refuse(options, (*seen)->Recovery(), nothing_done);
    }
  }
  auto database = OpenToWrite(options, missing, durability, compression);
  if (!database.ok()) {
    PrintError(MessageOf(database.status()), options.color);
    return nullptr;
  }
  if (!IsIntact((*database)->Recovery())) {
    return Refuse(options, (*database)->Recovery(), nothing_done);
  }
  return *std::move(database);
}

absl::Status CheckpointAndClose(Database& database) {
  absl::Status status = database.Checkpoint();
  if (const absl::Status closed = database.Close(); status.ok()) status = closed;
  return status;
}

}  // namespace tsdb::tools

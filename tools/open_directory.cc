#include "tools/open_directory.h"

#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "storage/base/file_system.h"
#include "storage/base/status_macros.h"
#include "tools/message.h"
#include "tools/number_text.h"

namespace tsdb::tools {
namespace {

std::string Opening(const std::string& directory) {
  return absl::StrCat("cannot open the database in '", directory, "': ");
}

// Opening makes a database of an empty directory, so whoever only reads asks this first.
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

absl::StatusOr<std::unique_ptr<Database>> Open(const Options& options) {
  auto database = Database::Open(options);
  if (database.ok()) return database;
  return absl::Status(database.status().code(),
                      Opening(options.directory) + MessageOf(database.status()));
}

Options OptionsFor(const std::string& directory, uint64_t memory_budget_bytes) {
  Options options;
  options.directory = directory;
  options.memory_budget_bytes = memory_budget_bytes;
  options.checkpoint_on_close = false;
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> OpenToRead(const std::string& directory,
                                                     uint64_t memory_budget_bytes) {
  TSDB_RETURN_IF_ERROR(CheckIsDatabase(directory));
  return Open(OptionsFor(directory, memory_budget_bytes));
}

absl::StatusOr<std::unique_ptr<Database>> OpenToWrite(const std::string& directory,
                                                      uint64_t memory_budget_bytes,
                                                      Durability durability) {
  Options options = OptionsFor(directory, memory_budget_bytes);
  options.durability = durability;
  auto database = Open(options);
  struct stat status;
  if (database.ok() || stat(ParentPath(directory).c_str(), &status) == 0) return database;
  return absl::Status(database.status().code(),
                      MessageOf(database.status()) + "; make its parent directory first");
}

bool IsIntact(const RecoveryReport& recovery) {
  return recovery.damage.empty() && recovery.orphans == 0;
}

void WarnOfDamage(const RecoveryReport& recovery, Color color) {
  for (const std::string& damage : recovery.damage) PrintWarning(damage, color);
  if (recovery.orphans == 0) return;
  PrintWarning(
      Counted(recovery.orphans, "record") + " left out: the labels of their series are lost",
      color);
}

}  // namespace tsdb::tools

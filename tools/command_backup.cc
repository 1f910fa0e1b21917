#include "tools/command_backup.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/base/clock.h"
#include "storage/base/file_system.h"
#include "storage/base/status_macros.h"
#include "tools/directory_files.h"
#include "tools/message.h"
#include "tools/report.h"

namespace tsdb::tools {
namespace {

// As the program may name it: "x/" is "x".
std::string WithoutSlashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

// A backup inside of what it is a backup of would go with it, and look like a part of it.
absl::Status CheckIsElsewhere(const std::string& directory, const std::string& target) {
  std::error_code error;
  const auto from = std::filesystem::weakly_canonical(directory, error);
  if (error) return FileError(error.value(), "find", directory);
  const auto to = std::filesystem::weakly_canonical(target, error);
  if (error) return FileError(error.value(), "find", target);
  if (std::mismatch(from.begin(), from.end(), to.begin(), to.end()).first != from.end()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", target, "' is in the database's own directory"));
}

// Before the database is opened: a mistake is told at once.
absl::Status CheckTarget(const std::string& directory, const std::string& target) {
  TSDB_RETURN_IF_ERROR(CheckIsDatabase(directory));
  TSDB_RETURN_IF_ERROR(CheckIsElsewhere(directory, target));
  const auto names = LocalFileSystem()->List(target);
  if (names.ok() && !names->empty()) {
    return absl::AlreadyExistsError(absl::StrCat("'", target, "' holds '", names->front(),
                                                 "'; choose an empty or a new directory"));
  }
  if (!absl::IsNotFound(names.status())) return names.status();
  const std::string parent = ParentPath(target);
  const auto beside = LocalFileSystem()->List(parent);
  if (!absl::IsNotFound(beside.status())) return beside.status();
  return absl::NotFoundError(
      absl::StrCat("there is no directory '", parent, "' to make '", target, "' in"));
}

bool IsPartial(const std::string& target) {
  const auto names = LocalFileSystem()->List(target);
  return names.ok() && !names->empty() &&
         std::find(names->begin(), names->end(), "FORMAT") == names->end();
}

}  // namespace

ExitCode RunBackup(const BackupOptions& options) {
  const std::string target = WithoutSlashes(options.target);
  const auto fail = [&](const absl::Status& status) {
    PrintError("backing up '" + options.directory + "': " + MessageOf(status), options.color);
    return kFailure;
  };
  if (const absl::Status status = CheckTarget(options.directory, target); !status.ok()) {
    return fail(status);
  }
  const std::unique_ptr<Database> database =
      OpenWhole(options, Missing::kRefuse, Durability::kAsync, "nothing was backed up");
  if (database == nullptr) return kFailure;
  const int64_t start_ns = SystemClock()->MonotonicNs();
  absl::Status status = database->Backup(target);
  if (const absl::Status closed = database->Close(); status.ok()) status = closed;
  if (!status.ok()) {
    fail(status);
    if (IsPartial(target)) {
      PrintError("'" + target + "' is no whole backup; remove it", options.color);
    }
    return kFailure;
  }
  const double seconds = static_cast<double>(SystemClock()->MonotonicNs() - start_ns) * 1e-9;
  const auto files = ListFiles(target);
  if (!files.ok()) return fail(files.status());
  const Stats stats = database->Statistics();
  Report report;
  report.AddSection("backup").figures = {
      {"directory", options.directory, ""}, {"target", target, ""},
      {"series", stats.series, ""},         {"samples", stats.ledger.in_tree, ""},
      {"files", files->files, ""},          {"files_linked", files->linked, ""},
      BytesFigure("bytes", files->bytes),   {"seconds", seconds, ""}};
  if (const absl::Status printed = report.Print(options.json, options.color); !printed.ok()) {
    PrintError(MessageOf(printed), options.color);
    return kFailure;
  }
  return kOk;
}

}  // namespace tsdb::tools

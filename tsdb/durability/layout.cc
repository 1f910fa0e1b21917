#include "tsdb/durability/layout.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/base/status_macros.h"

namespace tsdb::durability {
namespace {

constexpr char kFormatName[] = "FORMAT";
constexpr char kFormatDraftName[] = "FORMAT.new";
constexpr std::string_view kFormat = "tsdb 1\n";
constexpr size_t kFormatBytesMax = 64;

// What FORMAT says; empty if there is none.
absl::StatusOr<std::string> ReadFormat(FileSystem* files, const std::string& directory) {
  auto file = files->OpenReadable(JoinPath(directory, kFormatName));
  if (absl::IsNotFound(file.status())) return std::string();
  TSDB_RETURN_IF_ERROR(file.status());
  uint8_t bytes[kFormatBytesMax];
  TSDB_ASSIGN_OR_RETURN(const size_t read, (*file)->Read(0, bytes));
  return std::string(reinterpret_cast<const char*>(bytes), read);
}

}  // namespace

absl::Status WriteFormat(FileSystem* files, const std::string& directory) {
  // Whoever made the directory may have ended before its name was durable. Who may not read the
  // parent has not made it, and leaves that to who has.
  const absl::Status named = files->SyncDirectory(ParentPath(directory));
  if (!named.ok() && !absl::IsPermissionDenied(named)) return named;
  const std::string draft = JoinPath(directory, kFormatDraftName);
  TSDB_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file,
                        files->Create(draft, CreateMode::kTruncate));
  TSDB_RETURN_IF_ERROR(
      file->Append({reinterpret_cast<const uint8_t*>(kFormat.data()), kFormat.size()}));
  TSDB_RETURN_IF_ERROR(file->Sync());
  TSDB_RETURN_IF_ERROR(file->Close());
  TSDB_RETURN_IF_ERROR(files->Rename(draft, JoinPath(directory, kFormatName)));
  return files->SyncDirectory(directory);
}

absl::Status EnsureDirectory(FileSystem* files, const std::string& path) {
  const absl::Status made = files->CreateDirectory(path);
  return absl::IsAlreadyExists(made) ? absl::OkStatus() : made;
}

absl::StatusOr<bool> HoldsDatabase(FileSystem* files, const std::string& directory, bool locked) {
  TSDB_ASSIGN_OR_RETURN(const std::string format, ReadFormat(files, directory));
  if (format == kFormat) return true;
  if (!format.empty()) {
    return absl::UnimplementedError(
        absl::StrCat("opening '", directory,
                     "': its FORMAT is not 'tsdb 1'; open it with the "
                     "version of tsdb that wrote it, or, if the file is "
                     "damaged, write that line into it"));
  }
  TSDB_ASSIGN_OR_RETURN(const std::vector<std::string> names, files->List(directory));
  if (!locked && std::find(names.begin(), names.end(), kLockName) != names.end()) return false;
  for (const std::string& name : names) {
    if (name == kLockName || name == kFormatDraftName) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("opening '", directory, "': it holds '", name,
                     "' and is no database; choose an empty or a new directory"));
  }
  return false;
}

absl::Status PrepareDirectory(FileSystem* files, const std::string& directory) {
  TSDB_ASSIGN_OR_RETURN(const bool made, HoldsDatabase(files, directory, true));
  if (!made) TSDB_RETURN_IF_ERROR(WriteFormat(files, directory));
  TSDB_RETURN_IF_ERROR(EnsureDirectory(files, JoinPath(directory, kSegmentsName)));
  return EnsureDirectory(files, JoinPath(directory, kLogName));
}

}  // namespace tsdb::durability

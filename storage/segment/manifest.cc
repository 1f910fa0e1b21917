#include "storage/segment/manifest.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"
#include "storage/segment/segment_format.h"

namespace tsdb::segment {
namespace {

// A manifest shorter than this is not worth writing anew; else it may grow to four times of what it
// was when new, so that the writing costs a third of the appends at most.
constexpr uint64_t kShortBytes = uint64_t{256} << 10;
constexpr uint64_t kGrowthMax = 4;
// Far above any real one (ten million segments); keeps a wrong file from filling memory.
constexpr uint64_t kManifestBytesMax = uint64_t{1} << 30;

absl::Status InManifest(const std::string& path, std::string_view doing,
                        const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("manifest '", path, "': cannot ", ToAbsl(doing),
                                                  ": ", status.message()));
}

}  // namespace

Manifest::Manifest(FileSystem* files, std::string directory)
    : files_(files),
      directory_(std::move(directory)),
      path_(JoinPath(directory_, kManifestFileName)) {}

absl::StatusOr<std::unique_ptr<Manifest>> Manifest::Create(FileSystem* files,
                                                           const std::string& directory,
                                                           const DatabaseIdentity& identity) {
  std::unique_ptr<Manifest> manifest(new Manifest(files, directory));
  const absl::StatusOr<uint64_t> size = files->FileSize(manifest->path_);
  if (size.ok()) {
    return absl::AlreadyExistsError(
        absl::StrCat("there is a database in '", directory, "' already: '", manifest->path_, "'"));
  }
  if (!absl::IsNotFound(size.status())) return size.status();
  manifest->state_.identity = identity;
  bool replaced;
  TSDB_RETURN_IF_ERROR(manifest->WriteAnew(&replaced));
  return manifest;
}

absl::StatusOr<ManifestReplay> Manifest::Read(FileSystem* files, const std::string& directory) {
  const std::string path = JoinPath(directory, kManifestFileName);
  // Not by its name and then its content: a writer may replace it in between.
  TSDB_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> file, files->OpenReadable(path));
  std::vector<uint8_t> bytes;
  for (;;) {
    constexpr size_t kStep = size_t{1} << 20;
    const size_t have = bytes.size();
    bytes.resize(have + kStep);
    TSDB_ASSIGN_OR_RETURN(const size_t count, file->Read(have, std::span(bytes).subspan(have)));
    bytes.resize(have + count);
    if (count < kStep) break;
    if (bytes.size() > kManifestBytesMax) {
      return absl::DataLossError(absl::StrCat("'", path, "' has more than ", kManifestBytesMax,
                                              " bytes: it is no manifest of ours"));
    }
  }
  return ReplayManifest(bytes, path);
}

absl::StatusOr<std::unique_ptr<Manifest>> Manifest::Open(FileSystem* files,
                                                         const std::string& directory) {
  TSDB_ASSIGN_OR_RETURN(ManifestReplay replay, Read(files, directory));
  std::unique_ptr<Manifest> manifest(new Manifest(files, directory));
  manifest->state_ = std::move(replay.state);
  manifest->torn_bytes_ = replay.torn_bytes;
  manifest->damaged_copies_ = replay.damaged_copies;
  bool replaced;
  TSDB_RETURN_IF_ERROR(manifest->WriteAnew(&replaced));
  return manifest;
}

absl::Status Manifest::WriteAnew(bool* replaced) {
  *replaced = false;
  uint64_t next_sequence;
  const std::vector<uint8_t> bytes = EncodeManifest(state_, &next_sequence);
  const std::string temporary = absl::StrCat(path_, ToAbsl(kTemporarySuffix));
  TSDB_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file,
                        files_->Create(temporary, CreateMode::kTruncate));
  TSDB_RETURN_IF_ERROR(file->Append(bytes));
  TSDB_RETURN_IF_ERROR(file->Sync());
  TSDB_RETURN_IF_ERROR(file->Close());
  // From here on nobody can say which file the name stands for after a power loss, until the
  // directory is synced. The states of both are the same.
  *replaced = true;
  TSDB_RETURN_IF_ERROR(files_->Rename(temporary, path_));
  TSDB_RETURN_IF_ERROR(files_->SyncDirectory(directory_));
  TSDB_ASSIGN_OR_RETURN(file_, files_->OpenWritable(path_, bytes.size()));
  next_sequence_ = next_sequence;
  bytes_ = bytes.size();
  write_anew_at_ = std::max(kShortBytes, kGrowthMax * bytes_);
  return absl::OkStatus();
}

void Manifest::WriteAnewIfLong() {
  if (bytes_ < write_anew_at_) return;
  bool replaced;
  rewrite_error_ = WriteAnew(&replaced);
  if (rewrite_error_.ok()) return;
  write_anew_at_ = 2 * bytes_;
  // Edits appended to a file that may lose its name would be lost with it.
  if (replaced) error_ = InManifest(path_, "replace it by a shorter one", rewrite_error_);
}

absl::Status Manifest::AppendRecord(const ManifestEdit& edit) {
  std::vector<uint8_t> record;
  AppendManifestRecord(next_sequence_, edit.bytes(), &record);
  if (const absl::Status appended = file_->Append(record); !appended.ok()) {
    // A part of it may be there, even a whole copy, and would be replayed: take it away again.
    absl::Status undone = file_->Truncate(bytes_);
    if (undone.ok()) undone = file_->SyncData();
    const absl::Status status = InManifest(path_, "append an edit", appended);
    if (!undone.ok()) error_ = status;
    return status;
  }
  if (const absl::Status synced = file_->SyncData(); !synced.ok()) {
    error_ = InManifest(path_, "make an edit durable", synced);
    return error_;
  }
  bytes_ += record.size();
  ++next_sequence_;
  return absl::OkStatus();
}

absl::Status Manifest::Apply(const ManifestEdit& edit) {
  TSDB_RETURN_IF_ERROR(error_);
  if (edit.bytes().size() > kManifestEditBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("an edit of ", edit.bytes().size(),
                                                   " bytes is over the manifest's limit of ",
                                                   kManifestEditBytesMax, "; cut it in parts"));
  }
  ManifestState changed = state_;
  TSDB_RETURN_IF_ERROR(ApplyEdit(edit.bytes(), &changed));
  TSDB_RETURN_IF_ERROR(AppendRecord(edit));
  state_ = std::move(changed);
  WriteAnewIfLong();
  return absl::OkStatus();
}

}  // namespace tsdb::segment

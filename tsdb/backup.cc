// A copy of a database, made while it is in use.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/base/status_macros.h"
#include "tsdb/durability/layout.h"
#include "tsdb/engine.h"

namespace tsdb {
namespace {

constexpr size_t kCopyBytes = size_t{1} << 20;

absl::Status CopyFile(FileSystem* files, const std::string& from, const std::string& to) {
  TSDB_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> source, files->OpenReadable(from));
  TSDB_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> copy,
                        files->Create(to, CreateMode::kNew));
  std::vector<uint8_t> buffer(kCopyBytes);
  for (uint64_t offset = 0;;) {
    TSDB_ASSIGN_OR_RETURN(const size_t read, source->Read(offset, buffer));
    if (read == 0) break;
    TSDB_RETURN_IF_ERROR(copy->Append(std::span<const uint8_t>(buffer).first(read)));
    offset += read;
  }
  TSDB_RETURN_IF_ERROR(copy->Sync());
  return copy->Close();
}

}  // namespace

absl::Status Engine::Backup(const std::string& directory) {
  TSDB_RETURN_IF_ERROR(CheckWritable("backup"));
  if (log == nullptr) {
    return absl::FailedPreconditionError(
        "backup: the database is in memory; open one with Options::directory");
  }
  MutexLock lock(&checkpoint_mutex_);
  TSDB_RETURN_IF_ERROR(CheckpointLocked(durability::Compaction::kNone));
  TSDB_RETURN_IF_ERROR(durability::EnsureDirectory(files, directory));
  TSDB_ASSIGN_OR_RETURN(const std::vector<std::string> names, files->List(directory));
  if (!names.empty()) {
    return absl::AlreadyExistsError(absl::StrCat("backup: '", directory, "' holds '", names[0],
                                                 "'; choose an empty or a new directory"));
  }
  const std::string segments = JoinPath(directory, durability::kSegmentsName);
  TSDB_RETURN_IF_ERROR(durability::EnsureDirectory(files, segments));
  TSDB_RETURN_IF_ERROR(
      durability::EnsureDirectory(files, JoinPath(directory, durability::kLogName)));
  const segment::ManifestState& state = store_->state();
  for (const auto& [number, live] : state.segments) {
    const std::string from = store_->PathOf(number);
    const std::string to = JoinPath(segments, segment::SegmentFileName(number));
    // Another file system, or one without links.
    if (!files->Link(from, to).ok()) TSDB_RETURN_IF_ERROR(CopyFile(files, from, to));
  }
  TSDB_RETURN_IF_ERROR(files->SyncDirectory(segments));
  TSDB_ASSIGN_OR_RETURN(const std::unique_ptr<segment::Manifest> manifest,
                        segment::Manifest::Create(files, directory, state.identity));
  for (const segment::ManifestEdit& edit : segment::SnapshotEdits(state)) {
    TSDB_RETURN_IF_ERROR(manifest->Apply(edit));
  }
  // From here on it is a database.
  return durability::WriteFormat(files, directory);
}

}  // namespace tsdb

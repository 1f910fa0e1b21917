// The manifest of a database directory, open for edits.
//
//   TSDB_ASSIGN_OR_RETURN(auto manifest, Manifest::Open(files, directory));
//   manifest->Apply(ManifestEdit().SetNextFileNumber(8).AddSegment(segment_7).RemoveSegment(3));
//
// Order of things: a file is durable before an edit names it, and is removed only after the edit
// that no longer names it was applied. What a crash leaves behind (files no edit names, files
// ending in kTemporarySuffix) is garbage.
//
// Thread safety: one thread at a time; only one process may have the directory open for writing
// (the caller holds its lock). Read may run beside a writer: it sees some prefix of its edits.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/file_system.h"
#include "storage/segment/manifest_format.h"
#include "storage/segment/manifest_state.h"

namespace tsdb::segment {

inline constexpr char kManifestFileName[] = "manifest";

class Manifest {
 public:
  // Makes the manifest of a new database. kAlreadyExists if there is one. `identity`: random, given
  // by the caller. `files` must outlive the manifest.
  static absl::StatusOr<std::unique_ptr<Manifest>> Create(FileSystem* files,
                                                          const std::string& directory,
                                                          const DatabaseIdentity& identity);
  // Replays it and writes it anew, so that what was read is durable and whole. kNotFound if there
  // is none; kDataLoss names file and offset; kUnimplemented: a version of the future.
  static absl::StatusOr<std::unique_ptr<Manifest>> Open(FileSystem* files,
                                                        const std::string& directory);
  // Replays it without touching it, for those who only read, or check.
  static absl::StatusOr<ManifestReplay> Read(FileSystem* files, const std::string& directory);

  Manifest(const Manifest&) = delete;
  Manifest& operator=(const Manifest&) = delete;

  const ManifestState& state() const { return state_; }
  // What Open found besides the state: a torn edit, damaged copies. Both are healed.
  uint64_t torn_bytes() const { return torn_bytes_; }
  uint64_t damaged_copies() const { return damaged_copies_; }
  // Of the file.
  uint64_t bytes() const { return bytes_; }

  // Makes `edit` durable, then part of state(). On error state() is unchanged and:
  // - kInvalidArgument: the edit breaks a rule; nothing was written.
  // - status() is OK: the edit is not in the file; the same or another may be tried.
  // - else: whether the edit is in the file is unknown until it is opened again. Files that it
  // names
  //   must not be removed. Every later Apply returns the same error.
  // Cost: an fdatasync, and a copy of the state. Now and then the whole file is written anew.
  absl::Status Apply(const ManifestEdit& edit);

  // The error that ended writing, if any. Only opening the manifest anew helps.
  const absl::Status& status() const { return error_; }
  // Why the last attempt to write the long file anew failed, if it did; the old file serves on and
  // the next attempt is due when it has doubled.
  const absl::Status& rewrite_status() const { return rewrite_error_; }

 private:
  Manifest(FileSystem* files, std::string directory);

  // Puts a file of state_ in the place of what is there. On error: if *replaced is false the old
  // file is untouched and, if it was open, still open.
  absl::Status WriteAnew(bool* replaced);
  absl::Status AppendRecord(const ManifestEdit& edit);
  void WriteAnewIfLong();

  FileSystem* const files_;
  const std::string directory_;
  const std::string path_;
  std::unique_ptr<WritableFile> file_;  // at its end
  ManifestState state_;
  uint64_t next_sequence_ = 0;
  uint64_t bytes_ = 0;
  uint64_t write_anew_at_ = 0;  // bytes
  uint64_t torn_bytes_ = 0, damaged_copies_ = 0;
  absl::Status error_, rewrite_error_;
};

}  // namespace tsdb::segment

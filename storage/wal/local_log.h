// The log in files of a directory. Two threads work for it: one writes what has been appended, one
// waits for the disk, so that writing goes on while the disk is busy and one sync serves all who
// wait. Appending copies into a buffer and never waits for the disk unless that is full.
//
//   Append ─► staged ─(writer thread)─► file ─(sync thread)─► durable
//
// Invariants
//  1. Sequence numbers in the files rise by one. A file is begun only when everything before it is
//     durable, its name too, so a gap before a file's first batch can only be damage.
//  2. Files are never changed once another has been begun; nothing is appended to files of an
//     earlier opening.
//
// Files: docs/formats/log.md. Thread safety: as Log. Lock order: mutex_ is innermost, and never
// held while a file is touched.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/file_system.h"
#include "storage/base/mutex.h"
#include "storage/wal/log.h"

namespace tsdb::wal {

struct LocalLogOptions {
  // A file is closed, and another begun, once it is this long.
  uint64_t file_bytes = uint64_t{64} << 20;
  // Appended and not yet written, at most (one batch may pass it).
  size_t staged_bytes = size_t{8} << 20;
  // What is written becomes durable after this time even if nobody waits for it.
  std::chrono::milliseconds sync_interval{100};
  // How long a sync that somebody waits for is put off, so that more can join it.
  std::chrono::microseconds sync_delay{0};
};

class LocalLog : public Log {
 public:
  // Opens the log in `directory`, which exists, and passes what it holds from `from` on to `visit`
  // first. Damage is no error: see the report.
  static absl::StatusOr<std::unique_ptr<LocalLog>> Open(FileSystem* files, std::string directory,
                                                        const LocalLogOptions& options,
                                                        uint64_t from, const ReplayVisitor& visit,
                                                        ReplayReport* report);
  // As Close, dropping its status.
  ~LocalLog() override;

  absl::StatusOr<uint64_t> Append(uint8_t kind, std::span<const uint8_t> payload) override;
  absl::Status AwaitWritten(uint64_t sequence) override;
  absl::Status AwaitDurable(uint64_t sequence) override;
  absl::Status TruncateBefore(uint64_t sequence) override;
  absl::Status Close() override;
  absl::Status Stalled() const override;
  LogStats Stats() const override;

 private:
  using Clock = std::chrono::steady_clock;

  struct Batches {
    std::vector<uint8_t> bytes;
    std::vector<size_t> ends;  // of each, in `bytes`
  };

  LocalLog(FileSystem* files, std::string directory, const LocalLogOptions& options,
           uint64_t last_sequence);

  void WriteLoop() ABSL_LOCKS_EXCLUDED(mutex_);
  void SyncLoop() ABSL_LOCKS_EXCLUDED(mutex_);
  bool WaitForStaged() ABSL_LOCKS_EXCLUDED(mutex_);
  // Writes batches of `writing_` from the `from`th on, as many as fit the file, and returns the
  // number of the next.
  absl::StatusOr<size_t> WriteBatches(size_t from) ABSL_LOCKS_EXCLUDED(mutex_);
  // The same, trying again while the disk is full.
  absl::StatusOr<size_t> WriteBatchesWhenThereIsSpace(size_t from) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status BeginFile(uint64_t first) ABSL_LOCKS_EXCLUDED(mutex_);
  // Cuts off what was allocated ahead, and closes.
  absl::Status EndFile() ABSL_LOCKS_EXCLUDED(mutex_);
  bool WaitUntilSyncDue(uint64_t* written) ABSL_LOCKS_EXCLUDED(mutex_);
  void Fail(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);

  FileSystem* const files_;
  const std::string directory_;
  const LocalLogOptions options_;

  // The writer thread's; the sync thread uses `file_` while the writer leaves it alone (invariant
  // 1).
  Batches writing_;
  std::shared_ptr<WritableFile> file_ ABSL_GUARDED_BY(mutex_);

  mutable Mutex mutex_;
  CondVar staged_changed_;   // for the writer thread
  CondVar sync_changed_;     // for the sync thread
  CondVar written_changed_;  // for AwaitWritten, and Append when too much is staged
  CondVar durable_changed_;  // for AwaitDurable, and the writer at the end of a file
  Batches staged_ ABSL_GUARDED_BY(mutex_);
  uint64_t appended_ ABSL_GUARDED_BY(mutex_);
  uint64_t written_ ABSL_GUARDED_BY(mutex_);
  uint64_t durable_ ABSL_GUARDED_BY(mutex_);
  uint64_t sync_wanted_ ABSL_GUARDED_BY(mutex_) = 0;  // somebody waits for this one
  size_t write_waiters_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool writer_ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  absl::Status stalled_ ABSL_GUARDED_BY(mutex_);  // OK: not
  LogStats stats_ ABSL_GUARDED_BY(mutex_);

  Mutex files_mutex_;  // outside mutex_: of the list of files
  std::vector<uint64_t> firsts_ ABSL_GUARDED_BY(files_mutex_);

  std::thread writer_;
  std::thread syncer_;
};

}  // namespace tsdb::wal

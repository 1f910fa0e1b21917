// What a Database is made of, and the operations that its public classes share. Not part of the
// public contract.
//
// Thread safety: every method from any thread. Lock order: close_mutex_, checkpoint_mutex_,
// changes_mutex_, registry_mutex_, then one slot's mutex, then the pipeline's; wake_mutex_ after
// checkpoint_mutex_ and before the pipeline's.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/label/label_index.h"
#include "index/label/series_table.h"
#include "index/tree/tree.h"
#include "storage/base/file_system.h"
#include "storage/base/mutex.h"
#include "storage/base/shared_mutex.h"
#include "storage/cache/leaf_cache.h"
#include "storage/codec/run.h"
#include "storage/wal/local_log.h"
#include "tsdb/database.h"
#include "tsdb/durability/compaction.h"
#include "tsdb/durability/run_logger.h"
#include "tsdb/durability/segment_store.h"
#include "tsdb/ingest/chunk_pool.h"
#include "tsdb/ingest/slot.h"
#include "tsdb/merge/pipeline.h"
#include "tsdb/options.h"
#include "tsdb/stats_publisher.h"

namespace tsdb {

class Engine {
 public:
  // Options with every 0 replaced by what it stands for.
  static absl::StatusOr<std::unique_ptr<Engine>> Create(const Options& resolved);

  ingest::Slot* OpenSlot() ABSL_LOCKS_EXCLUDED(registry_mutex_);
  // Hands in what the slot holds and forgets it.
  void CloseSlot(ingest::Slot* slot) ABSL_LOCKS_EXCLUDED(registry_mutex_);
  size_t OpenSlots() const { return open_slots_.load(std::memory_order_relaxed); }

  // Hands the published, not yet taken records of a slot to the merge; returns the position in the
  // commit order that covers everything in the slot so far.
  uint64_t TakePublished(ingest::Slot& slot) ABSL_LOCKS_EXCLUDED(slot.mutex);
  // The same for every slot; the position covers all that was appended before the call.
  uint64_t TakeAllPublished() ABSL_LOCKS_EXCLUDED(registry_mutex_);

  // Records in a chunk for one more writer, so that all open chunks stay in cache and the pool
  // lasts.
  uint32_t ChunkRecords() const;
  // Whether `records` more would pass the memory budget.
  bool OverBudget(uint64_t records) const;
  // Waits, past the budget, for a checkpoint to move leaves out of memory. False when even that
  // leaves no room, or cannot be done: the error says which.
  bool AwaitRoom(uint64_t records, absl::Status& error) ABSL_LOCKS_EXCLUDED(wake_mutex_);
  uint64_t MemoryBytes() const;
  // What unpacked leaves may take of the budget: they give way to the rest.
  uint64_t LeafCacheCapacity() const;
  // Of these, those that the budget counts: what is in use, and what what is buffered may yet need.
  uint64_t UsedBytes() const;

  absl::Status Flush();
  // Checks every page, each by its owner, beside writers too; returns the records found in leaves.
  absl::StatusOr<uint64_t> CheckPages();
  // As Database::Verify.
  absl::Status Verify() ABSL_LOCKS_EXCLUDED(changes_mutex_);
  // Deletes records of `series`, ascending, in the range, that were appended before the call;
  // returns how many there were. Readers do not see them any more then. kFailedPrecondition once
  // the database is closed.
  absl::StatusOr<uint64_t> DeleteRange(std::span<const SeriesId> series, TimeRange range)
      ABSL_LOCKS_EXCLUDED(changes_mutex_);
  // As Database::CompareAndSet, but for waiting until it is durable.
  absl::StatusOr<bool> CompareAndSet(SeriesId series, Sample desired,
                                     std::optional<double> expected)
      ABSL_LOCKS_EXCLUDED(changes_mutex_, registry_mutex_);
  // As Database::Close.
  absl::Status Close() ABSL_LOCKS_EXCLUDED(close_mutex_, registry_mutex_);
  // Whether a slot opened from now on is to refuse appends. Relaxed: set under registry_mutex_,
  // which every slot is opened under; and no slot that is open lives to see it change.
  bool closed() const { return closed_.load(std::memory_order_relaxed); }
  void FillLedger(Ledger& ledger) const ABSL_LOCKS_EXCLUDED(registry_mutex_);
  Stats Statistics() const ABSL_LOCKS_EXCLUDED(registry_mutex_);

  // Reads back what there is, through an appender of `database`, and starts maintenance; or the
  // last of it on a thread of its own (Options::serve_while_opening). kAborted when it is opened
  // read-only and files went away meanwhile: worth trying again.
  absl::Status Open(FileSystem* file_system, Database& database);
  // Waits for that thread, but for itself.
  absl::Status AwaitOpened() const ABSL_LOCKS_EXCLUDED(opening_mutex_);
  // Pairs with the release at the end of opening: log, logger and recovery can be read.
  bool opened() const { return opened_.load(std::memory_order_acquire); }
  // Why nothing may be changed; OK if it may.
  absl::Status CheckWritable(std::string_view doing) const;
  // A copy of everything merged, as a database of its own in a new directory.
  absl::Status Backup(const std::string& directory) ABSL_LOCKS_EXCLUDED(checkpoint_mutex_);
  // Everything merged so far is as durable as the mode promises / everything up to the part, which
  // is merged, of its writer.
  absl::Status AwaitDurable();
  absl::Status AwaitDurable(uint64_t part);
  absl::Status CloseLog() ABSL_LOCKS_EXCLUDED(checkpoint_mutex_, wake_mutex_);
  absl::Status Checkpoint(durability::Compaction compaction) ABSL_LOCKS_EXCLUDED(checkpoint_mutex_);

  const Options options;
  // The present, in milliseconds since the epoch. For tests to replace before maintenance starts.
  std::function<Timestamp()> clock;
  // Of a database with a directory. The pipeline uses log and logger until it is gone.
  std::unique_ptr<FileLock> directory_lock;
  std::unique_ptr<wal::LocalLog> log;
  std::unique_ptr<durability::RunLogger> logger;
  RecoveryReport recovery;
  FileSystem* files = nullptr;

  label::SeriesTable series;
  label::LabelIndex label_index{series};
  tree::Tree tree;
  cache::LeafCache leaf_cache;  // of packed segments
  std::unique_ptr<ingest::ChunkPool> chunks;
  std::unique_ptr<merge::MergePipeline> pipeline;

  std::atomic<uint64_t> rejected_unknown_series{0};
  std::atomic<uint64_t> rejected_budget{0};
  std::atomic<uint64_t> rejected_closed{0};
  std::atomic<uint64_t> rejected_log{0};

 private:
  explicit Engine(const Options& resolved);
  // Reads back what the directory holds, and logs from then on.
  absl::Status OpenDirectory(Database& database);
  // The same beside another process that may be writing, changing nothing.
  absl::Status OpenReadOnly(Database& database);
  absl::Status ReadBackLog(Database& database, uint64_t from, std::vector<SeriesId> numbers);
  // Begins to publish Statistics in the directory, if that is wanted.
  size_t ThreadsAtMost() const;
  absl::Status StartPublishing();
  void EndOpening(const absl::Status& status) ABSL_LOCKS_EXCLUDED(opening_mutex_);
  void StopOpening();
  absl::Status LoadSegments(std::unique_ptr<durability::SegmentStore> store, uint64_t* log_from,
                            std::vector<SeriesId>* numbers) ABSL_LOCKS_EXCLUDED(checkpoint_mutex_);
  void NoteReplay(const wal::ReplayReport& report, bool read_only);
  absl::Status AwaitLogged(uint64_t position);
  // `vouched`: whether what was read back is known to be durable; null: read-only, nothing is
  // logged from then on.
  absl::Status ReplayLog(Database& database, uint64_t from, std::vector<SeriesId> numbers,
                         bool* vouched);
  absl::Status CheckpointLocked(durability::Compaction compaction)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(checkpoint_mutex_);
  // Deletes what Options say is too old, or too much.
  void ApplyRetention() ABSL_LOCKS_EXCLUDED(registry_mutex_);
  // The time before which about `excess` bytes of leaves lie.
  Timestamp FindCutoff(uint64_t excess) const;
  void DeleteBefore(Timestamp cutoff);
  // Puts everything into segments but what the log has from `log_sequence` on.
  absl::Status WriteSegments(uint64_t log_sequence, durability::Compaction compaction)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(checkpoint_mutex_);
  absl::Status WriteCheckpoint(durability::Compaction compaction)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(checkpoint_mutex_);
  void NoteSegments() ABSL_EXCLUSIVE_LOCKS_REQUIRED(checkpoint_mutex_);
  // While the log is read back: sees to it that this needs no more memory than there is.
  absl::Status FlushReplayed(uint64_t log_sequence) ABSL_LOCKS_EXCLUDED(checkpoint_mutex_);
  // Starts the maintenance thread, if there is something for it to do.
  absl::Status StartMaintenance();
  void StopMaintenance() ABSL_LOCKS_EXCLUDED(wake_mutex_);
  // What it does: checkpoints and retention.
  void MaintenanceLoop() ABSL_LOCKS_EXCLUDED(checkpoint_mutex_, wake_mutex_);
  void CheckpointIfDue() ABSL_LOCKS_EXCLUDED(checkpoint_mutex_, wake_mutex_);
  bool CheckpointIsDue() const;
  // Bytes in memory that a checkpoint could move into a file, about.
  // Of leaves in memory.
  uint64_t EncodedBytes() const;
  uint64_t BytesToFlush() const;

  mutable Mutex opening_mutex_;
  mutable CondVar opening_ended_;
  absl::Status opening_status_ ABSL_GUARDED_BY(opening_mutex_);
  std::atomic<bool> opened_{false};
  std::atomic<bool> stop_opening_{false};
  std::thread opening_;  // with Options::serve_while_opening
  // Held while a checkpoint is written.
  Mutex checkpoint_mutex_;
  std::unique_ptr<durability::SegmentStore> store_ ABSL_PT_GUARDED_BY(checkpoint_mutex_);
  bool log_closed_ ABSL_GUARDED_BY(checkpoint_mutex_) = false;
  std::atomic<uint64_t> checkpointed_log_bytes_{0};  // of the log, when the last one was written
  std::atomic<uint64_t> replayed_log_bytes_{0};      // of the log, read back and not in segments
  std::atomic<uint64_t> rest_bytes_{0};              // that the next one will write again
  std::atomic<uint64_t> unflushed_bytes_{0};  // encoded, and in memory even after the last one
  std::atomic<uint64_t> segments_{0};         // and their bytes
  std::atomic<uint64_t> segment_bytes_{0};
  std::atomic<uint64_t> checkpoints_{0};
  std::atomic<uint64_t> checkpoint_bytes_{0};
  std::atomic<uint64_t> compacted_bytes_{0};
  std::atomic<uint64_t> checkpoint_failures_{0};
  // Wakes the maintenance thread to look, or to end, and those who wait for room.
  Mutex wake_mutex_;
  CondVar wake_;
  CondVar room_;
  bool maintains_ ABSL_GUARDED_BY(wake_mutex_) = false;  // from its start until it is to end
  uint64_t room_waiters_ ABSL_GUARDED_BY(wake_mutex_) = 0;
  uint64_t checkpoints_tried_ ABSL_GUARDED_BY(wake_mutex_) = 0;
  uint64_t used_after_checkpoint_ ABSL_GUARDED_BY(wake_mutex_) = 0;  // bytes, right after it
  absl::Status checkpoint_status_ ABSL_GUARDED_BY(wake_mutex_);      // of the last one tried
  std::atomic<uint64_t> room_wait_ns_{0};
  std::thread maintenance_;
  Timestamp retained_from_ = kTimestampMin;  // of the maintenance thread: too old before

  // Held through the flush, so that no Close returns before it.
  Mutex close_mutex_ ABSL_ACQUIRED_BEFORE(registry_mutex_);
  std::optional<absl::Status> close_status_ ABSL_GUARDED_BY(close_mutex_);  // of the one flush
  // Shared by what changes the database without an appender: deletions, retention's too, and
  // conditional writes. Verify, which has it alone, compares what it finds in page after page with
  // counts of the whole; Close has it alone once closed_ is set, so that none is on its way then.
  SharedMutex changes_mutex_ ABSL_ACQUIRED_BEFORE(registry_mutex_);
  codec::RunsEncoder conditional_encoder_;  // of conditional writes, each in its turn
  mutable Mutex registry_mutex_;
  std::vector<std::unique_ptr<ingest::Slot>> slots_ ABSL_GUARDED_BY(registry_mutex_);
  uint64_t gone_records_ ABSL_GUARDED_BY(registry_mutex_) = 0;  // accepted in slots since forgotten
  std::atomic<size_t> open_slots_{0};
  std::atomic<bool> read_only_{false};
  std::atomic<bool> closed_{false};  // written under registry_mutex_
  // Set before the opening has other threads. Last: it asks for all of the above until it is gone.
  std::unique_ptr<StatsPublisher> publisher_;
};

}  // namespace tsdb

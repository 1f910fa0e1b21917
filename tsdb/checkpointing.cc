// Checkpoints of a database with a directory: when, what for, and the last one, at its close.
#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/patience.h"
#include "storage/base/status_macros.h"
#include "tsdb/durability/checkpoint.h"
#include "tsdb/engine.h"
#include "tsdb/merge/page_task.h"

namespace tsdb {
namespace {

// Part of the budget that encoded leaves may take in memory before they are moved into segments:
// the rest has room for as much again while they are being written, and for what stays.
constexpr uint64_t kFlushPart = 4;

// Lets the tree use leaves where a checkpoint has written them, so that their memory is free.
class UseMappedTask : public merge::PageTask {
 public:
  // `leaves`: ascending by (series, first).
  explicit UseMappedTask(std::span<const tree::MappedLeaf> leaves) : leaves_(leaves) {}

  void Run(tree::TreeWriter& writer, tree::Page& page, SeriesId first_series) override {
    const auto begin = FirstFrom(first_series);
    const auto end = FirstFrom(uint64_t{first_series} + tree::kPageSeries);
    writer.UseMapped(page, leaves_.subspan(begin, end - begin));
  }

 private:
  size_t FirstFrom(uint64_t series) const {
    const auto at = std::lower_bound(
        leaves_.begin(), leaves_.end(), series,
        [](const tree::MappedLeaf& leaf, uint64_t wanted) { return leaf.series < wanted; });
    return static_cast<size_t>(at - leaves_.begin());
  }

  const std::span<const tree::MappedLeaf> leaves_;
};

segment::Packing PackingOf(const Options& options) {
  return options.compression == Compression::kLz4 ? segment::Packing::kWherePays
                                                  : segment::Packing::kPlain;
}

}  // namespace

absl::Status Engine::Checkpoint(durability::Compaction compaction) {
  if (log == nullptr) return absl::OkStatus();
  MutexLock lock(&checkpoint_mutex_);
  return CheckpointLocked(compaction);
}

absl::Status Engine::CheckpointLocked(durability::Compaction compaction) {
  const PatientScope patient;  // files, the manifest and what memory knows of them go together
  absl::Status status = WriteCheckpoint(compaction);
  tree.epochs().Reclaim();
  tree.pool().Trim();
  pipeline->Trim();
  const uint64_t used = UsedBytes();
  if (!status.ok()) checkpoint_failures_.fetch_add(1, std::memory_order_relaxed);
  MutexLock lock(&wake_mutex_);
  ++checkpoints_tried_;
  used_after_checkpoint_ = used;
  checkpoint_status_ = status;
  room_.NotifyAll();
  return status;
}

absl::Status Engine::WriteCheckpoint(durability::Compaction compaction) {
  if (log_closed_) return absl::FailedPreconditionError("checkpoint: the database is closed");
  // The log would go on after a gap: what merged since it failed is not in it.
  if (logger->failed()) return logger->status();
  const uint64_t log_bytes = log->Stats().bytes;
  // Batches up to here were handed out before, so they are applied once all submitted are.
  const uint64_t position = log->Stats().last_appended;
  TSDB_RETURN_IF_ERROR(WriteSegments(position + 1, compaction));
  checkpointed_log_bytes_.store(log_bytes, std::memory_order_relaxed);
  replayed_log_bytes_.store(0, std::memory_order_relaxed);
  return log->TruncateBefore(position + 1);
}

absl::Status Engine::WriteSegments(uint64_t log_sequence, durability::Compaction compaction) {
  TSDB_RETURN_IF_ERROR(Flush());
  // It may hold records past `log_sequence`: were those not durable in the log, a loss of power
  // could take earlier ones and leave them.
  const auto sync_log = [this] {
    return log == nullptr ? absl::OkStatus() : log->AwaitDurable(log->Stats().last_appended);
  };
  TSDB_ASSIGN_OR_RETURN(const durability::WrittenCheckpoint written,
                        durability::WriteCheckpoint(*store_, log_sequence, tree, series, compaction,
                                                    PackingOf(options), sync_log));
  rest_bytes_.store(written.rest_bytes, std::memory_order_relaxed);
  checkpoints_.fetch_add(1, std::memory_order_relaxed);
  checkpoint_bytes_.fetch_add(written.bytes, std::memory_order_relaxed);
  compacted_bytes_.fetch_add(written.copied_bytes, std::memory_order_relaxed);
  UseMappedTask use_mapped(written.leaves);
  pipeline->AwaitMerged(pipeline->SubmitTask(&use_mapped, 0, series.Count()));
  const absl::Status removed = store_->RemoveObsolete(tree.epochs());
  NoteSegments();
  return removed;
}

void Engine::NoteSegments() {
  segments_.store(store_->leaf_segments(), std::memory_order_relaxed);
  segment_bytes_.store(store_->leaf_bytes(), std::memory_order_relaxed);
  unflushed_bytes_.store(EncodedBytes(), std::memory_order_relaxed);
}

absl::Status Engine::FlushReplayed(uint64_t log_sequence) {
  if (BytesToFlush() < options.memory_budget_bytes / kFlushPart) return absl::OkStatus();
  const PatientScope patient;
  MutexLock lock(&checkpoint_mutex_);
  return WriteSegments(log_sequence, durability::Compaction::kAsNeeded);
}

uint64_t Engine::EncodedBytes() const {
  // Below 0 while what one writer has encoded and another dropped is counted by the second only.
  return static_cast<uint64_t>(
      std::max<int64_t>(0, tree.ReadCounts()[tree::Counter::kEncodedBytes]));
}

uint64_t Engine::BytesToFlush() const {
  const uint64_t encoded = EncodedBytes();
  const uint64_t unflushed = unflushed_bytes_.load(std::memory_order_relaxed);
  return encoded - std::min(encoded, unflushed);
}

bool Engine::CheckpointIsDue() const {
  if (BytesToFlush() >= options.memory_budget_bytes / kFlushPart) return true;
  const uint64_t grown = replayed_log_bytes_.load(std::memory_order_relaxed) + log->Stats().bytes -
                         checkpointed_log_bytes_.load(std::memory_order_relaxed);
  return grown >= options.checkpoint_log_bytes &&
         grown >= rest_bytes_.load(std::memory_order_relaxed);
}

void Engine::CheckpointIfDue() {
  bool wanted;
  {
    MutexLock lock(&wake_mutex_);
    wanted = room_waiters_ > 0;
  }
  if (!wanted && !CheckpointIsDue()) return;
  if (Checkpoint(durability::Compaction::kAsNeeded).ok()) return;
  // What fails is counted, and tried again when the log has grown by as much once more, or when a
  // writer needs the room.
  checkpointed_log_bytes_.store(log->Stats().bytes, std::memory_order_relaxed);
  unflushed_bytes_.store(EncodedBytes(), std::memory_order_relaxed);
}

bool Engine::AwaitRoom(uint64_t records, absl::Status& error) {
  tree.epochs().Reclaim();
  if (!OverBudget(records)) return true;
  if (log != nullptr) {
    const auto start = std::chrono::steady_clock::now();
    MutexLock lock(&wake_mutex_);
    ++room_waiters_;
    wake_.NotifyAll();
    // One that runs already may have begun before what can be flushed now was there.
    uint64_t counted = checkpoints_tried_ + 1;
    while (maintains_ && OverBudget(records)) {
      if (checkpoints_tried_ > counted &&
          (!checkpoint_status_.ok() ||
           used_after_checkpoint_ + records * sizeof(Sample) > options.memory_budget_bytes)) {
        break;
      }
      room_.Wait(&wake_mutex_);
    }
    --room_waiters_;
    room_wait_ns_.fetch_add(
        static_cast<uint64_t>((std::chrono::steady_clock::now() - start).count()),
        std::memory_order_relaxed);
    if (!OverBudget(records)) return true;
    if (!checkpoint_status_.ok()) {
      error = absl::Status(
          checkpoint_status_.code(),
          absl::StrCat(
              "append: the memory budget is used up, and moving data into segments failed: ",
              std::string(checkpoint_status_.message())));
      return false;
    }
  }
  error = absl::ResourceExhaustedError(absl::StrCat(
      "append: ", MemoryBytes(), " bytes of the memory budget of ", options.memory_budget_bytes,
      " are in use; raise Options::memory_budget_bytes or store less"));
  return false;
}

absl::Status Engine::AwaitDurable() {
  return logger == nullptr ? absl::OkStatus() : AwaitLogged(logger->last_position());
}

absl::Status Engine::AwaitDurable(uint64_t part) {
  return logger == nullptr ? absl::OkStatus() : AwaitLogged(logger->PositionOf(part));
}

absl::Status Engine::AwaitLogged(uint64_t position) {
  if (logger->failed()) return logger->status();
  return options.durability == Durability::kSync ? log->AwaitDurable(position)
                                                 : log->AwaitWritten(position);
}

absl::Status Engine::CloseLog() {
  if (log == nullptr) return absl::OkStatus();
  MutexLock lock(&checkpoint_mutex_);
  if (logger != nullptr) logger->AppendSeriesOnly();  // nothing is being merged any more
  absl::Status status;
  if (options.checkpoint_on_close && log->Stats().batches > 0)
    status = CheckpointLocked(durability::Compaction::kNone);
  log_closed_ = true;
  if (absl::Status closed_status = log->Close(); status.ok()) status = closed_status;
  return status;
}

}  // namespace tsdb

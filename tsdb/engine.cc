#include "tsdb/engine.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "index/tree/tree_check.h"
#include "storage/base/check.h"
#include "storage/base/parallel.h"
#include "storage/base/patience.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"
#include "tsdb/merge/page_task.h"

namespace tsdb {
namespace {

// Records in all open chunks together. Chunks of 16 Ki records for one writer per core keep a chunk
// and the scratch it is sorted into within a core's L2.
constexpr size_t kOpenRecordsPerCore = 16384;
// Many writers get no less each while the pool has it: below, the fixed cost of a merge (some 3 us)
// shows per record.
constexpr size_t kChunkRecordsCrowded = 4096;
// Chunks beside the open ones: sealed, or being merged.
constexpr size_t kChunksInMerge = 8;
// Part of the budget of a database with a directory kept for blocks freed by checkpoints that no
// later one is of the size for.
constexpr uint64_t kUnusablePart = 8;
// Part of the budget that unpacked leaves may take.
constexpr uint64_t kCachePart = 4;
// Of the label index, for a series of six labels, about: to ask it is to look at every bitmap.
constexpr uint64_t kIndexBytesPerSeries = 48;

class CheckTask : public merge::PageTask {
 public:
  explicit CheckTask(const tree::Tree& tree) : tree_(tree) {}

  void Run(tree::TreeWriter& /*writer*/, tree::Page& page, SeriesId first_series) override {
    const auto guard = tree_.epochs().Pin();
    const absl::StatusOr<uint64_t> found = tree::CheckPage(page, first_series);
    MutexLock lock(&mutex_);
    if (!result_.ok()) return;
    if (found.ok()) {
      *result_ += *found;
    } else {
      result_ = found;
    }
  }

  absl::StatusOr<uint64_t> Result() const {
    MutexLock lock(&mutex_);
    return result_;
  }

 private:
  const tree::Tree& tree_;
  mutable Mutex mutex_;
  absl::StatusOr<uint64_t> result_ ABSL_GUARDED_BY(mutex_) = uint64_t{0};
};

}  // namespace

Engine::Engine(const Options& resolved)
    : options(resolved),
      series(resolved.series_max),
      tree(resolved.duplicates == DuplicatePolicy::kLastWins ? tree::KeepDuplicate::kLater
                                                             : tree::KeepDuplicate::kEarlier),
      leaf_cache({[this] { return tree.epochs().Advance(); },
                  [this](uint64_t epoch) { return tree.epochs().AllReadersAfter(epoch); }},
                 [this] { return LeafCacheCapacity(); }) {}

absl::StatusOr<std::unique_ptr<Engine>> Engine::Create(const Options& resolved) {
  InstallPatience();
  std::unique_ptr<Engine> engine(new Engine(resolved));
  engine->clock = [] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  TSDB_RETURN_IF_ERROR(engine->tree.pool().Prefault(resolved.prefault_bytes));
  TSDB_ASSIGN_OR_RETURN(engine->chunks, ingest::ChunkPool::Create(resolved.write_buffer_bytes));
  engine->pipeline = std::make_unique<merge::MergePipeline>(&engine->tree, engine->chunks.get(),
                                                            resolved.merge_threads);
  return engine;
}

ingest::Slot* Engine::OpenSlot() {
  MutexLock lock(&registry_mutex_);
  slots_.push_back(std::make_unique<ingest::Slot>());
  open_slots_.store(slots_.size(), std::memory_order_relaxed);
  return slots_.back().get();
}

void Engine::CloseSlot(ingest::Slot* slot) {
  const PatientScope patient;
  {
    // Forgotten only once everything is handed in: the registry's mutex is held throughout, so that
    // TakeAllPublished sees the slot or what it handed in.
    MutexLock registry(&registry_mutex_);
    TakePublished(*slot);
    pipeline->Commit();  // as if it had: an Appender's end is its last commit
    ingest::Chunk* chunk;
    {
      MutexLock lock(&slot->mutex);
      chunk = std::exchange(slot->chunk, nullptr);
      gone_records_ += slot->closed_records;
      // The writer is this thread: no record is being published.
      if (chunk != nullptr) gone_records_ += chunk->published.load(std::memory_order_relaxed);
    }
    if (chunk != nullptr) pipeline->DropChunk(chunk);
    auto at = std::find_if(slots_.begin(), slots_.end(),
                           [slot](const auto& owned) { return owned.get() == slot; });
    TSDB_CHECK(at != slots_.end());
    std::swap(*at, slots_.back());
    slots_.pop_back();
    open_slots_.store(slots_.size(), std::memory_order_relaxed);
  }
  pipeline->MergeOrHandOver();
}

uint64_t Engine::TakePublished(ingest::Slot& slot) {
  MutexLock lock(&slot.mutex);
  if (slot.chunk == nullptr) return slot.last_sequence;
  // Pairs with the release in Appender::Append: the columns below the mark are whole.
  const uint32_t published = slot.chunk->published.load(std::memory_order_acquire);
  if (published > slot.taken) {
    slot.chunk->references.fetch_add(1,
                                     std::memory_order_relaxed);  // the slot's own keeps it alive
    slot.last_sequence = pipeline->Submit(slot.chunk, slot.taken, published, &slot);
    slot.taken = published;
  }
  return slot.last_sequence;
}

uint64_t Engine::TakeAllPublished() {
  MutexLock lock(&registry_mutex_);
  for (const auto& slot : slots_) TakePublished(*slot);
  return pipeline->submitted();
}

uint32_t Engine::ChunkRecords() const {
  const size_t open = std::max<size_t>(OpenSlots(), 1);
  const size_t in_cache =
      std::max(kOpenRecordsPerCore * ProcessorCount() / open, kChunkRecordsCrowded);
  // One for each writer and some being merged must fit the pool.
  const size_t in_pool = chunks->bytes_max() / ingest::kRecordBytes / (open + kChunksInMerge);
  const size_t records = std::clamp<size_t>(std::min(in_cache, in_pool), ingest::kChunkRecordsMin,
                                            kOpenRecordsPerCore);
  return static_cast<uint32_t>(std::bit_floor(records));
}

uint64_t Engine::MemoryBytes() const {
  return tree.memory_bytes() + series.Bytes() + chunks->bytes() + pipeline->scratch_bytes();
}

uint64_t Engine::LeafCacheCapacity() const {
  const uint64_t budget = options.memory_budget_bytes;
  return std::min(budget / kCachePart, budget - std::min(budget, UsedBytes()));
}

uint64_t Engine::UsedBytes() const {
  uint64_t used = MemoryBytes() + label_index.indexed() * kIndexBytesPerSeries;
  // Merges take it when they need it.
  used += pipeline->scratch_bytes_max() - pipeline->scratch_bytes();
  // What is free in the pool is used again: pages at once, blocks if their sizes are asked for, or
  // once their neighbours are free. Counting half of these lets in the less the more there is of
  // them. The terms are read one after the other while others allocate.
  const SlabPool& pool = tree.pool();
  const uint64_t reserved = pool.reserved_bytes();
  const uint64_t pages = std::min<uint64_t>(reserved, pool.free_page_bytes());
  const uint64_t blocks = reserved - std::min<uint64_t>(reserved, pages + pool.allocated_bytes());
  used -= std::min<uint64_t>(used, pages);
  if (!options.directory.empty()) {
    used -= std::min<uint64_t>(used, blocks / 2);
    used += options.memory_budget_bytes / kUnusablePart;
  }
  // What is buffered may need as much again in open leaves.
  return used + chunks->bytes();
}

bool Engine::OverBudget(uint64_t records) const {
  return UsedBytes() + records * sizeof(Sample) > options.memory_budget_bytes;
}

absl::Status Engine::Flush() {
  pipeline->AwaitMerged(TakeAllPublished());
  merge::SettleTask settle;
  pipeline->AwaitMerged(pipeline->SubmitTask(&settle, 0, series.Count()));
  tree.epochs().Reclaim();
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> Engine::CheckPages() {
  CheckTask check(tree);
  pipeline->AwaitMerged(pipeline->SubmitTask(&check, 0, series.Count()));
  return check.Result();
}

absl::Status Engine::Verify() {
  const WriterMutexLock no_changes(&changes_mutex_);
  TSDB_RETURN_IF_ERROR(Flush());
  TSDB_ASSIGN_OR_RETURN(const uint64_t walked, CheckPages());
  const Ledger ledger = Statistics().ledger;
  if (!ledger.Balanced() || ledger.Buffered() != 0 || walked != ledger.in_tree) {
    return absl::DataLossError(absl::StrCat(
        "the ledger does not balance: appended ", ledger.appended, ", accepted ", ledger.accepted,
        ", rejected ", ledger.Rejected(), ", buffered ", ledger.Buffered(), ", merged ",
        ledger.merged, ", in tree ", ledger.in_tree, " (", walked,
        " counted by walking it), replaced ", ledger.replaced, ", deleted ", ledger.deleted));
  }
  return absl::OkStatus();
}

absl::Status Engine::CheckWritable(std::string_view doing) const {
  if (closed()) {
    return absl::FailedPreconditionError(absl::StrCat(ToAbsl(doing), ": the database is closed"));
  }
  if (read_only_.load(std::memory_order_relaxed)) {
    return absl::FailedPreconditionError(
        absl::StrCat(ToAbsl(doing), ": the database was opened read-only"));
  }
  if (opened()) {
    MutexLock lock(&opening_mutex_);
    if (!opening_status_.ok()) return opening_status_;
  }
  if (logger == nullptr) return absl::OkStatus();
  if (logger->failed()) return logger->status();
  return log->Stalled();
}

absl::Status Engine::Close() {
  const PatientScope patient;
  MutexLock close(&close_mutex_);
  if (close_status_.has_value()) return *close_status_;
  StopOpening();  // it has an appender
  {
    MutexLock lock(&registry_mutex_);
    if (!slots_.empty()) {
      return absl::FailedPreconditionError(
          absl::StrCat("closing: ", slots_.size(), " appenders are open; destroy them first"));
    }
    closed_.store(true, std::memory_order_relaxed);
  }
  // Changes that did not see it are over then.
  { const WriterMutexLock no_changes(&changes_mutex_); }
  StopMaintenance();
  absl::Status status = Flush();
  if (absl::Status log_status = CloseLog(); status.ok()) status = log_status;
  if (publisher_ != nullptr) publisher_->Finish();
  directory_lock.reset();  // last of all: another process may open it now
  close_status_ = status;
  return status;
}

void Engine::FillLedger(Ledger& ledger) const {
  ledger.rejected_unknown_series = rejected_unknown_series.load(std::memory_order_relaxed);
  ledger.rejected_budget = rejected_budget.load(std::memory_order_relaxed);
  ledger.rejected_log = rejected_log.load(std::memory_order_relaxed);
  ledger.rejected_closed = rejected_closed.load(std::memory_order_relaxed);
  {
    MutexLock lock(&registry_mutex_);
    ledger.accepted = gone_records_;
    for (const auto& slot : slots_) {
      MutexLock slot_lock(&slot->mutex);
      ledger.accepted += slot->closed_records;
      if (slot->chunk == nullptr) continue;
      const uint32_t published = slot->chunk->published.load(std::memory_order_acquire);
      ledger.accepted += published;
      ledger.buffered_open += published - slot->taken;
    }
  }
  ledger.appended = ledger.accepted + ledger.Rejected();
  const uint64_t applied = pipeline->applied_records();
  const tree::Counts counts = tree.ReadCounts();
  ledger.buffered_sealed = pipeline->submitted_records() - applied;
  ledger.buffered_late = static_cast<uint64_t>(counts[tree::Counter::kLate]);
  ledger.merged = static_cast<uint64_t>(counts[tree::Counter::kMerged]);
  ledger.in_tree = static_cast<uint64_t>(counts[tree::Counter::kInTree]);
  ledger.deleted = static_cast<uint64_t>(counts[tree::Counter::kDeleted]);
  ledger.replaced = static_cast<uint64_t>(counts[tree::Counter::kReplaced]);
}

Stats Engine::Statistics() const {
  Stats stats;
  FillLedger(stats.ledger);
  const tree::Counts counts = tree.ReadCounts();
  auto count = [&](tree::Counter counter) { return static_cast<uint64_t>(counts[counter]); };
  stats.series = series.Count();
  stats.series_bytes = series.Bytes() + label_index.Bytes();
  stats.series_refused = series.Refused();
  stats.leaves = count(tree::Counter::kLeaves);
  stats.leaf_splits = count(tree::Counter::kSplits);
  stats.leaf_rewrites = count(tree::Counter::kRewrites);
  stats.encoded_records = count(tree::Counter::kEncodedRecords);
  stats.mapped_leaves = count(tree::Counter::kMappedLeaves);
  stats.mapped_bytes = count(tree::Counter::kMappedBytes);
  stats.encoded_bytes = count(tree::Counter::kEncodedBytes) + stats.mapped_bytes;
  stats.open_records = count(tree::Counter::kInTree) + count(tree::Counter::kLate) -
                       count(tree::Counter::kEncodedRecords);
  stats.open_bytes = count(tree::Counter::kOpenBytes);
  stats.index_bytes = count(tree::Counter::kIndexBytes);
  for (size_t i = 0; i < stats.timestamp_encodings.size(); ++i) {
    stats.timestamp_encodings[i] = static_cast<uint64_t>(counts.timestamp_encodings[i]);
    stats.value_encodings[i] = static_cast<uint64_t>(counts.value_encodings[i]);
  }
  stats.appenders = OpenSlots();
  stats.chunks = chunks->chunks();
  stats.chunk_bytes = chunks->bytes();
  stats.chunk_bytes_max = chunks->bytes_max();
  const merge::PipelineStats merge = pipeline->Stats();
  stats.chunks_sealed = merge.parts;
  stats.sealed_queue_depth = merge.queue_depth;
  stats.merge_ns = merge.merge_ns;
  stats.merge_sort_ns = merge.sort_ns;
  stats.encoded_ahead = merge.encoded_ahead;
  stats.helped = merge.helped;
  stats.helping_ns = merge.helping_ns;
  stats.blocked = merge.blocked;
  stats.blocked_ns = merge.blocked_ns;
  stats.commit_wait_ns = merge.await_ns;
  if (opened() && log != nullptr) {
    const wal::LogStats log_stats = log->Stats();
    stats.log_batches = log_stats.batches;
    stats.log_bytes = log_stats.bytes;
    stats.log_syncs = log_stats.syncs;
    stats.log_blocked_ns = log_stats.blocked_ns;
    stats.checkpoints = checkpoints_.load(std::memory_order_relaxed);
    stats.checkpoint_bytes = checkpoint_bytes_.load(std::memory_order_relaxed);
    stats.compacted_bytes = compacted_bytes_.load(std::memory_order_relaxed);
    stats.checkpoint_failures = checkpoint_failures_.load(std::memory_order_relaxed);
    stats.checkpoint_wait_ns = room_wait_ns_.load(std::memory_order_relaxed);
  }
  stats.segments = segments_.load(std::memory_order_relaxed);
  stats.segment_bytes = segment_bytes_.load(std::memory_order_relaxed);
  const cache::LeafCache::Counts cached = leaf_cache.counts();
  stats.cache_hits = cached.hits;
  stats.cache_loads = cached.loads;
  stats.cache_bytes = cached.bytes;
  stats.retired_bytes = tree.epochs().retired_bytes();
  stats.reader_age_epochs = tree.epochs().OldestReaderAge();
  stats.memory_bytes =
      MemoryBytes() + label_index.Bytes() + tree.pool().spare_bytes() + cached.bytes;
  stats.memory_budget_bytes = options.memory_budget_bytes;
  if (publisher_ != nullptr) stats.stats_failures = publisher_->failures();
  return stats;
}

}  // namespace tsdb

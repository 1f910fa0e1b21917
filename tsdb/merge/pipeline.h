// The merge, from sealed parts of chunks to leaves, running while writers write. Passes, per part:
//
//   1. take      the oldest part in the queue, a context and a batch         (mutex_)
//   2. sort      into runs; the chunk goes back to the pool; long runs of series (pure, parallel)
//                that another thread is merging are encoded here, to be linked in by the owner
//   3. log       the runs, encoded in pass 2, where there is a log             (order_mutex_)
//      hand out  items to their pages' queues, in commit order                  (order_mutex_)
//   4. apply     own each page in turn and work off what is queued there       (parallel by page)
//   5. finish    mark the batches done whose last items these were              (mutex_)
//
// Any thread may run passes: the pool's own threads while cores are idle, else the writer that
// sealed, while the chunk is in its cache; a writer that finds no free chunk helps before it waits.
// A thread that has sorted out of turn leaves its batch to whoever is first in order, and a thread
// that finds a page owned leaves its item to the owner: nobody waits for another's pass.
//
// Invariants
//  1. Items reach the pages' queues in commit order: a writer's parts in the order of submission,
//  and
//     after a commit nothing submitted later before what was submitted earlier. So of two records
//     with one key the one committed later is applied later. Between commits, parts of different
//     writers may pass each other: one whose thread lost its core while sorting holds nobody up.
//  2. A part counts as merged after its records are readable, counted, and its chunk given back.
//  3. While parts are queued and a context is free, some thread is on its way to take one.
//  4. Contexts bound the merges that run at once, batches the scratch memory, chunks the queue.
//
// Thread safety: every method from any thread. Lock order: a slot's mutex, order_mutex_, mutex_.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "index/tree/tree.h"
#include "index/tree/tree_writer.h"
#include "storage/base/mutex.h"
#include "storage/base/parallel.h"
#include "tsdb/durability/run_logger.h"
#include "tsdb/ingest/chunk_pool.h"
#include "tsdb/merge/run_batch.h"

namespace tsdb::merge {

struct PipelineStats {
  uint64_t parts = 0;          // submitted since the start
  uint64_t queue_depth = 0;    // waiting now
  uint64_t merge_ns = 0;       // CPU time in passes 2 to 4, estimated from one merge in eight
  uint64_t sort_ns = 0;        // of which pass 2
  uint64_t encoded_ahead = 0;  // leaves encoded by threads that did not own their page
  uint64_t helped = 0;         // merges by writers for want of a chunk, and their time
  uint64_t helping_ns = 0;
  uint64_t blocked = 0;  // waits for a chunk, and their time
  uint64_t blocked_ns = 0;
  uint64_t await_ns = 0;  // time in AwaitMerged
};

class MergePipeline {
 public:
  // At most `concurrency` merges at once.
  MergePipeline(tree::Tree* tree, ingest::ChunkPool* chunks, size_t concurrency);
  ~MergePipeline();  // REQUIRES: everything submitted is merged.

  // Queues records [begin, end) of a chunk, for which the caller passes on one of the chunk's
  // references, and returns their position in the commit order. `writer` tells writers apart.
  uint64_t Submit(ingest::Chunk* chunk, uint32_t begin, uint32_t end, const void* writer);
  // Everything submitted so far is handed out before anything submitted from now on.
  void Commit();
  // Queues the task for the pages of series [begin, end) that there are; returns the position by
  // which it is done.
  uint64_t SubmitTask(PageTask* task, SeriesId begin, SeriesId end);
  // To be called by a writer after Submit, with no lock held: sees to it that the part gets merged,
  // by this thread or another.
  void MergeOrHandOver();

  // A chunk of about `records` records. Merges while there is none, then waits; null only when the
  // system has no memory. REQUIRES: the caller holds no chunk.
  ingest::Chunk* AcquireChunk(uint32_t records);
  // Drops a reference that was not passed on.
  void DropChunk(ingest::Chunk* chunk);

  // Returns once everything up to the position is merged; merges meanwhile.
  void AwaitMerged(uint64_t sequence);

  // Position of the newest part / up to which all parts are merged.
  uint64_t submitted() const;
  uint64_t merged() const;
  uint64_t submitted_records() const { return submitted_records_.load(std::memory_order_relaxed); }
  uint64_t applied_records() const { return applied_records_.load(std::memory_order_acquire); }
  PipelineStats Stats() const;

  // Parts are logged from now on. REQUIRES: nothing is submitted or being merged.
  void SetLogger(durability::RunLogger* logger) { logger_ = logger; }

  // While it lives, `threads` threads answer a question. Merges then leave cores to them as they do
  // to writers: with none to spare it is the writers who merge, each what it wrote, and a query and
  // a writer have equal shares of the machine.
  class QueryThreads {
   public:
    QueryThreads(MergePipeline* pipeline, size_t threads) : pipeline_(pipeline), threads_(threads) {
      pipeline_->query_threads_.fetch_add(threads_, std::memory_order_relaxed);
    }
    ~QueryThreads() { pipeline_->query_threads_.fetch_sub(threads_, std::memory_order_relaxed); }
    QueryThreads(const QueryThreads&) = delete;
    QueryThreads& operator=(const QueryThreads&) = delete;

   private:
    MergePipeline* const pipeline_;
    const size_t threads_;
  };

  // Gives back scratch memory that was not used since the last call.
  void Trim() ABSL_LOCKS_EXCLUDED(mutex_);
  // Bytes of scratch memory that is mapped / that will be if all merges are busy at once.
  size_t scratch_bytes() const { return scratch_bytes_.load(std::memory_order_relaxed); }
  size_t scratch_bytes_max() const;

  // For measuring writers alone: parts submitted from now on are thrown away.
  void SetDiscard(bool discard) { discard_.store(discard, std::memory_order_relaxed); }
  uint64_t discarded_records() const { return discarded_records_.load(std::memory_order_relaxed); }

 private:
  struct Context {
    explicit Context(tree::Tree* tree) : writer(tree) {}
    tree::TreeWriter writer;
    codec::RunsEncoder runs_encoder;
    uint32_t processor = 0;             // that ran it last
    std::vector<RunBatch*> handed_out;  // by this thread, in order
    std::vector<RunBatch*> done;        // one entry per applied item
  };

  // What a thread holds while it merges one part. Empty: null.
  struct Work {
    Context* context = nullptr;
    RunBatch* batch = nullptr;
  };
  // Whom to wake, decided with mutex_ held and done without it: a woken thread wants the mutex.
  struct Wakes {
    bool all_for_merged = false;
    bool one_for_merged = false;
    bool one_for_chunk = false;
    bool drain = false;
  };

  uint64_t QueueTask(PageTask* task, SeriesId begin, SeriesId end, Wakes& wakes)
      ABSL_LOCKS_EXCLUDED(mutex_);
  Work Take() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);  // REQUIRES: CanMerge().
  // Merges `work` and then up to `most` - 1 queued parts.
  void MergeUpTo(size_t most, Work work) ABSL_LOCKS_EXCLUDED(mutex_);
  bool MergeOne() ABSL_LOCKS_EXCLUDED(mutex_);
  // Scratch memory for the batch's part; waits for it.
  void MakeRoom(RunBatch& batch);
  void RunPasses(const Work& work) ABSL_LOCKS_EXCLUDED(mutex_);
  void BuildItems(RunBatch& batch);
  void EncodeAhead(Context& context, RunBatch& batch);
  void BuildTaskItems(RunBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(order_mutex_);
  void HandOut(Context& context, RunBatch* batch) ABSL_LOCKS_EXCLUDED(order_mutex_, mutex_);
  RunBatch* TakeTurn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(order_mutex_) ABSL_LOCKS_EXCLUDED(mutex_);
  void Apply(Context& context, RunBatch& batch);
  void WorkOff(Context& context, tree::Page& page);
  void ApplyItem(Context& context, PageItem& item);
  void FinishItems(Context& context) ABSL_LOCKS_EXCLUDED(mutex_);
  void RecordFinished(Context& context, Wakes& wakes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  bool CanMerge() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !queue_.empty() && !free_contexts_.empty() && !free_batches_.empty();
  }
  uint64_t MergedLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WakeForWork(Wakes& wakes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WakeNextWaiter(Wakes& wakes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ScheduleDrain(Wakes& wakes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Fire(const Wakes& wakes) ABSL_LOCKS_EXCLUDED(mutex_);
  void PassWakeOn() ABSL_LOCKS_EXCLUDED(mutex_);
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);
  size_t ActiveWriters() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  tree::Tree* const tree_;
  ingest::ChunkPool* const chunks_;
  const size_t concurrency_;
  durability::RunLogger* logger_ = nullptr;  // null: nothing is logged
  std::atomic<size_t> query_threads_{0};
  std::atomic<bool> discard_{false};
  std::atomic<uint64_t> submitted_records_{0};
  std::atomic<uint64_t> applied_records_{0};
  std::atomic<uint64_t> discarded_records_{0};
  std::atomic<size_t> scratch_bytes_{0};
  std::atomic<uint64_t> merge_ns_{0};
  std::atomic<uint64_t> sort_ns_{0};
  std::atomic<uint64_t> encoded_ahead_{0};
  std::atomic<uint64_t> helped_{0};
  std::atomic<uint64_t> helping_ns_{0};
  std::atomic<uint64_t> blocked_{0};
  std::atomic<uint64_t> blocked_ns_{0};
  std::atomic<uint64_t> await_ns_{0};

  std::vector<std::unique_ptr<Context>> contexts_;  // constant after Create
  std::vector<std::unique_ptr<RunBatch>> batches_;  // likewise

  mutable Mutex mutex_;
  CondVar chunk_or_work_;   // for writers without a chunk
  CondVar merged_or_work_;  // for those who await a position
  std::deque<Part> queue_ ABSL_GUARDED_BY(mutex_);
  std::vector<Context*> free_contexts_ ABSL_GUARDED_BY(mutex_);
  std::vector<RunBatch*> free_batches_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint64_t> in_flight_ ABSL_GUARDED_BY(mutex_);  // taken from the queue, not finished
  uint64_t next_sequence_ ABSL_GUARDED_BY(mutex_) = 1;
  uint64_t committed_ ABSL_GUARDED_BY(mutex_) = 0;  // position of the last commit
  struct Turn {
    uint64_t sequence;
    const void* writer;
  };
  std::vector<Turn> not_handed_out_ ABSL_GUARDED_BY(mutex_);  // taken from the queue, in order
  std::atomic<uint64_t> chunk_releases_{0};
  std::atomic<uint64_t> releases_beside_waiters_{0};
  std::atomic<size_t> chunk_waiters_{0};  // changed under mutex_
  size_t merged_waiters_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t drains_ ABSL_GUARDED_BY(mutex_) = 0;  // scheduled or running on the pool
  static constexpr size_t kRecent = 16;
  const void* recent_writers_[kRecent] ABSL_GUARDED_BY(mutex_) = {};  // of the last parts submitted

  Mutex order_mutex_;
  std::vector<RunBatch*> sorted_ ABSL_GUARDED_BY(order_mutex_);  // waiting for their turn

  TaskPool pool_;  // last: its destructor waits for drains, which use the rest
};

}  // namespace tsdb::merge

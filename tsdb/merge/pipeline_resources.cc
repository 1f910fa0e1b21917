// What a pipeline holds, contexts and batches with their scratch memory, and what it counts.
//
// Thread safety: Trim and the figures from any thread; MakeRoom by the one that has the batch.
#include <bit>
#include <utility>
#include <vector>

#include "storage/base/patience.h"
#include "tsdb/merge/pipeline.h"
#include "tsdb/merge/sort_into_runs.h"

namespace tsdb::merge {

MergePipeline::MergePipeline(tree::Tree* tree, ingest::ChunkPool* chunks, size_t concurrency)
    : tree_(tree), chunks_(chunks), concurrency_(concurrency), pool_(concurrency) {
  MutexLock lock(&mutex_);
  // More than cores: a thread that loses its core in the middle of a merge keeps its context.
  const size_t contexts = 2 * concurrency + 2;
  for (size_t i = 0; i < contexts; ++i) {
    contexts_.push_back(std::make_unique<Context>(tree));
    free_contexts_.push_back(contexts_.back().get());
  }
  // One being sorted per context, and some whose items other owners are still to apply.
  for (size_t i = 0; i < 2 * contexts; ++i) {
    batches_.push_back(std::make_unique<RunBatch>());
    free_batches_.push_back(batches_.back().get());
  }
}

MergePipeline::~MergePipeline() = default;

void MergePipeline::MakeRoom(RunBatch& batch) {
  batch.used = true;
  const uint32_t records = std::bit_ceil(batch.part.end - batch.part.begin);
  if (batch.capacity >= records) return;
  const size_t before = batch.memory.bytes();
  while (!PrepareBatch(batch, records).ok()) AwaitMemory();
  scratch_bytes_.fetch_add(batch.memory.bytes() - before, std::memory_order_relaxed);
}

void MergePipeline::Trim() {
  std::vector<HugeRegion> unused;  // unmapped without the lock
  unused.reserve(batches_.size());
  MutexLock lock(&mutex_);
  for (RunBatch* batch : free_batches_) {
    if (!std::exchange(batch->used, false) && batch->capacity > 0) {
      scratch_bytes_.fetch_sub(batch->memory.bytes(), std::memory_order_relaxed);
      batch->capacity = 0;
      unused.push_back(std::move(batch->memory));
    }
  }
}

size_t MergePipeline::scratch_bytes_max() const {
  return batches_.size() * ScratchBytes(chunks_->records_max());
}

PipelineStats MergePipeline::Stats() const {
  PipelineStats stats;
  {
    MutexLock lock(&mutex_);
    stats.parts = next_sequence_ - 1;
    stats.queue_depth = queue_.size();
  }
  stats.encoded_ahead = encoded_ahead_.load(std::memory_order_relaxed);
  stats.merge_ns = merge_ns_.load(std::memory_order_relaxed);
  stats.sort_ns = sort_ns_.load(std::memory_order_relaxed);
  stats.helped = helped_.load(std::memory_order_relaxed);
  stats.helping_ns = helping_ns_.load(std::memory_order_relaxed);
  stats.blocked = blocked_.load(std::memory_order_relaxed);
  stats.blocked_ns = blocked_ns_.load(std::memory_order_relaxed);
  stats.await_ns = await_ns_.load(std::memory_order_relaxed);
  return stats;
}

}  // namespace tsdb::merge

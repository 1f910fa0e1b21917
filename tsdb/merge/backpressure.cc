// The waits of the pipeline's callers: for a chunk, and for a position to be merged. Both merge
// while there is something to merge, and sleep only when others hold all there is.
#include <algorithm>
#include <chrono>

#include "tsdb/merge/pipeline.h"

namespace tsdb::merge {
namespace {

// Chunks given back for one waiting writer woken.
constexpr uint64_t kReleasesPerWake = 16;

// Adds the wall time of its life to a counter.
class WallTimer {
 public:
  explicit WallTimer(std::atomic<uint64_t>* total) : total_(total) {}
  ~WallTimer() {
    const auto elapsed = std::chrono::steady_clock::now() - start_;
    total_->fetch_add(static_cast<uint64_t>(
                          std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed).count()),
                      std::memory_order_relaxed);
  }
  WallTimer(const WallTimer&) = delete;
  WallTimer& operator=(const WallTimer&) = delete;

 private:
  std::atomic<uint64_t>* const total_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

void MergePipeline::DropChunk(ingest::Chunk* chunk) {
  // Acquire and release: whoever reuses the chunk does so after all reads of it.
  if (chunk->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  chunks_->Release(chunk);
  // Sequentially consistent, like the counterpart in AcquireChunk: either the writer about to wait
  // sees the release, or it is seen to wait here.
  chunk_releases_.fetch_add(1, std::memory_order_seq_cst);
  if (chunk_waiters_.load(std::memory_order_seq_cst) == 0) return;
  // The writer that gives a chunk back, having merged it, takes it again at once; a writer woken
  // for each would find it gone. One in so many gets its turn; when nothing is left to merge,
  // RecordFinished and AcquireChunk wake the rest, one after the other.
  if ((releases_beside_waiters_.fetch_add(1, std::memory_order_relaxed) + 1) % kReleasesPerWake !=
      0) {
    return;
  }
  {
    // A writer counted as waiting may not have begun to; with the mutex it has.
    MutexLock lock(&mutex_);
  }
  chunk_or_work_.NotifyOne();  // without the mutex, which the woken thread wants first
}

ingest::Chunk* MergePipeline::AcquireChunk(uint32_t records) {
  bool owes_wake = false;  // this thread merged, or was woken perhaps for a part it will not merge
  for (;;) {
    const uint64_t releases = chunk_releases_.load(std::memory_order_seq_cst);
    if (ingest::Chunk* chunk = chunks_->TryAcquire(records)) {
      if (owes_wake) PassWakeOn();
      return chunk;
    }
    const auto start = std::chrono::steady_clock::now();
    if (MergeOne()) {
      owes_wake = true;
      helped_.fetch_add(1, std::memory_order_relaxed);
      helping_ns_.fetch_add(
          static_cast<uint64_t>((std::chrono::steady_clock::now() - start).count()),
          std::memory_order_relaxed);
      continue;
    }
    MutexLock lock(&mutex_);
    chunk_waiters_.fetch_add(1, std::memory_order_seq_cst);
    if (chunk_releases_.load(std::memory_order_seq_cst) != releases || CanMerge()) {
      chunk_waiters_.fetch_sub(1, std::memory_order_relaxed);
      continue;
    }
    if (queue_.empty() && in_flight_.empty()) {
      // All chunks are open in other writers' hands, and nothing will bring one back.
      chunk_waiters_.fetch_sub(1, std::memory_order_relaxed);
      chunk_or_work_.NotifyOne();
      return chunks_->AcquirePastBound();
    }
    blocked_.fetch_add(1, std::memory_order_relaxed);
    WallTimer timer(&blocked_ns_);
    chunk_or_work_.Wait(&mutex_);
    owes_wake = true;
    // Whatever this wake-up was meant for, the next in line hears of it if there is more to do than
    // this thread will.
    const bool others = chunk_waiters_.fetch_sub(1, std::memory_order_relaxed) > 1;
    if (others && CanMerge()) chunk_or_work_.NotifyOne();
  }
}

// A writer that has its chunk leaves what it was woken for to the next.
void MergePipeline::PassWakeOn() {
  Wakes wakes;
  {
    MutexLock lock(&mutex_);
    WakeForWork(wakes);
    WakeNextWaiter(wakes);
  }
  Fire(wakes);
}

void MergePipeline::AwaitMerged(uint64_t sequence) {
  {
    MutexLock lock(&mutex_);
    if (MergedLocked() >= sequence) return;
  }
  WallTimer timer(&await_ns_);
  Wakes wakes;
  for (;;) {
    Work work;
    {
      MutexLock lock(&mutex_);
      if (MergedLocked() >= sequence) {
        WakeForWork(wakes);
        break;
      }
      if (!CanMerge()) {
        ++merged_waiters_;
        merged_or_work_.Wait(&mutex_);
        --merged_waiters_;
        continue;
      }
      work = Take();
    }
    MergeUpTo(1, work);
  }
  Fire(wakes);
}

}  // namespace tsdb::merge

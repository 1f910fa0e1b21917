#include "storage/base/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <new>

#include "absl/base/thread_annotations.h"
#include "storage/base/mutex.h"

namespace tsdb {
namespace {

// Pieces of a loop per thread: threads that start late, or lose their processor, leave the rest to
// the others.
constexpr size_t kPiecesPerThread = 8;

// One ParallelFor. Threads claim piece after piece; one that comes when all are claimed leaves
// without having touched the body, so the caller need not wait for threads that have not started.
// (A loop of 0.4 ms that waited for its second thread to be given a processor, beside two threads
// that write at full speed, ran at a tenth of its rate alone.)
class Loop {
 public:
  Loop(size_t begin, size_t items, size_t pieces, absl::FunctionRef<void(size_t, size_t)> body)
      : begin_(begin), items_(items), pieces_(pieces), body_(body) {}

  void RunPieces() {
    size_t ran = 0;
    for (;;) {
      // Relaxed: a claim orders nothing; what pieces wrote the mutex in Count hands on.
      const size_t piece = claimed_.fetch_add(1, std::memory_order_relaxed);
      if (piece >= pieces_) break;
      if (!failed_.load(std::memory_order_relaxed)) RunPiece(piece);
      ++ran;
    }
    if (ran > 0) Count(ran);
  }

  // Throws what a piece has thrown; pieces that had not begun by then were left out.
  void AwaitAll() {
    MutexLock lock(&mutex_);
    while (done_ < pieces_) all_done_.Wait(&mutex_);
    if (thrown_ != nullptr) std::rethrow_exception(thrown_);
  }

 private:
  void RunPiece(size_t piece) {
    try {
      body_(PieceBegin(piece), PieceBegin(piece + 1));
    } catch (...) {
      MutexLock lock(&mutex_);
      if (thrown_ == nullptr) thrown_ = std::current_exception();
      failed_.store(true, std::memory_order_relaxed);  // a hint; thrown_ is what counts
    }
  }

  // The first items % pieces pieces are one longer than the rest.
  size_t PieceBegin(size_t piece) const {
    return begin_ + piece * (items_ / pieces_) + std::min(piece, items_ % pieces_);
  }

  void Count(size_t ran) {
    MutexLock lock(&mutex_);
    done_ += ran;
    if (done_ == pieces_) all_done_.NotifyOne();
  }

  const size_t begin_;
  const size_t items_;
  const size_t pieces_;
  const absl::FunctionRef<void(size_t, size_t)> body_;  // lives until all pieces are done
  std::atomic<size_t> claimed_{0};
  Mutex mutex_;
  CondVar all_done_;
  size_t done_ ABSL_GUARDED_BY(mutex_) = 0;
  std::exception_ptr thrown_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> failed_{false};
};

// Threads for loops, beside those that call them. Never destroyed: loops in static destructors.
TaskPool& LoopPool() {
  static auto* pool = new TaskPool(ProcessorCount());
  return *pool;
}

}  // namespace

size_t ProcessorCount() {
  cpu_set_t processors;
  if (sched_getaffinity(0, sizeof(processors), &processors) != 0) return 1;
  return std::max(1, CPU_COUNT(&processors));
}

void ParallelFor(size_t begin, size_t end, size_t grain, size_t threads,
                 absl::FunctionRef<void(size_t begin, size_t end)> body) {
  if (begin >= end) return;
  if (grain == 0) grain = 1;
  if (threads == 0) threads = ProcessorCount();
  const size_t items = end - begin;
  if (threads == 1 || items <= grain) {
    body(begin, end);
    return;
  }
  const size_t pieces = std::max<size_t>(1, std::min(items / grain, threads * kPiecesPerThread));
  auto loop = std::make_shared<Loop>(begin, items, pieces, body);
  TaskPool& pool = LoopPool();
  const size_t helpers = std::min({threads - 1, pieces - 1, pool.concurrency()});
  try {
    for (size_t i = 0; i < helpers; ++i) pool.Submit([loop] { loop->RunPieces(); });
  } catch (const std::bad_alloc&) {
    // Those that were found room for, or this thread alone, do it all; they use `body` meanwhile.
  }
  loop->RunPieces();
  loop->AwaitAll();
}

}  // namespace tsdb

#include <tbb/global_control.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "storage/base/check.h"
#include "storage/base/mutex.h"
#include "storage/base/parallel.h"
#include "storage/base/patience.h"

namespace tsdb {
namespace {

// TBB keeps one set of workers for the process, by default one fewer than there are processors: too
// few for a pool of as many threads as processors whose submitters run nothing themselves, so that
// the pool would have one thread on a machine of two processors. This raises the bound to what all
// live pools can use. It is never lowered (arenas bound what is used), and a
// lower bound set by the embedding program wins, by TBB's rule that the lowest active one holds.
class WorkerBound {
 public:
  static WorkerBound& Get() {
    static WorkerBound* bound = new WorkerBound;  // outlives every pool that is static
    return *bound;
  }

  void AddPool(size_t threads) {
    MutexLock lock(&mutex_);
    pool_threads_ += threads;
    Raise();
  }
  void RemovePool(size_t threads) {
    MutexLock lock(&mutex_);
    pool_threads_ -= threads;
  }

 private:
  WorkerBound()
      : allowed_(tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism)) {}

  void Raise() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const size_t wanted = pool_threads_ + 1;  // the bound counts the program's own thread
    if (wanted <= allowed_) return;
    allowed_ = wanted;
    // The new one first: between the two calls the lower bound, the old one, holds.
    control_ = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                     allowed_);
  }

  Mutex mutex_;
  size_t pool_threads_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t allowed_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<tbb::global_control> control_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

class TaskPool::Impl {
 public:
  explicit Impl(size_t concurrency)
      : concurrency_(concurrency), arena_(static_cast<int>(concurrency), /*reserved=*/0) {
    WorkerBound::Get().AddPool(concurrency_);
    arena_.initialize();
  }

  ~Impl() {
    arena_.terminate();
    WorkerBound::Get().RemovePool(concurrency_);
  }

  void WaitUntilIdle() {
    MutexLock lock(&mutex_);
    while (pending_.load(std::memory_order_relaxed) > 0) idle_.Wait(&mutex_);
  }

  void Submit(std::function<void()> task) {
    const PatientScope patient;  // who waits for a task counts on it
    {
      MutexLock lock(&mutex_);
      pending_.fetch_add(1, std::memory_order_relaxed);
      waiting_.push_back(std::move(task));
    }
    // The pool owns the task, not the functor, which TBB never runs nor destroys if the program
    // ends first.
    arena_.enqueue([this]() noexcept { RunNext(); });
  }

  size_t concurrency() const { return concurrency_; }
  // Relaxed: a hint, by its contract.
  size_t pending() const { return pending_.load(std::memory_order_relaxed); }

 private:
  void RunNext() {
    std::function<void()> task;
    {
      MutexLock lock(&mutex_);
      task = std::move(waiting_.front());
      waiting_.pop_front();
    }
    task();
    task = nullptr;  // with what it holds, before it counts as done
    MutexLock lock(&mutex_);
    if (pending_.fetch_sub(1, std::memory_order_relaxed) == 1) idle_.NotifyAll();
  }

  const size_t concurrency_;
  tbb::task_arena arena_;
  Mutex mutex_;
  CondVar idle_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  std::atomic<size_t> pending_{0};  // changed under mutex_
};

TaskPool::TaskPool(size_t concurrency) {
  TSDB_CHECK(concurrency >= 1);
  // TBB, refused memory when it starts, waits for ever the next time it is used.
  const PatientScope patient;
  impl_ = std::make_unique<Impl>(concurrency);
}
TaskPool::~TaskPool() { impl_->WaitUntilIdle(); }  // while tasks can still reach it to submit
void TaskPool::Submit(std::function<void()> task) { impl_->Submit(std::move(task)); }
size_t TaskPool::concurrency() const { return impl_->concurrency(); }
size_t TaskPool::pending() const { return impl_->pending(); }

}  // namespace tsdb

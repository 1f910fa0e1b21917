#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "storage/base/check.h"
#include "storage/base/mutex.h"
#include "storage/base/parallel.h"
#include "storage/base/patience.h"

namespace tsdb {

class TaskPool::Impl {
 public:
  explicit Impl(size_t concurrency) {
    for (size_t i = 0; i < concurrency; ++i) threads_.emplace_back([this] { Work(); });
  }

  ~Impl() {
    {
      MutexLock lock(&mutex_);
      closing_ = true;
      changed_.NotifyAll();
    }
    for (std::thread& thread : threads_) thread.join();
  }

  void WaitUntilIdle() {
    MutexLock lock(&mutex_);
    while (pending_.load(std::memory_order_relaxed) > 0) idle_.Wait(&mutex_);
  }

  void Submit(std::function<void()> task) {
    const PatientScope patient;  // who waits for a task counts on it
    MutexLock lock(&mutex_);
    pending_.fetch_add(1, std::memory_order_relaxed);
    tasks_.push_back(std::move(task));
    changed_.NotifyOne();
  }

  size_t concurrency() const { return threads_.size(); }
  // Relaxed: a hint, by its contract.
  size_t pending() const { return pending_.load(std::memory_order_relaxed); }

 private:
  void Work() {
    while (std::function<void()> task = Take()) {
      task();
      task = nullptr;
      MutexLock lock(&mutex_);
      if (pending_.fetch_sub(1, std::memory_order_relaxed) == 1) idle_.NotifyAll();
    }
  }

  // The next task; none when the pool closes, which it does idle.
  std::function<void()> Take() {
    MutexLock lock(&mutex_);
    while (tasks_.empty()) {
      if (closing_) return nullptr;
      changed_.Wait(&mutex_);
    }
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    return task;
  }

  Mutex mutex_;
  CondVar changed_;  // a task came, or the pool closes
  CondVar idle_;     // the last pending task ended
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<size_t> pending_{0};    // changed under mutex_
  std::vector<std::thread> threads_;  // constant after construction
};

TaskPool::TaskPool(size_t concurrency) {
  TSDB_CHECK(concurrency >= 1);
  // All threads or none.
  const PatientScope patient;
  impl_ = std::make_unique<Impl>(concurrency);
}
TaskPool::~TaskPool() { impl_->WaitUntilIdle(); }  // while tasks can still reach it to submit
void TaskPool::Submit(std::function<void()> task) { impl_->Submit(std::move(task)); }
size_t TaskPool::concurrency() const { return impl_->concurrency(); }
size_t TaskPool::pending() const { return impl_->pending(); }

}  // namespace tsdb

// std::mutex and std::condition_variable with the annotations of Clang's thread-safety analysis.
// (absl::Mutex as packaged gives false ThreadSanitizer reports.)
//
// Mark what a mutex guards ABSL_GUARDED_BY(mutex_), helpers ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_).
// There is no wait with a predicate: the analysis cannot see into a lambda. Wait in a loop:
//
//   MutexLock lock(&mutex_);
//   while (queue_.empty()) filled_.Wait(&mutex_);
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"

namespace tsdb {

// Not recursive. 40 bytes; uncontended Lock and Unlock cost one atomic operation each.
class ABSL_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  // Tries for about a microsecond before it sleeps: what is guarded is held for less, and with more
  // threads than cores every sleep costs two context switches and starts a convoy (32 writers on 2
  // cores spent a third of their time in futex calls).
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      if (mutex_.try_lock()) return;
      Pause();
    }
    mutex_.lock();
  }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }
  // True if it was free and is now ours.
  bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) { return mutex_.try_lock(); }
  // Tells the analysis, where it cannot see it, that the caller holds the mutex. Checks nothing.
  void AssertHeld() const ABSL_ASSERT_EXCLUSIVE_LOCK() {}

 private:
  friend class CondVar;
  static constexpr int kAttempts = 50;
  static void Pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  std::mutex mutex_;
};

// Holds the mutex from construction to the end of its scope.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_->Lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_->Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* const mutex_;
};

// What threads wait on until somebody who changed guarded state notifies them. Every wait lets go
// of the mutex, may end without a reason (so re-check in a loop), and holds the mutex again on
// return.
class CondVar {
 public:
  CondVar() = default;
  CondVar(const CondVar&) = delete;
  CondVar& operator=(const CondVar&) = delete;

  void Wait(Mutex* mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::unique_lock<std::mutex> lock(mutex->mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }

  // False once `timeout` has passed. In a loop a timeout starts anew each time: use WaitUntil
  // there.
  bool WaitFor(Mutex* mutex, std::chrono::nanoseconds timeout)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return WaitUntil(mutex, std::chrono::steady_clock::now() + timeout);
  }

  // False once `deadline` has passed.
  bool WaitUntil(Mutex* mutex, std::chrono::steady_clock::time_point deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::unique_lock<std::mutex> lock(mutex->mutex_, std::adopt_lock);
    const std::cv_status status = condition_.wait_until(lock, deadline);
    lock.release();
    return status == std::cv_status::no_timeout;
  }

  // Holding the mutex is not required, except when a waiter may destroy the CondVar once it wakes.
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace tsdb

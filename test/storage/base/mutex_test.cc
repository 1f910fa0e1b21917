#include "storage/base/mutex.h"

#include <catch2/catch.hpp>
#include <deque>
#include <thread>
#include <vector>

namespace tsdb {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class Counter {
 public:
  void Increment() {
    MutexLock lock(&mutex_);
    ++count_;
  }
  bool TryIncrement() {
    if (!mutex_.TryLock()) return false;
    ++count_;
    mutex_.Unlock();
    return true;
  }
  int count() {
    MutexLock lock(&mutex_);
    return count_;
  }
  Mutex* mutex() ABSL_LOCK_RETURNED(mutex_) { return &mutex_; }

 private:
  Mutex mutex_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
};

// A queue of one place.
class Mailbox {
 public:
  void Put(int letter) {
    MutexLock lock(&mutex_);
    while (full_) changed_.Wait(&mutex_);
    letter_ = letter;
    full_ = true;
    changed_.NotifyAll();
  }
  int Take() {
    MutexLock lock(&mutex_);
    while (!full_) changed_.Wait(&mutex_);
    full_ = false;
    changed_.NotifyAll();
    return letter_;
  }
  // False if none came in time.
  bool TakeWithin(milliseconds timeout) {
    const steady_clock::time_point deadline = steady_clock::now() + timeout;
    MutexLock lock(&mutex_);
    while (!full_) {
      if (!changed_.WaitUntil(&mutex_, deadline)) break;
    }
    const bool taken = full_;
    full_ = false;
    return taken;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool full_ ABSL_GUARDED_BY(mutex_) = false;
  int letter_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST_CASE("mutex: no increment is lost between threads", "[mutex]") {
  Counter counter;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        if (i % 2 == 0 || !counter.TryIncrement()) counter.Increment();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(counter.count() == 20000);
}

TEST_CASE("mutex: TryLock fails while another thread holds it", "[mutex]") {
  Counter counter;
  bool taken = true;
  {
    MutexLock lock(counter.mutex());
    std::thread([&] { taken = counter.TryIncrement(); }).join();
  }
  CHECK(!taken);
  CHECK(counter.TryIncrement());
}

TEST_CASE("condition variable: every letter arrives once and in order", "[mutex]") {
  Mailbox mailbox;
  std::thread sender([&] {
    for (int i = 0; i < 2000; ++i) mailbox.Put(i);
  });
  int wrong = 0;
  for (int i = 0; i < 2000; ++i) wrong += mailbox.Take() != i;
  sender.join();
  CHECK(wrong == 0);
}

TEST_CASE("condition variable: a wait with a bound ends without a notification", "[mutex]") {
  Mailbox mailbox;
  const steady_clock::time_point start = steady_clock::now();
  CHECK(!mailbox.TakeWithin(milliseconds(20)));
  CHECK(steady_clock::now() - start >= milliseconds(20));

  Mutex mutex;
  CondVar never;
  MutexLock lock(&mutex);
  while (never.WaitFor(&mutex, milliseconds(1))) {
  }
}

TEST_CASE("condition variable: a wait with a bound sees what came in time", "[mutex]") {
  Mailbox mailbox;
  std::thread sender([&] { mailbox.Put(1); });
  CHECK(mailbox.TakeWithin(milliseconds(60000)));
  sender.join();
}

}  // namespace
}  // namespace tsdb

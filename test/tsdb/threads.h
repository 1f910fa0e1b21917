// What tests with threads share: starting threads together, collecting what they find wrong, and
// counts that shrink under a sanitizer.
//
// Thread safety: Findings from any thread; the rest by the test's own thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <latch>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/config.h"

namespace tsdb {

#if defined(ABSL_HAVE_THREAD_SANITIZER)
inline constexpr size_t kSlowdown = 16;
#elif defined(ABSL_HAVE_ADDRESS_SANITIZER)
inline constexpr size_t kSlowdown = 4;
#else
inline constexpr size_t kSlowdown = 1;
#endif

// A sweep over bytes goes this far at once, and one over the calls of a file system of which the
// n-th fails. Builds without a sanitizer look at all of them; ThreadSanitizer has little to find
// where one thread works. Odd, so that each bit of a byte has its turn.
#if defined(ABSL_HAVE_THREAD_SANITIZER)
inline constexpr size_t kSweepStep = 17;
inline constexpr size_t kCallStep = 5;
#elif defined(ABSL_HAVE_ADDRESS_SANITIZER)
inline constexpr size_t kSweepStep = 3;
inline constexpr size_t kCallStep = 3;
#else
inline constexpr size_t kSweepStep = 1;
inline constexpr size_t kCallStep = 1;
#endif

// Where such a sweep is made for several faults, each begins at another call.
template <typename Fault>
constexpr uint64_t FirstCall(Fault fault) {
  return 1 + static_cast<uint64_t>(fault) % kCallStep;
}

// A count chosen for an optimised build, fitted to this one.
inline constexpr size_t Scaled(size_t count) {
  return count / kSlowdown > 0 ? count / kSlowdown : 1;
}

// Threads that a test starts, of which it usually has `usual`: TSDB_TEST_THREADS raises that, to
// look for races longer than every run can.
inline size_t ThreadCount(size_t usual) {
  const char* given = std::getenv("TSDB_TEST_THREADS");
  const size_t asked = given != nullptr ? std::strtoull(given, nullptr, 10) : 0;
  return asked > usual ? asked : usual;
}

// As Scaled, of what each of ThreadCount(usual) threads does: as much in all as `usual` would do.
inline size_t ScaledFor(size_t count, size_t usual) {
  return std::max<size_t>(1, Scaled(count) * usual / ThreadCount(usual));
}

// Catch's assertions are for one thread; others report here, and the test's thread asserts none().
class Findings {
 public:
  // Notes the parts, one after the other, unless `fine`; returns `fine`.
  template <typename... Parts>
  bool Expect(bool fine, const Parts&... parts) {
    if (fine) [[likely]] {
      return true;
    }
    std::ostringstream text;
    (text << ... << parts);
    count_.fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (first_.empty()) first_ = text.str();
    return false;
  }

  // Relaxed: read after the threads are joined, or as a hint to stop early.
  bool none() const { return count_.load(std::memory_order_relaxed) == 0; }
  std::string first() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return first_;
  }

 private:
  mutable std::mutex mutex_;
  std::string first_;
  std::atomic<size_t> count_{0};
};

// Threads that begin together and are joined at the end of the scope.
class Threads {
 public:
  Threads() = default;
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() { Join(); }

  template <typename Body>
  void Add(Body body) {
    threads_.emplace_back(std::move(body));
  }
  void Join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  std::vector<std::thread> threads_;
};

// Calls body(0) .. body(count - 1), each on a thread of its own, all let go at once; returns when
// all are done.
template <typename Body>
void RunThreads(size_t count, const Body& body) {
  std::latch start(static_cast<std::ptrdiff_t>(count));
  Threads threads;
  for (size_t i = 0; i < count; ++i) {
    threads.Add([&, i] {
      start.arrive_and_wait();
      body(i);
    });
  }
  threads.Join();
}

}  // namespace tsdb

#include "storage/base/parallel.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <new>
#include <set>
#include <thread>
#include <vector>

#include "storage/base/mutex.h"

namespace tsdb {
namespace {

// Lets a number of threads through once all of them have come.
class Gate {
 public:
  explicit Gate(size_t expected) : expected_(expected) {}

  // False if the others did not come within a minute.
  bool Pass() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    MutexLock lock(&mutex_);
    ++arrived_;
    changed_.NotifyAll();
    while (arrived_ < expected_) {
      if (!changed_.WaitUntil(&mutex_, deadline)) return false;
    }
    return true;
  }

 private:
  const size_t expected_;
  Mutex mutex_;
  CondVar changed_;
  size_t arrived_ ABSL_GUARDED_BY(mutex_) = 0;
};

// How many threads were inside at a time, at most.
class Occupancy {
 public:
  void Enter() {
    MutexLock lock(&mutex_);
    most_ = std::max(most_, ++inside_);
  }
  void Leave() {
    MutexLock lock(&mutex_);
    --inside_;
  }
  size_t most() {
    MutexLock lock(&mutex_);
    return most_;
  }

 private:
  Mutex mutex_;
  size_t inside_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t most_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST_CASE("task pool: runs every task once before it dies", "[parallel]") {
  const size_t concurrency = GENERATE(1u, 2u, 5u);
  std::vector<int> runs(3000, 0);
  {
    TaskPool pool(concurrency);
    CHECK(pool.concurrency() == concurrency);
    for (int& run : runs) pool.Submit([&run] { ++run; });
  }
  CHECK(std::count(runs.begin(), runs.end(), 1) == 3000);
}

// Leaks are looked for when the program has ended (by the address sanitizer's build).
TEST_CASE("task pool: tasks that the program's end forestalls still have an owner", "[parallel]") {
  static auto* pool = new TaskPool(1);
  static auto* running = new Gate(2);
  static auto* never = new Gate(2);
  pool->Submit([] {
    running->Pass();
    never->Pass();
  });
  REQUIRE(running->Pass());  // the pool's one thread is held from here on
  auto owned = std::make_shared<std::vector<int>>(100);
  pool->Submit([owned] { never->Pass(); });
  CHECK(pool->pending() == 2);
}

TEST_CASE("task pool: several threads submit at once", "[parallel]") {
  std::atomic<int> runs{0};
  {
    TaskPool pool(2);
    std::vector<std::thread> submitters;
    for (int t = 0; t < 4; ++t) {
      submitters.emplace_back([&] {
        for (int i = 0; i < 500; ++i) pool.Submit([&runs] { runs.fetch_add(1); });
      });
    }
    for (std::thread& submitter : submitters) submitter.join();
  }
  CHECK(runs.load() == 2000);
}

TEST_CASE("task pool: as many tasks run at once as it has threads", "[parallel]") {
  const size_t concurrency = GENERATE(1u, 2u, 3u, 8u);
  Gate gate(concurrency);
  std::atomic<size_t> passed{0};
  {
    TaskPool pool(concurrency);
    for (size_t i = 0; i < concurrency; ++i) {
      pool.Submit([&] { passed.fetch_add(gate.Pass() ? 1 : 0); });
    }
  }
  CHECK(passed.load() == concurrency);
}

TEST_CASE("task pool: two pools do not take each other's threads", "[parallel]") {
  Gate gate(5);
  std::atomic<size_t> passed{0};
  {
    TaskPool small(2);
    TaskPool large(3);
    for (int i = 0; i < 5; ++i) {
      (i < 2 ? small : large).Submit([&] { passed.fetch_add(gate.Pass() ? 1 : 0); });
    }
  }
  CHECK(passed.load() == 5);
}

TEST_CASE("task pool: no more tasks run at once than it has threads", "[parallel]") {
  Occupancy occupancy;
  std::atomic<bool> ran_on_submitter{false};
  const std::thread::id submitter = std::this_thread::get_id();
  {
    TaskPool pool(2);
    for (int i = 0; i < 200; ++i) {
      pool.Submit([&] {
        occupancy.Enter();
        if (std::this_thread::get_id() == submitter) ran_on_submitter = true;
        std::this_thread::yield();
        occupancy.Leave();
      });
    }
  }
  CHECK(occupancy.most() <= 2);
  CHECK(!ran_on_submitter);
}

TEST_CASE("task pool: waits for tasks that tasks submit", "[parallel]") {
  std::atomic<int> runs{0};
  std::function<void(TaskPool*, int)> descend = [&](TaskPool* pool, int depth) {
    runs.fetch_add(1);
    if (depth > 0) pool->Submit([&descend, pool, depth] { descend(pool, depth - 1); });
  };
  {
    TaskPool pool(2);
    for (int i = 0; i < 3; ++i) pool.Submit([&descend, &pool] { descend(&pool, 20); });
  }
  CHECK(runs.load() == 63);
}

TEST_CASE("task pool: counts what is pending, and destroys a task before it is done",
          "[parallel]") {
  auto held = std::make_shared<int>(7);
  TaskPool pool(1);
  CHECK(pool.pending() == 0);
  Gate started(2);
  Gate release(2);
  pool.Submit([&started, &release, held] {
    started.Pass();
    release.Pass();
  });
  REQUIRE(started.Pass());
  CHECK(pool.pending() == 1);
  CHECK(held.use_count() == 2);
  REQUIRE(release.Pass());
  while (pool.pending() > 0) std::this_thread::yield();
  CHECK(held.use_count() == 1);
}

TEST_CASE("parallel for: covers every item once, whatever the grain", "[parallel]") {
  const size_t items = GENERATE(0u, 1u, 2u, 99u, 100u, 101u, 1000u, 4097u);
  const size_t grain = GENERATE(0u, 1u, 7u, 100u, 5000u);
  const size_t threads = GENERATE(0u, 1u, 2u, 3u, 8u);
  const size_t begin = 17;
  std::vector<int> calls(begin + items, 0);
  ParallelFor(begin, begin + items, grain, threads, [&](size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) ++calls[i];
  });
  CHECK(std::count(calls.begin() + begin, calls.end(), 1) == static_cast<ptrdiff_t>(items));
  CHECK(std::count(calls.begin(), calls.begin() + begin, 0) == static_cast<ptrdiff_t>(begin));
}

TEST_CASE("parallel for: an empty or reversed range is no call", "[parallel]") {
  int calls = 0;
  ParallelFor(5, 5, 1, 4, [&](size_t, size_t) { ++calls; });
  ParallelFor(5, 4, 1, 4, [&](size_t, size_t) { ++calls; });
  CHECK(calls == 0);
}

TEST_CASE("parallel for: one thread or one grain is one call on the caller", "[parallel]") {
  const auto [items, grain, threads] =
      GENERATE(table<size_t, size_t, size_t>({{1000, 1, 1}, {64, 64, 8}, {1, 1, 8}}));
  std::vector<std::thread::id> callers;
  ParallelFor(0, items, grain, threads,
              [&](size_t, size_t) { callers.push_back(std::this_thread::get_id()); });
  CHECK(callers == std::vector<std::thread::id>{std::this_thread::get_id()});
}

TEST_CASE("parallel for: uses no more threads than asked for", "[parallel]") {
  const size_t threads = GENERATE(2u, 3u);
  Occupancy occupancy;
  ParallelFor(0, 500, 1, threads, [&](size_t, size_t) {
    occupancy.Enter();
    std::this_thread::yield();
    occupancy.Leave();
  });
  CHECK(occupancy.most() <= threads);
}

TEST_CASE("parallel for: nests, and works inside tasks and beside other loops", "[parallel]") {
  std::atomic<size_t> items{0};
  const auto nested = [&] {
    ParallelFor(0, 20, 1, 2, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        ParallelFor(0, 50, 1, 3, [&](size_t b, size_t e) { items.fetch_add(e - b); });
      }
    });
  };
  {
    TaskPool pool(2);
    pool.Submit(nested);
    pool.Submit(nested);
    nested();
  }
  CHECK(items.load() == 3 * 20 * 50);
}

TEST_CASE("parallel for: what a piece throws the caller gets, once all pieces are over",
          "[parallel]") {
  const size_t threads = GENERATE(1u, 2u, 5u);
  std::atomic<size_t> inside{0};
  const auto run = [&] {
    ParallelFor(0, 1000, 1, threads, [&](size_t, size_t end) {
      inside.fetch_add(1);
      const bool bad = end > 500;
      inside.fetch_sub(1);
      if (bad) throw std::bad_alloc();
    });
  };
  CHECK_THROWS_AS(run(), std::bad_alloc);
  CHECK(inside.load() == 0);
}

}  // namespace
}  // namespace tsdb

// Races of the kinds that we fear, made on purpose: ThreadSanitizer must report each, or its
// silence about the engine says nothing.
//
//   canary KIND     one of those in the table at the end; right: all the same, without a race
//
// Under ThreadSanitizer it ends with 66 and names a data race. What it races on is the engine's own
// where that can be: its task pool, so that a TBB that hides what its tasks do is found out, and
// its epochs. The threads run long and side by side: detection is a matter of chance.
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string_view>
#include <thread>
#include <vector>

#include "index/tree/epoch.h"
#include "storage/base/parallel.h"
#include "storage/base/slab_pool.h"
#include "test/tsdb/threads.h"

namespace tsdb {
namespace {

constexpr size_t kThreads = 4;
constexpr size_t kRounds = 2'000;

// A chunk's columns, its count stored last: the reader may look at what lies below the count, if
// the count was published with release.
void Publication(std::memory_order store, std::memory_order load) {
  std::vector<uint64_t> column(kRounds);
  std::atomic<size_t> count{0};
  std::atomic<uint64_t> sum{0};
  RunThreads(kThreads, [&](size_t number) {
    if (number == 0) {
      for (size_t i = 0; i < kRounds; ++i) {
        column[i] = i;
        count.store(i + 1, store);
        if (i % 64 == 0) std::this_thread::yield();
      }
      return;
    }
    for (size_t seen = 0; seen < kRounds;) {
      seen = count.load(load);
      if (seen > 0) sum.fetch_add(column[seen - 1], std::memory_order_relaxed);
    }
  });
}

// A counter that several threads raise, each under a lock: one lock, or each its own.
void Counter(bool one_lock) {
  std::array<std::mutex, kThreads> mutexes;
  uint64_t count = 0;
  RunThreads(kThreads, [&](size_t number) {
    for (size_t i = 0; i < kRounds; ++i) {
      const std::lock_guard<std::mutex> lock(mutexes[one_lock ? 0 : number]);
      ++count;
    }
  });
}

// The pieces of a parallel loop, which write to places of their own, or all to the same one. They
// take long enough for other threads to get some.
void LoopBody(bool apart) {
  std::vector<uint64_t> sums(kRounds * kThreads);
  ParallelFor(0, sums.size(), 1, kThreads, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      for (size_t k = 0; k < 100; ++k) sums[apart ? i : 0] += k;
      if (i % 100 == 0) std::this_thread::yield();
    }
  });
}

// A task that reads what its submitter writes: before it submits, or after.
void Task(bool before) {
  uint64_t given = 0;
  std::atomic<uint64_t> sum{0};
  std::atomic<size_t> begun{0};
  TaskPool pool(kThreads);
  for (size_t i = 0; i < kRounds; ++i) {
    if (before && i > 0) break;
    if (before) given = i;
    pool.Submit([&] {
      begun.fetch_add(1, std::memory_order_relaxed);
      sum.fetch_add(given, std::memory_order_relaxed);
    });
    if (before) continue;
    // Else all tasks might run after the last write, in the order that the pool's end makes.
    while (begun.load(std::memory_order_relaxed) <= i) std::this_thread::yield();
    given = i;
  }
}

// A reader of a block that is replaced, retired and used again: under its pin, or past its end.
void Reclaimed(bool under_pin) {
  SlabPool pool;
  tree::EpochDomain epochs(&pool);
  constexpr size_t kBytes = 64;
  auto make = [&](uint64_t value) { return new (pool.Allocate(kBytes)) uint64_t(value); };
  std::atomic<uint64_t*> published{make(0)};
  std::atomic<uint64_t> sum{0};
  std::atomic<bool> done{false};
  RunThreads(kThreads, [&](size_t number) {
    if (number == 0) {
      for (size_t i = 1; i < 4 * kRounds; ++i) {
        std::vector<tree::Retired> old = {
            {published.exchange(make(i), std::memory_order_acq_rel), kBytes}};
        epochs.Retire(old);
        epochs.Reclaim();
        if (i % 16 == 0) std::this_thread::yield();
      }
      done.store(true, std::memory_order_relaxed);
      return;
    }
    while (!done.load(std::memory_order_relaxed)) {
      const uint64_t* block = nullptr;
      {
        const auto guard = epochs.Pin();
        block = published.load(std::memory_order_acquire);
        if (under_pin) sum.fetch_add(*block, std::memory_order_relaxed);
      }
      if (!under_pin) {
        std::this_thread::yield();
        sum.fetch_add(*block, std::memory_order_relaxed);
      }
    }
  });
  pool.Free(published.load(), kBytes);
}

struct Kind {
  std::string_view name;
  std::function<void()> run;
};

int Main(std::string_view asked) {
  const std::vector<Kind> kinds = {
      {"relaxed-publication",
       [] { Publication(std::memory_order_relaxed, std::memory_order_relaxed); }},
      {"relaxed-reader", [] { Publication(std::memory_order_release, std::memory_order_relaxed); }},
      {"two-locks", [] { Counter(false); }},
      {"loop-body", [] { LoopBody(false); }},
      {"task", [] { Task(false); }},
      {"after-the-epoch", [] { Reclaimed(false); }},
      {"right",
       [] {
         Publication(std::memory_order_release, std::memory_order_acquire);
         Counter(true);
         LoopBody(true);
         Task(true);
         Reclaimed(true);
       }},
  };
  for (const Kind& kind : kinds) {
    if (asked == "list") std::printf("%s\n", std::string(kind.name).c_str());
    if (asked != kind.name) continue;
    kind.run();
    return 0;
  }
  return asked == "list" ? 0 : 2;
}

}  // namespace
}  // namespace tsdb

int main(int argc, char** argv) { return tsdb::Main(argc > 1 ? argv[1] : ""); }

// Queues with one owner at a time: order, and nothing lost between adding and letting go.

#include <atomic>
#include <catch2/catch.hpp>
#include <vector>

#include "index/tree/owner_queue.h"
#include "test/tsdb/test_database.h"
#include "test/tsdb/threads.h"

namespace tsdb::tree {
namespace {

struct Numbered : WorkItem {
  size_t thread = 0;
  size_t number = 0;
};

size_t NumberOf(const WorkItem* item) { return static_cast<const Numbered*>(item)->number; }

TEST_CASE("owner queue: nobody owns an empty one, except by asking for it idle") {
  OwnerQueue queue;
  WorkItem* items = nullptr;
  REQUIRE(!queue.TryOwn(items));
  REQUIRE(queue.TryOwnIdle(items));
  REQUIRE(items == nullptr);
  WorkItem* others = nullptr;
  REQUIRE(!queue.TryOwn(others));
  REQUIRE(!queue.TryOwnIdle(others));
  REQUIRE(queue.Release(items));
  REQUIRE(!queue.TryOwn(items));
}

TEST_CASE("owner queue: items come out in the order in which they were added") {
  OwnerQueue queue;
  std::vector<Numbered> items(100);
  for (size_t i = 0; i < items.size(); ++i) {
    items[i].number = i;
    queue.Add(&items[i]);
  }
  WorkItem* taken = nullptr;
  REQUIRE(queue.TryOwn(taken));
  for (size_t i = 0; i < items.size(); ++i) {
    REQUIRE(NumberOf(taken) == i);
    taken = taken->next;
  }
  REQUIRE(taken == nullptr);
  REQUIRE(queue.Release(taken));
}

TEST_CASE("owner queue: letting go is refused with what came in meanwhile, in order") {
  OwnerQueue queue;
  Numbered items[3];
  for (size_t i = 0; i < 3; ++i) items[i].number = i;
  queue.Add(&items[0]);
  WorkItem* taken = nullptr;
  REQUIRE(queue.TryOwn(taken));
  queue.Add(&items[1]);
  queue.Add(&items[2]);
  WorkItem* other = nullptr;
  REQUIRE(!queue.TryOwn(other));
  REQUIRE(!queue.Release(taken));
  REQUIRE(NumberOf(taken) == 1);
  REQUIRE(NumberOf(taken->next) == 2);
  REQUIRE(taken->next->next == nullptr);
  REQUIRE(queue.Release(taken));
}

TEST_CASE("owner queue: from 8 threads nothing is lost, doubled or out of its thread's order",
          "[concurrency]") {
  const size_t threads = ThreadCount(8);
  const size_t items_each = ScaledFor(300'000, 8);
  OwnerQueue queue;
  std::vector<std::vector<Numbered>> items(threads, std::vector<Numbered>(items_each));
  Findings findings;
  // Changed by owners only, without atomics: ownership must order them.
  std::vector<size_t> next(threads);
  size_t worked_off = 0;
  RunThreads(threads, [&](size_t thread) {
    for (size_t i = 0; i < items_each; ++i) {
      items[thread][i].thread = thread;
      items[thread][i].number = i;
      queue.Add(&items[thread][i]);
      WorkItem* work = nullptr;
      if (!queue.TryOwn(work)) continue;
      do {
        while (work != nullptr) {
          const auto* item = static_cast<const Numbered*>(work);
          WorkItem* following = work->next;
          findings.Expect(item->number == next[item->thread], "thread ", item->thread, ": item ",
                          item->number, " instead of ", next[item->thread]);
          next[item->thread] = item->number + 1;
          ++worked_off;
          work = following;
        }
      } while (!queue.Release(work));
    }
  });
  REQUIRE_NO_FINDINGS(findings);
  // Whoever came last found it unowned or left its item to an owner: all are done.
  REQUIRE(worked_off == threads * items_each);
  WorkItem* left = nullptr;
  REQUIRE(!queue.TryOwn(left));
}

}  // namespace
}  // namespace tsdb::tree

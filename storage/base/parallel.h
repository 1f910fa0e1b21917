// Threads for the engine: a pool that runs tasks, and a loop over a range on several threads. The
// implementation is oneTBB's (parallel_tbb.cc) or plain threads (parallel_threads.cc: builds under
// ThreadSanitizer, where a TBB without instrumentation gives false reports). Choose with the CMake
// variable TSDB_PARALLEL; both keep the same promises.
//
// Thread safety: everything from any thread, from inside tasks too.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "absl/functional/function_ref.h"

namespace tsdb {

// Processors that this process may run on; at least 1.
size_t ProcessorCount();

// Runs tasks on threads of its own: the submitter never runs one.
//
// Invariants: a submitted task runs once; what the submitter wrote before Submit the task sees; at
// most concurrency() tasks run at a time, and as many do when there are tasks enough; tasks start
// in about the order of submission, with no promise. A task must not wait for another one's start:
// the pool may have no thread left for it.
class TaskPool {
 public:
  // REQUIRES: concurrency >= 1. It may exceed the number of processors.
  explicit TaskPool(size_t concurrency);
  // Waits until every task is done, those that tasks submit meanwhile included.
  ~TaskPool();
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;

  // Returns at once. `task` is destroyed on the thread that ran it, before it counts as done. It
  // must not throw.
  void Submit(std::function<void()> task);

  size_t concurrency() const;
  // Tasks submitted and not yet done: below concurrency(), a thread is free. Out of date on return.
  size_t pending() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Calls `body(b, e)` for disjoint sub-ranges that cover [begin, end), on at most `threads` threads
// (0: ProcessorCount()), the calling thread among them, and returns when all calls have returned;
// what they wrote the caller then sees. Sub-ranges hold at least grain / 2 items where there are as
// many (grain 0 counts as 1). A range of up to `grain` items, or one thread, is one call on the
// calling thread. What a call throws is thrown here, once all that had begun have returned; the
// rest is left out. Nested calls are fine.
void ParallelFor(size_t begin, size_t end, size_t grain, size_t threads,
                 absl::FunctionRef<void(size_t begin, size_t end)> body);

}  // namespace tsdb

// What happens when the system has no memory. Work that reads, or opens, gives up: std::bad_alloc,
// which OrNoMemory turns into a Status. Work that changes what is stored cannot be given up half
// way: it runs in a PatientScope, in which an allocation that fails is tried again until there is
// memory, as the log waits for space on a full disk. While it waits, appends are refused.
//
// It stands on std::set_new_handler, which there is one of in a process: InstallPatience keeps the
// handler that it finds, and calls it outside of patient scopes. A program that sets another one
// later should call the one before it in turn; if it does not, running out of memory in the middle
// of a merge ends the process (what is durable stays).
//
// Thread safety: every function from any thread; a scope is its thread's.
#pragma once

#include <cstddef>
#include <new>
#include <string_view>

#include "absl/status/status.h"

namespace tsdb {

// Once in a process; further calls do nothing.
void InstallPatience();

// Until its end no allocation of this thread fails. Scopes may lie in one another.
class PatientScope {
 public:
  PatientScope() { ++depth_; }
  ~PatientScope() { --depth_; }
  PatientScope(const PatientScope&) = delete;
  PatientScope& operator=(const PatientScope&) = delete;

  static bool Active() { return depth_ > 0; }

 private:
  static constinit thread_local size_t depth_;
};

// For memory that does not come from operator new: waits for a moment if the thread is patient,
// else throws std::bad_alloc.
void AwaitMemory();

// Threads that wait for memory now, in the whole process.
size_t ThreadsAwaitingMemory();

// kResourceExhausted, "<doing>: the system has no memory". With the code alone if there is none
// even for that.
absl::Status NoMemoryError(std::string_view doing);

// What `work` returns, a Status or a StatusOr, or NoMemoryError if it throws std::bad_alloc.
template <typename Work>
auto OrNoMemory(std::string_view doing, Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return NoMemoryError(doing);
  }
}

}  // namespace tsdb

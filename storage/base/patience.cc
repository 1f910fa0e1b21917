#include "storage/base/patience.h"

#include <atomic>
#include <chrono>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "storage/base/mutex.h"
#include "storage/base/string_view_bridge.h"

namespace tsdb {
namespace {

// How often memory is asked for again: nobody tells that there is some.
constexpr std::chrono::milliseconds kLook{1};

std::atomic<size_t> waiting{0};
std::atomic<std::new_handler> handler_before{nullptr};

void OnNoMemory() {
  if (PatientScope::Active()) {
    AwaitMemory();
    return;  // operator new tries again
  }
  if (const std::new_handler before = handler_before.load(std::memory_order_relaxed)) {
    before();
    return;
  }
  throw std::bad_alloc();
}

}  // namespace

constinit thread_local size_t PatientScope::depth_ = 0;

void InstallPatience() {
  static std::once_flag once;
  std::call_once(once, [] {
    handler_before.store(std::get_new_handler(), std::memory_order_relaxed);
    std::set_new_handler(&OnNoMemory);
  });
}

void AwaitMemory() {
  if (!PatientScope::Active()) throw std::bad_alloc();
  // Relaxed: a count that is looked at, and orders nothing.
  waiting.fetch_add(1, std::memory_order_relaxed);
  static Mutex mutex;
  static CondVar never_notified;
  {
    MutexLock lock(&mutex);
    never_notified.WaitFor(&mutex, kLook);
  }
  waiting.fetch_sub(1, std::memory_order_relaxed);
}

size_t ThreadsAwaitingMemory() { return waiting.load(std::memory_order_relaxed); }

absl::Status NoMemoryError(std::string_view doing) {
  try {
    return absl::ResourceExhaustedError(
        absl::StrCat(ToAbsl(doing), ": the system has no memory; free some, and try again"));
  } catch (const std::bad_alloc&) {
    return absl::Status(absl::StatusCode::kResourceExhausted, "");
  }
}

}  // namespace tsdb

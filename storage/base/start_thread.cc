#include "storage/base/start_thread.h"

#include <latch>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tsdb {
namespace {

// Whose end is that of the threads, also where memory for one more is missing.
struct WaitingThreads {
  ~WaitingThreads() {
    over.count_down();
    for (std::thread& thread : threads) thread.join();
  }

  std::latch over{1};
  std::vector<std::thread> threads;
};

}  // namespace

absl::StatusOr<std::thread> StartThread(std::string_view doing, std::function<void()> work) {
  try {
    return std::thread(std::move(work));
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(absl::StrCat(
        std::string(doing), ": the system refuses a new thread (", error.code().message(),
        "); allow this user or control group more threads, or this process more memory"));
  }
}

absl::Status TryThreads(std::string_view doing, size_t count) {
  WaitingThreads waiting;
  waiting.threads.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    auto thread = StartThread(doing, [&] { waiting.over.wait(); });
    if (!thread.ok()) return thread.status();
    waiting.threads.push_back(*std::move(thread));
  }
  return absl::OkStatus();
}

}  // namespace tsdb

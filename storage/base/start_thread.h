// Threads whose start may be refused: std::thread throws where the system has no more of them
// (RLIMIT_NPROC, a control group's pids.max, no memory for a stack), which would end the process.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tsdb {

// A thread that runs `work`. From any thread. kResourceExhausted, "<doing>: the system refuses a
// new thread (...)", if it does; `work` is then destroyed without having run.
absl::StatusOr<std::thread> StartThread(std::string_view doing, std::function<void()> work);

// Whether the system lets `count` threads be at once, beside those there are: they are started, and
// gone on return. kResourceExhausted as above. For threads of oneTBB, which starts them when there
// is work, and ends the process when one is refused.
absl::Status TryThreads(std::string_view doing, size_t count);

}  // namespace tsdb

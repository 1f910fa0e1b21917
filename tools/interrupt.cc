#include "tools/interrupt.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "storage/base/check.h"

namespace tsdb::tools {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler stores to it");

void HandleInterrupt(int) {
  // Nothing but the flag itself is passed on, so no order is needed.
  interrupted.store(true, std::memory_order_relaxed);
}

int pipe_ends[2] = {-1, -1};
constexpr char kInterrupt = 'i', kEnd = 'e';

void WriteInterrupt(int) {
  const int error = errno;
  // A full pipe has been told already.
  if (write(pipe_ends[1], &kInterrupt, 1) < 0) {
  }
  errno = error;
}

}  // namespace

InterruptStop::InterruptStop(Again again) {
  TSDB_CHECK(pipe2(pipe_ends, O_CLOEXEC) == 0);
  // A handler that waited for room would wait for ever: the watcher reads one byte.
  TSDB_CHECK(fcntl(pipe_ends[1], F_SETFL, O_NONBLOCK) == 0);
  watcher_ = std::thread([this] {
    char byte = kEnd;
    while (read(pipe_ends[0], &byte, 1) < 0 && errno == EINTR) {
    }
    if (byte == kInterrupt) source_.request_stop();
  });
  struct sigaction action = {};
  action.sa_handler = WriteInterrupt;
  action.sa_flags = SA_RESTART;
  if (again == Again::kEndsProgram) action.sa_flags |= static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, &before_);
}

InterruptStop::~InterruptStop() {
  sigaction(SIGINT, &before_, nullptr);
  // Full of interrupts, the pipe has ended the watcher, or will.
  TSDB_CHECK(write(pipe_ends[1], &kEnd, 1) == 1 || errno == EAGAIN);
  watcher_.join();
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

InterruptScope::InterruptScope() {
  struct sigaction action = {};
  action.sa_handler = HandleInterrupt;
  // Without SA_RESTART: a read that waits for a terminal returns. With SA_RESETHAND: the second
  // time the default action is taken.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
}

InterruptScope::~InterruptScope() { std::signal(SIGINT, SIG_DFL); }

const std::atomic<bool>& InterruptScope::Flag() { return interrupted; }

}  // namespace tsdb::tools

#include "tools/interrupt.h"

#include <csignal>

namespace tsdb::tools {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler stores to it");

void HandleInterrupt(int) {
  // Nothing but the flag itself is passed on, so no order is needed.
  interrupted.store(true, std::memory_order_relaxed);
}

}  // namespace

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

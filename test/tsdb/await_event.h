// Waiting for what another thread or process does without telling anybody.
// Thread safety: any thread.
#pragma once

#include <chrono>

#include "storage/base/mutex.h"

namespace tsdb {

// Asks `happened` again and again until it says so, or two minutes have passed: for what tells
// nobody when it happens.
template <typename Happened>
bool AwaitEvent(Happened happened) {
  Mutex mutex;
  CondVar never;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (!happened()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    MutexLock lock(&mutex);
    never.WaitFor(&mutex, std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace tsdb

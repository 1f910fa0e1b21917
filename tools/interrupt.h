// Lets a long loop notice Ctrl-C and stop in good order. Outside of a scope SIGINT ends the program
// as always.
//
// Thread safety: one scope at a time; Flag() may be read by any thread.
#pragma once

#include <atomic>

namespace tsdb::tools {

class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  // Becomes true at the first SIGINT; a second one ends the program at once.
  static const std::atomic<bool>& Flag();
};

}  // namespace tsdb::tools

// Lets a long loop notice Ctrl-C and stop in good order. Outside of a scope SIGINT ends the program
// as always.
//
// Thread safety: one scope at a time; Flag() may be read by any thread.
#pragma once

#include <atomic>
#include <csignal>
#include <stop_token>
#include <thread>

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

// Turns Ctrl-C into a stop of what takes a stop token, while it lives; what was done about it
// before is done again after. One at a time, and not within an InterruptScope.
class InterruptStop {
 public:
  // What a second Ctrl-C does.
  enum class Again { kEndsProgram, kNothing };
  explicit InterruptStop(Again again = Again::kEndsProgram);
  ~InterruptStop();
  InterruptStop(const InterruptStop&) = delete;
  InterruptStop& operator=(const InterruptStop&) = delete;

  std::stop_token token() const { return source_.get_token(); }

 private:
  struct sigaction before_ = {};
  std::stop_source source_;
  std::thread watcher_;  // reads what the signal handler writes: a handler may not request a stop
};

}  // namespace tsdb::tools

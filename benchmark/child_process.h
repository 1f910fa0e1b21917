// A process of its own for a part of a benchmark: one that can be killed, or whose memory is
// nobody else's. It runs this same program, with other flags, and says what it found on its stdout,
// a line of "name number" for each figure and a line of one word for each point it has reached.
//
// Thread safety: one thread.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tsdb::benchmark {

using Figures = std::map<std::string, double>;

class ChildProcess {
 public:
  // `arguments`: those of main, the program's name first.
  static absl::StatusOr<ChildProcess> Start(const std::vector<std::string>& arguments);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  // Kills it if it still runs.
  ~ChildProcess();

  // Reads figures until the child says that it has reached `point`. An error if it ends before.
  absl::Status ReadUntil(const std::string& point, Figures& figures);
  // An error unless it was alive until now.
  absl::Status Kill();
  // Waits until it has ended. An error unless it exits with 0.
  absl::Status Wait();

 private:
  ChildProcess(pid_t process, FILE* output) : process_(process), output_(output) {}

  pid_t process_;  // 0: has ended
  FILE* output_;
};

// In the child: ends it when its parent does. To be called first.
void EndWithParent();
// In the child: says what ReadUntil() reads.
void TellParent(const std::string& name, double value);
void TellParentReached(const std::string& point);

}  // namespace tsdb::benchmark

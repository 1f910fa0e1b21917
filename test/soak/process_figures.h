// What this process has of the machine, from /proc, and what the rest of the machine left to it.
//
// Thread safety: functions from any thread; a MemoryWatch by the thread that made it.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "storage/base/mutex.h"

namespace tsdb::soak {

struct ProcessFigures {
  uint64_t resident_bytes = 0;
  uint64_t anonymous_bytes = 0;  // of these, those that no file stands behind
  uint64_t threads = 0;
  uint64_t descriptors = 0;
  double cpu_seconds = 0;     // used by this process
  double stolen_seconds = 0;  // of all processors, by other machines on the host
};
ProcessFigures ReadFigures();

// Samples anonymous memory on a thread of its own until it is destroyed.
class MemoryWatch {
 public:
  MemoryWatch();
  ~MemoryWatch();
  // Relaxed: a figure.
  uint64_t peak_bytes() const { return peak_.load(std::memory_order_relaxed); }

 private:
  void Loop() ABSL_LOCKS_EXCLUDED(mutex_);

  std::atomic<uint64_t> peak_{0};
  Mutex mutex_;
  CondVar wake_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// "--name value" pairs; ends the process with status 2, naming `program`, for anything else and for
// names that are not among the defaults.
class Flags {
 public:
  Flags(const std::vector<std::string>& arguments, std::map<std::string, std::string> defaults);
  const std::string& Text(const std::string& name) const { return values_.at(name); }
  uint64_t Number(const std::string& name) const;

 private:
  std::map<std::string, std::string> values_;
};

// Prints why, and ends the process with status 1.
[[noreturn]] void Fail(const std::string& why);

}  // namespace tsdb::soak

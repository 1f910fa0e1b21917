// Makes allocations of this program fail: its operator new, and the mmap that its own code calls,
// are allocation_hook.cc's.
//
// Thread safety: Arm and Disarm by one thread; the rest from any thread.
#pragma once

#include <cstdint>

namespace tsdb::alloc {

enum class Source : uint8_t { kNew, kMap };

// From the `nth` allocation on, from now, `count` ones in a row fail, of whatever threads.
struct Plan {
  Source source = Source::kNew;
  uint64_t nth = UINT64_MAX;
  uint64_t count = 1;
};

void Arm(const Plan& plan);
void Disarm();
// Allocations since Arm, and how many of them failed.
uint64_t Seen();
uint64_t Failed();
// Where the first that failed was asked for, to standard error, a line a frame. Safe in a signal
// handler.
void PrintFirstFailure();

// While one lives, this thread's allocations neither count nor fail: a test's own.
class Exempt {
 public:
  explicit Exempt(bool exempt = true);
  ~Exempt();
  Exempt(const Exempt&) = delete;
  Exempt& operator=(const Exempt&) = delete;

 private:
  const bool before_;
};

}  // namespace tsdb::alloc

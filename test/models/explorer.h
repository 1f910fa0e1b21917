// Runs a small model of a protocol through every schedule of its threads, within a bound on
// preemptions, and finds the one that breaks it (Musuvathi and Qadeer, "Iterative context
// bounding", PLDI 2007: faults show with very few preemptions).
//
// A model's threads are plain functions; what they share is made of the types of shared.h. Before
// each operation on those the explorer decides who goes on, and, for a load, which of the stores it
// may read (weak memory: shared.h). The decisions of one run are its schedule; the next run repeats
// them up to the last one that has another way to go, and takes that. So every schedule is run
// once.
//
// Where there are too many, a search may draw some at random instead (Sample).
//
//   - Switching away from a thread that could go on is a preemption, and counts against the bound;
//     from one that waits or has ended it is free.
//   - A violation is: an expectation that fails, a race, a deadlock (threads wait and none can go
//     on; a lost wake-up is one), or more than kStepsMax steps (or too many for the types of
//     shared.h). The schedule is then run again to write down its steps, one per line: "<thread>:
//     <operation>".
//   - There are no spurious wake-ups, and a wait with a timeout is woken by it at the price of a
//     preemption, or when nothing else can go on: both would hide wake-ups that are lost.
//
// Costs 20 to 30 ns a step: threads are contexts of one thread that change by longjmp, so a step
// without a switch is a call. The address sanitizer cannot follow that: label tests release_only.
//
// Thread safety: one exploration at a time in a process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tsdb::models {

inline constexpr size_t kThreadsMax = 6;
inline constexpr uint32_t kStepsMax = 2000;

// What a thread is to the explorer.
enum class Role : uint8_t {
  kThread,  // must end
  kServer,  // need not: waits for work at the end
  kEvent,   // may happen at any time, without counting as a preemption, or not at all
  kCrash,   // the same, but helps nobody who waits: calls EndSchedule
};

struct ThreadSpec {
  const char* name;
  Role role = Role::kThread;
};

// One run's state. Made anew for each schedule. What its threads have in local variables must need
// no destructor: at the end of a schedule they are dropped as they stand.
class Model {
 public:
  virtual ~Model() = default;
  virtual void Run(size_t thread) = 0;
  virtual void CheckStep() {}  // between any two operations
  virtual void CheckEnd() {}   // when all threads have ended, and servers have nothing to do
};

struct Protocol {
  std::string name;
  std::vector<ThreadSpec> threads;
  std::function<std::unique_ptr<Model>()> make;
};

struct Bounds {
  size_t preemptions = 3;
  uint64_t schedules = UINT64_MAX;
};

struct Exploration {
  uint64_t schedules = 0;
  uint64_t steps = 0;
  bool complete = false;  // every schedule within the bound on preemptions
  bool violated = false;
  std::string violation;
  std::string trace;               // its steps, one per line
  std::vector<uint8_t> decisions;  // its schedule, for Replay
};

// Stops at the first violation.
Exploration Explore(const Protocol& protocol, const Bounds& bounds);
// Looks with no preemption first, then with one, and so on, up to the bound: what it finds has the
// fewest that are needed, which `preemptions` is set to.
Exploration FindViolation(const Protocol& protocol, const Bounds& bounds, size_t* preemptions);
// Runs schedules drawn at random, their preemptions spread over their length, until as many
// different ones with `preemptions_min` to bounds.preemptions preemptions as bounds.schedules says
// have been seen, or none new has come for long: for models with too many to run them all.
Exploration Sample(const Protocol& protocol, const Bounds& bounds, size_t preemptions_min,
                   uint64_t seed);
// Runs one schedule again. The bound must be the one that it was found with.
Exploration Replay(const Protocol& protocol, const Bounds& bounds,
                   const std::vector<uint8_t>& decisions);

// For models, within Run.

// A decision that is not the scheduler's: 0 to options - 1, each explored.
size_t Choose(size_t options, const char* what);
// A violation unless `holds`; also in CheckStep and CheckEnd. Does not return then.
[[noreturn]] void Fail(std::string_view what);
inline void Expect(bool holds, const char* what) {
  if (!holds) [[unlikely]]
    Fail(what);
}
// Waits until the thread has ended.
void Join(size_t thread);
// Lets others run first, if they may: for a step of which only the time matters.
void Step(const char* what);
// The run ends here, well: for a crash, after what it leaves was looked at. Does not return.
[[noreturn]] void EndSchedule();
// Into the trace, when there is one.
void Note(std::string_view text);
size_t ThisThread();

}  // namespace tsdb::models

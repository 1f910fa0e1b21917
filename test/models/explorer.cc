#include "test/models/explorer.h"

#include <functional>
#include <string_view>
#include <unordered_set>

#include "test/models/scheduler.h"

namespace tsdb::models {
namespace {

void RunTraced(Scheduler& scheduler, Exploration& found) {
  found.violated = true;
  found.decisions = scheduler.decisions();
  scheduler.RunOnce(/*traced=*/true);
  found.violation = scheduler.violation();
  found.trace = scheduler.trace();
}

uint64_t HashOf(const std::vector<uint8_t>& decisions) {
  return std::hash<std::string_view>()(
      {reinterpret_cast<const char*>(decisions.data()), decisions.size()});
}

}  // namespace

Exploration Explore(const Protocol& protocol, const Bounds& bounds) {
  Scheduler scheduler(protocol, bounds);
  Exploration found;
  bool more = true;
  while (more && found.schedules < bounds.schedules) {
    scheduler.RunOnce(/*traced=*/false);
    ++found.schedules;
    if (!scheduler.violation().empty()) {
      RunTraced(scheduler, found);
      break;
    }
    more = scheduler.Advance();
  }
  found.complete = !more;
  found.steps = scheduler.steps();
  return found;
}

Exploration FindViolation(const Protocol& protocol, const Bounds& bounds, size_t* preemptions) {
  Exploration all;
  for (*preemptions = 0; *preemptions <= bounds.preemptions; ++*preemptions) {
    const uint64_t before = all.schedules;
    all = Explore(protocol, {*preemptions, bounds.schedules - before});
    all.schedules += before;
    if (all.violated || all.schedules == bounds.schedules) break;
  }
  return all;
}

Exploration Sample(const Protocol& protocol, const Bounds& bounds, size_t preemptions_min,
                   uint64_t seed) {
  // Of late all schedules drawn were seen before: there are no more, or few.
  constexpr uint64_t kOldOnesMax = 20'000;
  Scheduler scheduler(protocol, bounds);
  scheduler.DrawAtRandom(seed);
  std::unordered_set<uint64_t> seen;
  Exploration found;
  for (uint64_t old_ones = 0; found.schedules < bounds.schedules && old_ones < kOldOnesMax;) {
    scheduler.Forget();
    scheduler.RunOnce(/*traced=*/false);
    if (!scheduler.violation().empty()) {
      RunTraced(scheduler, found);
      break;
    }
    const bool fresh = scheduler.preemptions() >= preemptions_min &&
                       seen.insert(HashOf(scheduler.decisions())).second;
    found.schedules += fresh;
    old_ones = fresh ? 0 : old_ones + 1;
  }
  found.steps = scheduler.steps();
  return found;
}

Exploration Replay(const Protocol& protocol, const Bounds& bounds,
                   const std::vector<uint8_t>& decisions) {
  Scheduler scheduler(protocol, bounds);
  scheduler.set_decisions(decisions);
  scheduler.RunOnce(/*traced=*/true);
  Exploration found;
  found.schedules = 1;
  found.steps = scheduler.steps();
  found.violated = !scheduler.violation().empty();
  found.violation = scheduler.violation();
  found.trace = scheduler.trace();
  found.decisions = decisions;
  return found;
}

size_t Choose(size_t options, const char* what) {
  Scheduler& scheduler = Scheduler::Current();
  const size_t chosen = scheduler.Decide(options);
  if (scheduler.traced()) scheduler.Trace(std::string(what) + ": " + std::to_string(chosen));
  return chosen;
}

void Fail(std::string_view what) { Scheduler::Current().Violate(what); }

void Join(size_t thread) {
  Scheduler& scheduler = Scheduler::Current();
  scheduler.WantEnd(thread);
  scheduler.BeforeOperation();
  scheduler.view().Join(scheduler.view_of(thread));
  scheduler.Trace("join");
}

void Step(const char* what) {
  Scheduler& scheduler = Scheduler::Current();
  scheduler.BeforeOperation();
  scheduler.Trace(what);
}

void EndSchedule() { Scheduler::Current().End(); }

void Note(std::string_view text) { Scheduler::Current().Trace(text); }

size_t ThisThread() { return Scheduler::Current().running(); }

}  // namespace tsdb::models

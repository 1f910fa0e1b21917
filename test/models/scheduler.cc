#include "test/models/scheduler.h"

#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>

#include "storage/base/check.h"

namespace tsdb::models {
namespace {

constexpr size_t kStackBytes = size_t{128} << 10;

// Leaves `from`, to come back when somebody jumps there. Not inlined: nothing of the caller's may
// live in a register that the jump back does not restore.
[[gnu::noinline]] void Switch(jmp_buf from, jmp_buf to) {
  if (_setjmp(from) == 0) _longjmp(to, 1);
}

// Runs the function on the stack until it jumps back to `main`.
[[gnu::noinline]] void Begin(void* stack, void (*function)(), jmp_buf main) {
  ucontext_t begin;
  TSDB_CHECK(getcontext(&begin) == 0);
  begin.uc_stack.ss_sp = stack;
  begin.uc_stack.ss_size = kStackBytes;
  begin.uc_link = nullptr;
  makecontext(&begin, function, 0);
  if (_setjmp(main) == 0) setcontext(&begin);
}

}  // namespace

Scheduler* Scheduler::current_ = nullptr;

// Its thread's function runs over and over: a new run begins with a jump to `top`, which drops what
// the last one had left on the stack.
struct Scheduler::Context {
  Context() {
    stack = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TSDB_CHECK(stack != MAP_FAILED);
  }
  ~Context() { munmap(stack, kStackBytes); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  void* stack;
  jmp_buf top;   // before a run
  jmp_buf here;  // where it left off
};

Scheduler::Scheduler(const Protocol& protocol, const Bounds& bounds)
    : protocol_(protocol), bounds_(bounds) {
  TSDB_CHECK(current_ == nullptr && protocol.threads.size() <= kThreadsMax);
  current_ = this;
  // Each context is begun once, and left at its top.
  for (size_t i = 0; i < protocol.threads.size(); ++i) {
    contexts_.push_back(std::make_unique<Context>());
    running_ = i;
    Begin(contexts_[i]->stack, &Scheduler::ContextMain, main_);
  }
}

Scheduler::~Scheduler() { current_ = nullptr; }

void Scheduler::ContextMain() {
  // Nothing but statics here: what is local would be undefined after the jumps.
  Context* const context = current_->contexts_[current_->running_].get();
  if (_setjmp(context->top) == 0) _longjmp(current_->main_, 1);
  current_->model_->Run(current_->running_);
  current_->EndThread();
}

void Scheduler::RunOnce(bool traced) {
  traced_ = traced;
  trace_.clear();
  violation_.clear();
  next_decision_ = 0;
  preemptions_ = 0;
  steps_ = 0;
  started_ = false;
  entries_ = kThreadsMax;
  threads_.assign(protocol_.threads.size(), Thread());
  for (size_t i = 0; i < threads_.size(); ++i) {
    threads_[i].view.at[i] = 1;
    std::copy(std::begin(contexts_[i]->top), std::end(contexts_[i]->top),
              std::begin(contexts_[i]->here));
  }
  model_ = protocol_.make();
  started_ = true;
  Candidates candidates;
  for (const Role role : {Role::kThread, Role::kServer, Role::kEvent, Role::kCrash}) {
    for (size_t i = 0; i < threads_.size(); ++i) {
      if (protocol_.threads[i].role == role) candidates.Add(i);
    }
  }
  SwitchFromMain(candidates.threads[Decide(candidates.count)]);
  started_ = false;
  all_steps_ += steps_;
  last_steps_ = steps_;
  model_.reset();
}

void Scheduler::SwitchFromMain(size_t thread) {
  running_ = thread;
  Switch(main_, contexts_[thread]->here);
}

bool Scheduler::Advance() {
  TSDB_CHECK(next_decision_ == decisions_.size());  // a model that runs differently each time
  while (!decisions_.empty()) {
    Decision& last = decisions_.back();
    if (++last.chosen < last.options) return true;
    decisions_.pop_back();
  }
  return false;
}

size_t Scheduler::Draw(size_t options, bool rarely) {
  // Marsaglia, "Xorshift RNGs", 2003; multiplied, of which the high half is good.
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  const uint64_t drawn = (random_ * 0x2545F4914F6CDD1D) >> 32;
  // One more than there may be, so that they lie anywhere, and the last are seldom missed.
  if (rarely && drawn % (last_steps_ / (bounds_.preemptions + 1) + 1) != 0) return 0;
  return (drawn >> 8) % options;
}

size_t Scheduler::Decide(size_t options, bool rarely) {
  TSDB_CHECK(options > 0);
  if (options == 1) return 0;
  if (next_decision_ == decisions_.size()) {
    const size_t chosen = random_ == 0 ? 0 : Draw(options, rarely);
    decisions_.push_back({static_cast<uint8_t>(chosen), static_cast<uint8_t>(options)});
  }
  Decision& decision = decisions_[next_decision_++];
  // Given for Replay, it knows no number of options yet.
  if (decision.options == 0) decision.options = static_cast<uint8_t>(options);
  TSDB_CHECK(decision.options == options && decision.chosen < options);
  return decision.chosen;
}

void Scheduler::set_decisions(const std::vector<uint8_t>& chosen) {
  decisions_.clear();
  for (const uint8_t one : chosen) decisions_.push_back({one, 0});
}

std::vector<uint8_t> Scheduler::decisions() const {
  std::vector<uint8_t> chosen;
  for (size_t i = 0; i < next_decision_; ++i) chosen.push_back(decisions_[i].chosen);
  return chosen;
}

bool Scheduler::CanGoOn(const Thread& thread) const {
  if (thread.ended || thread.waits_for != nullptr) return false;
  if (thread.wants != nullptr && thread.wants->held()) return false;
  return thread.awaits < 0 || threads_[static_cast<size_t>(thread.awaits)].ended;
}

void Scheduler::AddOthers(Candidates& candidates, Role role) const {
  for (size_t i = 0; i < threads_.size(); ++i) {
    if (i != running_ && protocol_.threads[i].role == role && CanGoOn(threads_[i])) {
      candidates.Add(i);
    }
  }
}

void Scheduler::AddTimedOut(Candidates& candidates) const {
  for (size_t i = 0; i < threads_.size(); ++i) {
    const Thread& thread = threads_[i];
    // It must have its mutex again, as one that is notified.
    if (thread.waits_for != nullptr && thread.timed && !thread.given_up->held()) candidates.Add(i);
  }
}

void Scheduler::Collect(Candidates& candidates, bool* running_can) const {
  *running_can = CanGoOn(threads_[running_]);
  if (*running_can) candidates.Add(running_);
  if (!*running_can || preemptions_ < bounds_.preemptions) {
    AddOthers(candidates, Role::kThread);
    AddOthers(candidates, Role::kServer);
    if (*running_can) AddTimedOut(candidates);
  }
  if (!AllEnded()) AddOthers(candidates, Role::kEvent);
  if (candidates.count == 0 && !AllEnded()) AddTimedOut(candidates);
  // Nobody but a crash can go on: that is a deadlock.
  if (candidates.count > 0) AddOthers(candidates, Role::kCrash);
}

void Scheduler::BeforeOperation() {
  if (!started_) return;
  model_->CheckStep();
  if (++steps_ > kStepsMax) Violate("it runs for ever");
  Candidates candidates;
  bool running_can;
  Collect(candidates, &running_can);
  if (candidates.count == 0) {
    if (AllEnded()) {
      model_->CheckEnd();
      End();
    }
    std::string waiting = "deadlock: nobody can go on;";
    for (size_t i = 0; i < threads_.size(); ++i) {
      if (threads_[i].ended || protocol_.threads[i].role != Role::kThread) continue;
      waiting += std::string(" '") + protocol_.threads[i].name + "'";
    }
    Violate(waiting + " not ended");
  }
  const size_t next = candidates.threads[Decide(candidates.count, /*rarely=*/running_can)];
  const Role role = protocol_.threads[next].role;
  const bool counts = role == Role::kThread || role == Role::kServer;
  if (running_can && next != running_ && counts) ++preemptions_;
  GoOnWith(next);
}

void Scheduler::GoOnWith(size_t thread) {
  Thread& next = threads_[thread];
  if (next.waits_for != nullptr) {
    next.waits_for = nullptr;
    next.timed_out = true;
  }
  next.wants = nullptr;
  next.awaits = -1;
  if (thread == running_) return;
  const size_t before = running_;
  running_ = thread;
  Switch(contexts_[before]->here, contexts_[thread]->here);
}

bool Scheduler::AllEnded() const {
  for (size_t i = 0; i < threads_.size(); ++i) {
    if (protocol_.threads[i].role == Role::kThread && !threads_[i].ended) return false;
  }
  return true;
}

void Scheduler::EndThread() {
  threads_[running_].ended = true;
  AdvanceClock();
  BeforeOperation();
  TSDB_CHECK(false);  // nobody comes back to it
}

void Scheduler::Violate(std::string_view what) {
  violation_ = what;
  Trace(std::string("violation: ") + violation_);
  End();
}

void Scheduler::End() { _longjmp(main_, 1); }

void Scheduler::AdvanceClock() {
  uint8_t& clock = threads_[running_].view.at[running_];
  if (clock == UINT8_MAX) Violate("it runs for ever");
  ++clock;
}

void Scheduler::BeginWait(const CondVar* condition, bool timed) {
  threads_[running_].waits_for = condition;
  threads_[running_].timed = timed;
  threads_[running_].timed_out = false;
}

void Scheduler::WakeThread(Thread& thread, const Mutex* mutex) {
  thread.waits_for = nullptr;
  thread.wants = mutex;
}

size_t Scheduler::Waiting(const CondVar* condition, std::array<uint8_t, kThreadsMax>& found) const {
  size_t count = 0;
  for (size_t i = 0; i < threads_.size(); ++i) {
    if (threads_[i].waits_for == condition) found[count++] = static_cast<uint8_t>(i);
  }
  return count;
}

uint8_t Scheduler::NewEntry() {
  TSDB_CHECK(entries_ < View::kEntries);
  return entries_++;
}

void Scheduler::Trace(std::string_view text) {
  if (!traced_) return;
  trace_ += started_ ? protocol_.threads[running_].name : "(before)";
  trace_ += ": ";
  trace_ += text;
  trace_ += '\n';
}

}  // namespace tsdb::models

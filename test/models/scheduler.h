// One run of a model after the other, on contexts of their own: what explorer.h promises, for
// shared.h's types to call. Not for models.
#pragma once

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "test/models/explorer.h"
#include "test/models/shared.h"

namespace tsdb::models {

class Scheduler {
 public:
  Scheduler(const Protocol& protocol, const Bounds& bounds);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // The one that runs a model now.
  static Scheduler& Current() { return *current_; }

  // Runs the schedule that begins with the decisions so far. Then the first violation, if any, is
  // in violation().
  void RunOnce(bool traced);
  // Moves on to the next schedule; false when there is none.
  bool Advance();

  // From now on a decision that is not given is drawn at random.
  void DrawAtRandom(uint64_t seed) { random_ = seed | 1; }
  void Forget() { decisions_.clear(); }

  // Before an operation of the running thread: lets another go first, or instead, if this one
  // waits.
  void BeforeOperation();
  size_t Decide(size_t options) { return Decide(options, /*rarely=*/false); }
  [[noreturn]] void Violate(std::string_view what);
  [[noreturn]] void End();  // of this run

  // Of the running thread.
  size_t running() const { return running_; }
  View& view() { return threads_[running_].view; }
  View& view_of(size_t thread) { return threads_[thread].view; }
  size_t thread_count() const { return threads_.size(); }
  // What it writes from now on is not in the views it has given away.
  void AdvanceClock();
  void WantMutex(const Mutex* mutex) { threads_[running_].wants = mutex; }
  void WantEnd(size_t thread) { threads_[running_].awaits = static_cast<int8_t>(thread); }
  void BeginWait(const CondVar* condition, bool timed);
  bool timed_out() const { return threads_[running_].timed_out; }  // its last wait
  // Threads that wait for it.
  size_t Waiting(const CondVar* condition, std::array<uint8_t, kThreadsMax>& found) const;
  void Wake(size_t thread, const Mutex* mutex) { WakeThread(threads_[thread], mutex); }
  const Mutex* MutexOf(size_t thread) const { return threads_[thread].given_up; }
  void GiveUp(const Mutex* mutex) { threads_[running_].given_up = mutex; }

  uint8_t NewEntry();  // of views

  bool traced() const { return traced_; }
  void Trace(std::string_view text);

  uint64_t steps() const { return all_steps_; }
  const std::string& violation() const { return violation_; }
  const std::string& trace() const { return trace_; }
  size_t preemptions() const { return preemptions_; }  // of the last run
  void set_decisions(const std::vector<uint8_t>& chosen);
  std::vector<uint8_t> decisions() const;

 private:
  struct Context;  // a stack, and where it stands
  struct Thread {
    View view;
    const Mutex* wants = nullptr;        // goes on when it is free
    const CondVar* waits_for = nullptr;  // goes on when notified
    const Mutex* given_up = nullptr;     // for that wait
    int8_t awaits = -1;                  // goes on when that thread has ended
    bool timed = false;
    bool timed_out = false;
    bool ended = false;
  };
  struct Decision {
    uint8_t chosen;
    uint8_t options;
  };
  struct Candidates {
    std::array<uint8_t, 2 * kThreadsMax> threads;
    size_t count = 0;
    void Add(size_t thread) { threads[count++] = static_cast<uint8_t>(thread); }
  };

  static void ContextMain();
  // `rarely`: an option but the first is a preemption.
  size_t Decide(size_t options, bool rarely);
  size_t Draw(size_t options, bool rarely);
  static void WakeThread(Thread& thread, const Mutex* mutex);
  bool CanGoOn(const Thread& thread) const;
  // Who may go next; the running thread first if it can.
  void Collect(Candidates& candidates, bool* running_can) const;
  void AddOthers(Candidates& candidates, Role role) const;
  void AddTimedOut(Candidates& candidates) const;
  void GoOnWith(size_t thread);
  void EndThread();
  bool AllEnded() const;
  void SwitchFromMain(size_t thread);

  static Scheduler* current_;

  const Protocol& protocol_;
  const Bounds bounds_;
  std::vector<std::unique_ptr<Context>> contexts_;
  std::vector<Thread> threads_;
  std::unique_ptr<Model> model_;
  jmp_buf main_;

  std::vector<Decision> decisions_;
  size_t next_decision_ = 0;
  size_t running_ = 0;
  size_t preemptions_ = 0;
  uint32_t steps_ = 0;
  uint64_t all_steps_ = 0;
  uint32_t last_steps_ = 50;  // of the run before
  uint64_t random_ = 0;       // state; 0: none is drawn
  uint8_t entries_ = 0;
  bool started_ = false;  // threads run, and not the model's constructor
  bool traced_ = false;
  std::string violation_, trace_;
};

}  // namespace tsdb::models

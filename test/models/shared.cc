#include "test/models/shared.h"

#include <string>

#include "test/models/scheduler.h"

namespace tsdb::models {
namespace {

constexpr const char* kOrderNames[] = {"relaxed", "acquire", "release", "acq_rel", "seq_cst"};

bool Acquires(Order order) {
  return order == Order::kAcquire || order == Order::kAcqRel || order == Order::kSeqCst;
}

bool Releases(Order order) {
  return order == Order::kRelease || order == Order::kAcqRel || order == Order::kSeqCst;
}

void TraceAccess(const char* what, const char* name, uint64_t value, Order order) {
  Scheduler& scheduler = Scheduler::Current();
  if (!scheduler.traced()) return;
  scheduler.Trace(std::string(what) + " " + name + ": " +
                  std::to_string(static_cast<int64_t>(value)) + " (" +
                  kOrderNames[static_cast<size_t>(order)] + ")");
}

void TraceNamed(const char* what, const char* name) {
  Scheduler& scheduler = Scheduler::Current();
  if (scheduler.traced()) scheduler.Trace(std::string(what) + " " + name);
}

}  // namespace

AtomicCell::AtomicCell(const char* name, uint64_t initial)
    : name_(name), entry_(Scheduler::Current().NewEntry()) {
  stores_[0].value = initial;
  stores_[0].view = View();
}

void AtomicCell::Append(uint64_t value, bool release, const View* continued) {
  Scheduler& scheduler = Scheduler::Current();
  if (count_ == kStoresMax) scheduler.Violate("it runs for ever");
  View& view = scheduler.view();
  view.at[entry_] = count_;
  Stored& stored = stores_[count_++];
  stored.value = value;
  stored.view = continued != nullptr ? *continued : View();
  stored.view.at[entry_] = static_cast<uint8_t>(count_ - 1);
  if (release) {
    stored.view.Join(view);
    scheduler.AdvanceClock();
  }
}

uint64_t AtomicCell::Load(Order order) {
  Scheduler& scheduler = Scheduler::Current();
  scheduler.BeforeOperation();
  View& view = scheduler.view();
  uint8_t oldest = view.at[entry_];
  if (order == Order::kSeqCst && consistent_ > oldest) oldest = consistent_;
  const auto behind = static_cast<uint8_t>(scheduler.Decide(count_ - size_t{oldest}));
  const auto read = static_cast<uint8_t>(count_ - 1 - behind);
  view.at[entry_] = read;
  if (Acquires(order)) view.Join(stores_[read].view);
  if (order == Order::kSeqCst) consistent_ = read;
  TraceAccess(behind == 0 ? "load" : "load (not the newest)", name_, stores_[read].value, order);
  return stores_[read].value;
}

void AtomicCell::Store(uint64_t value, Order order) {
  Scheduler::Current().BeforeOperation();
  Append(value, Releases(order), nullptr);
  if (order == Order::kSeqCst) consistent_ = static_cast<uint8_t>(count_ - 1);
  TraceAccess("store", name_, value, order);
}

uint64_t AtomicCell::ReadNewest(bool acquire) {
  const Stored& newest = stores_[count_ - 1];
  View& view = Scheduler::Current().view();
  view.at[entry_] = static_cast<uint8_t>(count_ - 1);
  if (acquire) view.Join(newest.view);
  return newest.value;
}

template <typename Change>
uint64_t AtomicCell::Modify(const char* what, Order order, Change change) {
  Scheduler::Current().BeforeOperation();
  const uint64_t before = ReadNewest(Acquires(order));
  const View* continued = &stores_[count_ - 1].view;
  Append(change(before), Releases(order), continued);
  if (order == Order::kSeqCst) consistent_ = static_cast<uint8_t>(count_ - 1);
  TraceAccess(what, name_, Newest(), order);
  return before;
}

uint64_t AtomicCell::FetchAdd(uint64_t value, Order order) {
  return Modify("add, giving", order, [value](uint64_t before) { return before + value; });
}

uint64_t AtomicCell::Exchange(uint64_t value, Order order) {
  return Modify("exchange for", order, [value](uint64_t) { return value; });
}

bool AtomicCell::CompareExchange(uint64_t& expected, uint64_t desired, Order order) {
  Scheduler::Current().BeforeOperation();
  const uint64_t before = ReadNewest(/*acquire=*/false);
  if (before != expected) {
    expected = before;
    TraceAccess("compare-and-swap fails with", name_, before, Order::kRelaxed);
    return false;
  }
  ReadNewest(Acquires(order));
  Append(desired, Releases(order), &stores_[count_ - 1].view);
  if (order == Order::kSeqCst) consistent_ = static_cast<uint8_t>(count_ - 1);
  TraceAccess("compare-and-swap to", name_, desired, order);
  return true;
}

void Accesses::OnRead() {
  Scheduler& scheduler = Scheduler::Current();
  const View& view = scheduler.view();
  TraceNamed("read", name_);
  if (view.at[writer_] < written_) {
    Fail(std::string("race: reads '") + name_ + "', whose last write it cannot see");
  }
  read_[scheduler.running()] = view.at[scheduler.running()];
}

void Accesses::OnWrite() {
  Scheduler& scheduler = Scheduler::Current();
  const View& view = scheduler.view();
  TraceNamed("write", name_);
  bool ordered = view.at[writer_] >= written_;
  for (size_t i = 0; i < kThreadsMax; ++i) ordered &= view.at[i] >= read_[i];
  if (!ordered) Fail(std::string("race: writes '") + name_ + "' while others use it");
  writer_ = static_cast<uint8_t>(scheduler.running());
  written_ = view.at[writer_];
}

void Mutex::Lock() {
  Scheduler& scheduler = Scheduler::Current();
  scheduler.WantMutex(this);
  scheduler.BeforeOperation();
  Take();
}

void Mutex::Take() {
  held_ = true;
  Scheduler::Current().view().Join(view_);
  TraceNamed("lock", name_);
}

void Mutex::Unlock() {
  Scheduler& scheduler = Scheduler::Current();
  held_ = false;
  view_ = scheduler.view();
  scheduler.AdvanceClock();
  TraceNamed("unlock", name_);
}

bool CondVar::WaitUntilNotified(Mutex* mutex, bool timed) {
  Scheduler& scheduler = Scheduler::Current();
  // A notification without the mutex may come between the caller's look and the wait.
  scheduler.BeforeOperation();
  TraceNamed("wait for", name_);
  mutex->Unlock();
  scheduler.BeginWait(this, timed);
  scheduler.GiveUp(mutex);
  scheduler.BeforeOperation();
  mutex->Take();
  return scheduler.timed_out();
}

void CondVar::NotifyOne() {
  Scheduler& scheduler = Scheduler::Current();
  scheduler.BeforeOperation();
  std::array<uint8_t, kThreadsMax> waiting;
  const size_t count = scheduler.Waiting(this, waiting);
  TraceNamed(count == 0 ? "notify, in vain," : "notify one of", name_);
  if (count == 0) return;
  const size_t woken = waiting[scheduler.Decide(count)];
  scheduler.Wake(woken, scheduler.MutexOf(woken));
}

void CondVar::NotifyAll() {
  Scheduler& scheduler = Scheduler::Current();
  scheduler.BeforeOperation();
  std::array<uint8_t, kThreadsMax> waiting;
  const size_t count = scheduler.Waiting(this, waiting);
  TraceNamed(count == 0 ? "notify, in vain," : "notify all of", name_);
  for (size_t i = 0; i < count; ++i) scheduler.Wake(waiting[i], scheduler.MutexOf(waiting[i]));
}

void Membarrier() {
  Scheduler& scheduler = Scheduler::Current();
  scheduler.BeforeOperation();
  scheduler.Trace("membarrier");
  View all;
  for (size_t i = 0; i < scheduler.thread_count(); ++i) all.Join(scheduler.view_of(i));
  for (size_t i = 0; i < scheduler.thread_count(); ++i) scheduler.view_of(i) = all;
}

}  // namespace tsdb::models

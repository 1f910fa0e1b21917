// What threads of a model share: atomics, plain data, mutexes and condition variables, with the
// memory model of C++ as far as the engine leans on it.
//
// Each thread has a view: per atomic the newest store that it must not read behind, per thread how
// much of that thread's past happened before. An atomic keeps all its stores; a release store
// carries its thread's view, and an acquire load joins the view of the store that it reads. Which
// store a load reads, of those not behind its view, is a decision that the explorer explores. So a
// publication that is relaxed by mistake hands out data that the reader's view does not have, which
// is a race, and a store followed by a load of another place may seem to swap (Dekker), unless both
// are sequentially consistent.
//
//   read-modify-write   reads the newest store; carries on the release sequence of the store it
//   read kSeqCst             besides: no load of this kind reads behind an earlier operation of
//   this kind
//                       on the same atomic, in the order of the schedule
//   Data                plain memory: a read whose last write is not in the view, or a write for
//                       which a read or write before is not, is a race
//   Membarrier          every thread passes a full barrier at once
//
// Weaker than the real thing in that a store takes its place behind all earlier ones in the
// schedule (real relaxed stores of two threads may be ordered otherwise), that nothing is stored
// before what precedes it was loaded, and that a compare-and-swap does not fail without cause.
//
// Thread safety: threads of one model, which take turns.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "test/models/explorer.h"

namespace tsdb::models {

enum class Order : uint8_t { kRelaxed, kAcquire, kRelease, kAcqRel, kSeqCst };

// Of threads' clocks, then atomics.
struct View {
  static constexpr size_t kEntries = 32;
  std::array<uint8_t, kEntries> at{};

  void Join(const View& other) {
    for (size_t i = 0; i < kEntries; ++i) at[i] = at[i] < other.at[i] ? other.at[i] : at[i];
  }
};

class AtomicCell {
 public:
  AtomicCell(const char* name, uint64_t initial);
  AtomicCell(const AtomicCell&) = delete;
  AtomicCell& operator=(const AtomicCell&) = delete;

  uint64_t Load(Order order);
  void Store(uint64_t value, Order order);
  uint64_t FetchAdd(uint64_t value, Order order);
  uint64_t Exchange(uint64_t value, Order order);
  // On failure `expected` becomes the newest value, loaded relaxed.
  bool CompareExchange(uint64_t& expected, uint64_t desired, Order order);
  // For checks: the newest value; no operation of any thread.
  uint64_t Newest() const { return stores_[count_ - 1].value; }

 private:
  static constexpr size_t kStoresMax = 40;
  struct Stored {
    uint64_t value;
    View view;
  };

  void Append(uint64_t value, bool release, const View* continued);
  uint64_t ReadNewest(bool acquire);
  template <typename Change>
  uint64_t Modify(const char* what, Order order, Change change);

  const char* const name_;
  const uint8_t entry_;
  uint8_t count_ = 1;
  uint8_t consistent_ = 0;  // no sequentially consistent load reads a store before this one
  union {
    std::array<Stored, kStoresMax> stores_;  // [0, count_) are set
  };
};

// An atomic of any small trivial type.
template <typename T>
class Atomic {
 public:
  Atomic(const char* name, T initial) : cell_(name, static_cast<uint64_t>(initial)) {}

  T Load(Order order) { return static_cast<T>(cell_.Load(order)); }
  void Store(T value, Order order) { cell_.Store(static_cast<uint64_t>(value), order); }
  T FetchAdd(T value, Order order) {
    return static_cast<T>(cell_.FetchAdd(static_cast<uint64_t>(value), order));
  }
  T FetchSub(T value, Order order) {
    return static_cast<T>(cell_.FetchAdd(uint64_t{0} - static_cast<uint64_t>(value), order));
  }
  T Exchange(T value, Order order) {
    return static_cast<T>(cell_.Exchange(static_cast<uint64_t>(value), order));
  }
  bool CompareExchange(T& expected, T desired, Order order) {
    auto seen = static_cast<uint64_t>(expected);
    const bool done = cell_.CompareExchange(seen, static_cast<uint64_t>(desired), order);
    expected = static_cast<T>(seen);
    return done;
  }
  T Newest() const { return static_cast<T>(cell_.Newest()); }

 private:
  AtomicCell cell_;
};

// Who touched plain memory, and when.
class Accesses {
 public:
  explicit Accesses(const char* name) : name_(name) {}
  void OnRead();
  void OnWrite();

 private:
  const char* const name_;
  uint8_t writer_ = 0;
  uint8_t written_ = 0;  // at this time of the writer's
  std::array<uint8_t, kThreadsMax> read_{};
};

template <typename T>
class Data {
 public:
  explicit Data(const char* name, T initial = T()) : accesses_(name), value_(initial) {}

  T Read() {
    accesses_.OnRead();
    return value_;
  }
  void Write(T value) {
    accesses_.OnWrite();
    value_ = value;
  }
  const T& Peek() const { return value_; }  // for checks

 private:
  Accesses accesses_;
  T value_;
};

// What it guards may be plain members of the model: whoever holds it has them to itself.
class Mutex {
 public:
  explicit Mutex(const char* name) : name_(name) {}
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock();
  void Unlock();
  bool held() const { return held_; }

 private:
  friend class CondVar;
  void Take();

  const char* const name_;
  bool held_ = false;
  View view_;
};

class MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) : mutex_(mutex) { mutex_->Lock(); }
  ~MutexLock() { mutex_->Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* const mutex_;
};

class CondVar {
 public:
  explicit CondVar(const char* name) : name_(name) {}
  CondVar(const CondVar&) = delete;
  CondVar& operator=(const CondVar&) = delete;

  void Wait(Mutex* mutex) { WaitUntilNotified(mutex, /*timed=*/false); }
  // May also be woken by the time; returns whether it was.
  bool WaitFor(Mutex* mutex) { return WaitUntilNotified(mutex, /*timed=*/true); }
  void NotifyOne();  // any of those who wait
  void NotifyAll();

 private:
  bool WaitUntilNotified(Mutex* mutex, bool timed);

  const char* const name_;
};

// Every thread passes a full barrier, wherever it stands: membarrier(2).
void Membarrier();

// A list of a few, without memory of its own to free.
template <typename T, size_t kMost = 16>
class FixedList {
 public:
  void push_back(const T& value) {
    Expect(size_ < kMost, "the model's list is too short");
    items_[size_++] = value;
  }
  void erase(size_t index) {
    for (size_t i = index + 1; i < size_; ++i) items_[i - 1] = items_[i];
    --size_;
  }
  void pop_front() { erase(0); }
  void clear() { size_ = 0; }
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  T& operator[](size_t index) { return items_[index]; }
  const T& operator[](size_t index) const { return items_[index]; }
  T& front() { return items_[0]; }
  const T& front() const { return items_[0]; }
  T& back() { return items_[size_ - 1]; }
  const T& back() const { return items_[size_ - 1]; }
  T* begin() { return items_.data(); }
  T* end() { return items_.data() + size_; }
  const T* begin() const { return items_.data(); }
  const T* end() const { return items_.data() + size_; }

 private:
  std::array<T, kMost> items_{};
  size_t size_ = 0;
};

}  // namespace tsdb::models

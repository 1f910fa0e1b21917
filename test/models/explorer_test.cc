// The explorer itself: it runs each schedule once, and its memory model knows the litmus tests.
#include <catch2/catch.hpp>
#include <set>

#include "test/models/explorer.h"
#include "test/models/shared.h"

namespace tsdb::models {
namespace {

template <typename M, typename... Arguments>
Protocol Of(std::vector<ThreadSpec> threads, Arguments... arguments) {
  return {"", std::move(threads), [=] { return std::make_unique<M>(arguments...); }};
}

// Threads that take `steps` steps each, and end.
class Steps : public Model {
 public:
  Steps(int steps, std::set<std::string>* seen) : steps_(steps), seen_(seen) {}
  void Run(size_t thread) override {
    for (int i = 0; i < steps_; ++i) {
      Step("step");
      order_ += static_cast<char>('0' + thread);
    }
  }
  void CheckEnd() override { seen_->insert(order_); }

 private:
  const int steps_;
  std::set<std::string>* const seen_;
  std::string order_;
};

TEST_CASE("explorer: all orders of two threads of three steps, within the bound") {
  // 20 orders of aaabbb; with few preemptions those with few changes from one to the other.
  std::set<std::string> seen;
  const auto all = Explore(Of<Steps>({{"a"}, {"b"}}, 3, &seen), {.preemptions = 100});
  CHECK(all.complete);
  CHECK(seen.size() == 20);
  seen.clear();
  const auto none = Explore(Of<Steps>({{"a"}, {"b"}}, 3, &seen), {.preemptions = 0});
  CHECK(none.complete);
  CHECK(seen == std::set<std::string>{"000111", "111000"});
  seen.clear();
  Explore(Of<Steps>({{"a"}, {"b"}}, 3, &seen), {.preemptions = 1});
  // a^i b^3 a^(3-i) and the same with names changed.
  CHECK(seen == std::set<std::string>{"000111", "011100", "001110", "111000", "100011", "110001"});
}

TEST_CASE("explorer: a bound on schedules ends the search, and says so") {
  std::set<std::string> seen;
  const auto some = Explore(Of<Steps>({{"a"}, {"b"}, {"c"}}, 4, &seen), {3, 100});
  CHECK(some.schedules == 100);
  CHECK_FALSE(some.complete);
}

// Message passing: data, then a flag.
class Message : public Model {
 public:
  Message(Order store, Order load) : store_(store), load_(load) {}
  void Run(size_t thread) override {
    if (thread == 0) {
      data_.Write(1);
      flag_.Store(1, store_);
    } else if (flag_.Load(load_) == 1) {
      Expect(data_.Read() == 1, "the data is old");
    }
  }

 private:
  const Order store_, load_;
  Data<int> data_{"data"};
  Atomic<int> flag_{"flag", 0};
};

TEST_CASE("explorer: a message needs release and acquire") {
  const auto violated = [](Order store, Order load) {
    return Explore(Of<Message>({{"sender"}, {"receiver"}}, store, load), {}).violated;
  };
  CHECK_FALSE(violated(Order::kRelease, Order::kAcquire));
  CHECK_FALSE(violated(Order::kSeqCst, Order::kSeqCst));
  CHECK(violated(Order::kRelaxed, Order::kAcquire));
  CHECK(violated(Order::kRelease, Order::kRelaxed));
}

// Dekker: each stores, then looks at the other's place; both seeing nothing is the question.
class StoreBuffering : public Model {
 public:
  StoreBuffering(Order store, Order load, bool barrier)
      : store_(store), load_(load), barrier_(barrier) {}
  void Run(size_t thread) override {
    places_[thread].Store(1, store_);
    if (thread == 0 && barrier_) Membarrier();
    saw_[thread] = places_[1 - thread].Load(load_);
  }
  void CheckEnd() override { Expect(saw_[0] + saw_[1] > 0, "neither saw the other"); }

 private:
  const Order store_, load_;
  const bool barrier_;
  Atomic<int> places_[2] = {{"x", 0}, {"y", 0}};
  int saw_[2] = {0, 0};
};

TEST_CASE("explorer: store buffering ends with sequential consistency, or a membarrier") {
  const auto violated = [](Order store, Order load, bool barrier) {
    return Explore(Of<StoreBuffering>({{"a"}, {"b"}}, store, load, barrier), {}).violated;
  };
  CHECK(violated(Order::kRelease, Order::kAcquire, false));
  CHECK(violated(Order::kSeqCst, Order::kAcquire, false));
  CHECK_FALSE(violated(Order::kSeqCst, Order::kSeqCst, false));
  CHECK_FALSE(violated(Order::kRelaxed, Order::kAcquire, true));
}

// The second thread's relaxed addition goes on with the release sequence that the first began.
class ReleaseSequence : public Model {
 public:
  explicit ReleaseSequence(bool addition) : addition_(addition) {}
  void Run(size_t thread) override {
    if (thread == 0) {
      data_.Write(1);
      flag_.Store(1, Order::kRelease);
    } else if (thread == 1) {
      if (addition_) {
        if (flag_.FetchAdd(2, Order::kRelaxed) == 0) EndSchedule();
      } else if (flag_.Load(Order::kRelaxed) == 1) {
        flag_.Store(3, Order::kRelaxed);
      }
    } else if (flag_.Load(Order::kAcquire) == 3) {
      data_.Read();
    }
  }

 private:
  const bool addition_;
  Data<int> data_{"data"};
  Atomic<int> flag_{"flag", 0};
};

TEST_CASE("explorer: a read-modify-write goes on with a release sequence, a store ends it") {
  const std::vector<ThreadSpec> threads{{"first"}, {"second"}, {"third"}};
  CHECK_FALSE(Explore(Of<ReleaseSequence>(threads, true), {}).violated);
  CHECK(Explore(Of<ReleaseSequence>(threads, false), {}).violated);
}

// One place: nobody sees it go back, whatever the orders.
class Coherence : public Model {
 public:
  void Run(size_t thread) override {
    if (thread == 0) {
      for (int i = 1; i <= 3; ++i) place_.Store(i, Order::kRelaxed);
    } else {
      const int first = place_.Load(Order::kRelaxed);
      const int second = place_.Load(Order::kRelaxed);
      Expect(first <= second, "an older value after a newer one");
    }
  }

 private:
  Atomic<int> place_{"place", 0};
};

TEST_CASE("explorer: one place is coherent") {
  const auto found = Explore(Of<Coherence>({{"writer"}, {"reader"}}), {});
  CHECK_FALSE(found.violated);
  CHECK(found.complete);
}

// Consumer and producer; with a fault the consumer looks before it has the mutex.
class Wait : public Model {
 public:
  explicit Wait(bool looks_early, bool timed = false) : looks_early_(looks_early), timed_(timed) {}
  void Run(size_t thread) override {
    if (thread == 1) {
      mutex_.Lock();
      filled_ = true;
      mutex_.Unlock();
      changed_.NotifyOne();
      return;
    }
    if (looks_early_) {
      Step("look");
      if (filled_) return;
      const MutexLock lock(&mutex_);
      Sleep();
    } else {
      const MutexLock lock(&mutex_);
      while (!filled_) Sleep();
    }
  }

 private:
  void Sleep() {
    if (timed_) {
      changed_.WaitFor(&mutex_);
    } else {
      changed_.Wait(&mutex_);
    }
  }

  const bool looks_early_, timed_;
  Mutex mutex_{"mutex"};
  CondVar changed_{"changed"};
  bool filled_ = false;
};

TEST_CASE("explorer: a lost wake-up is a deadlock, unless the wait ends by itself") {
  const std::vector<ThreadSpec> threads{{"consumer"}, {"producer"}};
  CHECK_FALSE(Explore(Of<Wait>(threads, false), {}).violated);
  const auto lost = Explore(Of<Wait>(threads, true), {});
  CHECK(lost.violation == "deadlock: nobody can go on; 'consumer' not ended");
  CHECK_FALSE(Explore(Of<Wait>(threads, true, true), {}).violated);
}

TEST_CASE("explorer: a violation is found again by its schedule") {
  const auto protocol = Of<Wait>({{"consumer"}, {"producer"}}, true);
  size_t preemptions = 0;
  const auto found = FindViolation(protocol, {}, &preemptions);
  REQUIRE(found.violated);
  CHECK(preemptions == 1);
  const auto again = Replay(protocol, {.preemptions = preemptions}, found.decisions);
  CHECK(again.violation == found.violation);
  CHECK(again.trace == found.trace);
  CHECK(again.trace.find("producer: notify, in vain, changed\n") != std::string::npos);
}

// Two mutexes in two orders.
class TwoLocks : public Model {
 public:
  void Run(size_t thread) override {
    const MutexLock outer(&mutexes_[thread]);
    const MutexLock inner(&mutexes_[1 - thread]);
  }

 private:
  Mutex mutexes_[2] = {Mutex("x"), Mutex("y")};
};

TEST_CASE("explorer: locks in two orders are a deadlock") {
  CHECK(Explore(Of<TwoLocks>({{"a"}, {"b"}}), {}).violation ==
        "deadlock: nobody can go on; 'a' 'b' not ended");
}

// Reads memory that another thread may be writing again.
class Reuse : public Model {
 public:
  explicit Reuse(Order drop) : drop_(drop) {}
  void Run(size_t) override {
    memory_.Read();
    if (references_.FetchSub(1, drop_) == 1) memory_.Write(1);
  }

 private:
  const Order drop_;
  Data<int> memory_{"memory"};
  Atomic<int> references_{"references", 2};
};

TEST_CASE("explorer: memory used again before a reader is known to be done is a race") {
  CHECK_FALSE(Explore(Of<Reuse>({{"a"}, {"b"}}, Order::kAcqRel), {}).violated);
  CHECK(Explore(Of<Reuse>({{"a"}, {"b"}}, Order::kRelaxed), {}).violated);
  CHECK(Explore(Of<Reuse>({{"a"}, {"b"}}, Order::kRelease), {}).violated);
}

}  // namespace
}  // namespace tsdb::models

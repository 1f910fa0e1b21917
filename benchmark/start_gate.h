// Threads that start together and are timed from then to the end of the last one.
#pragma once

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

namespace tsdb::benchmark {

using Clock = std::chrono::steady_clock;

inline double SecondsBetween(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

// When it began, and when the last of the threads was done.
struct Together {
  Clock::time_point begin, end;
  double seconds() const { return SecondsBetween(begin, end); }
};

// Runs `prepare(index)` on `count` threads, then, once all of them are ready, `work(index,
// prepared)`. Starting threads and preparing is outside the clock; so is what destroying `prepared`
// does.
template <typename Prepare, typename Work>
Together RunPrepared(size_t count, Prepare&& prepare, Work&& work) {
  Together together;
  std::vector<Clock::time_point> ends(count);
  const auto start_clock = [&together]() noexcept { together.begin = Clock::now(); };
  std::barrier gate(static_cast<ptrdiff_t>(count), start_clock);
  {
    std::vector<std::jthread> threads;
    threads.reserve(count);
    for (size_t index = 0; index < count; ++index) {
      threads.emplace_back([&, index] {
        auto prepared = prepare(index);
        gate.arrive_and_wait();
        work(index, prepared);
        ends[index] = Clock::now();
      });
    }
  }
  together.end = *std::max_element(ends.begin(), ends.end());
  return together;
}

// As above with nothing to prepare; returns the seconds. REQUIRES: count > 0.
template <typename Work>
double RunTogether(size_t count, Work&& work) {
  return RunPrepared(
             count, [](size_t) { return 0; }, [&](size_t index, int) { work(index); })
      .seconds();
}

}  // namespace tsdb::benchmark

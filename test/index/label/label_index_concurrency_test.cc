// Registration, indexing and questions at once. Every answer must be right for some moment between
// the question and the answer.
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "index/label/label_index.h"
#include "storage/base/labels.h"
#include "test/tsdb/threads.h"

namespace tsdb::label {
namespace {

constexpr size_t kWriters = 4;
constexpr uint64_t kEach = 6000;

// "w", 7 -> "w7"
std::string Text(const char* text, uint64_t number) {
  std::string numbered = text;
  return numbered.append(std::to_string(number));
}

// Of writer `w`, its i-th.
Labels Numbered(size_t w, uint64_t i) {
  const std::string writer = Text("w", w);
  const std::string number = std::to_string(i);
  const std::string parity = i % 2 == 0 ? "even" : "odd";
  const std::string tens = Text("t", i / 10);
  // A label that few have at first and all have later: its column becomes dense on the way.
  const std::string late = i > kEach / 2 || i % 100 == 0 ? tens : "";
  return *Labels::Create(
      {{"late", late}, {"n", number}, {"parity", parity}, {"tens", tens}, {"writer", writer}});
}

struct Race {
  SeriesTable table{1'000'000};
  LabelIndex index{table};
  std::atomic<uint64_t> registered[kWriters] = {};
  std::atomic<size_t> wrong{0};
  std::atomic<bool> done{false};

  void Write(size_t w) {
    for (uint64_t i = 0; i < kEach; ++i) {
      if (!table.FindOrCreate(Numbered(w, i)).ok()) wrong.fetch_add(1);
      registered[w].store(i + 1, std::memory_order_release);
      if (i % 64 == 0) index.CatchUpIfBehind(100);
    }
  }

  // Counts of a writer's series by several questions; each lies between what was registered before
  // and after it.
  void Check(size_t w, std::vector<Matcher> matchers, uint64_t (*count_of)(uint64_t)) {
    matchers.push_back({"writer", MatchOp::kEqual, Text("w", w)});
    const uint64_t least = count_of(registered[w].load(std::memory_order_acquire));
    const auto found = index.Select(matchers);
    // One may be registered and not yet said to be.
    const uint64_t most = count_of(registered[w].load(std::memory_order_acquire) + 1);
    if (!found.ok() || found->cardinality() < least || found->cardinality() > most) {
      wrong.fetch_add(1, std::memory_order_relaxed);
    }
  }

  void Read(size_t seed) {
    for (size_t round = seed; !done.load(std::memory_order_acquire); ++round) {
      const size_t w = round % kWriters;
      Check(w, {}, [](uint64_t n) { return n; });
      Check(w, {{"parity", MatchOp::kNotEqual, "even"}}, [](uint64_t n) { return n / 2; });
      Check(w, {{"n", MatchOp::kRegex, ".*[02468]"}}, [](uint64_t n) { return (n + 1) / 2; });
      Check(w, {{"n", MatchOp::kRegex, ".*5"}, {"tens", MatchOp::kRegex, "t.*"}},
            [](uint64_t n) { return (n + 4) / 10; });
      Check(w, {{"parity", MatchOp::kNotRegex, "e.+|odd"}}, [](uint64_t) { return uint64_t{0}; });
      // Of `late` and the rest each series is in exactly one, at any one moment.
      const auto values = index.LabelValues("late", {});
      if (!values.ok() || !std::is_sorted(values->begin(), values->end())) wrong.fetch_add(1);
      const Cardinality top = index.CardinalityTop(3);
      if (top.series > 0 && (top.pairs_by_series.empty() || top.names < 4)) wrong.fetch_add(1);
      if (index.Bytes() == 0) wrong.fetch_add(1);
    }
  }
};

TEST_CASE("label index: registering, indexing and asking at once", "[label][concurrency]") {
  Race race;
  std::vector<std::thread> readers, writers;
  for (size_t t = ThreadCount(7) - kWriters; t > 0; --t)
    readers.emplace_back([&, t] { race.Read(t); });
  for (size_t w = 0; w < kWriters; ++w) writers.emplace_back([&, w] { race.Write(w); });
  for (std::thread& thread : writers) thread.join();
  race.done.store(true, std::memory_order_release);
  for (std::thread& thread : readers) thread.join();
  REQUIRE(race.wrong.load() == 0);
  REQUIRE(*race.index.SeriesCount({}) == kWriters * kEach);
  const std::vector<Matcher> odd = {{"parity", MatchOp::kEqual, "odd"}};
  REQUIRE(*race.index.SeriesCount(odd) == kWriters * kEach / 2);
}

TEST_CASE("label index: what a thread registered its next question sees", "[label][concurrency]") {
  SeriesTable table(1'000'000);
  const LabelIndex index(table);
  std::atomic<size_t> missed{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < ThreadCount(6); ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 500; ++i) {
        const auto id = table.FindOrCreate(Numbered(t, i));
        const std::vector<Matcher> matchers = {{"n", MatchOp::kEqual, std::to_string(i)},
                                               {"writer", MatchOp::kEqual, Text("w", t)}};
        const auto found = index.SelectIds(matchers);
        if (!id.ok() || !found.ok() || *found != std::vector<SeriesId>{*id}) {
          missed.fetch_add(1, std::memory_order_relaxed);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(missed.load() == 0);
}

TEST_CASE("label index: a value's series become too many for a list while they are asked for",
          "[label][concurrency]") {
  SeriesTable table(1'000'000);
  const LabelIndex index(table);
  // Each value gets a few more series than a list holds; a question about the newest finds all that
  // there were, and no others.
  constexpr uint64_t kOfValue = Posting::kListMax + 4;
  const uint64_t count = Scaled(400'000) / kOfValue * kOfValue;
  std::atomic<uint64_t> registered{0};
  std::atomic<size_t> wrong{0};
  const auto ask = [&] {
    for (;;) {
      const uint64_t before = registered.load(std::memory_order_acquire);
      if (before == count) return;
      const uint64_t value = before / kOfValue;
      const std::vector<Matcher> matchers = {{"value", MatchOp::kEqual, std::to_string(value)},
                                             {"job", MatchOp::kNotEqual, ""}};
      const auto found = index.SelectIds(matchers);
      // One may be registered and not yet said to be.
      const uint64_t after = registered.load(std::memory_order_acquire) + 1;
      const uint64_t most = std::min(after - value * kOfValue, kOfValue);
      const bool right = found.ok() && found->size() >= before - value * kOfValue &&
                         found->size() <= most &&
                         (found->empty() || found->front() == value * kOfValue);
      if (!right) wrong.fetch_add(1, std::memory_order_relaxed);
    }
  };
  std::vector<std::thread> readers;
  for (size_t t = 0; t < 3; ++t) readers.emplace_back(ask);
  for (uint64_t i = 0; i < count; ++i) {
    const auto labels = Labels::Create(
        {{"job", "j"}, {"number", std::to_string(i)}, {"value", std::to_string(i / kOfValue)}});
    if (!table.FindOrCreate(*labels).ok()) wrong.fetch_add(1, std::memory_order_relaxed);
    registered.store(i + 1, std::memory_order_release);
  }
  for (std::thread& thread : readers) thread.join();
  REQUIRE(wrong.load() == 0);
}

}  // namespace
}  // namespace tsdb::label

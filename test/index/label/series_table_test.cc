#include "index/label/series_table.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace tsdb::label {
namespace {

constexpr uint32_t kNoLimit = 100'000'000;

Labels Numbered(uint64_t number) {
  const std::string text = std::to_string(number);
  return *Labels::Create({{"__name__", "metric"}, {"number", text}});
}

SeriesId Register(SeriesTable& table, const Labels& labels) {
  const absl::StatusOr<SeriesId> id = table.FindOrCreate(labels);
  REQUIRE(id.ok());
  return *id;
}

TEST_CASE("series table: ids are dense, in order of registration", "[label]") {
  SeriesTable table(kNoLimit);
  REQUIRE(table.Count() == 0);
  for (SeriesId i = 0; i < 1000; ++i) REQUIRE(Register(table, Numbered(i)) == i);
  REQUIRE(table.Count() == 1000);
}

TEST_CASE("series table: the same labels keep their id", "[label]") {
  SeriesTable table(kNoLimit);
  for (SeriesId i = 0; i < 1000; ++i) Register(table, Numbered(i));
  for (SeriesId i = 0; i < 1000; ++i) REQUIRE(Register(table, Numbered(i)) == i);
  REQUIRE(table.Count() == 1000);
}

TEST_CASE("series table: finds what is there and nothing else", "[label]") {
  SeriesTable table(kNoLimit);
  REQUIRE_FALSE(table.Find(Numbered(0)).has_value());
  for (SeriesId i = 0; i < 100; ++i) Register(table, Numbered(i));
  for (SeriesId i = 0; i < 100; ++i) REQUIRE(table.Find(Numbered(i)) == i);
  for (SeriesId i = 100; i < 1000; ++i) REQUIRE_FALSE(table.Find(Numbered(i)).has_value());
  REQUIRE_FALSE(table.Find(Labels()).has_value());
  REQUIRE(table.Count() == 100);
}

TEST_CASE("series table: gives labels back by id", "[label]") {
  SeriesTable table(kNoLimit);
  // Past the first directory chunk and many slot arrays.
  constexpr SeriesId kCount = 40'000;
  for (SeriesId i = 0; i < kCount; ++i) Register(table, Numbered(i));
  for (SeriesId i = 0; i < kCount; ++i) {
    REQUIRE(table.BytesOf(i) == Numbered(i).bytes());
    REQUIRE(table.LabelsOf(i) == Numbered(i));
  }
  REQUIRE(table.BytesOf(kCount).empty());
  REQUIRE_FALSE(table.LabelsOf(kCount).has_value());
  REQUIRE_FALSE(table.LabelsOf(kInvalidSeriesId).has_value());
}

TEST_CASE("series table: the empty set is refused", "[label]") {
  SeriesTable table(kNoLimit);
  REQUIRE(table.FindOrCreate(Labels()).status().code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("series table: the limit is reached and not passed", "[label]") {
  for (const uint32_t limit : {0u, 1u, 2u, 16383u, 16384u, 16385u}) {
    SeriesTable table(limit);
    for (SeriesId i = 0; i < limit; ++i) REQUIRE(Register(table, Numbered(i)) == i);
    const absl::Status refused = table.FindOrCreate(Numbered(limit)).status();
    REQUIRE(refused.code() == absl::StatusCode::kResourceExhausted);
    REQUIRE(std::string(refused.message()) ==
            "the limit of " + std::to_string(limit) + " series is reached (Options::series_max)");
    REQUIRE(table.Refused() == 1);
    REQUIRE(table.Count() == limit);
    if (limit > 0) REQUIRE(Register(table, Numbered(0)) == 0);  // known ones are still found
  }
}

TEST_CASE("series table: refused series cost no memory", "[label]") {
  SeriesTable table(1);
  Register(table, Numbered(0));
  const size_t before = table.Bytes();
  for (uint64_t i = 1; i < 10'000; ++i) REQUIRE_FALSE(table.FindOrCreate(Numbered(i)).ok());
  REQUIRE(table.Bytes() == before);
}

TEST_CASE("series table: label sets of every size are kept whole", "[label]") {
  SeriesTable table(kNoLimit);
  std::vector<Labels> all;
  // Around the arena's chunk size (16 KiB), and several chunks long.
  for (size_t bytes : {size_t{1}, size_t{2}, size_t{3}, size_t{4}, size_t{5}, size_t{1000},
                       size_t{16360}, size_t{16365}, size_t{16370}, size_t{16375}, size_t{16376},
                       size_t{16380}, size_t{16384}, size_t{16390}, size_t{32768}, size_t{65536}}) {
    for (char fill = 'a'; fill <= 'j'; ++fill) {
      const std::string value(bytes, fill);
      all.push_back(*Labels::Create({{"n", value}}));
    }
  }
  for (const Labels& labels : all) Register(table, labels);
  for (SeriesId i = 0; i < all.size(); ++i) {
    REQUIRE(table.LabelsOf(i) == all[i]);
    REQUIRE(table.Find(all[i]) == i);
  }
}

TEST_CASE("series table: at most 60 bytes a series beside the label text", "[label]") {
  SeriesTable table(kNoLimit);
  uint64_t next = 0;
  size_t text = 0;
  for (const uint64_t count : {100'000u, 150'000u, 215'000u, 300'000u}) {
    for (; next < count; ++next) {
      const Labels labels = Numbered(next);
      Register(table, labels);
      text += labels.bytes().size();
    }
    REQUIRE(table.Bytes() >= text);
    // The last region of the arena is not full.
    REQUIRE(table.Bytes() - text <= 60 * count + (size_t{2} << 20));
  }
}

// Every thread registers the same sets in its own order; each must get one id, the same for all.
TEST_CASE("series table: 32 threads registering the same sets agree", "[label][concurrency]") {
  constexpr size_t kThreads = 32;
  constexpr size_t kCount = 2000;
  SeriesTable table(kNoLimit);
  std::vector<std::vector<SeriesId>> ids(kThreads, std::vector<SeriesId>(kCount));
  std::atomic<size_t> wrong{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < kCount; ++i) {
        const size_t number = (i * 7919 + t * 61) % kCount;
        const Labels labels = Numbered(number);
        const auto id = table.FindOrCreate(labels);
        // What was returned is counted and readable at once.
        if (!id.ok() || *id >= table.Count() || table.BytesOf(*id) != labels.bytes()) {
          wrong.fetch_add(1, std::memory_order_relaxed);
          continue;
        }
        ids[t][number] = *id;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(wrong.load() == 0);
  REQUIRE(table.Count() == kCount);
  for (size_t t = 1; t < kThreads; ++t) REQUIRE(ids[t] == ids[0]);
  std::set<SeriesId> distinct(ids[0].begin(), ids[0].end());
  REQUIRE(distinct.size() == kCount);
  REQUIRE(*distinct.rbegin() == kCount - 1);
}

TEST_CASE("series table: 32 threads registering different sets get dense unique ids",
          "[label][concurrency]") {
  constexpr size_t kThreads = 32;
  constexpr size_t kEach = 600;
  SeriesTable table(kNoLimit);
  std::atomic<bool> done{false};
  std::atomic<size_t> unreadable{0};
  // Every id below Count() is readable at any moment, whoever registers it.
  std::thread reader([&] {
    while (!done.load(std::memory_order_acquire)) {
      const SeriesId count = table.Count();
      const SeriesId begin = count < 50 ? 0 : count - 50;
      for (SeriesId id = begin; id < count; ++id) {
        const auto labels = table.LabelsOf(id);
        if (!labels || table.Find(*labels).value_or(id) != id) {
          unreadable.fetch_add(1, std::memory_order_relaxed);
        }
      }
    }
  });
  std::vector<std::vector<SeriesId>> ids(kThreads);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < kEach; ++i) {
        const auto id = table.FindOrCreate(Numbered(t * kEach + i));
        ids[t].push_back(id.value_or(kInvalidSeriesId));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  done.store(true, std::memory_order_release);
  reader.join();
  REQUIRE(unreadable.load() == 0);
  std::vector<bool> seen(kThreads * kEach, false);
  for (size_t t = 0; t < kThreads; ++t) {
    for (size_t i = 0; i < kEach; ++i) {
      const SeriesId id = ids[t][i];
      REQUIRE(id < seen.size());
      REQUIRE_FALSE(seen[id]);
      seen[id] = true;
      REQUIRE(table.LabelsOf(id) == Numbered(t * kEach + i));
    }
  }
  REQUIRE(table.Count() == kThreads * kEach);
}

TEST_CASE("series table: threads racing for the last id share it out exactly",
          "[label][concurrency]") {
  constexpr uint32_t kLimit = 100;
  SeriesTable table(kLimit);
  std::atomic<size_t> given{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < kLimit; ++i) {
        if (table.FindOrCreate(Numbered(t * kLimit + i)).ok()) {
          given.fetch_add(1, std::memory_order_relaxed);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(given.load() == kLimit);
  REQUIRE(table.Count() == kLimit);
  REQUIRE(table.Refused() == 7 * kLimit);
}

}  // namespace
}  // namespace tsdb::label

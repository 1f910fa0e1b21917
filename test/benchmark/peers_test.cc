#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <latch>
#include <thread>
#include <vector>

#include "benchmark/peers/column_aggregate.h"
#include "benchmark/peers/write_queue.h"

namespace tsdb::benchmark {
namespace {

RecordBatch BatchOf(const std::vector<SeriesId>& series, const std::vector<Timestamp>& times) {
  const std::vector<double> values(series.size(), 0.5);
  RecordBatch batch;
  for (size_t i = 0; i < series.size(); ++i) {
    batch.Add({series.data(), times.data(), values.data(), series.size()}, i);
  }
  return batch;
}

TEST_CASE("record batch: sorted by series, then time", "[benchmark]") {
  RecordBatch batch = BatchOf({2, 1, 2, 1}, {5, 9, -5, 8});
  batch.Sort();
  std::vector<std::pair<SeriesId, Timestamp>> order;
  for (const KeyedRecord& record : batch.records()) {
    order.emplace_back(record.series, record.timestamp);
  }
  CHECK(order == std::vector<std::pair<SeriesId, Timestamp>>{{1, 8}, {1, 9}, {2, -5}, {2, 5}});
}

TEST_CASE("write queue: every batch is written once, by one thread at a time", "[benchmark]") {
  constexpr int kThreads = 4, kBatches = 200;
  std::atomic<int> inside{0};
  bool alone = true;
  std::vector<SeriesId> written;
  WriteQueue queue([&](std::span<const RecordBatch* const> batches) {
    alone = alone && inside.fetch_add(1, std::memory_order_relaxed) == 0;
    for (const RecordBatch* const batch : batches) {
      for (const KeyedRecord& record : batch->records()) written.push_back(record.series);
    }
    inside.fetch_sub(1, std::memory_order_relaxed);
    return absl::OkStatus();
  });
  std::atomic<int> failures{0};
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < kBatches; ++i) {
          const RecordBatch batch = BatchOf({static_cast<SeriesId>(thread * kBatches + i)}, {1});
          failures.fetch_add(!queue.Write(batch).ok(), std::memory_order_relaxed);
        }
      });
    }
  }
  CHECK(failures.load(std::memory_order_relaxed) == 0);
  CHECK(alone);
  std::sort(written.begin(), written.end());
  std::vector<SeriesId> all;
  for (SeriesId series = 0; series < kThreads * kBatches; ++series) all.push_back(series);
  CHECK(written == all);
}

TEST_CASE("write queue: who comes meanwhile shares the next transaction, and its error",
          "[benchmark]") {
  std::latch first_is_in(1), others_wait(1);
  std::vector<size_t> sizes;
  WriteQueue queue([&](std::span<const RecordBatch* const> batches) -> absl::Status {
    sizes.push_back(batches.size());
    if (sizes.size() > 1) return absl::UnavailableError("the disk is full");
    first_is_in.count_down();
    others_wait.wait();
    return absl::OkStatus();
  });
  const RecordBatch batch = BatchOf({1}, {1});
  absl::Status first, second, third;
  {
    std::jthread leader([&] { first = queue.Write(batch); });
    first_is_in.wait();
    std::jthread one([&] { second = queue.Write(batch); });
    std::jthread other([&] { third = queue.Write(batch); });
    while (queue.Waiting() < 2) std::this_thread::yield();
    others_wait.count_down();
  }
  CHECK(first.ok());
  CHECK(second.message() == "the disk is full");
  CHECK(third.message() == "the disk is full");
  CHECK(sizes == std::vector<size_t>{1, 2});
}

TEST_CASE("aggregate of plain columns: any length, merged into what was there", "[benchmark]") {
  for (size_t count = 0; count <= 20; ++count) {
    std::vector<double> values;
    for (size_t i = 0; i < count; ++i) values.push_back(static_cast<double>(i * 7 % 11) - 5);
    Aggregate all, expected;
    const double before[] = {-2, 3};
    AggregateValues(before, 2, all);
    AggregateValues(values.data(), count, all);
    values.insert(values.end(), {-2, 3});
    for (const double value : values) {
      ++expected.count;
      expected.sum += value;
      expected.min = std::min(expected.min, value);
      expected.max = std::max(expected.max, value);
    }
    INFO("length " << count);
    CHECK(all.count == expected.count);
    CHECK(all.sum == expected.sum);
    CHECK(all.min == expected.min);
    CHECK(all.max == expected.max);
  }
}

}  // namespace
}  // namespace tsdb::benchmark

#include "benchmark/workload.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>
#include <vector>

namespace tsdb::benchmark {
namespace {

struct Column {
  std::vector<Timestamp> timestamps;
  std::vector<double> values;
  std::vector<int32_t> cents;
};

Column Read(const Workload& workload, SeriesId series, uint64_t begin, uint64_t end) {
  Column column;
  SeriesReader reader(workload, series, begin, end);
  while (const size_t count = reader.Next()) {
    column.timestamps.insert(column.timestamps.end(), reader.timestamps(),
                             reader.timestamps() + count);
    column.values.insert(column.values.end(), reader.values(), reader.values() + count);
    column.cents.insert(column.cents.end(), reader.cents(), reader.cents() + count);
  }
  return column;
}

TEST_CASE("workload: the reference workload is the same everywhere, for ever", "[benchmark]") {
  CHECK(Workload(1024, 10'000, 1).Digest() == 0x79ba090fe3df32e6u);
  CHECK(Workload(1024, 10'000, 2).Digest() != 0x79ba090fe3df32e6u);
}

TEST_CASE("workload: timestamps are a second apart with up to 7 ms of jitter", "[benchmark]") {
  const Column column = Read(Workload(3, 20'000, 7), 1, 0, 20'000);
  REQUIRE(column.timestamps.size() == 20'000);
  std::set<Timestamp> jitters;
  for (size_t i = 0; i < column.timestamps.size(); ++i) {
    jitters.insert(column.timestamps[i] - kTimeOrigin - static_cast<Timestamp>(1000 * i));
  }
  CHECK(jitters == std::set<Timestamp>{0, 1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("workload: values are walks of cents, uniform in -100..+100", "[benchmark]") {
  const Column column = Read(Workload(3, 100'000, 7), 2, 0, 100'000);
  std::vector<int> count(201, 0);
  for (size_t i = 1; i < column.cents.size(); ++i) {
    const int step = column.cents[i] - column.cents[i - 1];
    REQUIRE(step >= -100);
    REQUIRE(step <= 100);
    ++count[static_cast<size_t>(step + 100)];
    REQUIRE(column.values[i] == column.cents[i] / 100.0);
  }
  double bits = 0;
  for (const int n : count) {
    const double share = n / (100'000.0 - 1);
    if (n > 0) bits -= share * std::log2(share);
  }
  // log2(201) = 7.651, less what a sample of this size hides.
  CHECK(bits > 7.645);
}

TEST_CASE("workload: a series can be entered at any sample", "[benchmark]") {
  const Workload workload(5, 3000, 3);
  const Column whole = Read(workload, 4, 0, 3000);
  for (const uint64_t begin : {0, 1, 511, 512, 513, 2999, 3000}) {
    const Column part = Read(workload, 4, begin, 3000);
    const auto offset = static_cast<ptrdiff_t>(begin);
    CHECK(part.timestamps ==
          std::vector(whole.timestamps.begin() + offset, whole.timestamps.end()));
    CHECK(part.values == std::vector(whole.values.begin() + offset, whole.values.end()));
  }
}

TEST_CASE("workload: a range of samples is a range of time", "[benchmark]") {
  const Workload workload(1, 1000, 5);
  const Column column = Read(workload, 0, 0, 1000);
  const TimeRange range = Workload::Range(100, 200);
  for (size_t i = 0; i < 1000; ++i) {
    CHECK(range.Contains(column.timestamps[i]) == (i >= 100 && i < 200));
  }
}

TEST_CASE("workload: shares are disjoint and cover everything", "[benchmark]") {
  const Sharing sharing = GENERATE(Sharing::kSeries, Sharing::kTime);
  const uint32_t series = GENERATE(1u, 5u, 64u);
  const size_t writers = GENERATE(1, 2, 3, 32);
  const Workload workload(series, 100, 1);
  std::vector<int> seen(series * 100, 0);
  for (const Share& share : workload.Split(writers, sharing)) {
    for (SeriesId id = share.series_begin; id < share.series_end; ++id) {
      for (uint64_t i = share.sample_begin; i < share.sample_end; ++i) ++seen[id * 100 + i];
    }
  }
  CHECK(seen == std::vector<int>(series * 100, 1));
}

}  // namespace
}  // namespace tsdb::benchmark

#include "benchmark/input.h"

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <map>
#include <utility>
#include <vector>

namespace tsdb::benchmark {
namespace {

struct Record {
  SeriesId series;
  Timestamp timestamp;
  double value;
  uint64_t sample() const { return static_cast<uint64_t>(timestamp - kTimeOrigin) / 1000; }
};

std::vector<Record> ReadAll(InputStream& input) {
  std::vector<Record> records;
  for (RecordBlock block; input.Next(block);) {
    REQUIRE(block.size > 0);
    REQUIRE(block.size <= kBlockRecords);
    for (size_t i = 0; i < block.size; ++i) {
      records.push_back({block.series[i], block.timestamps[i], block.values[i]});
    }
  }
  return records;
}

using Content = std::map<std::pair<SeriesId, Timestamp>, uint64_t>;

Content ContentOf(const std::vector<Record>& records) {
  Content content;
  for (const Record& record : records) {
    const bool is_new = content
                            .emplace(std::pair(record.series, record.timestamp),
                                     std::bit_cast<uint64_t>(record.value))
                            .second;
    REQUIRE(is_new);
  }
  return content;
}

Content TruthOf(const Workload& workload) {
  Content content;
  for (SeriesId series = 0; series < workload.series(); ++series) {
    SeriesReader reader(workload, series, 0, workload.samples());
    while (const size_t count = reader.Next()) {
      for (size_t i = 0; i < count; ++i) {
        content[{series, reader.timestamps()[i]}] = std::bit_cast<uint64_t>(reader.values()[i]);
      }
    }
  }
  return content;
}

TEST_CASE("input: writers' streams together are the workload, whatever the order", "[benchmark]") {
  const Order order = GENERATE(Order::kScrape, Order::kSeries, Order::kShuffled, Order::kLate);
  const Sharing sharing = GENERATE(Sharing::kSeries, Sharing::kTime);
  const size_t writers = GENERATE(1, 2, 5);
  const auto [series, samples] =
      GENERATE(std::pair(1u, 700u), std::pair(7u, 1u), std::pair(7u, 513u), std::pair(300u, 40u));
  CAPTURE(OrderName(order), SharingName(sharing), writers, series, samples);
  const Workload workload(series, samples, 11);
  std::vector<Record> records;
  for (const auto& input : MakeInputs(workload, workload.Split(writers, sharing), {order})) {
    const std::vector<Record> first = ReadAll(*input);
    input->Rewind();
    const std::vector<Record> again = ReadAll(*input);
    CHECK(ContentOf(first) == ContentOf(again));
    records.insert(records.end(), first.begin(), first.end());
  }
  CHECK(records.size() == workload.records());
  CHECK(ContentOf(records) == TruthOf(workload));
}

TEST_CASE("input: columns hold one series each and are the workload together", "[benchmark]") {
  const Order order = GENERATE(Order::kScrape, Order::kSeries);
  const size_t column_samples = GENERATE(1, 100, 512);
  const Workload workload(9, 1300, 5);
  const auto input =
      MakeInput(workload, workload.Whole(), {order, Shape::kColumns, column_samples});
  std::vector<Record> records;
  for (RecordBlock block; input->Next(block);) {
    REQUIRE(block.size <= column_samples);
    for (size_t i = 0; i < block.size; ++i) {
      REQUIRE(block.series[i] == block.series[0]);
      records.push_back({block.series[i], block.timestamps[i], block.values[i]});
    }
  }
  CHECK(ContentOf(records) == TruthOf(workload));
}

TEST_CASE("input: scrape order goes row by row, series order series by series", "[benchmark]") {
  const uint32_t series = GENERATE(3u, 300u);
  const Workload workload(series, 50, 5);
  const std::vector<Record> rows =
      ReadAll(*MakeInput(workload, workload.Whole(), {Order::kScrape}));
  const std::vector<Record> columns =
      ReadAll(*MakeInput(workload, workload.Whole(), {Order::kSeries}));
  for (size_t i = 0; i < rows.size(); ++i) {
    REQUIRE(rows[i].series == i % series);
    REQUIRE(rows[i].sample() == i / series);
    REQUIRE(columns[i].series == i / 50);
    REQUIRE(columns[i].sample() == i % 50);
  }
}

TEST_CASE("input: five in a hundred records come late, by at most an hour", "[benchmark]") {
  const Workload workload(50, 8000, 9);
  const std::vector<Record> records =
      ReadAll(*MakeInput(workload, workload.Whole(), {Order::kLate}));
  uint64_t newest = 0, late = 0, delay_max = 0;
  for (const Record& record : records) {
    newest = std::max(newest, record.sample());
    late += record.sample() < newest;
    delay_max = std::max(delay_max, newest - record.sample());
  }
  const double share = static_cast<double>(late) / static_cast<double>(records.size());
  CHECK(share > 0.048);
  CHECK(share < 0.052);
  CHECK(delay_max > 3500);
  CHECK(delay_max <= 3600);
}

TEST_CASE("input: shuffled records are in no order at all", "[benchmark]") {
  const Workload workload(100, 100, 9);
  const std::vector<Record> records =
      ReadAll(*MakeInput(workload, workload.Whole(), {Order::kShuffled}));
  size_t ascending = 0, same_series = 0;
  for (size_t i = 1; i < records.size(); ++i) {
    ascending += records[i].timestamp > records[i - 1].timestamp;
    same_series += records[i].series == records[i - 1].series;
  }
  CHECK(ascending > 4500);
  CHECK(ascending < 5500);
  CHECK(same_series > 50);
  CHECK(same_series < 200);
}

TEST_CASE("input: a planted defect is in the stream, on every pass", "[benchmark]") {
  const Workload workload(40, 30, 9);
  const Content truth = TruthOf(workload);
  const auto defective = [&](Defect defect) {
    auto input = WithDefect(MakeInput(workload, workload.Whole(), {}), defect);
    ReadAll(*input);
    input->Rewind();
    return ReadAll(*input);
  };
  CHECK(defective(Defect::kLostRecord).size() == truth.size() - 1);
  CHECK(defective(Defect::kDoubledRecord).size() == truth.size() + 1);
  const std::vector<Record> changed = defective(Defect::kChangedValue);
  CHECK(changed.size() == truth.size());
  CHECK(ContentOf(changed) != truth);
}

}  // namespace
}  // namespace tsdb::benchmark

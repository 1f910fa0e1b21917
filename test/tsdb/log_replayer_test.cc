// What putting back the log's batches does with what its receivers say.
#include "tsdb/durability/recovery.h"

#include <catch2/catch.hpp>
#include <numeric>
#include <vector>

#include "storage/base/coding.h"
#include "tsdb/durability/log_payload.h"

namespace tsdb::durability {
namespace {

std::vector<uint8_t> RecordsOf(std::initializer_list<SeriesId> numbers) {
  std::vector<codec::Run> runs;
  std::vector<Timestamp> times;
  std::vector<double> values;
  for (const SeriesId number : numbers) {
    runs.push_back({number, static_cast<uint32_t>(times.size()), 2});
    times.insert(times.end(), {10, 20});
    values.insert(values.end(), {1.5, 2.5});
  }
  std::vector<uint8_t> bytes(codec::EncodedRunsBytesMax(times.size(), runs.size()));
  bytes.resize(codec::RunsEncoder().Encode(runs, times.data(), values.data(), bytes.data()));
  return bytes;
}

constexpr auto kRecords = static_cast<uint8_t>(PayloadKind::kRecords);
constexpr auto kDelete = static_cast<uint8_t>(PayloadKind::kDelete);

TEST_CASE("log replayer: an error of who takes the records ends it, and is no damage",
          "[recovery]") {
  label::SeriesTable table(10);
  std::vector<SeriesId> taken;
  LogReplayer replayer(
      &table, {5, 6, 7},
      [&](SeriesId series, std::span<const Timestamp> times, std::span<const double> values) {
        CHECK(std::vector<Timestamp>(times.begin(), times.end()) == std::vector<Timestamp>{10, 20});
        CHECK(std::vector<double>(values.begin(), values.end()) == std::vector<double>{1.5, 2.5});
        if (series == 6) return absl::ResourceExhaustedError("no room");
        taken.push_back(series);
        return absl::OkStatus();
      },
      [](std::span<const SeriesId>, TimeRange) { return absl::OkStatus(); });
  CHECK(replayer.Apply(1, kRecords, RecordsOf({0, 2})).ok());
  CHECK(replayer.Apply(2, kRecords, RecordsOf({0, 1, 2})) ==
        absl::ResourceExhaustedError("no room"));
  CHECK(taken == std::vector<SeriesId>{5, 7, 5});
  CHECK(replayer.records() == 6);
  CHECK(replayer.damage().empty());
}

TEST_CASE("log replayer: an error of who deletes ends it, and is no damage", "[recovery]") {
  label::SeriesTable table(10);
  std::vector<SeriesId> deleted;
  LogReplayer replayer(
      &table, {5, 6},
      [](SeriesId, std::span<const Timestamp>, std::span<const double>) {
        return absl::OkStatus();
      },
      [&](std::span<const SeriesId> series, TimeRange) {
        deleted.assign(series.begin(), series.end());
        return absl::UnavailableError("not now");
      });
  const std::vector<SeriesId> numbers = {0, 1};
  CHECK(replayer.Apply(1, kDelete, EncodeDelete(numbers, {1, 2})) ==
        absl::UnavailableError("not now"));
  CHECK(deleted == std::vector<SeriesId>{5, 6});
  CHECK(replayer.damage().empty());
}

TEST_CASE("log payload: a deletion of neighbouring series takes some bytes for all", "[recovery]") {
  std::vector<SeriesId> all(10'000);
  std::iota(all.begin(), all.end(), 5);
  all.push_back(20'000);
  const std::vector<uint8_t> payload = EncodeDelete(all, {1, 2});
  CHECK(payload.size() <= 24);  // the range, and two stretches
  std::vector<SeriesId> series;
  TimeRange range;
  REQUIRE(DecodeDelete(payload, 20'001, &series, &range).ok());
  CHECK(series == all);
}

TEST_CASE("log payload: a deletion with malformed series is refused", "[recovery]") {
  const std::vector<uint8_t> good = EncodeDelete(std::vector<SeriesId>{3, 4, 9}, {1, 2});
  std::vector<SeriesId> series;
  TimeRange range;
  REQUIRE(DecodeDelete(good, 100, &series, &range).ok());
  REQUIRE(series == std::vector<SeriesId>{3, 4, 9});
  const auto refused = [&](std::initializer_list<uint64_t> numbers) {
    std::vector<uint8_t> bytes(good.begin(), good.begin() + 16);  // the range
    for (const uint64_t number : numbers) AppendVarint64(&bytes, number);
    return absl::IsDataLoss(DecodeDelete(bytes, 100, &series, &range));
  };
  constexpr uint64_t kLimit = uint64_t{1} << 32;
  CHECK_FALSE(refused({3, 2, 4, 1}));
  CHECK_FALSE(refused({kLimit - 1, 1}));
  CHECK(refused({3}));
  CHECK(refused({3, 0}));
  CHECK(refused({3, 2, 4}));
  CHECK(refused({3, 2, 4, 0}));
  CHECK(refused({kLimit, 1}));
  CHECK(refused({kLimit + 1, 1}));
  CHECK(refused({0, kLimit + 1}));
  CHECK(refused({~uint64_t{0}, 2}));
  CHECK(refused({2, ~uint64_t{0}}));
  CHECK(refused({kLimit - 1, 1, 0, 1}));
  for (size_t length = 0; length < 16; ++length) {
    CHECK(absl::IsDataLoss(DecodeDelete({good.data(), length}, 100, &series, &range)));
  }
}

TEST_CASE("log replayer: records of series without labels are counted, the others passed on",
          "[recovery]") {
  label::SeriesTable table(10);
  std::vector<SeriesId> taken;
  LogReplayer replayer(
      &table, {5, kUnknownSeries},
      [&](SeriesId series, std::span<const Timestamp>, std::span<const double>) {
        taken.push_back(series);
        return absl::OkStatus();
      },
      [](std::span<const SeriesId>, TimeRange) { return absl::OkStatus(); });
  CHECK(replayer.Apply(1, kRecords, RecordsOf({0, 1, 2, 0})).ok());
  CHECK(taken == std::vector<SeriesId>{5, 5});
  CHECK(replayer.orphans() == 4);
  CHECK(replayer.records() == 4);
  CHECK(replayer.damage().size() == 1);
}

}  // namespace
}  // namespace tsdb::durability

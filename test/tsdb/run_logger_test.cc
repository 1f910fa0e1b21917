// Where in the log the parts that are merged come to lie.
#include "tsdb/durability/run_logger.h"

#include <catch2/catch.hpp>
#include <string_view>
#include <vector>

namespace tsdb::durability {
namespace {

// Takes everything, but for the calls after `limit`.
class CountingLog final : public wal::Log {
 public:
  explicit CountingLog(uint64_t limit = ~uint64_t{0}) : limit_(limit) {}

  absl::StatusOr<uint64_t> Append(uint8_t, std::span<const uint8_t>) override {
    if (appended_ == limit_) return absl::UnavailableError("the disk is gone");
    return ++appended_;
  }
  absl::Status AwaitWritten(uint64_t) override { return absl::OkStatus(); }
  absl::Status AwaitDurable(uint64_t) override { return absl::OkStatus(); }
  absl::Status TruncateBefore(uint64_t) override { return absl::OkStatus(); }
  absl::Status Close() override { return absl::OkStatus(); }
  absl::Status Stalled() const override { return absl::OkStatus(); }
  wal::LogStats Stats() const override { return {}; }

 private:
  const uint64_t limit_;
  uint64_t appended_ = 0;
};

TEST_CASE("run logger: a part's position is its own, or one after it", "[durability]") {
  constexpr uint64_t kParts = 3000;
  const std::vector<uint8_t> payload(8);
  const label::SeriesTable table(1);
  CountingLog log;
  RunLogger logger(&log, &table, 0);
  for (uint64_t part = 1; part <= kParts; ++part) {
    logger.AppendRecords(payload, part);
    REQUIRE(logger.last_position() == part);
    REQUIRE(logger.PositionOf(part) == part);
    // One in ten waits for a part of long ago: never for less than its own place.
    if (part % 10 != 0) continue;
    for (uint64_t asked = 1; asked <= part; ++asked) REQUIRE(logger.PositionOf(asked) >= asked);
  }
  CHECK(logger.PositionOf(0) == kParts);
  CHECK(logger.PositionOf(1) == kParts);
  CHECK(logger.PositionOf(kParts - 1) == kParts - 1);
}

TEST_CASE("run logger: after the first failure nothing more is appended", "[durability]") {
  const std::vector<uint8_t> payload(8);
  const label::SeriesTable table(1);
  CountingLog log(2);
  RunLogger logger(&log, &table, 0);
  for (uint64_t part = 1; part <= 5; ++part) logger.AppendRecords(payload, part);
  CHECK(logger.failed());
  CHECK(logger.status() == absl::UnavailableError("the disk is gone"));
  CHECK(logger.last_position() == 2);
  logger.Fail(absl::DataLossError("another"));
  CHECK(logger.status() == absl::UnavailableError("the disk is gone"));
}

}  // namespace
}  // namespace tsdb::durability

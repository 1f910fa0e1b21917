#include "storage/base/clock.h"

#include <catch2/catch.hpp>

namespace tsdb {
namespace {

TEST_CASE("system clock: never goes back, and knows the century", "[clock]") {
  Clock* const clock = SystemClock();
  int64_t last = clock->MonotonicNs();
  for (int i = 0; i < 1000; ++i) {
    const int64_t now = clock->MonotonicNs();
    REQUIRE(now >= last);
    last = now;
  }
  CHECK(clock->WallMs() > 1'600'000'000'000);
  CHECK(clock->WallMs() < 4'200'000'000'000);
}

TEST_CASE("manual clock: stands still until advanced", "[clock]") {
  ManualClock clock(1'700'000'000'000);
  CHECK(clock.WallMs() == 1'700'000'000'000);
  const int64_t before = clock.MonotonicNs();
  CHECK(clock.MonotonicNs() == before);
  clock.Advance(1500);
  CHECK(clock.WallMs() == 1'700'000'001'500);
  CHECK(clock.MonotonicNs() - before == 1'500'000'000);
}

TEST_CASE("manual clock: setting the wall clock leaves the monotonic one", "[clock]") {
  ManualClock clock(1000);
  const int64_t before = clock.MonotonicNs();
  clock.SetWallMs(10);
  CHECK(clock.WallMs() == 10);
  CHECK(clock.MonotonicNs() == before);
}

}  // namespace
}  // namespace tsdb

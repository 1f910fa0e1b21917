#include "storage/base/types.h"

#include <catch2/catch.hpp>

namespace tsdb {
namespace {

TEST_CASE("time range: the begin is inside, the end is not", "[types]") {
  const TimeRange range{10, 20};
  CHECK(!range.Contains(9));
  CHECK(range.Contains(10));
  CHECK(range.Contains(19));
  CHECK(!range.Contains(20));
  CHECK(range.Last() == 19);
}

TEST_CASE("time range: All() contains both extremes", "[types]") {
  CHECK(TimeRange::All().Contains(kTimestampMin));
  CHECK(TimeRange::All().Contains(kTimestampMax));
  CHECK(TimeRange::All().Last() == kTimestampMax);
}

TEST_CASE("time range: is empty unless an instant lies inside", "[types]") {
  CHECK(TimeRange{5, 5}.Empty());
  CHECK(TimeRange{6, 5}.Empty());
  CHECK(!TimeRange{5, 6}.Empty());
  CHECK(!TimeRange{kTimestampMax, kTimestampMax}.Empty());
}

}  // namespace
}  // namespace tsdb

#include "storage/base/nearest_names.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace tsdb {
namespace {

TEST_CASE("nearest names: few letters away, the nearest first", "[base]") {
  const std::vector<std::string_view> names = {"node_load1", "node_load15", "node_load5", "up",
                                               "rate"};
  const std::vector<std::string_view> near = NearestNames("node_laod1", names);
  REQUIRE(near.size() == 3);
  CHECK(near[0] == "node_load1");
  CHECK(NearestNames("rat", names) == std::vector<std::string_view>{"rate"});
  CHECK(NearestNames("RATE", names) == std::vector<std::string_view>{"rate"});
  CHECK(NearestNames("quantile", names).empty());
  CHECK(NearestNames("", names).empty());
  CHECK(NearestNames(std::string(10'000, 'a'), names).empty());
}

TEST_CASE("nearest names: joined as a sentence has them", "[base]") {
  const std::vector<std::string_view> names = {"a", "b", "c"};
  CHECK(JoinWithOr({}) == "");
  CHECK(JoinWithOr(std::span(names).first(1)) == "a");
  CHECK(JoinWithOr(std::span(names).first(2)) == "a or b");
  CHECK(JoinWithOr(names) == "a, b or c");
}

}  // namespace
}  // namespace tsdb

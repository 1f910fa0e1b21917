#include "storage/base/string_view_bridge.h"

#include <catch2/catch.hpp>

namespace tsdb {
namespace {

TEST_CASE("string view bridge: both views are of the same bytes", "[string_view]") {
  const std::string_view text("a\0b", 3);
  CHECK(ToAbsl(text).data() == text.data());
  CHECK(ToAbsl(text).size() == 3);
  CHECK(ToStd(ToAbsl(text)) == text);
  CHECK(ToStd(ToAbsl(std::string_view())).empty());
}

}  // namespace
}  // namespace tsdb

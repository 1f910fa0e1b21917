#include "storage/base/crc32c.h"

#include <catch2/catch.hpp>
#include <numeric>
#include <vector>

#include "test/bytes.h"

namespace tsdb {
namespace {

TEST_CASE("crc32c: known answers", "[base]") {
  // RFC 3720, appendix B.4.
  std::vector<uint8_t> bytes(32, 0);
  CHECK(crc32c::Compute(bytes) == 0x8a9136aa);
  bytes.assign(32, 0xff);
  CHECK(crc32c::Compute(bytes) == 0x62a8ab43);
  std::iota(bytes.begin(), bytes.end(), uint8_t{0});
  CHECK(crc32c::Compute(bytes) == 0x46dd794e);
  CHECK(crc32c::Compute(Bytes("123456789")) == 0xe3069283);
  CHECK(crc32c::Compute({}) == 0);
}

TEST_CASE("crc32c: hardware and tables agree at every length, alignment and cut", "[base]") {
  std::vector<uint8_t> bytes(40'000);
  uint64_t state = 1;
  for (uint8_t& byte : bytes) {
    state = state * 6364136223846793005 + 1442695040888963407;
    byte = static_cast<uint8_t>(state >> 56);
  }
  const std::span<const uint8_t> all(bytes);
  for (size_t length = 0; length < 2000; ++length) {
    const auto part = all.subspan(length % 9, length);
    REQUIRE(crc32c::Compute(part) == crc32c::ExtendPortable(0, part));
  }
  const uint32_t whole = crc32c::ExtendPortable(0, all);
  CHECK(crc32c::Compute(all) == whole);
  for (size_t cut : {1, 255, 768, 4095, 12'288, 12'289, 24'577, 39'999}) {
    CHECK(crc32c::Extend(crc32c::Compute(all.first(cut)), all.subspan(cut)) == whole);
  }
}

}  // namespace
}  // namespace tsdb

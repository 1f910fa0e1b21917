#include "storage/base/coding.h"

#include <catch2/catch.hpp>
#include <limits>
#include <vector>

namespace tsdb {
namespace {

TEST_CASE("coding: fixed widths are little-endian", "[base]") {
  std::vector<uint8_t> bytes;
  AppendFixed32(&bytes, 0x04030201);
  AppendFixed64(&bytes, 0x0c0b0a0908070605);
  CHECK(bytes == std::vector<uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  ByteReader reader(bytes);
  uint32_t narrow = 0;
  uint64_t wide = 0;
  REQUIRE(reader.ReadFixed32(&narrow));
  REQUIRE(reader.ReadFixed64(&wide));
  CHECK(narrow == 0x04030201);
  CHECK(wide == 0x0c0b0a0908070605);
  CHECK(reader.empty());
}

TEST_CASE("coding: varints round-trip at every width and are cut safely", "[base]") {
  for (int shift = 0; shift < 64; ++shift) {
    for (int delta = -1; delta <= 1; ++delta) {
      const uint64_t value = (uint64_t{1} << shift) + static_cast<uint64_t>(delta);
      std::vector<uint8_t> bytes;
      AppendVarint64(&bytes, value);
      REQUIRE(bytes.size() == VarintLength(value));
      for (size_t cut = 0; cut < bytes.size(); ++cut) {
        ByteReader reader(std::span<const uint8_t>(bytes.data(), cut));
        uint64_t ignored = 0;
        CHECK_FALSE(reader.ReadVarint64(&ignored));
        CHECK(reader.position() == 0);
      }
      ByteReader reader(bytes);
      uint64_t read = 0;
      REQUIRE(reader.ReadVarint64(&read));
      CHECK(read == value);
      ByteReader again(bytes);
      uint32_t narrow = 0;
      CHECK(again.ReadVarint32(&narrow) == (value <= UINT32_MAX));
    }
  }
}

TEST_CASE("coding: a varint that is too long or not the shortest is refused", "[base]") {
  const std::vector<uint8_t> too_wide = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2};
  const std::vector<uint8_t> endless(11, 0x80);
  const std::vector<uint8_t> padded = {0x81, 0x00};
  uint64_t value = 7;
  for (const auto& bytes : {too_wide, endless, padded}) {
    CHECK_FALSE(ByteReader(bytes).ReadVarint64(&value));
  }
  CHECK(value == 7);
}

TEST_CASE("coding: zigzag maps small magnitudes to small numbers and back", "[base]") {
  CHECK(ZigZag(0) == 0);
  CHECK(ZigZag(-1) == 1);
  CHECK(ZigZag(1) == 2);
  for (int64_t value : {int64_t{0}, int64_t{-5}, std::numeric_limits<int64_t>::min(),
                        std::numeric_limits<int64_t>::max()}) {
    CHECK(UnZigZag(ZigZag(value)) == value);
  }
}

TEST_CASE("coding: a reader refuses a length past its end, however large", "[base]") {
  const std::vector<uint8_t> bytes(10);
  ByteReader reader(bytes);
  REQUIRE(reader.Skip(4));
  std::span<const uint8_t> part;
  CHECK_FALSE(reader.ReadBytes(7, &part));
  CHECK_FALSE(reader.Skip(UINT64_MAX));
  CHECK_FALSE(reader.ReadBytes(UINT64_MAX - 3, &part));
  REQUIRE(reader.ReadBytes(6, &part));
  CHECK(part.data() == bytes.data() + 4);
  uint8_t byte = 0;
  CHECK_FALSE(reader.ReadByte(&byte));
}

}  // namespace
}  // namespace tsdb

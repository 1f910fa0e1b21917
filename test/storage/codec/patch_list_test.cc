// Lists of exceptions, as bytes that claim to be one.
#include "storage/codec/patch_list.h"

#include <catch2/catch.hpp>
#include <vector>

namespace tsdb::codec {
namespace {

TEST_CASE("patch list: positions increase and lie below the samples, in the room there is") {
  const uint64_t payloads[] = {10, 20, 30};
  const auto valid = [&](std::vector<uint16_t> positions, size_t samples, size_t less_room = 0) {
    positions.reserve(1);  // of no positions, too, an address
    std::vector<uint8_t> bytes(PatchList::Bytes(positions.size()));
    REQUIRE(PatchList::Write(positions.data(), payloads, positions.size(), bytes.data()) ==
            bytes.data() + bytes.size());
    const PatchList list(bytes.data());
    REQUIRE(list.bytes() == bytes.size());
    return list.Valid(bytes.size() - less_room, samples);
  };
  CHECK(valid({}, 0));
  CHECK(valid({0}, 1));
  CHECK(valid({0, 1, 511}, 512));
  CHECK_FALSE(valid({0, 1, 511}, 511));
  CHECK_FALSE(valid({0, 1, 511}, 510));
  CHECK_FALSE(valid({0}, 0));
  CHECK_FALSE(valid({1, 1, 2}, 512));
  CHECK_FALSE(valid({2, 1, 3}, 512));
  CHECK_FALSE(valid({1, 3, 2}, 512));
  CHECK_FALSE(valid({}, 512, 1));
  CHECK_FALSE(valid({4}, 512, 1));
  CHECK_FALSE(valid({4, 5, 6}, 512, 8));
}

}  // namespace
}  // namespace tsdb::codec

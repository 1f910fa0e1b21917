// The bytes themselves. A change here is a change of the format: docs/formats/block.md, the version
// of every file that holds blocks, and what reads the old ones must change with it.
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "test/bytes.h"
#include "test/storage/codec/samples.h"

namespace tsdb::codec {
namespace {

std::string Encoded(const std::vector<Timestamp>& timestamps, const std::vector<double>& values) {
  EncodeHint hint;
  return Hex(EncodedBlock(timestamps, values, hint).bytes());
}

TEST_CASE("golden: the worked example of docs/formats/block.md", "[codec]") {
  CHECK(Encoded({1000, 2003, 3001, 4007, 5000, 6002, 7005, 8001, 9004, 10000},
                {0.25, 0.5, 0.25, 0.75, 1.0, 0.5, 0.25, 0.0, 0.25, 0.5}) ==
        "0948060740040500 e803000000000000 00803e0000000000 2003010700020501 "
        "0000000000001140 0000000000000000 6400000019000000 3200000000000000 "
        "990c321919004b00 6400320019000000");
}

TEST_CASE("golden: regular and constant", "[codec]") {
  CHECK(Encoded({1000, 2000, 3000}, {7, 7, 7}) ==
        "0200000000040200 e803000000000000 e803000000000000 0000000000001c40");
}

// Numbers that no library's distribution has a hand in.
class Sequence {
 public:
  uint64_t Next(uint64_t below) {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return (state_ >> 33) % below;
  }

 private:
  uint64_t state_ = 1;
};

uint64_t Hash(std::span<const uint8_t> bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

template <typename TimestampAt, typename ValueAt>
void CheckHash(TimestampEncoding timestamp_encoding, ValueEncoding value_encoding, size_t bytes,
               uint64_t hash, TimestampAt timestamp_at, ValueAt value_at) {
  constexpr size_t kCount = 500;
  std::vector<Timestamp> timestamps;
  std::vector<double> values;
  for (size_t i = 0; i < kCount; ++i) {
    timestamps.push_back(timestamp_at(i));
    values.push_back(value_at(i));
  }
  for (InstructionSet set : AvailableInstructionSets()) {
    const WithInstructionSet with(set);
    CAPTURE(InstructionSetName(set));
    EncodeHint hint;
    const EncodedBlock block(timestamps, values, hint);
    CHECK(block.view().timestamp_encoding() == timestamp_encoding);
    CHECK(block.view().value_encoding() == value_encoding);
    CHECK(block.bytes().size() == bytes);
    CHECK(Hash(block.bytes()) == hash);
  }
}

TEST_CASE("golden: each encoding", "[codec]") {
  Sequence sequence;
  Timestamp now = 0;
  int64_t cents = 0;
  const auto regular = [](size_t i) { return static_cast<Timestamp>(i) * 15'000; };
  const auto zero = [](size_t) { return 0.0; };
  const auto random = [&](uint64_t below) {
    return [&sequence, below](size_t) { return static_cast<Timestamp>(sequence.Next(below)); };
  };
  const auto steps = [&](size_t) {
    return now +=
           sequence.Next(90) == 0 ? 3'600'000 : 900 + static_cast<Timestamp>(sequence.Next(200));
  };
  const auto jitter = [&](size_t i) { return static_cast<Timestamp>(i * 1000 + sequence.Next(8)); };
  const auto real = [&](size_t) {
    return std::ldexp(static_cast<double>((uint64_t{1} << 30) + sequence.Next(1 << 30)) * 1048573.0,
                      -44);
  };
  using T = TimestampEncoding;
  using E = ValueEncoding;
  CheckHash(T::kConstantStride, E::kConstant, 32, 0xf2c4fa0962c16e95, regular, zero);
  CheckHash(T::kLine, E::kConstant, 224, 0x9dd98f378b1f87bd, jitter, zero);
  CheckHash(T::kDelta, E::kConstant, 648, 0x17825fb7fb7c8ceb, steps, zero);
  CheckHash(T::kFrame, E::kConstant, 1120, 0xfa755a48f868a3de, random(100'000), zero);
  CheckHash(
      T::kRaw, E::kConstant, 4016, 0x7065c646a9e103c7,
      [&](size_t) {
        return static_cast<Timestamp>(sequence.Next(uint64_t{1} << 31) << 33 |
                                      sequence.Next(uint64_t{1} << 31));
      },
      zero);
  CheckHash(T::kConstantStride, E::kAlpFrame, 696, 0x006a1f7e429e110b, regular,
            [&](size_t) { return static_cast<double>(sequence.Next(1000)) / 10; });
  CheckHash(T::kConstantStride, E::kAlpDelta, 672, 0xb75f23cac8d83662, regular, [&](size_t i) {
    cents += static_cast<int64_t>(sequence.Next(201)) - 100;
    return i % 100 == 50 ? -0.0 : static_cast<double>(cents) / 100;
  });
  CheckHash(T::kConstantStride, E::kAlpRd, 3240, 0x2b9721adcec7fc0c, regular, real);
  CheckHash(T::kConstantStride, E::kDictionary, 424, 0xe2de23924b186290, regular,
            [&](size_t) { return 1.0 / static_cast<double>(3 + sequence.Next(12)); });
  CheckHash(T::kConstantStride, E::kRaw, 4064, 0x1447936a1c484314, regular, [&](size_t) {
    const uint64_t high = sequence.Next(uint64_t{1} << 31), low = sequence.Next(uint64_t{1} << 31);
    return std::bit_cast<double>(high << 33 | low << 1 | sequence.Next(2));
  });
}

}  // namespace
}  // namespace tsdb::codec

// The lane-interleaved layout itself: one value at a time, every width, every length.
#include <algorithm>
#include <catch2/catch.hpp>

#include "storage/codec/bit_packing.h"
#include "storage/codec/kernels.h"
#include "test/storage/codec/samples.h"

namespace tsdb::codec {
namespace {

struct Packed {
  std::vector<int64_t> column;
  std::vector<uint8_t> bytes;  // exactly as long as they need to be
};

Packed Pack(size_t count, uint32_t width, Random& random) {
  Packed packed;
  packed.column.resize(RowCount(count) * kLanes);
  for (int64_t& value : packed.column) value = static_cast<int64_t>(random() & LowBits(width));
  std::vector<uint8_t> room(PackedBytes(count, width) + 64);
  const size_t bytes = Kernels().pack_frame(packed.column.data(), count, 0, 0, width, room.data());
  REQUIRE(bytes == PackedBytes(count, width));
  packed.bytes.assign(room.begin(), room.begin() + static_cast<ptrdiff_t>(bytes));
  return packed;
}

TEST_CASE("bit packing: every width comes back, one value at a time and by rows", "[codec]") {
  Random random(1);
  for (InstructionSet set : AvailableInstructionSets()) {
    const WithInstructionSet with(set);
    for (uint32_t width = 0; width <= 64; ++width) {
      for (size_t count : {1, 7, 8, 9, 63, 64, 65, 100, 511, 512, 513}) {
        CAPTURE(InstructionSetName(set), width, count);
        const Packed packed = Pack(count, width, random);
        const uint32_t rows = RowCount(count);
        for (uint32_t begin = 0; begin < rows; begin += 8) {
          std::vector<int64_t> out(size_t{rows - begin} * kLanes);
          Kernels().unpack_frame({packed.bytes.data(), width, rows, begin, rows}, 0, 0, out.data());
          for (size_t i = 0; i < count - begin * kLanes; ++i) {
            if (out[i] != packed.column[begin * kLanes + i]) REQUIRE(i == count);
          }
        }
        for (size_t i = 0; i < count; ++i) {
          const uint64_t value = PackedValue(packed.bytes.data(), count, width, i);
          if (value != static_cast<uint64_t>(packed.column[i])) REQUIRE(i == count);
        }
      }
    }
  }
}

TEST_CASE("bit packing: every instruction set writes the same bytes", "[codec]") {
  for (uint32_t width = 0; width <= 64; ++width) {
    for (size_t count : {1, 31, 64, 130, 512}) {
      std::vector<std::vector<uint8_t>> all;
      for (InstructionSet set : AvailableInstructionSets()) {
        const WithInstructionSet with(set);
        Random random(width * 1000 + count);
        all.push_back(Pack(count, width, random).bytes);
      }
      CAPTURE(width, count);
      for (const auto& bytes : all) REQUIRE(bytes == all[0]);
    }
  }
}

TEST_CASE("bit packing: a short column takes a narrow last word", "[codec]") {
  CHECK(PackedBytes(512, 8) == 512);
  CHECK(PackedBytes(10, 3) == 8);    // two rows, six bits a lane
  CHECK(PackedBytes(10, 8) == 16);   // sixteen bits
  CHECK(PackedBytes(10, 9) == 32);   // eighteen
  CHECK(PackedBytes(10, 33) == 72);  // sixty-six: a full word and two bits
  CHECK(PackedBytes(2048, 0) == 0);
  CHECK(PackedBytes(2048, 64) == 2048 * 8);
}

// Ties, signs and sizes, each of which some instruction set has to take special care of.
TEST_CASE("decimals: every instruction set rounds and divides alike", "[codec]") {
  Random random(2);
  std::vector<double> values;
  for (double x : {0.5, 1.5, 2.5, -0.5, -1.5, 2251799813685247.5, 2251799813685248.5,
                   4503599627370495.5, 9007199254740992.0, 9.2233720368547748e18, 9.3e18, 1e300}) {
    values.insert(values.end(), {x, -x, x / 3, x * 1.1});
  }
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<double>(static_cast<int64_t>(random()) >> (random() % 64)) /
                     kPowersOfTen[random() % 19]);
  }
  values.resize(values.size() / 64 * 64);
  for (int exponent = 0; exponent <= kDecimalExponentMax; ++exponent) {
    std::vector<int64_t> integers[3];
    std::vector<double> back[3];
    for (InstructionSet set : AvailableInstructionSets()) {
      const WithInstructionSet with(set);
      const auto i = static_cast<size_t>(set);
      integers[i].resize(values.size());
      back[i].resize(values.size());
      Kernels().scan_alp(values.data(), values.size(), exponent, integers[i].data());
      Kernels().to_decimals(integers[i].data(), values.size(), exponent, back[i].data());
      CAPTURE(exponent, InstructionSetName(set));
      REQUIRE(integers[i] == integers[0]);
      REQUIRE(std::equal(back[i].begin(), back[i].end(), back[0].begin(), SameBits));
    }
  }
}

}  // namespace
}  // namespace tsdb::codec

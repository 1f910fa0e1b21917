// The kernels that unpack and compute on the way, against plain arithmetic: on every instruction
// set, for columns on both sides of where a faster way for narrow ones ends.
#include <catch2/catch.hpp>

#include "storage/codec/bit_packing.h"
#include "storage/codec/block_layout.h"
#include "storage/codec/kernels.h"
#include "test/storage/codec/samples.h"

namespace tsdb::codec {
namespace {

constexpr size_t kCounts[] = {1, 31, 32, 64, 100, 250, 511, 512, 1000};

struct Column {
  size_t count;
  std::vector<uint64_t> offsets;
  std::vector<uint8_t> bytes;
  PackedRows rows;
  size_t RowsRead() const { return rows.end - rows.begin; }
};

// Offsets of `width` bits, some of kCounts, to be read from the first row of one of their groups
// on; many are the least or the greatest, as sums then go furthest.
Column Pack(uint32_t width, Random& random) {
  Column column;
  const size_t count = column.count = kCounts[random() % std::size(kCounts)];
  const size_t groups = (count + kGroupSamples - 1) / kGroupSamples;
  const auto begin = static_cast<uint32_t>(random() % groups * kGroupSamples / kLanes);
  column.offsets.resize(RowCount(count) * kLanes);
  const uint64_t extremes = random() % 3;
  for (uint64_t& offset : column.offsets) {
    offset = (extremes == 0 ? random() : extremes == 1 ? ~uint64_t{0} : 0) & LowBits(width);
  }
  std::vector<int64_t> integers(column.offsets.begin(), column.offsets.end());
  column.bytes.resize(PackedBytes(count, width) + 64);
  const size_t bytes =
      Kernels().pack_frame(integers.data(), count, 0, 0, width, column.bytes.data());
  column.bytes.resize(bytes);  // the sanitizers see a read past its end
  column.bytes.shrink_to_fit();
  column.rows = {column.bytes.data(), width, RowCount(count), begin, RowCount(count)};
  return column;
}

// Compares what a kernel unpacked with what the formula gives, position by position.
template <typename T, typename Formula>
void Compare(const Column& column, const std::vector<T>& out, Formula formula) {
  CAPTURE(column.count, column.rows.width, column.rows.begin);
  const size_t first = size_t{column.rows.begin} * kLanes;
  size_t equal = first;  // positions up to here agree
  for (; equal < column.count; ++equal) {
    const T expected = formula(equal, column.offsets[equal]);
    if (std::memcmp(&out[equal - first], &expected, sizeof(T)) != 0) break;
  }
  REQUIRE(equal == column.count);
}

constexpr int64_t kEdge = int64_t{1} << 50;
constexpr int64_t kWide = int64_t{1} << 27;  // of deltas of which sixteen fit 32 bits

double Decimal(uint64_t integer, int exponent) {
  return static_cast<double>(static_cast<int64_t>(integer)) / kPowersOfTen[exponent];
}

TEST_CASE("unpacking: decimals of running sums", "[codec]") {
  Random random(3);
  for (InstructionSet set : AvailableInstructionSets()) {
    const WithInstructionSet with(set);
    for (uint32_t width = 0; width <= 34; ++width) {
      for (uint32_t shift : {0, 1, 4, 9}) {
        const auto widest = static_cast<int64_t>(LowBits(width) << shift);
        for (int64_t delta_min :
             {int64_t{-1025}, int64_t{-1024}, int64_t{-1}, int64_t{0}, 1023 - widest, 1024 - widest,
              -widest / 2, -kWide - 1, -kWide, kWide - 1 - widest, kWide - widest, int64_t{5} << 40,
              int64_t{INT64_MAX - 3}, int64_t{INT64_MIN}}) {
          for (int64_t start : {int64_t{0}, int64_t{-70'000}, kEdge - 1, kEdge, 3 * kEdge, -kEdge,
                                1 - kEdge, -3 * kEdge, int64_t{INT64_MAX - 5}}) {
            const int exponent = static_cast<int>(random() % (kDecimalExponentMax + 1));
            CAPTURE(InstructionSetName(set), shift, delta_min, start, exponent);
            const Column column = Pack(width, random);
            std::vector<double> out(column.RowsRead() * kLanes);
            Kernels().unpack_alp_delta(column.rows, start, delta_min, shift, exponent, out.data());
            auto sum = static_cast<uint64_t>(start);
            Compare(column, out, [&](size_t, uint64_t offset) {
              sum += static_cast<uint64_t>(delta_min) + (offset << shift);
              return Decimal(sum, exponent);
            });
          }
        }
      }
    }
  }
}

TEST_CASE("unpacking: decimals above a base", "[codec]") {
  Random random(4);
  for (InstructionSet set : AvailableInstructionSets()) {
    const WithInstructionSet with(set);
    for (uint32_t width = 0; width <= 64; ++width) {
      for (uint32_t shift : {0, 1, 4, 9}) {
        for (int64_t base : {int64_t{0}, int64_t{-12'345}, kEdge - 1, kEdge, 3 * kEdge, -kEdge,
                             1 - kEdge, -3 * kEdge, int64_t{INT64_MIN}}) {
          const int exponent = static_cast<int>(random() % (kDecimalExponentMax + 1));
          CAPTURE(InstructionSetName(set), shift, base, exponent);
          const Column column = Pack(width, random);
          std::vector<double> out(column.RowsRead() * kLanes);
          Kernels().unpack_alp_frame(column.rows, base, shift, exponent, out.data());
          Compare(column, out, [&](size_t, uint64_t offset) {
            return Decimal(static_cast<uint64_t>(base) + (offset << shift), exponent);
          });
        }
      }
    }
  }
}

TEST_CASE("unpacking: integers above a line", "[codec]") {
  Random random(5);
  for (InstructionSet set : AvailableInstructionSets()) {
    const WithInstructionSet with(set);
    for (uint32_t width = 0; width <= 64; ++width) {
      const auto room = static_cast<int64_t>(0xFFFF - LowBits(width));  // of the low 16 bits
      // Of the low 32 bits.
      const auto wide = static_cast<int64_t>(0xFFFF'FFFF - (LowBits(width) & 0x3'FFFF'FFFF));
      constexpr int64_t kUpper = int64_t{0xABC} << 32;
      for (int64_t base : {int64_t{0}, int64_t{1'700'000'000'123}, int64_t{0xABC0000} + room,
                           int64_t{0xABC0000} + room + 1, kUpper + wide, kUpper + wide + 1,
                           int64_t{-1}, int64_t{INT64_MIN}}) {
        for (uint64_t stride : {uint64_t{0}, uint64_t{4096'000}, ~uint64_t{0} / 3}) {
          CAPTURE(InstructionSetName(set), base, stride);
          const Column column = Pack(width, random);
          std::vector<int64_t> out(column.RowsRead() * kLanes);
          Kernels().unpack_line(column.rows, base, stride, out.data());
          Compare(column, out, [&](size_t i, uint64_t offset) {
            return static_cast<int64_t>(static_cast<uint64_t>(base) + offset +
                                        (i * stride >> kLineFractionBits));
          });
        }
      }
    }
  }
}

}  // namespace
}  // namespace tsdb::codec

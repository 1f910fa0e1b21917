// Bytes that are not a block, or no longer the block they were: Parse refuses them, or whatever
// they decode to is decoded within bounds. The bytes lie in memory of exactly their length, so that
// AddressSanitizer sees the first byte read beyond it.
#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>

#include "storage/codec/bit_packing.h"
#include "test/storage/codec/samples.h"

namespace tsdb::codec {
namespace {

// Calls everything there is on a parsed block.
void UseBlock(const BlockView& view, size_t step) {
  const size_t count = view.count();
  REQUIRE(count <= kBlockSamplesMax);
  static Timestamp timestamps[kBlockSamplesMax];
  static double values[kBlockSamplesMax];
  view.DecodeTimestamps(timestamps);
  view.DecodeValues(values);
  view.DecodeValueRange(count / 2, count, values);
  view.DecodeTimestampRange(count / 2, count, timestamps);
  double sum = view.Statistics().sum;
  for (size_t position = 0; position < count; position += step) {
    sum += view.ValueAt(position) + static_cast<double>(view.TimestampAt(position));
  }
  for (Timestamp timestamp : {kTimestampMin, Timestamp{0}, timestamps[count / 2], kTimestampMax}) {
    REQUIRE(view.LowerBound(timestamp) <= count);
    REQUIRE(view.Find(timestamp) <= count);
  }
  volatile double sink = sum;
  (void)sink;
}

void TryBytes(const std::vector<uint8_t>& bytes) {
  const auto view = BlockView::Parse(bytes);
  if (!view.ok()) {
    REQUIRE(view.status().code() == absl::StatusCode::kDataLoss);
    return;
  }
  REQUIRE(view->bytes() <= bytes.size());
  // Only what belongs to the block, in memory of its own.
  const std::vector<uint8_t> exact(bytes.begin(),
                                   bytes.begin() + static_cast<ptrdiff_t>(view->bytes()));
  const auto again = BlockView::Parse(exact);
  REQUIRE(again.ok());
  UseBlock(*again, 1 + again->count() / 16);
}

std::vector<uint8_t> Copy(const EncodedBlock& block) {
  return {block.bytes().begin(), block.bytes().end()};
}

// Blocks of every pair of shapes, of lengths that give columns with and without narrowed words.
template <typename F>
void ForEachBlock(std::initializer_list<size_t> counts, F visit) {
  Random random(5);
  for (size_t count : counts) {
    for (const TimestampShape& shape : TimestampShapes()) {
      EncodeHint hint;
      CAPTURE(shape.name, count);
      visit(EncodedBlock(shape.make(count, random), ValueShapes()[0].make(count, random), hint));
    }
    for (const ValueShape& shape : ValueShapes()) {
      EncodeHint hint;
      CAPTURE(shape.name, count);
      visit(
          EncodedBlock(TimestampShapes()[2].make(count, random), shape.make(count, random), hint));
    }
  }
}

TEST_CASE("block: cut at any length it is refused", "[codec]") {
  ForEachBlock({1, 10, 100}, [](const EncodedBlock& block) {
    for (size_t length = 0; length < block.bytes().size(); ++length) {
      const std::vector<uint8_t> cut(block.bytes().begin(),
                                     block.bytes().begin() + static_cast<ptrdiff_t>(length));
      REQUIRE_FALSE(BlockView::Parse(cut).ok());
    }
  });
}

TEST_CASE("block: bytes after it are no part of it", "[codec]") {
  ForEachBlock({10}, [](const EncodedBlock& block) {
    std::vector<uint8_t> longer = Copy(block);
    longer.insert(longer.end(), 24, 0xAB);
    const auto view = BlockView::Parse(longer);
    REQUIRE(view.ok());
    REQUIRE(view->bytes() == block.bytes().size());
  });
}

TEST_CASE("block: with any byte flipped it is refused or decodes in bounds", "[codec]") {
  Random random(6);
  ForEachBlock({3, 70, 200}, [&](const EncodedBlock& block) {
    std::vector<uint8_t> bytes = Copy(block);
    // Every byte of the head; a sample of the packed columns, where nothing but data lies.
    const size_t step = 1 + bytes.size() / 200;
    for (size_t i = 0; i < bytes.size(); i += i < 160 ? 1 : step) {
      const uint8_t before = bytes[i];
      for (uint8_t flip : {0x01, 0x80, 0xFF, static_cast<int>(random() % 255 + 1)}) {
        bytes[i] = before ^ flip;
        TryBytes(bytes);
      }
      bytes[i] = before;
    }
  });
}

TEST_CASE("block: an index just past the dictionary of values is refused", "[codec]") {
  // Three values that nothing but a dictionary is short for: indexes of two bits, 3 among them.
  const double three[] = {0x1.23456789abcdep+5, -0x1.fedcba9876543p-9, 0x1.5a5a5a5a5a5a5p+40};
  constexpr size_t kCount = 200;
  std::vector<Timestamp> times(kCount);
  std::vector<double> values(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    times[i] = static_cast<Timestamp>(i) * 1000;
    values[i] = three[i * 7 % 11 % 3];
  }
  EncodeHint hint;
  const EncodedBlock block(times, values, hint);
  REQUIRE(BlockView::Parse(block.bytes())->value_encoding() == ValueEncoding::kDictionary);
  std::vector<uint8_t> bytes = Copy(block);
  size_t refused = 0;
  const size_t indexes = bytes.size() - PackedBytes(kCount, 2);
  for (size_t bit = 8 * indexes; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    const auto view = BlockView::Parse(bytes);
    refused += !view.ok();
    for (size_t i = 0; view.ok() && i < kCount; ++i) {
      REQUIRE(std::find(std::begin(three), std::end(three), view->ValueAt(i)) != std::end(three));
    }
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
  }
  CHECK(refused > kCount / 4);
  // The first sample's is 0, and so takes two.
  bytes[indexes] |= 3;
  CHECK_FALSE(BlockView::Parse(bytes).ok());
}

TEST_CASE("block: with every bit of its header flipped it decodes in bounds", "[codec]") {
  for (InstructionSet set : AvailableInstructionSets()) {
    const WithInstructionSet with(set);
    ForEachBlock({1, 9, 300}, [&](const EncodedBlock& block) {
      std::vector<uint8_t> bytes = Copy(block);
      for (size_t a = 0; a < 64; ++a) {
        for (size_t b = a; b < 64; ++b) {
          bytes[a / 8] ^= static_cast<uint8_t>(1 << a % 8);
          if (a != b) bytes[b / 8] ^= static_cast<uint8_t>(1 << b % 8);
          TryBytes(bytes);
          bytes[a / 8] ^= static_cast<uint8_t>(1 << a % 8);
          if (a != b) bytes[b / 8] ^= static_cast<uint8_t>(1 << b % 8);
        }
      }
    });
  }
}

TEST_CASE("block: random bytes are refused or decode in bounds", "[codec]") {
  Random random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<uint8_t> bytes(random() % 600);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    // A plausible length, or nearly all would end at the first check.
    if (bytes.size() >= 8 && round % 4 != 0) {
      const uint64_t words = bytes.size() / 8;
      uint64_t header;
      std::memcpy(&header, bytes.data(), 8);
      header = (header & ((uint64_t{1} << 47) - 1)) | words << 47;
      if (round % 2 == 0) header &= ~uint64_t{0x7C0};  // a short block
      std::memcpy(bytes.data(), &header, 8);
    }
    CAPTURE(round);
    TryBytes(bytes);
  }
}

}  // namespace
}  // namespace tsdb::codec

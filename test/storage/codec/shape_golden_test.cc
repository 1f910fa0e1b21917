// What the encoders make of every shape, at lengths where something changes: how many bytes, and
// which. Most of what an encoder decides gives right bytes either way; only here does another
// decision, or a worse one, show. Who changes one on purpose puts the line that is printed into the
// table. Shapes whose values come from the mathematical library, which differ, are left out.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "storage/base/crc32c.h"
#include "test/storage/codec/run_samples.h"
#include "test/storage/codec/samples.h"

namespace tsdb::codec {
namespace {

constexpr std::array<size_t, 12> kLengths = {1, 2, 3, 5, 9, 16, 33, 64, 100, 257, 512, 1000};
constexpr size_t kTimes = 3;  // each length

// CRC-32C and bytes of all blocks, and of a part with all runs.
struct Encoded {
  uint32_t blocks = 0, runs = 0;
  size_t block_bytes = 0, run_bytes = 0;
  friend bool operator==(const Encoded&, const Encoded&) = default;
};

template <typename MakeTimes, typename MakeValues>
Encoded Encode(const MakeTimes& make_times, const MakeValues& make_values) {
  Random random(77);
  Encoded encoded;
  EncodeHint hint;
  RunPart part;
  for (const size_t length : kLengths) {
    for (size_t i = 0; i < kTimes; ++i) {
      const std::vector<Timestamp> times = make_times(length, random);
      const std::vector<double> values = make_values(length, random);
      const EncodedBlock block(times, values, hint);
      encoded.blocks = crc32c::Extend(encoded.blocks, block.bytes());
      encoded.block_bytes += block.bytes().size();
      part.Add(static_cast<SeriesId>(part.runs.size() * 3), times, values);
    }
  }
  const std::vector<uint8_t> runs = part.Encode();
  encoded.runs = crc32c::Compute(runs);
  encoded.run_bytes = runs.size();
  return encoded;
}

std::string Line(const std::string& name, const Encoded& encoded) {
  std::ostringstream line;
  line << std::hex << "{\"" << name << "\", {0x" << encoded.blocks << ", 0x" << encoded.runs
       << std::dec << ", " << encoded.block_bytes << ", " << encoded.run_bytes << "}},";
  return line.str();
}

void Check(const std::map<std::string, Encoded>& golden, const std::string& name,
           const Encoded& encoded) {
  const auto at = golden.find(name);
  INFO(Line(name, encoded));
  CHECK(at != golden.end());
  if (at != golden.end()) CHECK(at->second == encoded);
}

const std::map<std::string, Encoded> kOfTimes = {
    {"any order", {0xd19062a8, 0x2de0fef, 14312, 19063}},
    {"any", {0x91445c77, 0x27f15252, 48648, 48514}},
    {"drifting clock", {0x1a9c4273, 0x6be44d23, 2088, 432}},
    {"equal", {0x37143cd2, 0x555800b3, 1152, 152}},
    {"extremes in turn", {0x2233a532, 0xa5c39ed1, 3696, 944}},
    {"falling", {0x1a19338a, 0xe11a7eb2, 5304, 3247}},
    {"from the beginning of time", {0x859d2021, 0xde3f9198, 3096, 16139}},
    {"gaps of whole minutes", {0x51e1327b, 0x22f6f883, 4360, 26210}},
    {"gaps", {0xd733834f, 0xd79c7f14, 4288, 14240}},
    {"great strides, unevenly", {0x50faef6, 0xaf8c615f, 41616, 39434}},
    {"great strides", {0xc1b17cc2, 0xce229f92, 2184, 165}},
    {"irregular", {0x4148d459, 0x32fdb95, 14160, 12234}},
    {"jitter", {0xe4547da4, 0xac423030, 3696, 2454}},
    {"near the end of time", {0x1b6ae9ab, 0xb3d1a44, 12016, 9997}},
    {"one millisecond, then a gap", {0xa98bf35d, 0xd0cd7c52, 2688, 6959}},
    {"regular across zero", {0xe22d4c6a, 0x6d5a96fd, 1152, 152}},
    {"regular", {0x5df54279, 0xa109f667, 1152, 156}},
    {"short series in turn", {0x59961dd7, 0xf96ac821, 14832, 13662}},
    {"whole seconds", {0x8f98bf5b, 0xb2a9e31a, 6576, 12242}},
};

const std::map<std::string, Encoded> kOfValues = {
    {"any bits", {0xbac21cf, 0x33437c2d, 50232, 48237}},
    {"cents below zero", {0x7cd0426b, 0xaf70c2a7, 4680, 2554}},
    {"cents with many odd", {0xc5208e, 0x61f5897, 44736, 47057}},
    {"cents with some odd", {0xfd752dfd, 0x8a4e173e, 9744, 10027}},
    {"cents", {0x1c44ea90, 0xb57fc715, 8448, 6203}},
    {"constant 0.1", {0xb20b19de, 0xf5a49e7e, 1248, 155}},
    {"constant NaN with payload", {0xc06c6750, 0x8c57972a, 1440, 477}},
    {"constant denormal", {0xad14a5b7, 0x3671c13b, 1152, 477}},
    {"constant infinity", {0xe47e4642, 0x70fd4508, 1152, 477}},
    {"constant minus zero", {0xdf414543, 0xd699188a, 1440, 477}},
    {"constant zero", {0xb6bf8892, 0x73d4ef55, 1152, 153}},
    {"counter with resets", {0x3038e847, 0x947f7b82, 8848, 19592}},
    {"counter with some odd", {0x4395ec14, 0x25a814f0, 10376, 31432}},
    {"eighteen digits", {0x5a4ebaa1, 0x3a77f25d, 10720, 8411}},
    {"flags", {0x991f3413, 0x3fa0f869, 3752, 1655}},
    {"noise", {0x27469706, 0xba096e53, 9824, 7687}},
    {"odd only", {0x65aec9b, 0xc1423197, 9640, 48180}},
    {"one tenth, one value apart", {0x2229059, 0xeb03ddfa, 1152, 155}},
    {"pages", {0xeadca99d, 0xdb2c2e6d, 7928, 14493}},
    {"repeated reals", {0xb179f22f, 0xd422f194, 8008, 41543}},
    {"seven digits", {0x35e531d3, 0x966cef3a, 23848, 21172}},
    {"wide integers", {0xacf44dac, 0x3de34b62, 47896, 47986}},
};

TEST_CASE("golden: every shape of times", "[codec]") {
  REQUIRE(kOfTimes.size() == TimestampShapes().size());
  for (const TimestampShape& shape : TimestampShapes()) {
    Check(kOfTimes, shape.name, Encode(shape.make, [](size_t count, Random&) {
            return std::vector<double>(count, 1.5);
          }));
  }
}

TEST_CASE("golden: every shape of values", "[codec]") {
  size_t checked = 0;
  for (const ValueShape& shape : ValueShapes()) {
    if (shape.name.starts_with("reals")) continue;
    Check(kOfValues, shape.name,
          Encode(
              [](size_t count, Random&) {
                std::vector<Timestamp> times(count);
                for (size_t i = 0; i < count; ++i) {
                  times[i] = 1'700'000'000'000 + Timestamp(i) * 1'000;
                }
                return times;
              },
              shape.make));
    ++checked;
  }
  REQUIRE(kOfValues.size() == checked);
}

// One run after another, since an exponent is carried on from run to run while it serves.
TEST_CASE("golden: exponents that become needless, or no longer serve", "[codec]") {
  const auto column = [](const std::vector<double>& tail) {
    RunPart part;
    std::vector<Timestamp> times(64);
    std::vector<double> cents(64), values(64);
    for (size_t i = 0; i < 64; ++i) {
      times[i] = static_cast<Timestamp>(1'000 * i);
      cents[i] = static_cast<double>(1'237 + 17 * (i * 7 % 64)) / 100;
      values[i] = static_cast<double>(1'230 + 1'021 * (i * 5 % 64));
    }
    std::copy(tail.begin(), tail.end(), values.begin());
    part.Add(0, times, cents);
    part.Add(1, times, values);
    return part.Encode().size();
  };
  CHECK(column({}) == 241);
  CHECK(column({1230.5}) == 274);          // needed by the first one
  CHECK(column({1230, 1230.01}) == 251);   // by one that no guess looks at
  CHECK(column({1.0 / 3000}) == 308);      // no exponent serves it
  CHECK(column({1e15, 1e15 + 1}) == 553);  // integers all
}

TEST_CASE("golden: timestamps with a gap stay on a line for a while if it is narrow", "[codec]") {
  const auto encoding = [](Timestamp gap, bool provisional) {
    std::vector<Timestamp> times(100);
    for (size_t i = 0; i < 100; ++i) times[i] = Timestamp(i) * 1000 + (i < 50 ? 0 : gap);
    EncodeHint hint;
    hint.provisional = provisional;
    return EncodedBlock(times, std::vector<double>(100, 1.5), hint).view().timestamp_encoding();
  };
  // Some 16 bits from the line through the ends, and 17.
  CHECK(encoding(60'000, true) == TimestampEncoding::kLine);
  CHECK(encoding(80'000, true) == TimestampEncoding::kDelta);
  CHECK(encoding(60'000, false) == TimestampEncoding::kDelta);
}

TEST_CASE("golden: jumps are taken out of deltas of three bits, and of no fewer", "[codec]") {
  const auto bytes = [](double jump) {
    std::vector<Timestamp> times(512);
    std::vector<double> values(512);
    double value = 0;
    for (size_t i = 0; i < 512; ++i) {
      times[i] = Timestamp(i) * 1000;
      values[i] = value += i % 100 == 7 ? jump : 1;
    }
    EncodeHint hint;
    return EncodedBlock(times, values, hint).bytes().size();
  };
  CHECK(bytes(8) == 136);
  CHECK(bytes(4) == 200);
}

TEST_CASE("golden: the room that encoders ask for", "[codec]") {
  CHECK(EncodedBytesMax(1) == 534);
  CHECK(EncodedBytesMax(512) == 11'776);
  CHECK(EncodedRunsBytesMax(1, 1) == 116);
  CHECK(EncodedRunsBytesMax(64, 3) == 1'252);
  CHECK(EncodedRunsBytesMax(1'000, 10) == 16'683);
  CHECK(EncodedRunsBytesMax(1'000'000, 1) == 16'007'912);
}

}  // namespace
}  // namespace tsdb::codec

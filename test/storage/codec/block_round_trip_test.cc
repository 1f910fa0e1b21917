// Every shape of input, at every length that matters, on every instruction set: what comes out is
// what went in, bit for bit, and the bytes are the same everywhere.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "test/storage/codec/samples.h"

namespace tsdb::codec {
namespace {

struct Reference {
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();
  double sum = 0;
};

// The statistics as block.h defines them, in plain code.
Reference ReferenceStatistics(const std::vector<double>& values) {
  Reference reference;
  double lane[8] = {};
  for (size_t i = 0; i < values.size(); ++i) {
    lane[i % 8] += values[i];
    reference.min = std::min(reference.min, std::isnan(values[i]) ? reference.min : values[i]);
    reference.max = std::max(reference.max, std::isnan(values[i]) ? reference.max : values[i]);
  }
  reference.sum =
      ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
  if (std::isnan(reference.sum)) reference.sum = std::numeric_limits<double>::quiet_NaN();
  return reference;
}

bool StatisticsAgree(const BlockStatistics& s, const std::vector<Timestamp>& timestamps,
                     const std::vector<double>& values) {
  const Reference reference = ReferenceStatistics(values);
  return s.count == values.size() && s.time_first == timestamps.front() &&
         s.time_last == timestamps.back() && SameBits(s.first, values.front()) &&
         SameBits(s.last, values.back()) && SameBits(s.sum, reference.sum) &&
         // Of -0.0 and 0.0 either may be the least.
         s.min == reference.min && s.max == reference.max;
}

bool DecodesTo(const BlockView& view, const std::vector<Timestamp>& timestamps,
               const std::vector<double>& values) {
  const size_t count = values.size();
  std::vector<Timestamp> decoded_timestamps(DecodeRoom(count));
  std::vector<double> decoded_values(DecodeRoom(count));
  view.DecodeTimestamps(decoded_timestamps.data());
  view.DecodeValues(decoded_values.data());
  return view.count() == count &&
         std::equal(timestamps.begin(), timestamps.end(), decoded_timestamps.begin()) &&
         std::equal(values.begin(), values.end(), decoded_values.begin(), SameBits);
}

// All random access at `step`, against the input.
bool PointsAgree(const BlockView& view, const std::vector<Timestamp>& timestamps,
                 const std::vector<double>& values, size_t step) {
  for (size_t i = 0; i < values.size(); i += step) {
    if (view.TimestampAt(i) != timestamps[i] || !SameBits(view.ValueAt(i), values[i])) return false;
  }
  return true;
}

void CheckBlock(const std::vector<Timestamp>& timestamps, const std::vector<double>& values,
                EncodeHint& hint) {
  std::vector<uint8_t> bytes;
  const EncodeHint before = hint;
  for (InstructionSet set : AvailableInstructionSets()) {
    CAPTURE(InstructionSetName(set));
    const WithInstructionSet with(set);
    hint = before;
    const EncodedBlock block(timestamps, values, hint);
    if (bytes.empty()) bytes.assign(block.bytes().begin(), block.bytes().end());
    REQUIRE(std::equal(bytes.begin(), bytes.end(), block.bytes().begin(), block.bytes().end()));
    const auto view = BlockView::Parse(block.bytes());
    REQUIRE(view.ok());
    CAPTURE(static_cast<int>(view->timestamp_encoding()), static_cast<int>(view->value_encoding()));
    REQUIRE(view->bytes() == bytes.size());
    REQUIRE(bytes.size() % 8 == 0);
    REQUIRE(bytes.size() <= EncodedBytesMax(values.size()));
    REQUIRE(DecodesTo(*view, timestamps, values));
    REQUIRE(StatisticsAgree(view->Statistics(), timestamps, values));
    REQUIRE(PointsAgree(*view, timestamps, values, values.size() > 100 ? 7 : 1));
  }
}

TEST_CASE("block: every shape of values comes back at every edge length", "[codec]") {
  for (const ValueShape& shape : ValueShapes()) {
    for (size_t count : EdgeLengths()) {
      const uint64_t seed = 1000 + count;
      Random random(seed);
      CAPTURE(shape.name, count, seed);
      EncodeHint hint;
      for (int block = 0; block < 3; ++block) {
        const std::vector<double> values = shape.make(count, random);
        CheckBlock(TimestampShapes()[0].make(count, random), values, hint);
      }
    }
  }
}

TEST_CASE("block: every shape of timestamps comes back at every edge length", "[codec]") {
  for (const TimestampShape& shape : TimestampShapes()) {
    for (size_t count : EdgeLengths()) {
      const uint64_t seed = 2000 + count;
      Random random(seed);
      CAPTURE(shape.name, count, seed);
      EncodeHint hint;
      const std::vector<Timestamp> timestamps = shape.make(count, random);
      CheckBlock(timestamps, ValueShapes()[0].make(count, random), hint);
    }
  }
}

TEST_CASE("block: the common shapes come back at every length", "[codec]") {
  Random random(3);
  EncodeHint hint;
  for (size_t count = 1; count <= kBlockSamplesMax; ++count) {
    CAPTURE(count);
    const std::vector<Timestamp> timestamps = TimestampShapes()[2].make(count, random);
    const std::vector<double> values = ValueShapes()[0].make(count, random);
    const EncodedBlock block(timestamps, values, hint);
    REQUIRE(DecodesTo(block.view(), timestamps, values));
    REQUIRE(StatisticsAgree(block.view().Statistics(), timestamps, values));
  }
}

TEST_CASE("block: a hint taught by one series encodes another's values exactly", "[codec]") {
  Random random(4);
  EncodeHint hint;
  for (int round = 0; round < 400; ++round) {
    const ValueShape& shape = ValueShapes()[random() % ValueShapes().size()];
    const size_t count = 1 + random() % 300;
    CAPTURE(round, shape.name, count);
    const std::vector<double> values = shape.make(count, random);
    CheckBlock(TimestampShapes()[2].make(count, random), values, hint);
  }
}

TEST_CASE("block: any hint is valid", "[codec]") {
  Random random(5);
  for (int round = 0; round < 400; ++round) {
    const uint64_t bits = random();
    EncodeHint hint{static_cast<uint8_t>(bits), static_cast<uint8_t>(bits >> 16 & 7),
                    static_cast<uint8_t>(bits >> 24), (bits >> 8 & 1) != 0};
    const ValueShape& shape = ValueShapes()[random() % ValueShapes().size()];
    CAPTURE(round, shape.name, bits);
    CheckBlock(TimestampShapes()[2].make(100, random), shape.make(100, random), hint);
  }
}

TEST_CASE("block: the shapes reach every encoding", "[codec]") {
  Random random(6);
  std::set<TimestampEncoding> timestamp_encodings;
  std::set<ValueEncoding> value_encodings;
  for (const TimestampShape& timestamps : TimestampShapes()) {
    for (const ValueShape& values : ValueShapes()) {
      EncodeHint hint;
      const EncodedBlock block(timestamps.make(512, random), values.make(512, random), hint);
      timestamp_encodings.insert(block.view().timestamp_encoding());
      value_encodings.insert(block.view().value_encoding());
    }
  }
  CHECK(timestamp_encodings.size() == 5);
  CHECK(value_encodings.size() == 6);
}

TEST_CASE("block: one sample, whatever it is", "[codec]") {
  Random random(7);
  for (const ValueShape& shape : ValueShapes()) {
    EncodeHint hint;
    for (Timestamp timestamp : {kTimestampMin, Timestamp{-1}, Timestamp{0}, kTimestampMax}) {
      CheckBlock({timestamp}, shape.make(1, random), hint);
    }
  }
}

}  // namespace
}  // namespace tsdb::codec

// Runs come back bit for bit, and the bytes are those of docs/formats/runs.md.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

#include "test/storage/codec/run_samples.h"

namespace tsdb::codec {
namespace {

void CheckRoundTrip(const RunPart& part) {
  const std::vector<uint8_t> bytes = part.Encode();
  RunPart back;
  const absl::Status status = ReadRuns(bytes, part.times.size(), back);
  INFO(status);
  REQUIRE(status.ok());
  REQUIRE(back == part);
}

std::string Hex(const std::vector<uint8_t>& bytes) {
  std::string text;
  for (uint8_t byte : bytes) {
    char two[3];
    std::snprintf(two, sizeof(two), "%02x", byte);
    text += two;
  }
  return text;
}

TEST_CASE("runs: the worked example of docs/formats/runs.md", "[codec]") {
  RunPart part;
  part.Add(0, {1000, 2003, 3001, 4007}, {0.25, 0.5, 0.25, 0.75});
  part.Add(1, {1000, 2003, 3001, 4007}, {7, 7, 7, 7});
  part.Add(5, {1002}, {1.5});
  CHECK(Hex(part.Encode()) ==
        "09038a04ca0fd40f032308020732b21819c10200f80a1004010aac020000000000000000");
}

TEST_CASE("runs: none at all", "[codec]") {
  CheckRoundTrip({});
  CHECK(Hex(RunPart{}.Encode()) == "00000000000000000000");
}

TEST_CASE("runs: every shape of times and values at every edge length", "[codec]") {
  Random random(11);
  std::vector<size_t> counts = EdgeLengths();
  for (size_t count : {255, 256, 257, 258, 512, 513, 514, 2048, 5000}) counts.push_back(count);
  for (size_t count : counts) {
    if (count == 0) continue;
    for (const TimestampShape& times : TimestampShapes()) {
      for (const ValueShape& values : ValueShapes()) {
        CAPTURE(count, times.name, values.name);
        RunPart part;
        part.Add(3, times.make(count, random), values.make(count, random));
        part.Add(4, times.make(count, random), values.make(count, random));
        CheckRoundTrip(part);
      }
    }
  }
}

TEST_CASE("runs: counts from 1 to 300 in one part", "[codec]") {
  Random random(12);
  RunPart part;
  for (uint32_t count = 1; count <= 300; ++count) {
    const auto& times = TimestampShapes()[random() % TimestampShapes().size()];
    const auto& values = ValueShapes()[random() % ValueShapes().size()];
    part.Add(count, times.make(count, random), values.make(count, random));
  }
  CheckRoundTrip(part);
}

TEST_CASE("runs: special values in any place", "[codec]") {
  const double nan = std::bit_cast<double>(uint64_t{0x7FF8000000001234});
  const double signalling = std::bit_cast<double>(uint64_t{0xFFF0000000000001});
  const double infinity = std::numeric_limits<double>::infinity();
  for (double special : {nan, signalling, infinity, -infinity, -0.0, 5e-324, 1e308, 9.3e18, -9.3e18,
                         std::nextafter(1.0, 2.0), 9007199254740993.0, 1e-18}) {
    for (size_t count : {1, 2, 3, 9, 40}) {
      for (size_t place = 0; place < count; ++place) {
        for (double usual : {0.0, 1.25, 1.0 / 3}) {
          CAPTURE(special, usual, count, place);
          std::vector<Timestamp> times(count);
          std::vector<double> values(count, usual);
          for (size_t i = 0; i < count; ++i) times[i] = static_cast<Timestamp>(i) * 1000;
          values[place] = special;
          RunPart part;
          part.Add(1, times, values);
          part.Add(2, times, std::vector<double>(count, special));
          CheckRoundTrip(part);
        }
      }
    }
  }
}

TEST_CASE("runs: timestamps whose differences wrap", "[codec]") {
  Random random(13);
  const Timestamp extremes[] = {kTimestampMin,     kTimestampMin + 1, -1, 0, 1,
                                kTimestampMax - 1, kTimestampMax};
  for (int round = 0; round < 3000; ++round) {
    CAPTURE(round);
    RunPart part;
    for (SeriesId series = 0; series < 4; ++series) {
      std::vector<Timestamp> times(1 + random() % 12);
      for (Timestamp& time : times) time = extremes[random() % 7];
      part.Add(series, times, std::vector<double>(times.size(), 1.0));
    }
    CheckRoundTrip(part);
  }
}

TEST_CASE("runs: series in any order, the greatest too", "[codec]") {
  RunPart part;
  for (SeriesId series : {kInvalidSeriesId, SeriesId{0}, SeriesId{7}, SeriesId{7}, SeriesId{3}}) {
    part.Add(series, {1, 2}, {3, 4});
  }
  CheckRoundTrip(part);
}

TEST_CASE("runs: random mixes", "[codec]") {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    RunPart part;
    SeriesId series = 0;
    std::vector<Timestamp> shared;
    for (size_t runs = 1 + random() % 60; runs > 0; --runs) {
      const size_t count = 1 + random() % (random() % 8 == 0 ? 600 : 40);
      const auto& times = TimestampShapes()[random() % TimestampShapes().size()];
      const auto& values = ValueShapes()[random() % ValueShapes().size()];
      if (shared.empty() || random() % 2 == 0) shared = times.make(count, random);
      part.Add(series, shared, values.make(shared.size(), random));
      series += 1 + static_cast<SeriesId>(random() % 3);
    }
    CheckRoundTrip(part);
  }
}

TEST_CASE("runs: the same bytes on every instruction set and from a used encoder", "[codec]") {
  Random random(14);
  RunPart part;
  for (SeriesId series = 0; series < 200; ++series) {
    const size_t count = 1 + random() % 70;
    part.Add(series, TimestampShapes()[series % TimestampShapes().size()].make(count, random),
             ValueShapes()[series % ValueShapes().size()].make(count, random));
  }
  const std::vector<uint8_t> bytes = part.Encode();
  for (InstructionSet set : AvailableInstructionSets()) {
    const WithInstructionSet with(set);
    CHECK(part.Encode() == bytes);
    CheckRoundTrip(part);
  }
  RunsEncoder encoder;
  std::vector<uint8_t> again(EncodedRunsBytesMax(part.times.size(), part.runs.size()));
  for (int round = 0; round < 2; ++round) {
    REQUIRE(encoder.Encode(part.runs, part.times.data(), part.values.data(), again.data()) ==
            bytes.size());
    CHECK(std::equal(bytes.begin(), bytes.end(), again.begin()));
  }
}

TEST_CASE("runs: all of their bytes are written, whatever the room held before", "[codec]") {
  Random random(15);
  RunsEncoder encoder;
  for (const ValueShape& values : ValueShapes()) {
    for (size_t count : {1, 2, 7, 64}) {
      CAPTURE(values.name, count);
      RunPart part;
      part.Add(1, TimestampShapes()[0].make(count, random), values.make(count, random));
      std::vector<uint8_t> bytes(EncodedRunsBytesMax(count, 1), 0xFF);
      bytes.resize(encoder.Encode(part.runs, part.times.data(), part.values.data(), bytes.data()));
      CHECK(bytes == part.Encode());
    }
  }
}

TEST_CASE("runs: the workload's runs keep to their budget", "[codec]") {
  Random random(15);
  for (size_t count : {16, 32, 64}) {
    RunPart part;
    for (SeriesId series = 0; series < 512; ++series) {
      std::vector<Timestamp> times;
      std::vector<double> values;
      int64_t cents = static_cast<int64_t>(random() % 20'000) - 10'000;
      for (size_t i = 0; i < count; ++i) {
        times.push_back(1'700'000'000'000 + static_cast<Timestamp>(i * 1000 + random() % 8));
        values.push_back(static_cast<double>(cents += static_cast<int64_t>(random() % 201) - 100) /
                         100.0);
      }
      part.Add(series, times, values);
    }
    const double bytes = static_cast<double>(part.Encode().size());
    CAPTURE(count);
    CHECK(bytes / static_cast<double>(part.times.size()) < (count == 16 ? 2.2 : 1.9));
  }
}

}  // namespace
}  // namespace tsdb::codec

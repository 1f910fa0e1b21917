// Ranges and searches within a block, against the samples it was made from.
#include <algorithm>
#include <catch2/catch.hpp>

#include "test/storage/codec/samples.h"

namespace tsdb::codec {
namespace {

size_t FindIn(const std::vector<Timestamp>& timestamps, Timestamp timestamp) {
  const auto at = std::lower_bound(timestamps.begin(), timestamps.end(), timestamp);
  const bool found = at != timestamps.end() && *at == timestamp;
  return found ? static_cast<size_t>(at - timestamps.begin()) : timestamps.size();
}

size_t LowerBoundIn(const std::vector<Timestamp>& timestamps, Timestamp timestamp) {
  return static_cast<size_t>(std::lower_bound(timestamps.begin(), timestamps.end(), timestamp) -
                             timestamps.begin());
}

// Around every timestamp, between them, and far outside.
std::vector<Timestamp> Probes(const std::vector<Timestamp>& timestamps, Random& random) {
  std::vector<Timestamp> probes = {kTimestampMin, kTimestampMin + 1, 0, kTimestampMax - 1,
                                   kTimestampMax};
  for (Timestamp timestamp : timestamps) {
    probes.push_back(timestamp);
    if (timestamp > kTimestampMin) probes.push_back(timestamp - 1);
    if (timestamp < kTimestampMax) probes.push_back(timestamp + 1);
  }
  for (int i = 0; i < 50; ++i) {
    const size_t a = random() % timestamps.size();
    const size_t b = std::min(a + 1, timestamps.size() - 1);
    const uint64_t gap =
        static_cast<uint64_t>(timestamps[b]) - static_cast<uint64_t>(timestamps[a]);
    probes.push_back(static_cast<Timestamp>(static_cast<uint64_t>(timestamps[a]) + gap / 2));
  }
  return probes;
}

bool Increases(const std::vector<Timestamp>& timestamps) {
  return std::adjacent_find(timestamps.begin(), timestamps.end(), std::greater_equal<>()) ==
         timestamps.end();
}

TEST_CASE("block: LowerBound and Find agree with a search of the samples", "[codec]") {
  for (const TimestampShape& shape : TimestampShapes()) {
    if (!shape.increasing) continue;
    for (size_t count : EdgeLengths()) {
      const uint64_t seed = 3000 + count;
      Random random(seed);
      CAPTURE(shape.name, count, seed);
      const std::vector<Timestamp> timestamps = shape.make(count, random);
      REQUIRE(Increases(timestamps));
      EncodeHint hint;
      const EncodedBlock block(timestamps, std::vector<double>(count, 1.0), hint);
      for (Timestamp probe : Probes(timestamps, random)) {
        const size_t lower_bound = block.view().LowerBound(probe);
        const size_t found = block.view().Find(probe);
        if (lower_bound != LowerBoundIn(timestamps, probe) || found != FindIn(timestamps, probe)) {
          CAPTURE(probe, static_cast<int>(block.view().timestamp_encoding()));
          CHECK(lower_bound == LowerBoundIn(timestamps, probe));
          REQUIRE(found == FindIn(timestamps, probe));
        }
      }
    }
  }
}

// Every timestamp is found, and none beside them; the encoding is as wanted.
void CheckFinds(const std::vector<Timestamp>& timestamps, TimestampEncoding encoding) {
  EncodeHint hint;
  const EncodedBlock block(timestamps, std::vector<double>(timestamps.size(), 1.0), hint);
  REQUIRE(block.view().timestamp_encoding() == encoding);
  Random random(1);
  size_t wrong = 0;
  for (const Timestamp probe : Probes(timestamps, random)) {
    wrong += block.view().Find(probe) != FindIn(timestamps, probe);
    wrong += block.view().LowerBound(probe) != LowerBoundIn(timestamps, probe);
  }
  CHECK(wrong == 0);
}

bool SurelyIncreases(const std::vector<Timestamp>& timestamps) {
  EncodeHint hint;
  const EncodedBlock block(timestamps, std::vector<double>(timestamps.size(), 1.0), hint);
  return block.view().SurelyIncreases();
}

TEST_CASE("block: what surely increases does", "[codec]") {
  for (const TimestampShape& shape : TimestampShapes()) {
    for (size_t count : EdgeLengths()) {
      Random random(4000 + count);
      CAPTURE(shape.name, count);
      std::vector<Timestamp> timestamps = shape.make(count, random);
      if (SurelyIncreases(timestamps)) REQUIRE(Increases(timestamps));
      // One of them where its neighbour is, or before it.
      const size_t moved = random() % count;
      const Timestamp there = timestamps[moved == 0 ? count - 1 : moved - 1];
      timestamps[moved] = there - (there > kTimestampMin && random() % 2 == 0);
      if (SurelyIncreases(timestamps)) REQUIRE(Increases(timestamps));
    }
  }
}

TEST_CASE("block: regular timestamps and jitter below their stride surely increase", "[codec]") {
  std::vector<Timestamp> timestamps(512);
  for (size_t i = 0; i < timestamps.size(); ++i) timestamps[i] = static_cast<Timestamp>(i) * 10000;
  REQUIRE(SurelyIncreases(timestamps));
  // By 8, and from 0 to 7 more; then to 8 more, and so equal to the next, at one place or at all.
  for (size_t i = 0; i < timestamps.size(); ++i) {
    timestamps[i] = static_cast<Timestamp>(8 * i + (i == 0 || i + 1 == 512 ? 0 : i * 5 % 8));
  }
  REQUIRE(SurelyIncreases(timestamps));
  timestamps[100] = 8 * 100 + 8;
  timestamps[101] = 8 * 101;
  REQUIRE(!Increases(timestamps));
  REQUIRE(!SurelyIncreases(timestamps));
  // Around the end of time, with a stride and with jitter.
  for (const Timestamp jitter : {0, 1}) {
    for (size_t i = 0; i < timestamps.size(); ++i) {
      timestamps[i] = static_cast<Timestamp>(static_cast<uint64_t>(kTimestampMax) - 1000 + 8 * i +
                                             (i % 3 == 1 ? static_cast<uint64_t>(jitter) : 0));
    }
    REQUIRE(!Increases(timestamps));
    REQUIRE(!SurelyIncreases(timestamps));
  }
  REQUIRE(!SurelyIncreases({kTimestampMax, kTimestampMin}));
  REQUIRE(!SurelyIncreases(std::vector<Timestamp>(512, 7)));
}

TEST_CASE("block: residuals as large as the stride lets them be are found", "[codec]") {
  // By 4, and up to 3 more: the last one before the next line's value.
  std::vector<Timestamp> timestamps;
  for (Timestamp i = 0; i < 65; ++i) timestamps.push_back(1'000 + 4 * i + (i % 64 * 7) % 4);
  CheckFinds(timestamps, TimestampEncoding::kLine);
  // By 15.5, and up to 15 more: at even positions as much as the next position's line.
  timestamps.clear();
  for (Timestamp i = 0; i < 65; ++i) {
    const Timestamp residual = i == 0 || i == 64 ? 0 : i % 2 == 0 ? 15 : 1 + i % 15;
    timestamps.push_back(1'000 + i * 31 / 2 + residual);
  }
  CheckFinds(timestamps, TimestampEncoding::kLine);
}

// Decodes ranges and compares the part asked for.
template <typename T, typename Decode>
bool RangesAgree(const std::vector<T>& column, Random& random, Decode decode) {
  for (int i = 0; i < 20; ++i) {
    const size_t begin = random() % column.size();
    const size_t end = begin + 1 + random() % (column.size() - begin);
    std::vector<T> out(DecodeRoom(end - begin / 64 * 64));
    if (decode(begin, end, out.data()) != begin / 64 * 64) return false;
    for (size_t position = begin; position < end; ++position) {
      const T& decoded = out[position - begin / 64 * 64];
      if (std::memcmp(&decoded, &column[position], sizeof(T)) != 0) return false;
    }
  }
  return true;
}

TEST_CASE("block: ranges decode to the samples they cover", "[codec]") {
  for (InstructionSet set : AvailableInstructionSets()) {
    const WithInstructionSet with(set);
    for (size_t count : {size_t{1}, size_t{63}, size_t{65}, size_t{512}, size_t{1003}}) {
      const uint64_t seed = 4000 + count;
      Random random(seed);
      CAPTURE(InstructionSetName(set), count, seed);
      for (const TimestampShape& shape : TimestampShapes()) {
        CAPTURE(shape.name);
        const std::vector<Timestamp> timestamps = shape.make(count, random);
        EncodeHint hint;
        const EncodedBlock block(timestamps, std::vector<double>(count, 1.0), hint);
        REQUIRE(RangesAgree(timestamps, random, [&](size_t begin, size_t end, Timestamp* out) {
          return block.view().DecodeTimestampRange(begin, end, out);
        }));
      }
      for (const ValueShape& shape : ValueShapes()) {
        CAPTURE(shape.name);
        const std::vector<double> values = shape.make(count, random);
        EncodeHint hint;
        const EncodedBlock block(TimestampShapes()[0].make(count, random), values, hint);
        REQUIRE(RangesAgree(values, random, [&](size_t begin, size_t end, double* out) {
          return block.view().DecodeValueRange(begin, end, out);
        }));
      }
    }
  }
}

}  // namespace
}  // namespace tsdb::codec

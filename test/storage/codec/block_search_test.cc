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

TEST_CASE("block: LowerBound and Find agree with a search of the samples", "[codec]") {
  for (const TimestampShape& shape : TimestampShapes()) {
    if (!shape.increasing) continue;
    for (size_t count : EdgeLengths()) {
      const uint64_t seed = 3000 + count;
      Random random(seed);
      CAPTURE(shape.name, count, seed);
      const std::vector<Timestamp> timestamps = shape.make(count, random);
      REQUIRE(std::adjacent_find(timestamps.begin(), timestamps.end(), std::greater_equal<>()) ==
              timestamps.end());
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

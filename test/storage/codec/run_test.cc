// Runs as the log carries them: whatever went in comes out, and whatever comes in does no harm.
#include "storage/codec/run.h"

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace tsdb::codec {
namespace {

struct Records {
  std::vector<Run> runs;
  std::vector<Timestamp> times;
  std::vector<double> values;

  void Add(SeriesId series, const std::vector<Timestamp>& more_times,
           const std::vector<double>& more_values) {
    runs.push_back(
        {series, static_cast<uint32_t>(times.size()), static_cast<uint32_t>(more_times.size())});
    times.insert(times.end(), more_times.begin(), more_times.end());
    values.insert(values.end(), more_values.begin(), more_values.end());
  }
  std::vector<uint8_t> Encode() const {
    const size_t bound = EncodedRunsBytesMax(times.size(), runs.size());
    std::vector<uint8_t> bytes(bound);
    const size_t written = EncodeRuns(runs, times.data(), values.data(), bytes.data());
    REQUIRE(written <= bound);
    bytes.resize(written);
    return bytes;
  }
};

void RequireSame(const Records& records, const std::vector<uint8_t>& bytes) {
  auto reader = RunsReader::Parse(bytes);
  REQUIRE(reader.ok());
  REQUIRE(reader->records() == records.times.size());
  for (const Run& run : records.runs) {
    const RunsReader::DecodedRun* decoded = reader->Next();
    INFO(reader->status().ToString());
    REQUIRE(decoded != nullptr);
    REQUIRE(decoded->series == run.series);
    REQUIRE(decoded->times.size() == run.count);
    REQUIRE(decoded->values.size() == run.count);
    bool same = true;
    for (uint32_t i = 0; i < run.count; ++i) {
      same &= decoded->times[i] == records.times[run.begin + i];
      same &= std::bit_cast<uint64_t>(decoded->values[i]) ==
              std::bit_cast<uint64_t>(records.values[run.begin + i]);
    }
    REQUIRE(same);
  }
  REQUIRE(reader->Next() == nullptr);
  REQUIRE(reader->status().ok());
}

// Timestamps and values of many kinds; `kind` chooses.
Records Mixture(uint64_t seed, size_t runs, size_t longest) {
  std::mt19937_64 random(seed);
  Records records;
  SeriesId series = 0;
  std::vector<Timestamp> times;
  for (size_t i = 0; i < runs; ++i) {
    series += static_cast<SeriesId>(random() % 3 * (random() % 1000));
    const size_t count = 1 + random() % longest;
    if (times.size() != count || random() % 4 > 0) {
      times.resize(count);
      const uint64_t kind = random() % 5;
      auto time = static_cast<Timestamp>(1'700'000'000'000 + random() % 100'000);
      for (Timestamp& at : times) {
        at = kind == 0   ? static_cast<Timestamp>(random())
             : kind == 1 ? time
             : kind == 2 ? (random() % 2 == 0 ? kTimestampMin : kTimestampMax)
                         : time + static_cast<Timestamp>(random() % (kind == 3 ? 8 : 5000));
        time += 1000;
      }
    }
    std::vector<double> values(count);
    const uint64_t kind = random() % 7;
    const double special[] = {-0.0,
                              std::numeric_limits<double>::infinity(),
                              -std::numeric_limits<double>::infinity(),
                              std::bit_cast<double>(uint64_t{0x7ff800000000beef}),
                              std::numeric_limits<double>::denorm_min(),
                              0.0};
    double walk = static_cast<double>(random() % 100'000);
    for (double& value : values) {
      walk += static_cast<double>(random() % 201) - 100;
      value = kind == 0                         ? std::bit_cast<double>(random())
              : kind == 1                       ? 42.5
              : kind == 2                       ? special[random() % 6]
              : kind == 3                       ? walk
              : kind == 4                       ? std::sqrt(walk * walk + 1)
              : kind == 5 && random() % 20 == 0 ? special[random() % 6]
                                                : std::round(walk) / 100;
    }
    records.Add(series, times, values);
  }
  return records;
}

TEST_CASE("runs: every mixture round-trips", "[codec]") {
  const uint64_t seed = GENERATE(range(1, 40));
  INFO("seed " << seed);
  const size_t longest = GENERATE(1u, 3u, 64u, 2048u);
  const Records records = Mixture(seed, longest > 100 ? 20 : 300, longest);
  RequireSame(records, records.Encode());
}

TEST_CASE("runs: none at all", "[codec]") { RequireSame(Records(), Records().Encode()); }

TEST_CASE("runs: the bytes of three small ones", "[codec]") {
  Records records;
  records.Add(7, {1000, 2003, 3001}, {0.25, 0.5, 0.25});
  records.Add(9, {1000, 2003, 3001}, {3, 3, 3});
  records.Add(9, {5000}, {-1.5});
  const std::vector<uint8_t> bytes = records.Encode();
  RequireSame(records, bytes);
  std::string hex;
  for (const uint8_t byte : bytes) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  REQUIRE(hex ==
          "0703"                      // 7 records, 3 runs
          "0703"                      // series 7, 3 records
          "02d00fd00f0007"            // 2 bits: 1000, stride 1000, least 0; 3, 1
          "020500322003"              // 2 digits, 5 bits, no exceptions, from 25: 0, 25, 0
          "020341400000000000000840"  // series 9, 3 records, times as before, constant 3.0
          "000100c03e020000ab02"      // series 9, 1 record at 5000: -150 / 100
          "000000000000000000");
}

TEST_CASE("runs: cut at any length they are refused, and nothing beyond is read", "[codec]") {
  const Records records = Mixture(GENERATE(3, 4), 40, 20);
  const std::vector<uint8_t> bytes = records.Encode();
  for (size_t length = 0; length < bytes.size(); ++length) {
    const std::vector<uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length));
    auto reader = RunsReader::Parse(cut);
    if (!reader.ok()) continue;
    while (reader->Next() != nullptr) {
    }
    REQUIRE(!reader->status().ok());
  }
}

TEST_CASE("runs: with any byte changed they are refused or read within bounds", "[codec]") {
  const Records records = Mixture(GENERATE(5, 6), 30, 12);
  std::vector<uint8_t> bytes = records.Encode();
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (const uint8_t flip : {0x01, 0x80, 0xff}) {
      bytes[at] ^= flip;
      auto reader = RunsReader::Parse(bytes);
      if (reader.ok()) {
        size_t read = 0;
        while (const RunsReader::DecodedRun* run = reader->Next()) read += run->times.size();
        REQUIRE(read <= reader->records());
      }
      bytes[at] ^= flip;
    }
  }
}

TEST_CASE("runs: scrapes of cents take at most 2.5 bytes a record", "[codec]") {
  std::mt19937_64 random(1);
  Records records;
  for (SeriesId series = 0; series < 512; ++series) {
    std::vector<Timestamp> times;
    std::vector<double> values;
    auto cents = static_cast<int64_t>(random() % 1'000'000);
    for (int64_t i = 0; i < 32; ++i) {
      times.push_back(1'700'000'000'000 + i * 1000 + static_cast<int64_t>(random() % 8));
      cents += static_cast<int64_t>(random() % 201) - 100;
      values.push_back(static_cast<double>(cents) / 100);
    }
    records.Add(series, times, values);
  }
  const std::vector<uint8_t> bytes = records.Encode();
  RequireSame(records, bytes);
  REQUIRE(static_cast<double>(bytes.size()) <= 2.5 * 512 * 32);
}

}  // namespace
}  // namespace tsdb::codec

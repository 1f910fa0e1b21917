// Bytes that are not runs, or no longer the runs they were. The bytes lie in memory of exactly
// their length, and so do the columns, so that AddressSanitizer sees the first step beyond them.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "test/storage/codec/run_samples.h"

namespace tsdb::codec {
namespace {

constexpr size_t kRecordsMax = 4096;

RunPart MixedPart(uint64_t seed, size_t count_max) {
  Random random(seed);
  RunPart part;
  SeriesId series = 0;
  for (const ValueShape& values : ValueShapes()) {
    const size_t count = 1 + random() % count_max;
    const auto& times = TimestampShapes()[series % TimestampShapes().size()];
    part.Add(series += 1 + static_cast<SeriesId>(random() % 2), times.make(count, random),
             values.make(count, random));
  }
  return part;
}

// Either an error that names damage, or runs that cover the columns.
void TryBytes(const std::vector<uint8_t>& bytes) {
  RunPart part;
  const absl::Status status = ReadRuns(bytes, kRecordsMax, part);
  REQUIRE(part.times.size() <= kRecordsMax);
  size_t records = 0;
  for (const Run& run : part.runs) {
    REQUIRE(run.begin == records);
    records += run.count;
  }
  REQUIRE(records <= part.times.size());
  if (status.ok()) {
    REQUIRE(records == part.times.size());
  } else {
    REQUIRE(status.code() == absl::StatusCode::kDataLoss);
  }
}

TEST_CASE("runs: cut at any length they are refused", "[codec]") {
  for (size_t count_max : {1, 5, 40}) {
    const std::vector<uint8_t> bytes = MixedPart(21, count_max).Encode();
    for (size_t length = 0; length < bytes.size(); ++length) {
      CAPTURE(count_max, length);
      const std::vector<uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length));
      RunPart part;
      REQUIRE_FALSE(ReadRuns(cut, kRecordsMax, part).ok());
    }
  }
}

TEST_CASE("runs: followed by other bytes they are refused", "[codec]") {
  std::vector<uint8_t> bytes = MixedPart(22, 9).Encode();
  bytes.insert(bytes.end(), 8, 0);
  RunPart part;
  REQUIRE_FALSE(ReadRuns(bytes, kRecordsMax, part).ok());
}

TEST_CASE("runs: with any byte flipped they are refused or decode in bounds", "[codec]") {
  Random random(23);
  for (size_t count_max : {1, 5, 40}) {
    std::vector<uint8_t> bytes = MixedPart(24, count_max).Encode();
    for (size_t i = 0; i < bytes.size(); ++i) {
      const uint8_t before = bytes[i];
      for (int flip : {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF,
                       static_cast<int>(random() % 255 + 1)}) {
        CAPTURE(count_max, i, flip);
        bytes[i] = static_cast<uint8_t>(before ^ flip);
        TryBytes(bytes);
      }
      bytes[i] = before;
    }
  }
}

TEST_CASE("runs: random bytes are refused or decode in bounds", "[codec]") {
  Random random(25);
  for (int round = 0; round < 50'000; ++round) {
    CAPTURE(round);
    std::vector<uint8_t> bytes(10 + random() % 300);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    // Counts and an end mark that are plausible, or nearly all would end at the first check.
    bytes[0] = static_cast<uint8_t>(random() % 128);
    bytes[1] = static_cast<uint8_t>(1 + random() % (bytes[0] + 1) % 127);
    std::fill(bytes.end() - 8, bytes.end(), uint8_t{0});
    TryBytes(bytes);
  }
}

TEST_CASE("runs: more records than there is room for are refused", "[codec]") {
  RunPart part;
  part.Add(1, std::vector<Timestamp>(1000, 5), std::vector<double>(1000, 7.0));
  const std::vector<uint8_t> bytes = part.Encode();
  CHECK(bytes.size() < 32);
  CHECK(RunsReader::Parse(bytes, 1000).ok());
  const auto refused = RunsReader::Parse(bytes, 999);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.status().message().find("1000 records") != absl::string_view::npos);
}

TEST_CASE("runs: records without runs are refused, and no run is given with an error", "[codec]") {
  const auto refused = RunsReader::Parse(std::vector<uint8_t>{5, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 10);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.status().message().find("5 records in 0 runs") != absl::string_view::npos);

  const std::vector<uint8_t> bytes = MixedPart(25, 9).Encode();
  std::vector<Timestamp> times(kRecordsMax + RunsReader::kColumnSlack);
  std::vector<double> values(kRecordsMax + RunsReader::kColumnSlack);
  size_t errors = 0;
  const auto read = [&](const std::vector<uint8_t>& changed) {
    auto reader = RunsReader::Parse(changed, kRecordsMax);
    if (!reader.ok()) return;
    Run run;
    while (reader->Next(run, times.data(), values.data())) REQUIRE(reader->status().ok());
    errors += reader->status().ok() ? 0 : 1;
  };
  for (size_t length = 10; length < bytes.size() - 8; ++length) {
    CAPTURE(length);
    const auto place = bytes.begin() + static_cast<ptrdiff_t>(length);
    // Cut, but with the mark that ends it.
    std::vector<uint8_t> cut(bytes.begin(), place);
    cut.resize(length + 8);
    read(cut);
    // A number of more bytes than any has, and everything else after it.
    std::vector<uint8_t> longer(bytes.begin(), place);
    longer.insert(longer.end(), 10, 0xFF);
    longer.insert(longer.end(), place, bytes.end());
    read(longer);
  }
  CHECK(errors > bytes.size());
}

// In the place of any byte of the encoded part, the greatest there is.
std::set<std::string> Complaints(const RunPart& part) {
  std::set<std::string> complaints;
  const std::vector<uint8_t> bytes = part.Encode();
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::vector<uint8_t> changed = bytes;
    changed[at] = 0xFF;
    RunPart back;
    const absl::Status status = ReadRuns(changed, kRecordsMax, back);
    if (!status.ok()) complaints.insert(std::string(status.message()));
  }
  return complaints;
}

TEST_CASE("runs: every width, exponent and shift is checked", "[codec]") {
  Random random(24);
  const std::vector<Timestamp> regular = {0, 1'000, 2'000, 3'000, 4'000, 5'000, 6'000, 7'000};
  std::vector<Timestamp> uneven = regular;
  for (Timestamp& time : uneven) time += static_cast<Timestamp>(random() % 900);
  std::vector<double> decimals, reals;
  for (size_t i = 0; i < regular.size(); ++i) {
    decimals.push_back(static_cast<double>(random() % 1'000) / 10);
    reals.push_back(std::ldexp(static_cast<double>(random() >> 11), -53));
  }
  RunPart of_decimals, of_reals, of_times;
  of_decimals.Add(1, regular, decimals);
  of_reals.Add(1, regular, reals);
  of_times.Add(1, uneven, std::vector<double>(uneven.size(), 1.0));
  std::string all;
  for (const RunPart* part : {&of_decimals, &of_reals, &of_times}) {
    for (const std::string& complaint : Complaints(*part)) all += complaint + "\n";
  }
  for (const char* what : {"width of times", "exponent", "width of values", "shift of values"}) {
    INFO(what << " in\n" << all);
    CHECK(all.find(what) != std::string::npos);
  }
}

TEST_CASE("runs: an exception beyond the end of its run is refused", "[codec]") {
  std::vector<Timestamp> times;
  std::vector<double> values;
  for (int i = 0; i < 64; ++i) {
    times.push_back(i);
    values.push_back(i == 3 || i == 63 ? std::nan("") : i * 0.5);
  }
  RunPart part;
  part.Add(1, times, values);
  std::vector<uint8_t> bytes = part.Encode();
  // How many values lie between the two stands in front of the second one and the end mark.
  uint8_t& gap = bytes[bytes.size() - 8 - sizeof(double) - 1];
  REQUIRE(gap == 59);
  gap = 60;
  RunPart back;
  const absl::Status status = ReadRuns(bytes, kRecordsMax, back);
  REQUIRE_FALSE(status.ok());
  CHECK(status.message().find("place of an exception") != absl::string_view::npos);
}

TEST_CASE("runs: an error names the run and the byte", "[codec]") {
  RunPart part;
  part.Add(1, {5}, {7.0});
  std::vector<uint8_t> bytes = part.Encode();
  bytes[2] = 0;  // the tag: series and count follow, which they do not
  RunPart back;
  const absl::Status status = ReadRuns(bytes, 10, back);
  REQUIRE_FALSE(status.ok());
  INFO(status);
  CHECK(status.message().find("in run 0 of 1") != absl::string_view::npos);
  CHECK(status.message().find("at byte") != absl::string_view::npos);
}

TEST_CASE("runs: a series or a count of too many bytes ends the reading", "[codec]") {
  RunPart part;
  part.Add(3, {5, 6}, {7.0, 8.0});
  const std::vector<uint8_t> intact = part.Encode();
  // Records, runs, the tag, then the two numbers.
  for (const auto& [at, what] : {std::pair(3, "bad series"), std::pair(4, "bad count")}) {
    std::vector<uint8_t> bytes = intact;
    REQUIRE(bytes[static_cast<size_t>(at)] < 0x80);
    bytes.insert(bytes.begin() + at, 10, 0xFF);
    RunPart back;
    const absl::Status status = ReadRuns(bytes, 10, back);
    INFO(what << ": " << status);
    CHECK(status.message().find(what) != absl::string_view::npos);
    CHECK(back.runs.empty());
  }
}

}  // namespace
}  // namespace tsdb::codec

#include "benchmark/micro/run_rows.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "storage/codec/run.h"

namespace tsdb::codec {
namespace {

// What the merge hands to the log at a time.
constexpr size_t kPartRecords = 32 * 1024;

struct Part {
  std::vector<Run> runs;
  std::vector<Timestamp> times;
  std::vector<double> values;
};

double NowNs() {
  return std::chrono::duration<double, std::nano>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Part WorkloadPart(size_t run_samples) {
  std::mt19937_64 random(42);
  const auto between = [&random](int64_t least, int64_t greatest) {
    return std::uniform_int_distribution<int64_t>(least, greatest)(random);
  };
  Part part;
  for (SeriesId series = 0; part.times.size() < kPartRecords; ++series) {
    part.runs.push_back(
        {series, static_cast<uint32_t>(part.times.size()), static_cast<uint32_t>(run_samples)});
    int64_t cents = between(-20'000, 20'000);
    for (size_t i = 0; i < run_samples; ++i) {
      part.times.push_back(1'700'000'000'000 + static_cast<Timestamp>(i) * 1000 + between(0, 7));
      part.values.push_back(static_cast<double>(cents += between(-100, 100)) / 100.0);
    }
  }
  return part;
}

// One stretch of every series, as a scraper's records come.
Part RecordedPart(const std::vector<RecordedColumn>& columns, size_t begin, size_t run_samples) {
  Part part;
  for (SeriesId series = 0; series < columns.size(); ++series) {
    const RecordedColumn& column = columns[series];
    if (column.values.size() < begin + run_samples) continue;
    part.runs.push_back(
        {series, static_cast<uint32_t>(part.times.size()), static_cast<uint32_t>(run_samples)});
    const auto from = static_cast<ptrdiff_t>(begin),
               to = static_cast<ptrdiff_t>(run_samples) + from;
    part.times.insert(part.times.end(), column.timestamps.begin() + from,
                      column.timestamps.begin() + to);
    part.values.insert(part.values.end(), column.values.begin() + from, column.values.begin() + to);
  }
  return part;
}

void ReportPart(const char* name, size_t run_samples, const Part& part, int rounds) {
  RunsEncoder encoder;
  std::vector<uint8_t> bytes(EncodedRunsBytesMax(part.times.size(), part.runs.size()));
  std::vector<Timestamp> times(part.times.size() + RunsReader::kColumnSlack);
  std::vector<double> values(part.times.size() + RunsReader::kColumnSlack);
  const auto records = static_cast<double>(part.times.size());
  double encode = 1e9, decode = 1e9;
  size_t used = 0;
  for (int round = 0; round < rounds; ++round) {
    double before = NowNs();
    used = encoder.Encode(part.runs, part.times.data(), part.values.data(), bytes.data());
    encode = std::min(encode, (NowNs() - before) / records);
    before = NowNs();
    auto reader = RunsReader::Parse({bytes.data(), used}, part.times.size());
    Run run;
    while (reader.ok() && reader->Next(run, times.data(), values.data())) {
    }
    decode = std::min(decode, (NowNs() - before) / records);
    if (!reader.ok() || !reader->status().ok() ||
        !std::equal(part.times.begin(), part.times.end(), times.begin())) {
      std::printf("%s: runs of %zu do not come back\n", name, run_samples);
      std::exit(1);
    }
  }
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t i = 0; i < used; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3;
  std::printf("%-30s %8zu %7zu %7.3f  %6.2f %6.2f  %016llx\n", name, run_samples, part.times.size(),
              static_cast<double>(used) / records, encode, decode,
              static_cast<unsigned long long>(hash));
}

}  // namespace

void ReportRuns(const std::vector<RecordedColumn>& recorded, int rounds) {
  std::printf("%-30s %8s %7s %7s  %6s %6s  %s\n", "runs", "samples", "records", "B/rec", "encode",
              "decode", "hash of bytes");
  for (size_t run_samples : {1, 8, 16, 32, 64, 512}) {
    ReportPart("W: jitter, cents walk", run_samples, WorkloadPart(run_samples), rounds);
  }
  if (recorded.empty()) return;
  for (size_t run_samples : {1, 8, 32, 64, 512}) {
    ReportPart("node_exporter, all", run_samples, RecordedPart(recorded, 100, run_samples), rounds);
  }
}

}  // namespace tsdb::codec

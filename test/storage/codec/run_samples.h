// What the tests of runs share: parts made of many runs, encoded and read back.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "storage/codec/run.h"
#include "test/storage/codec/samples.h"

namespace tsdb::codec {

struct RunPart {
  std::vector<Run> runs;
  std::vector<Timestamp> times;
  std::vector<double> values;

  void Add(SeriesId series, const std::vector<Timestamp>& run_times,
           const std::vector<double>& run_values) {
    runs.push_back(
        {series, static_cast<uint32_t>(times.size()), static_cast<uint32_t>(run_times.size())});
    times.insert(times.end(), run_times.begin(), run_times.end());
    values.insert(values.end(), run_values.begin(), run_values.end());
  }
  std::vector<uint8_t> Encode() const {
    RunsEncoder encoder;
    std::vector<uint8_t> bytes(EncodedRunsBytesMax(times.size(), runs.size()));
    bytes.resize(encoder.Encode(runs, times.data(), values.data(), bytes.data()));
    return {bytes.begin(), bytes.end()};
  }
  friend bool operator==(const RunPart& a, const RunPart& b) {
    return a.runs == b.runs && a.times == b.times && a.values.size() == b.values.size() &&
           std::equal(a.values.begin(), a.values.end(), b.values.begin(), SameBits);
  }
};

// Reads all there is; `part` is what came before an error, if there is one.
inline absl::Status ReadRuns(std::span<const uint8_t> bytes, size_t records_max, RunPart& part) {
  auto reader = RunsReader::Parse(bytes, records_max);
  if (!reader.ok()) return reader.status();
  part.times.resize(reader->records() + RunsReader::kColumnSlack);
  part.values.resize(reader->records() + RunsReader::kColumnSlack);
  Run run;
  while (reader->Next(run, part.times.data(), part.values.data())) part.runs.push_back(run);
  part.times.resize(reader->records());
  part.values.resize(reader->records());
  return reader->status();
}

}  // namespace tsdb::codec

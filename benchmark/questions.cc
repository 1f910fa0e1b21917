#include "benchmark/questions.h"

#include <algorithm>
#include <cmath>

#include "benchmark/workload_kernels.h"

namespace tsdb::benchmark {

LookupQuestions MakeLookups(const Workload& workload, uint64_t count, uint64_t seed) {
  LookupQuestions questions;
  questions.series.resize(count);
  questions.samples.resize(count);
  questions.timestamps.resize(count);
  questions.answers.resize(count);
  std::vector<uint64_t>& samples = questions.samples;
  std::vector<std::vector<uint64_t>> of_series(workload.series());
  uint64_t random = seed;
  for (uint64_t i = 0; i < count; ++i) {
    random = Mix64(random + i);
    questions.series[i] = static_cast<SeriesId>((random >> 32) % workload.series());
    random = Mix64(random);
    samples[i] = random % workload.samples();
    of_series[questions.series[i]].push_back(i);
  }
  for (SeriesId series = 0; series < workload.series(); ++series) {
    std::vector<uint64_t>& own = of_series[series];
    std::sort(own.begin(), own.end(),
              [&](uint64_t a, uint64_t b) { return samples[a] < samples[b]; });
    SeriesReader reader(workload, series, 0, workload.samples());
    uint64_t begin = 0, end = 0;
    for (const uint64_t question : own) {
      while (samples[question] >= end) {
        begin = end;
        end += reader.Next();
      }
      questions.timestamps[question] = reader.timestamps()[samples[question] - begin];
      questions.answers[question] = reader.values()[samples[question] - begin];
    }
  }
  return questions;
}

ScanQuestions MakeScans(const Workload& workload, uint64_t count, uint64_t length, uint64_t seed) {
  ScanQuestions questions;
  questions.length = length;
  questions.scans.resize(count);
  uint64_t random = seed;
  for (ScanQuestion& scan : questions.scans) {
    random = Mix64(random);
    scan.series = static_cast<SeriesId>((random >> 32) % workload.series());
    random = Mix64(random);
    scan.first_sample = random % (workload.samples() - length + 1);
  }
  std::vector<std::vector<ScanQuestion*>> of_series(workload.series());
  for (ScanQuestion& scan : questions.scans) of_series[scan.series].push_back(&scan);
  std::vector<int64_t> running(workload.samples() + 1);  // sum of cents before each sample
  Aggregate& all = questions.everything;
  for (SeriesId series = 0; series < workload.series(); ++series) {
    SeriesReader reader(workload, series, 0, workload.samples());
    uint64_t sample = 0;
    while (const size_t in_block = reader.Next()) {
      for (size_t i = 0; i < in_block; ++i, ++sample) {
        running[sample + 1] = running[sample] + reader.cents()[i];
        questions.magnitude += std::abs(reader.values()[i]);
        all.min = std::min(all.min, reader.values()[i]);
        all.max = std::max(all.max, reader.values()[i]);
      }
    }
    all.count += sample;
    all.sum += static_cast<double>(running.back()) / 100;
    for (ScanQuestion* scan : of_series[series]) {
      scan->cents = running[scan->first_sample + length] - running[scan->first_sample];
    }
  }
  return questions;
}

bool AskScan(const Snapshot& snapshot, const ScanQuestion& scan, uint64_t length,
             ScanOptions options, uint64_t& returned) {
  Cursor cursor = snapshot.Scan(
      scan.series, Workload::Range(scan.first_sample, scan.first_sample + length), options);
  double sum = 0;
  for (ColumnBlock block; cursor.Next(block);) {
    sum += SumValues(block.values.data(), block.size());
    returned += block.size();
  }
  // Rounding in a sum of so few values is far below a cent.
  return std::llround(sum * 100) == scan.cents;
}

}  // namespace tsdb::benchmark

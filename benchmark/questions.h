// What the reading benchmarks ask, at random, and the right answers, taken from the workload.
//
// Thread safety: immutable once made.
#pragma once

#include <cstdint>
#include <vector>

#include "benchmark/workload.h"
#include "storage/base/types.h"
#include "tsdb/snapshot.h"

namespace tsdb::benchmark {

// Samples to look up; the columns have equal lengths.
struct LookupQuestions {
  std::vector<SeriesId> series;
  std::vector<uint64_t> samples;
  std::vector<Timestamp> timestamps;
  std::vector<double> answers;
};

// `count` random samples of random series. `seed` tells several sets of one workload apart.
LookupQuestions MakeLookups(const Workload& workload, uint64_t count, uint64_t seed);

struct ScanQuestion {
  SeriesId series = 0;
  uint64_t first_sample = 0;
  int64_t cents = 0;  // sum of its samples
};

struct ScanQuestions {
  uint64_t length = 0;  // samples of each scan
  std::vector<ScanQuestion> scans;
  Aggregate everything;  // of the whole workload
  double magnitude = 0;  // sum of absolute values: what rounding in a sum is relative to
};

// `count` scans of `length` samples at random places. REQUIRES: length <= workload.samples().
ScanQuestions MakeScans(const Workload& workload, uint64_t count, uint64_t length, uint64_t seed);

// Adds the scan's samples to `returned`; whether their sum is the right one.
bool AskScan(const Snapshot& snapshot, const ScanQuestion& scan, uint64_t length,
             ScanOptions options, uint64_t& returned);

}  // namespace tsdb::benchmark

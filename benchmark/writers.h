// Writing the workload into a database: series registered, then writer threads that append their
// streams as fast as they can.
//
// Thread safety: each function from one thread; RunWriters starts and joins threads of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmark/flags.h"
#include "benchmark/input.h"
#include "benchmark/report.h"
#include "benchmark/start_gate.h"
#include "tsdb/database.h"

namespace tsdb::benchmark {

// Labels of about 120 bytes, as a scrape of many machines' node exporters gives.
absl::StatusOr<Labels> SeriesLabelsOf(SeriesId series);

struct OpenedDatabase {
  std::unique_ptr<Database> database;
  double open_seconds = 0;  // its buffers allocated and touched
  double registrations_per_second = 0;
  uint64_t resident_before_bytes = 0;
};

// Finds or makes the series 0 .. series - 1 of the workload, which must get these numbers; returns
// how many a second.
absl::StatusOr<double> RegisterSeries(Database& database, uint32_t series);

// A database that knows the series 0 .. series - 1 of the workload by their numbers.
absl::StatusOr<OpenedDatabase> OpenWithSeries(const Options& options, uint32_t series);

struct WriteOptions {
  Shape mode = Shape::kRecords;
  uint64_t commit_every = 0;
  AwaitCommit await_commit = AwaitCommit::kVisible;
};

struct WriterRun {
  Clock::time_point begin;        // just before the first append
  Clock::time_point writers_end;  // after the last append returned
  uint64_t failures = 0;          // appends and commits that were refused
  absl::Status failure;           // the first of them
};

using Inputs = std::vector<std::unique_ptr<InputStream>>;

// One writer for each stream, from its first record to its last. The appenders are gone when it
// returns; handing in what they hold comes after writers_end. REQUIRES: at least one stream.
WriterRun RunWriters(Database& database, const Inputs& inputs, const WriteOptions& options);

// Every term of the ledger, and whether they add up.
JsonObject LedgerObject(const Ledger& ledger);

}  // namespace tsdb::benchmark

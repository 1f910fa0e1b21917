// Flags of the benchmark programs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "benchmark/input.h"
#include "benchmark/workload.h"
#include "tsdb/options.h"

namespace tsdb::benchmark {

enum class Program : uint8_t {
  kIngest,
  kLookup,
  kScan,
  kQuery,
  kRecovery,
  kMixed,
  kIndex,
  kImport
};
// What a writer does after Commit() before it goes on.
enum class AwaitCommit : uint8_t { kNone, kVisible, kDurable };

// What scan_benchmark asks instead of scans and aggregates.
enum class QueryKind : uint8_t { kNone, kSum, kRollup, kGroup, kTop, kCount };

// What a reader beside writers asks by labels, in the place of its other questions.
enum class BesideQuery : uint8_t { kNone, kSmall, kLarge };

// From what recovery_benchmark opens a database: the checkpoint of a clean close, the log of a
// close without one, or the log of a process that was killed.
enum class Scenario : uint8_t { kCheckpoint, kLog, kKilled };
// What a process of recovery_benchmark does; the measuring one starts the others.
enum class Role : uint8_t { kMeasure, kWrite, kOpen };

const char* DurabilityName(Durability durability);

struct Flags {
  uint32_t series = 1024;
  uint64_t samples = 10'000;
  Order order = Order::kScrape;
  Sharing sharing = Sharing::kSeries;
  std::vector<uint32_t> writers;
  std::vector<uint32_t> threads;
  uint32_t repeat = 5;
  uint64_t seed = 1;
  std::string json;  // path, "-" for stdout, empty for none
  uint64_t memory_budget = 0;
  uint64_t write_buffer = 0;
  uint64_t prefault = 0;
  bool baselines = true;
  Defect plant = Defect::kNone;

  // ingest
  Shape mode = Shape::kRecords;
  uint32_t column_samples = kBlockRecords;
  uint64_t commit_every = 0;
  AwaitCommit await_commit = AwaitCommit::kVisible;
  std::string directory;  // for databases of the runs; empty: in memory
  Durability durability = Durability::kAsync;
  uint32_t sync_delay_us = 0;
  bool checkpoint = true;
  bool compare_commit = false;
  bool compare_set = false;
  // lookup, scan, query: with more threads than cores, less would measure the scheduler
  double pass_seconds = 0.1;
  // lookup
  uint64_t lookups = 1'024'000;
  uint32_t batch = 1024;
  // scan
  uint64_t scans = 5120;
  uint64_t length = 1000;
  QueryKind query = QueryKind::kNone;
  // lookup and scan
  uint32_t load_writers = 2;
  bool ingesting = true;
  bool cold = false;             // reopened, with nothing cached, before each run
  bool cold_files_only = false;  // other processes' caches are left alone
  // recovery
  std::vector<Scenario> scenarios = {Scenario::kCheckpoint, Scenario::kLog, Scenario::kKilled};
  Role role = Role::kMeasure;
  Scenario scenario = Scenario::kCheckpoint;  // of the processes it starts, and their directory
  std::string child_database;
  // mixed
  BesideQuery beside = BesideQuery::kNone;
  uint64_t checkpoint_every = 0;  // bytes of log; 0 for none
  bool compare_checkpoints = false;
  uint64_t rate = 0;  // records per second of all writers; 0 for as fast as they can
  uint32_t time_every = 64;
  uint32_t reads_per_snapshot = 256;

  Workload MakeWorkload() const { return Workload(series, samples, seed); }
  InputOptions Input() const { return {order, mode, column_samples}; }
  // For a database whose merges use `merge_threads` threads beside the writers; 0 for one per core.
  Options DatabaseOptions(uint32_t merge_threads, const std::string& directory = "") const;
};

// Nothing when the program should end at once, with `exit_code`: after --help, or after a wrong
// flag, which is then described on stderr.
std::optional<Flags> ParseFlags(int argc, char** argv, Program program, int& exit_code);

}  // namespace tsdb::benchmark

// What lookup_benchmark and scan_benchmark share: a loaded database that is read by more and more
// threads in several ways, alone and beside writers, warm or cold, a row for each.
//
// Thread safety: one thread; runs start and join threads of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmark/baselines.h"
#include "benchmark/flags.h"
#include "benchmark/loaded_database.h"
#include "benchmark/report.h"
#include "tsdb/database.h"

namespace tsdb::benchmark {

inline constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// One row: the runs of one way to read, by a number of threads, beside a number of writers.
struct ReadingRow {
  size_t way = 0;
  uint32_t threads = 0;
  uint32_t writers = 0;
  uint64_t passes = 1;          // over the questions, of one run
  uint64_t answers = 0;         // of one run
  double best_seconds = 0;      // of the fastest run
  Spread rate;                  // answers per second
  double ingest_rate = 0;       // records per second of the writers beside
  double open_seconds = kNone;  // with --cold: of the last reopening
  double hand_rolled_rate = kNone;
  uint64_t peak_resident_bytes = 0;
  Stats stats;

  // Beside writers the fastest run is the one that took most of the cores from them: no best.
  double Headline() const { return writers > 0 ? rate.Median() : rate.Max(); }
};

class ReadingBenchmark {
 public:
  // `name`: of the benchmark in its rows. `columns`: of the table.
  ReadingBenchmark(const char* name, const Flags& flags, std::vector<std::string> columns);
  virtual ~ReadingBenchmark() = default;

  absl::Status Measure();
  bool Print() const { return report_.Print(flags_.json); }

 protected:
  struct Run {
    double seconds = 0;
    uint64_t answers = 0;  // all of them right
  };

  // How many ways there are to read; they are numbered from 0.
  virtual size_t ways() const = 0;
  virtual const char* WayName(size_t way) const = 0;
  virtual void MakeQuestions(const Workload& workload) = 0;
  // Asks everything `passes` times. kDataLoss if an answer is missing or wrong.
  virtual absl::StatusOr<Run> Ask(Database& database, size_t way, uint32_t threads,
                                  uint64_t passes) = 0;
  // Called after the runs of a row, for what is measured apart from them.
  virtual void MeasureMore(Database&, size_t, uint32_t) {}
  // Answers per second out of a HandRolledStore.
  virtual double AskByHand(const HandRolledStore& store, size_t way, uint32_t threads) = 0;
  // Adds the row to the report; SharedFields() begins its object, SharedEnd() ends it.
  virtual void AddRow(const ReadingRow& row) = 0;

  JsonObject SharedFields(const ReadingRow& row) const;
  void SharedEnd(const ReadingRow& row, JsonObject& object) const;

  const Flags flags_;
  Report report_;

 private:
  absl::Status MeasureThreads(Loader& loader, LoadedDatabase& loaded, uint32_t threads);
  // In a database of its own, since it grows by what is written meanwhile.
  absl::Status MeasureBesideIngest(Loader& loader, size_t way, uint32_t threads, uint32_t writers,
                                   double hand_rolled_rate);
  absl::Status MeasureRow(LoadedDatabase& loaded, BackgroundIngest* ingest, ReadingRow& row);
  // Asks until it takes long enough, which warms up and finds row.passes.
  absl::Status WarmUp(Database& database, ReadingRow& row);
  // With --cold closes the database, drops what is cached of its files and opens it again.
  absl::Status MakeCold(LoadedDatabase& loaded, ReadingRow& row);

  const char* const name_;
  std::unique_ptr<HandRolledStore> by_hand_;
  std::optional<DroppedCache> dropped_;  // the last time
  double copy_rate_ = kNone, generator_rate_ = kNone;
};

// Runs one such benchmark; returns the program's exit code.
template <typename Benchmark>
int RunReadingBenchmark(const Flags& flags, const char* program_name) {
  Benchmark benchmark(flags);
  if (absl::Status status = benchmark.Measure(); !status.ok()) return Fail(program_name, status);
  return benchmark.Print() ? 0 : 1;
}

// The main function of a program that is one such benchmark.
template <typename Benchmark>
int RunReadingBenchmark(int argc, char** argv, Program program, const char* program_name) {
  int exit_code = 0;
  const auto flags = ParseFlags(argc, argv, program, exit_code);
  return flags ? RunReadingBenchmark<Benchmark>(*flags, program_name) : exit_code;
}

}  // namespace tsdb::benchmark

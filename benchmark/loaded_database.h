// What the lookup and scan benchmarks read: a database with the whole workload in it, checked, and,
// when asked for, writers that go on ingesting other series meanwhile.
//
// Thread safety: one thread; both start and join threads of their own.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmark/flags.h"
#include "benchmark/page_cache.h"
#include "benchmark/scratch_directory.h"
#include "benchmark/workload.h"
#include "benchmark/writers.h"
#include "tsdb/database.h"

namespace tsdb::benchmark {

inline constexpr uint32_t kBackgroundSeries = 1024;

// A database that holds the workload, with the directory it is in, if any, which goes with it.
struct LoadedDatabase {
  std::unique_ptr<ScratchDirectory> directory;
  Options options;
  uint64_t records = 0;
  std::unique_ptr<Database> database;
  double open_seconds = 0;  // of the last reopening

  // Closes the database, drops the cached pages of its files, see DropPageCache, and opens it
  // again. REQUIRES: it is in a directory.
  absl::StatusOr<DroppedCache> ReopenCold(bool system);
};

// Loads databases with the workload. Keeps its input from one to the next.
class Loader {
 public:
  explicit Loader(const Flags& flags);

  // A new database that holds the workload, merged into leaves; every sample was read back and
  // compared. It also knows kBackgroundSeries series more, still empty, whose ids follow. With
  // --directory it was closed and opened again after it had been written, and then compared.
  absl::StatusOr<LoadedDatabase> Load();

  const Workload& workload() const { return workload_; }
  const Inputs& inputs() const { return inputs_; }

 private:
  Flags flags_;
  Workload workload_;
  Inputs inputs_;
};

// Writers that append to the background series, in scrape order, from construction to Stop().
class BackgroundIngest {
 public:
  BackgroundIngest(Database& database, const Loader& loader, uint32_t writers);
  ~BackgroundIngest();

  // Stops and checks everything: nothing refused, the ledger, the workload's series and those
  // written here bit for bit. To be called once.
  absl::Status Stop();

  // Records appended so far.
  uint64_t Records() const;

 private:
  struct alignas(128) Writer {
    std::unique_ptr<InputStream> input;
    // Written by its thread only, read by Records(): relaxed, a count that nothing else depends on.
    std::atomic<uint64_t> records{0};
    uint64_t failures = 0;
  };
  void Join();

  Database& database_;
  const Loader& loader_;
  Workload workload_;  // of the loaded series and those written here
  Share share_;        // those written here
  std::vector<Writer> writers_;
  // Relaxed: what the threads wrote is published by joining them.
  std::atomic<bool> stop_{false};
  std::vector<std::jthread> threads_;
};

}  // namespace tsdb::benchmark

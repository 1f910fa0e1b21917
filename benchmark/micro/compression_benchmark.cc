// What compressing leaves in groups saves on real metrics, and what reading them costs, one core.
//
//   build/bin/compression_benchmark DIRECTORY [days]
//
// Makes a database of the shipped metrics (1,028 series, 1.4 M samples), repeated once for each
// day, without compression and with it, and prints bytes of segments per sample and, with a budget
// that holds all leaves unpacked and with one that holds few, the best of three: seconds to open,
// M samples/s scanned and aggregated (by statistics, and sample by sample), us per random lookup.
// The files are in the page cache: what is cold is the cache of unpacked leaves.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "benchmark/page_cache.h"
#include "benchmark/scratch_directory.h"
#include "storage/base/check.h"
#include "test/storage/codec/recorded_columns.h"
#include "tsdb/database.h"

namespace tsdb::benchmark {
namespace {

constexpr Timestamp kDayMs = 86'400'000;
constexpr int kRounds = 3;
constexpr size_t kLookups = 20'000;
constexpr uint64_t kLargeBudget = uint64_t{2} << 30;
constexpr uint64_t kSmallBudget = uint64_t{24} << 20;

using Columns = std::vector<codec::RecordedColumn>;

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <typename F>
void Best(double& best, F run) {
  const double before = Seconds();
  run();
  best = std::min(best, Seconds() - before);
}

std::unique_ptr<Database> OpenIn(const std::string& directory, Compression compression,
                                 uint64_t budget) {
  Options options;
  options.directory = directory;
  options.compression = compression;
  options.memory_budget_bytes = budget;
  auto database = Database::Open(options);
  if (!database.ok()) {
    std::fprintf(stderr, "%s\n", std::string(database.status().message()).c_str());
    std::exit(1);
  }
  return *std::move(database);
}

uint64_t Fill(Database& database, const Columns& columns, int days) {
  std::vector<SeriesId> ids;
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto labels = Labels::Create({{kMetricNameLabel, "m"}, {"i", std::to_string(i)}});
    ids.push_back(*database.FindOrCreateSeries(*labels));
  }
  Appender appender = database.NewAppender();
  std::vector<Timestamp> times;
  uint64_t samples = 0;
  for (int day = 0; day < days; ++day) {
    for (size_t i = 0; i < columns.size(); ++i) {
      times = columns[i].timestamps;
      for (Timestamp& time : times) time += day * kDayMs;
      TSDB_CHECK(appender.AppendColumns(ids[i], times, columns[i].values));
      samples += times.size();
    }
  }
  TSDB_CHECK(appender.Commit().Await(Milestone::kVisible).ok());
  return samples;
}

struct Figures {
  double open = 1e9, scan = 1e9, statistics = 1e9, aggregate = 1e9, lookup = 1e9;
};

void Read(Database& database, const Columns& columns, int days, uint64_t samples, Figures& best) {
  const Snapshot snapshot = database.NewSnapshot();
  double sum = 0;
  Best(best.scan, [&] {
    uint64_t count = 0;
    for (SeriesId series = 0; series < columns.size(); ++series) {
      Cursor cursor = snapshot.Scan(series);
      ColumnBlock block;
      while (cursor.Next(block)) {
        count += block.size();
        sum += block.values[0];
      }
    }
    TSDB_CHECK(count == samples);
  });
  const auto aggregate = [&](bool use_statistics) {
    for (SeriesId series = 0; series < columns.size(); ++series) {
      sum += snapshot.AggregateSeries(series, TimeRange::All(), {.use_statistics = use_statistics})
                 .sum;
    }
  };
  Best(best.statistics, [&] { aggregate(true); });
  Best(best.aggregate, [&] { aggregate(false); });
  std::mt19937_64 random(1);
  Best(best.lookup, [&] {
    for (size_t i = 0; i < kLookups; ++i) {
      const auto series = static_cast<SeriesId>(random() % columns.size());
      const auto& times = columns[series].timestamps;
      const Timestamp time =
          times[random() % times.size()] +
          static_cast<Timestamp>(random() % static_cast<uint64_t>(days)) * kDayMs;
      const auto found = snapshot.Lookup(series, time);
      TSDB_CHECK(found.has_value());
      sum += *found;
    }
  });
  volatile double sink = sum;
  (void)sink;
}

void Report(const std::string& parent, Compression compression, const Columns& columns, int days) {
  const ScratchDirectory directory(parent);
  const char* const name = compression == Compression::kNone ? "none" : "lz4";
  uint64_t samples;
  {
    const auto database = OpenIn(directory.path(), compression, kLargeBudget);
    samples = Fill(*database, columns, days);
    TSDB_CHECK(database->Close().ok());
  }
  const auto count = static_cast<double>(samples);
  const auto bytes = FileBytes(directory.path(), ".segment");
  TSDB_CHECK(bytes.ok());
  std::printf("%-5s %12llu samples, %.3f bytes each\n", name,
              static_cast<unsigned long long>(samples), static_cast<double>(*bytes) / count);
  for (const uint64_t budget : {kLargeBudget, kSmallBudget}) {
    Figures best;
    std::unique_ptr<Database> database;
    for (int round = 0; round < kRounds; ++round) {
      if (database != nullptr) TSDB_CHECK(database->Close().ok());
      database.reset();
      Best(best.open, [&] { database = OpenIn(directory.path(), compression, budget); });
      // The first time warms, where there is room for it.
      for (int pass = 0; pass < 2; ++pass) Read(*database, columns, days, samples, best);
    }
    const Stats stats = database->Statistics();
    std::printf("%-5s %5llu MiB %8.3f %10.0f %12.0f %12.0f %10.2f %12llu %8.1f\n", name,
                static_cast<unsigned long long>(budget >> 20), best.open, count / best.scan * 1e-6,
                count / best.statistics * 1e-6, count / best.aggregate * 1e-6,
                best.lookup / kLookups * 1e6, static_cast<unsigned long long>(stats.cache_loads),
                static_cast<double>(stats.cache_bytes) / (1 << 20));
    TSDB_CHECK(database->Close().ok());
  }
}

int Main(const std::string& parent, int days) {
  // The shipped copy, unless somebody has another.
  setenv("TSDB_SHARED_DATA", TSDB_SOURCE_DIR "/test/data", 0);
  const Columns columns = codec::ReadNodeColumns();
  TSDB_CHECK(!columns.empty());
  std::printf("%-5s %9s %8s %10s %12s %12s %10s %12s %8s\n", "", "budget", "open s", "scan M/s",
              "statistics", "aggregate", "lookup us", "groups", "cached");
  std::printf("%-5s %9s %8s %10s %12s %12s %10s %12s %8s\n", "", "", "", "", "M/s", "M/s", "",
              "loaded", "MiB");
  for (const Compression compression : {Compression::kNone, Compression::kLz4}) {
    Report(parent, compression, columns, days);
  }
  return 0;
}

}  // namespace
}  // namespace tsdb::benchmark

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY [days]\n", argv[0]);
    return 2;
  }
  return tsdb::benchmark::Main(argv[1], argc > 2 ? std::max(1, std::atoi(argv[2])) : 14);
}

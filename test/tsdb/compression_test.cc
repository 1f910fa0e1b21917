// Databases with compressed segments and room for few of their leaves in memory, against a map:
// beside readers, with late records, deletions, checkpoints, compaction and openings.
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <thread>

#include "test/faults/memory_file_system.h"
#include "test/tsdb/durable_database.h"
#include "test/tsdb/threads.h"

namespace tsdb {
namespace {

constexpr Timestamp kStep = 1000;
constexpr size_t kSeriesOfRun = 24;

// Reals that no codec makes short, the same every 128 samples, which LZ4 finds. `version` tells a
// later value of a key from an earlier one.
double NoiseOf(Timestamp timestamp, int version) {
  static const auto table = [] {
    std::array<double, 256> values;
    std::mt19937_64 random(1);
    for (double& value : values) value = std::bit_cast<double>(random() >> 2);
    return values;
  }();
  const auto step = static_cast<uint64_t>(timestamp / kStep);
  return table[step % 128 + (version == 0 ? 0 : 128)];
}

Options Compressed(Compression compression = Compression::kLz4) {
  Options options = InDirectory(Durability::kAsync);
  options.memory_budget_bytes = uint64_t{24} << 20;
  options.log_file_bytes = 1 << 20;
  options.compression = compression;
  return options;
}

class Compared {
 public:
  Compared(uint64_t seed, const Options& options) : random_(seed), files_({kParent}) {
    Open(options);
  }

  size_t Pick(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random_); }
  Database& database() { return *database_; }

  void Open(const Options& options) {
    if (database_ != nullptr) {
      Commit();
      appender_.reset();
      loads_ += database_->Statistics().cache_loads;
      REQUIRE(database_->Close().ok());
      database_.reset();
    }
    database_ = OpenIn(&files_, options);
    REQUIRE(database_->Recovery().damage.empty());
    AddSeries(*database_, kSeriesOfRun);
    appender_.emplace(database_->NewAppender());
  }

  void Append(SeriesId series, size_t count) {
    for (size_t i = 0; i < count; ++i) Put(series, clock_[series] += kStep);
  }
  // Some of a stretch that is stored, some of it for the second time.
  void AppendLate(SeriesId series, size_t count) {
    const auto steps = static_cast<size_t>(clock_[series] / kStep);
    if (steps < 2) return;
    const auto from = static_cast<Timestamp>(Pick(steps));
    for (size_t i = 0; i < count; ++i) {
      Put(series, std::min(clock_[series], (from + static_cast<Timestamp>(Pick(700))) * kStep));
    }
  }
  void Delete() {
    const auto series = static_cast<SeriesId>(Pick(kSeriesOfRun));
    const auto steps = static_cast<size_t>(clock_[series] / kStep) + 1;
    const TimeRange range{static_cast<Timestamp>(Pick(steps)) * kStep,
                          static_cast<Timestamp>(Pick(steps)) * kStep};
    Commit();
    REQUIRE(database_->Delete(std::vector<SeriesId>{series}, range).ok());
    auto& truth = truth_[series];
    if (range.Empty()) return;
    truth.erase(truth.lower_bound(range.begin), truth.upper_bound(range.Last()));
  }
  void Commit() { REQUIRE(appender_->Commit().Await(Milestone::kVisible).ok()); }
  void Checkpoint() { REQUIRE(database_->Checkpoint().ok()); }
  void Compact() { REQUIRE(database_->Compact().ok()); }

  void CheckLookups(size_t count) {
    const Snapshot snapshot = database_->NewSnapshot();
    for (size_t i = 0; i < count; ++i) {
      const auto series = static_cast<SeriesId>(Pick(kSeriesOfRun));
      const auto steps = static_cast<size_t>(clock_[series] / kStep) + 2;
      const Timestamp time = static_cast<Timestamp>(Pick(steps)) * kStep;
      const auto expected = truth_[series].find(time);
      const auto found = snapshot.Lookup(series, time);
      REQUIRE(found.has_value() == (expected != truth_[series].end()));
      if (found) REQUIRE(*found == expected->second);
    }
  }
  void CheckSeries(SeriesId series) {
    CAPTURE(series);
    const Snapshot snapshot = database_->NewSnapshot();
    const auto& truth = truth_[series];
    const std::vector<Sample> read = ReadAll(snapshot, series);
    REQUIRE(read.size() == truth.size());
    size_t i = 0;
    for (const auto& [time, value] : truth) {
      REQUIRE(read[i].timestamp == time);
      REQUIRE(read[i].value == value);
      ++i;
    }
    REQUIRE(snapshot.Count(series) == truth.size());
  }
  void CheckAll() {
    Commit();
    for (SeriesId series = 0; series < kSeriesOfRun; ++series) CheckSeries(series);
    CheckLookups(500);
    const absl::Status verified = database_->Verify();
    INFO(verified.ToString());
    REQUIRE(verified.ok());
  }
  uint64_t Loads() const { return loads_ + database_->Statistics().cache_loads; }

 private:
  void Put(SeriesId series, Timestamp time) {
    auto [at, fresh] = truth_[series].try_emplace(time, NoiseOf(time, 0));
    if (!fresh) at->second = NoiseOf(time, 1);
    REQUIRE(appender_->Append(series, time, at->second));
  }

  std::mt19937_64 random_;
  MemoryFileSystem files_;
  std::unique_ptr<Database> database_;
  std::optional<Appender> appender_;
  std::array<std::map<Timestamp, double>, kSeriesOfRun> truth_;
  std::array<Timestamp, kSeriesOfRun> clock_{};
  uint64_t loads_ = 0;
};

// Scans and looks up whatever there is; values must be ones of their keys.
void ReadUntil(const std::atomic<bool>& ending, Database& database, uint64_t seed,
               Findings& findings) {
  std::mt19937_64 random(seed);
  while (!ending.load(std::memory_order_relaxed) && findings.none()) {
    const Snapshot snapshot = database.NewSnapshot({.freshness = Freshness::kMerged});
    const auto series = static_cast<SeriesId>(random() % kSeriesOfRun);
    Cursor cursor = snapshot.Scan(series, TimeRange::All());
    ColumnBlock block;
    Timestamp last = -1;
    while (cursor.Next(block)) {
      for (size_t i = 0; i < block.size(); ++i) {
        const Timestamp time = block.timestamps[i];
        findings.Expect(time > last, "series ", series, ": ", time, " after ", last);
        findings.Expect(block.values[i] == NoiseOf(time, 0) || block.values[i] == NoiseOf(time, 1),
                        "series ", series, " at ", time, ": ", block.values[i]);
        last = time;
      }
    }
    for (int i = 0; i < 50 && last > 0; ++i) {
      const Timestamp time =
          static_cast<Timestamp>(random() % static_cast<uint64_t>(last / kStep)) * kStep;
      const auto found = snapshot.Lookup(series, time);
      findings.Expect(!found || *found == NoiseOf(time, 0) || *found == NoiseOf(time, 1), "series ",
                      series, " at ", time, " looked up");
    }
  }
}

// One stretch of operations beside two readers.
void Operate(Compared& compared, size_t operations) {
  Findings findings;
  std::atomic<bool> ending{false};
  std::vector<std::thread> readers;
  for (uint64_t seed = 0; seed < ThreadCount(2); ++seed) {
    readers.emplace_back([&, seed] { ReadUntil(ending, compared.database(), seed, findings); });
  }
  for (size_t i = 0; i < operations; ++i) {
    const auto series = static_cast<SeriesId>(compared.Pick(kSeriesOfRun));
    switch (compared.Pick(24)) {
      case 0:
        compared.Checkpoint();
        break;
      case 1:
        if (compared.Pick(3) == 0) compared.Compact();
        break;
      case 2:
        if (compared.Pick(3) == 0) compared.Delete();
        break;
      case 3:
      case 4:
        compared.AppendLate(series, 1 + compared.Pick(300));
        break;
      case 5:
        compared.Commit();
        compared.CheckLookups(50);
        break;
      case 6:
        compared.Commit();
        compared.CheckSeries(series);
        break;
      default:
        compared.Append(series, 1 + compared.Pick(2500));
    }
  }
  ending = true;
  for (std::thread& reader : readers) reader.join();
  REQUIRE_NO_FINDINGS(findings);
}

TEST_CASE("compression: random operations beside readers, with little room, agree with a map",
          "[durability]") {
  const auto seed = GENERATE(uint64_t{1}, uint64_t{2});
  CAPTURE(seed);
  Compared compared(seed, Compressed());
  // More than the cache may hold, so that groups come and go from the beginning.
  for (SeriesId series = 0; series < kSeriesOfRun; ++series) {
    compared.Append(series, Scaled(40'000));
    if (series % 6 == 5) compared.Checkpoint();
  }
  for (int round = 0; round < 4; ++round) {
    Operate(compared, Scaled(200) + 20);
    if (round % 2 == 1) compared.CheckAll();
    compared.Open(Compressed());
  }
  compared.CheckAll();
  CHECK(compared.Loads() > 1000 / kSlowdown);
}

TEST_CASE("compression: a directory of one is read and written with the other", "[durability]") {
  const auto first = GENERATE(Compression::kNone, Compression::kLz4);
  const auto second = first == Compression::kNone ? Compression::kLz4 : Compression::kNone;
  Compared compared(7, Compressed(first));
  // Some leaves of every series, however slow the build is.
  const size_t samples = std::max<size_t>(Scaled(6'000), 1'500);
  for (SeriesId series = 0; series < kSeriesOfRun; ++series) compared.Append(series, samples);
  compared.Checkpoint();
  compared.CheckAll();
  REQUIRE((compared.database().Statistics().cache_loads > 0) == (first == Compression::kLz4));
  compared.Open(Compressed(second));
  compared.CheckAll();
  // Segments of both, side by side, then all written anew.
  Operate(compared, 60);
  compared.Checkpoint();
  compared.CheckAll();
  compared.Open(Compressed(first));
  compared.CheckAll();
  Operate(compared, 60);
  compared.Compact();
  compared.CheckAll();
  compared.Open(Compressed(second));
  compared.CheckAll();
}

TEST_CASE("compression: segments are smaller, and the cache stays within its part of the budget",
          "[durability]") {
  uint64_t bytes[2];
  for (const Compression compression : {Compression::kNone, Compression::kLz4}) {
    Compared compared(3, Compressed(compression));
    for (SeriesId series = 0; series < kSeriesOfRun; ++series) {
      compared.Append(series, Scaled(40'000));
      compared.Checkpoint();
    }
    compared.CheckAll();
    const Stats stats = compared.database().Statistics();
    bytes[compression == Compression::kLz4] = stats.segment_bytes;
    // A quarter of 24 MiB, or the least there can be; and what was evicted last.
    CHECK(stats.cache_bytes <= (uint64_t{6} << 20) + (2 << 14));
    CHECK((stats.cache_loads > 0) == (compression == Compression::kLz4));
  }
  CHECK(bytes[1] < bytes[0] / 2);
}

}  // namespace
}  // namespace tsdb

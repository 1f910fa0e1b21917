// Rules 1 to 5 of what must always hold, with 32 writers, readers of every kind and a flusher at
// once.

#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "test/tsdb/test_database.h"
#include "test/tsdb/threads.h"
#include "tsdb/database.h"

namespace tsdb {
namespace {

uint64_t Seed() {
  const char* given = std::getenv("TSDB_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
}

constexpr size_t kWriters = 32;
constexpr SeriesId kShared = kWriters;     // the first of eight series that all writers write
constexpr SeriesId kHot = kShared + 8;     // one series with a third of everything
constexpr SeriesId kSparse = kHot + 1;     // the first of 200 that pass the sparse limit slowly
constexpr size_t kSeries = kSparse + 200;  // 241: four pages

// Every key once: own series get times of their own, in all others times are writer + k * 32.
class MixedWriter {
 public:
  MixedWriter(Database& database, size_t number, uint64_t seed, Findings& findings)
      : appender_(database.NewAppender()),
        number_(static_cast<Timestamp>(number)),
        random_(seed * 1000 + number),
        findings_(findings) {}

  void Run(size_t rounds) {
    for (size_t round = 0; round < rounds; ++round) {
      const auto time = static_cast<Timestamp>(round) * kWriters + number_;
      Append(static_cast<SeriesId>(number_), time);
      Append(kHot, time);
      Append(kShared + static_cast<SeriesId>(round % 8), Delay(time));
      if (round % 8 == 0) {
        Append(kSparse + static_cast<SeriesId>((round / 8 + static_cast<size_t>(number_)) % 200),
               time);
      }
      if (round % 1000 == 999) AppendColumns(round);
      if (round % 128 == 127 && random_() % 4 == 0) {
        const Ticket ticket = appender_.Commit();
        if (random_() % 8 == 0) ticket.Await(Milestone::kVisible).IgnoreError();
      }
    }
  }

  uint64_t appended() const { return appended_; }

 private:
  // Times of 64 rounds of all writers, every seventh pair from the ends inwards swapped: a
  // permutation, so every key stays alone, and some come late.
  static Timestamp Delay(Timestamp time) {
    const Timestamp block = 64 * static_cast<Timestamp>(kWriters);
    const Timestamp offset = time % block;
    const Timestamp mirrored = block - 1 - offset;
    return std::min(offset, mirrored) % 7 == 0 ? time - offset + mirrored : time;
  }
  void Append(SeriesId series, Timestamp time) {
    findings_.Expect(appender_.Append(series, time, ValueOf(series, time)),
                     "append refused: ", appender_.status().ToString());
    ++appended_;
  }
  // A stretch of the writer's own series far above the others, long enough for leaves of its own.
  void AppendColumns(size_t round) {
    const auto series = static_cast<SeriesId>(number_);
    std::vector<Timestamp> times;
    std::vector<double> values;
    for (size_t i = 0; i < 700; ++i) {
      times.push_back(static_cast<Timestamp>(1'000'000'000 + round * 1000 + i));
      values.push_back(ValueOf(series, times.back()));
    }
    findings_.Expect(appender_.AppendColumns(series, times, values),
                     "columns refused: ", appender_.status().ToString());
    appended_ += times.size();
  }

  Appender appender_;
  const Timestamp number_;
  std::mt19937_64 random_;
  Findings& findings_;
  uint64_t appended_ = 0;
};

// Reads in every way there is; what was seen once must be seen again.
class MixedReader {
 public:
  MixedReader(Database& database, uint64_t seed, Findings& findings)
      : database_(database), random_(seed), findings_(findings) {
    for (SeriesId series = 0; series < kSeries; ++series) all_.push_back(series);
  }

  void ReadOnce() {
    const Freshness freshness = random_() % 2 == 0 ? Freshness::kLatest : Freshness::kMerged;
    const Snapshot snapshot = database_.NewSnapshot({.freshness = freshness});
    const SeriesId series = random_() % 3 == 0 ? kHot : static_cast<SeriesId>(random_() % kSeries);
    switch (random_() % 6) {
      case 0:
        ReadPoints(snapshot, series);
        break;
      case 1:
        ReadAggregates(snapshot);
        break;
      case 2:
        ReadMany(snapshot);
        break;
      case 3:
        SeeLast(series, snapshot.Last(series));
        break;
      case 4:
        SeeCount(series, snapshot.Count(series));
        break;
      default: {
        Cursor cursor = snapshot.Scan(series);
        SeeCount(series, CheckCursor(series, cursor, findings_));
      }
    }
  }

 private:
  void SeeCount(SeriesId series, uint64_t count) {
    findings_.Expect(count >= counts_[series], "series ", series, ": ", count, " samples after ",
                     counts_[series]);
    counts_[series] = count;
  }
  void SeeLast(SeriesId series, std::optional<Sample> last) {
    const std::optional<Timestamp> seen = lasts_[series];
    if (!last.has_value()) {
      findings_.Expect(!seen.has_value(), "series ", series, ": no last sample any more");
      return;
    }
    findings_.Expect(!seen.has_value() || last->timestamp >= *seen, "series ", series, ": last at ",
                     last->timestamp, " after ", seen.value_or(0));
    findings_.Expect(last->value == ValueOf(series, last->timestamp), "series ", series,
                     ": last value ", last->value);
    lasts_[series] = last->timestamp;
  }

  // Samples of a scan are found one by one and many at once, by a later snapshot too.
  void ReadPoints(const Snapshot& snapshot, SeriesId series) {
    std::vector<Timestamp> times;
    for (const Sample& sample : ReadAll(snapshot, series)) {
      if (random_() % 16 == 0) times.push_back(sample.timestamp);
    }
    const std::vector<SeriesId> ids(times.size(), series);
    std::vector<double> values(times.size());
    const auto found = std::make_unique<bool[]>(times.size());
    const Snapshot later = database_.NewSnapshot({.freshness = Freshness::kMerged});
    const size_t hits = later.LookupMany(ids, times, values, {found.get(), times.size()});
    findings_.Expect(hits == times.size(), "series ", series, ": ", hits, " of ", times.size(),
                     " samples found again");
    for (size_t i = 0; i < times.size(); ++i) {
      if (found[i]) {
        findings_.Expect(values[i] == ValueOf(series, times[i]), "series ", series, " at ",
                         times[i], ": looked up ", values[i]);
      }
      if (i % 8 != 0) continue;
      const std::optional<double> value = later.Lookup(series, times[i]);
      findings_.Expect(value.has_value() && *value == ValueOf(series, times[i]), "series ", series,
                       " at ", times[i], ": lookup misses");
    }
  }

  void ReadAggregates(const Snapshot& snapshot) {
    const TimeRange range = random_() % 2 == 0 ? TimeRange::All() : TimeRange{1000, 1'000'002'000};
    uint64_t& seen = range == TimeRange::All() ? all_count_ : range_count_;
    for (const bool use_statistics : {true, false}) {
      const AggregateOptions options{.threads = 1 + random_() % 2,
                                     .use_statistics = use_statistics};
      const Aggregate aggregate = snapshot.AggregateMany(all_, range, options);
      findings_.Expect(aggregate.count >= seen, "aggregate over ", aggregate.count, " after ",
                       seen);
      seen = aggregate.count;
      if (aggregate.count == 0) continue;
      findings_.Expect(aggregate.min >= 0 && aggregate.max < (kSeries + 1) * 1000.0, "aggregate ",
                       aggregate.min, " to ", aggregate.max);
    }
  }

  void ReadMany(const Snapshot& snapshot) {
    std::array<std::atomic<uint64_t>, kSeries> counts{};
    std::array<std::atomic<uint32_t>, kSeries> visits{};
    snapshot.ScanMany(all_, TimeRange::All(), 2, [&](SeriesId series, Cursor& cursor) {
      visits[series].fetch_add(1, std::memory_order_relaxed);
      counts[series].store(CheckCursor(series, cursor, findings_), std::memory_order_relaxed);
    });
    for (SeriesId series = 0; series < kSeries; ++series) {
      findings_.Expect(visits[series].load(std::memory_order_relaxed) == 1, "series ", series,
                       " was visited ", visits[series].load(std::memory_order_relaxed), " times");
      SeeCount(series, counts[series].load(std::memory_order_relaxed));
    }
  }

  Database& database_;
  std::mt19937_64 random_;
  Findings& findings_;
  std::vector<SeriesId> all_;
  std::array<uint64_t, kSeries> counts_{};
  std::array<std::optional<Timestamp>, kSeries> lasts_{};
  uint64_t all_count_ = 0;
  uint64_t range_count_ = 0;
};

void RunEverythingAtOnce(const Options& options, size_t rounds, uint64_t seed) {
  const auto database = Open(options);
  AddSeries(*database, kSeries);
  Findings findings;
  std::atomic<bool> done{false};
  Threads others;
  for (size_t i = 0; i < 3; ++i) {
    others.Add([&, i] {
      MixedReader reader(*database, seed + 100 + i, findings);
      // Relaxed: a hint to stop.
      while (!done.load(std::memory_order_relaxed) && findings.none()) reader.ReadOnce();
    });
  }
  others.Add([&] {
    while (!done.load(std::memory_order_relaxed)) {
      findings.Expect(database->Flush().ok(), "flush failed");
    }
  });
  std::atomic<uint64_t> appended{0};
  RunThreads(kWriters, [&](size_t number) {
    MixedWriter writer(*database, number, seed, findings);
    writer.Run(rounds);
    appended.fetch_add(writer.appended(), std::memory_order_relaxed);
  });
  done.store(true, std::memory_order_relaxed);
  others.Join();
  REQUIRE_NO_FINDINGS(findings);
  RequireAllAccountedFor(*database, appended.load(std::memory_order_relaxed));
  REQUIRE(database->Statistics().ledger.replaced == 0);
  const Snapshot snapshot = database->NewSnapshot();
  for (SeriesId series = 0; series < kSeries; ++series) {
    Cursor cursor = snapshot.Scan(series);
    CheckCursor(series, cursor, findings);
  }
  REQUIRE(snapshot.Count(kHot) == rounds * kWriters);
  REQUIRE_NO_FINDINGS(findings);
}

TEST_CASE("database: 32 writers, readers of every kind and a flusher at once lose nothing",
          "[concurrency]") {
  const uint64_t seed = Seed();
  CAPTURE(seed);
  RunEverythingAtOnce({}, Scaled(100'000), seed);
}

TEST_CASE("database: the same with a write buffer of a dozen chunks", "[concurrency]") {
  const uint64_t seed = Seed() + 1;
  CAPTURE(seed);
  RunEverythingAtOnce(TinyBuffers(), Scaled(50'000), seed);
}

TEST_CASE("database: the same with one merge at a time", "[concurrency]") {
  const uint64_t seed = Seed() + 2;
  CAPTURE(seed);
  Options options;
  options.merge_threads = 1;
  RunEverythingAtOnce(options, Scaled(50'000), seed);
}

TEST_CASE("verify: deletions beside it are no loss", "[concurrency]") {
  constexpr size_t kCount = std::max<size_t>(Scaled(2'000), 400);
  constexpr Timestamp kEnd = 100;
  const auto database = Open();
  AddSeries(*database, kCount);
  Appender appender = database->NewAppender();
  for (Timestamp time = 0; time < kEnd; ++time) {
    for (SeriesId id = 0; id < kCount; ++id) {
      if (!appender.Append(id, time, 1)) FAIL(appender.status());
    }
  }
  REQUIRE(appender.Commit().Await(Milestone::kVisible).ok());
  std::vector<SeriesId> all(kCount);
  std::iota(all.begin(), all.end(), SeriesId{0});
  Findings findings;
  std::atomic<bool> done{false};
  Threads threads;
  threads.Add([&] {
    for (Timestamp time = 0; time < kEnd; ++time) {
      const auto deleted = database->Delete(all, {time, time + 1});
      findings.Expect(deleted.ok() && *deleted == kCount, "not all deleted at ", time);
    }
    done.store(true);
  });
  do {
    const absl::Status status = database->Verify();
    findings.Expect(status.ok(), status.ToString());
  } while (!done.load());
  threads.Join();
  REQUIRE(database->Verify().ok());
  REQUIRE_NO_FINDINGS(findings);
}

}  // namespace
}  // namespace tsdb

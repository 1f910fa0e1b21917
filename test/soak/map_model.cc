// Random operations on a database and on a std::map that says what must be in it; every answer is
// compared.
//
//   map_model [--operations N] [--seed S] [--plant lost-record|first-wins|short-delete]
//
// A round is some 100,000 operations on a database of its own, in memory or in a directory of a
// file system in memory, with either policy for duplicates, in tiny buffers or large ones, drawn
// from the round's seed; databases with a directory are also closed, or lose the power, and opened
// again. Operations: appends of one and of many records (in order, late, equal keys, every bit
// pattern), lookups, scans, counts, aggregates, last values, deletions, conditional writes,
// flushes, checkpoints, compactions, reopenings, new series. With --plant the database is told
// something else than the map, and the run succeeds only if that is found.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "test/faults/memory_file_system.h"
#include "tsdb/database.h"
#include "tsdb/internals.h"

namespace tsdb {
namespace {

constexpr uint64_t kRoundOperations = 100'000;
constexpr Timestamp kTimes = 20'000;  // keys lie in [0, kTimes), but for a few anywhere

enum class Plant : uint8_t { kNone, kLostRecord, kFirstWins, kShortDelete };

struct Difference {
  std::string text;
};

template <typename... Parts>
void Expect(bool fine, const Parts&... parts) {
  if (!fine) throw Difference{absl::StrCat(parts...)};
}

uint64_t Bits(double value) { return std::bit_cast<uint64_t>(value); }

class Round {
 public:
  Round(uint64_t seed, Plant plant)
      : random_(seed), plant_(plant), files_(std::make_unique<MemoryFileSystem>(kHome)) {
    options_.memory_budget_bytes = uint64_t{256} << 20;
    options_.merge_threads = 1 + Pick(2);
    if (Pick(2) == 0) options_.write_buffer_bytes = 64 << 10;
    if (Pick(2) == 0) options_.duplicates = DuplicatePolicy::kFirstWins;
    keep_first_ = options_.duplicates == DuplicatePolicy::kFirstWins;
    if (plant == Plant::kFirstWins) {
      options_.duplicates = keep_first_ ? DuplicatePolicy::kLastWins : DuplicatePolicy::kFirstWins;
    }
    if (Pick(2) == 0) {
      options_.directory = "/data/db";
      options_.durability = Pick(2) == 0 ? Durability::kSync : Durability::kAsync;
      options_.log_file_bytes = 256 << 10;
      options_.checkpoint_log_bytes = 512 << 10;
      options_.checkpoint_on_close = Pick(2) == 0;
      options_.compression = Pick(2) == 0 ? Compression::kLz4 : Compression::kNone;
    }
    late_percent_ = Pick(4) * 20;
    Open();
    most_series_ = Pick(3) == 0 ? 400 : 40;
    while (truth_.size() < 3 + Pick(most_series_ / 2)) AddSeries();
  }

  uint64_t Run() {
    for (uint64_t i = 0; i < kRoundOperations; ++i) Operate();
    for (SeriesId series = 0; series < truth_.size(); ++series) Scan(series, TimeRange::All());
    const absl::Status verified = database_->Verify();
    Expect(verified.ok(), verified.ToString());
    uint64_t records = 0;
    for (const Truth& truth : truth_) records += truth.size();
    const Ledger ledger = database_->Statistics().ledger;
    Expect(ledger.in_tree == records && ledger.Rejected() == 0, ledger.in_tree,
           " records in the tree, not ", records);
    return kRoundOperations;
  }

 private:
  using Truth = std::map<Timestamp, double>;
  static inline const std::vector<std::string> kHome = {"/data"};

  size_t Pick(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random_); }
  SeriesId AnySeries() { return static_cast<SeriesId>(Pick(truth_.size())); }

  Timestamp AnyTime() {
    if (Pick(5'000) == 0) return static_cast<Timestamp>(random_());
    return static_cast<Timestamp>(Pick(kTimes));
  }
  // Where a series goes on, or among what it has.
  Timestamp NextTime(SeriesId series) {
    if (Pick(100) < late_percent_) return AnyTime();
    Timestamp& clock = clock_[series];
    clock = clock < kTimes ? clock + 1 + static_cast<Timestamp>(Pick(3)) : 0;
    return clock;
  }
  TimeRange AnyRange() {
    const Timestamp begin = AnyTime();
    if (begin < 0 || begin >= kTimes) return {kTimestampMin, begin};
    return {begin, begin + static_cast<Timestamp>(Pick(2'000))};
  }
  double AnyValue() {
    switch (Pick(50)) {
      case 0:
        return std::bit_cast<double>(random_());
      case 1:
        return -0.0;
      default:
        return static_cast<double>(Pick(100'000)) / 100;
    }
  }

  void Open() {
    auto opened = Internals::Open(options_, files_.get());
    Expect(opened.ok(), "opening: ", opened.status().ToString());
    database_ = *std::move(opened);
    const RecoveryReport& recovery = database_->Recovery();
    Expect(recovery.damage.empty() && recovery.orphans == 0, "damage after opening");
    Expect(database_->SeriesCount() == truth_.size(), database_->SeriesCount(), " series, not ",
           truth_.size());
    appender_.emplace(database_->NewAppender());
  }

  void AddSeries() {
    const auto labels =
        Labels::Create({{kMetricNameLabel, "m"}, {"i", std::to_string(truth_.size())}});
    const auto id = database_->FindOrCreateSeries(*labels);
    Expect(id.ok() && *id == truth_.size(), "a new series: ", id.status().ToString());
    truth_.emplace_back();
    clock_.push_back(0);
  }

  void Operate() {
    const size_t of = Pick(1'000);
    if (of < 400) return AppendOne();
    if (of < 440) return AppendMany();
    if (of < 800) return Lookup();
    if (of < 880) return Last();
    if (of < 950) return Scan(AnySeries(), AnyRange());
    if (of < 980) return Aggregates();
    if (of < 990) return Set();
    if (of < 994) return Delete();
    if (of < 996) return Flush();
    if (of == 996 && Pick(4) == 0) return Checkpoint();
    if (of == 997 && Pick(10) == 0) return Compact();
    if (of == 998 && Pick(10) == 0) return Reopen();
    if (of == 999 && Pick(2) == 0) return Scrape();
    if (truth_.size() < most_series_ && Pick(10) == 0) AddSeries();
  }

  void Remember(SeriesId series, Timestamp time, double value) {
    if (keep_first_) {
      truth_[series].emplace(time, value);
    } else {
      truth_[series][time] = value;
    }
  }

  void AppendOne() {
    const SeriesId series = AnySeries();
    const Timestamp time = NextTime(series);
    const double value = AnyValue();
    Remember(series, time, value);
    if (plant_ == Plant::kLostRecord && Pick(10'000) == 0) return;
    Expect(appender_->Append(series, time, value), appender_->status().ToString());
  }

  // A record of every series.
  void Scrape() {
    for (SeriesId series = 0; series < truth_.size(); ++series) {
      const Timestamp time = NextTime(series);
      const double value = AnyValue();
      Remember(series, time, value);
      Expect(appender_->Append(series, time, value), appender_->status().ToString());
    }
  }

  void AppendMany() {
    const SeriesId series = AnySeries();
    std::vector<Timestamp> times;
    std::vector<double> values;
    const size_t count = Pick(20) == 0 ? 1 + Pick(3'000) : 1 + Pick(40);
    for (size_t i = 0; i < count; ++i) {
      times.push_back(NextTime(series));
      values.push_back(AnyValue());
      Remember(series, times.back(), values.back());
    }
    Expect(appender_->AppendColumns(series, times, values), appender_->status().ToString());
  }

  void Lookup() {
    const SeriesId series = AnySeries();
    const Truth& truth = truth_[series];
    Timestamp time = AnyTime();
    if (const auto near = truth.lower_bound(time); near != truth.end() && Pick(4) != 0) {
      time = near->first;
    }
    const auto found = database_->NewSnapshot().Lookup(series, time);
    Compare(series, time, found);
  }

  void Compare(SeriesId series, Timestamp time, std::optional<double> found) const {
    const auto expected = truth_[series].find(time);
    Expect(found.has_value() == (expected != truth_[series].end()), "series ", series, " at ", time,
           found.has_value() ? ": nothing should be there" : ": nothing is there");
    if (!found.has_value()) return;
    Expect(Bits(*found) == Bits(expected->second), "series ", series, " at ", time, ": ", *found,
           ", not ", expected->second);
  }

  void Last() {
    const SeriesId series = AnySeries();
    const auto last = database_->NewSnapshot().Last(series);
    const Truth& truth = truth_[series];
    Expect(last.has_value() == !truth.empty(), "series ", series, ": last");
    if (!last.has_value()) return;
    Expect(last->timestamp == truth.rbegin()->first, "series ", series, ": last is at ",
           last->timestamp, ", not ", truth.rbegin()->first);
    Compare(series, last->timestamp, last->value);
  }

  void Scan(SeriesId series, TimeRange range) {
    const Truth& truth = truth_[series];
    auto expected = truth.lower_bound(range.begin);
    Cursor cursor = database_->NewSnapshot().Scan(series, range);
    for (ColumnBlock block; cursor.Next(block);) {
      for (size_t i = 0; i < block.size(); ++i, ++expected) {
        Expect(expected != truth.end() && block.timestamps[i] == expected->first, "series ", series,
               ": a scan found ", block.timestamps[i], ", not ",
               expected == truth.end() ? std::string("the end") : std::to_string(expected->first));
        Compare(series, expected->first, block.values[i]);
      }
    }
    Expect(expected == truth.end() || !range.Contains(expected->first), "series ", series,
           ": a scan ended before ", expected == truth.end() ? 0 : expected->first);
    ScanValues(series, range);
  }

  // Without timestamps.
  void ScanValues(SeriesId series, TimeRange range) {
    const Truth& truth = truth_[series];
    auto expected = truth.lower_bound(range.begin);
    Cursor cursor = database_->NewSnapshot().Scan(series, range, {.timestamps = false});
    for (ColumnBlock block; cursor.Next(block);) {
      Expect(block.timestamps.empty(), "series ", series, ": timestamps that nobody asked for");
      for (const double value : block.values) {
        Expect(expected != truth.end(), "series ", series, ": a scan of values went on");
        Compare(series, expected->first, value);
        ++expected;
      }
    }
    Expect(expected == truth.end() || !range.Contains(expected->first), "series ", series,
           ": a scan of values ended before ", expected == truth.end() ? 0 : expected->first);
  }

  void Aggregates() {
    const SeriesId series = AnySeries();
    const TimeRange range = AnyRange();
    const Truth& truth = truth_[series];
    uint64_t count = 0;
    double least = std::numeric_limits<double>::infinity();
    for (auto at = truth.lower_bound(range.begin); at != truth.end() && range.Contains(at->first);
         ++at) {
      ++count;
      if (at->second < least) least = at->second;
    }
    const Snapshot snapshot = database_->NewSnapshot();
    Expect(snapshot.Count(series, range) == count, "series ", series, ": counts");
    const Aggregate aggregate =
        snapshot.AggregateSeries(series, range, {.use_statistics = Pick(2) == 0});
    Expect(aggregate.count == count && aggregate.min == least, "series ", series, ": aggregates");
  }

  void Set() {
    const SeriesId series = AnySeries();
    const Timestamp time = AnyTime();
    Truth& truth = truth_[series];
    const auto present = truth.find(time);
    std::optional<double> expected;
    if (present != truth.end()) expected = present->second;
    const bool right = Pick(3) != 0;
    if (!right) expected = 3.5e300;
    if (expected.has_value() && keep_first_) return;  // refused by contract
    const double desired = AnyValue();
    const auto set = database_->CompareAndSet(series, time, expected, desired);
    Expect(set.ok() && *set == right, "series ", series, " at ", time,
           ": compare and set: ", set.status().ToString());
    if (right) truth[time] = desired;
  }

  void Delete() {
    const SeriesId series = AnySeries();
    TimeRange range = AnyRange();
    Truth& truth = truth_[series];
    const auto begin = truth.lower_bound(range.begin);
    auto end = begin;
    uint64_t count = 0;
    for (; end != truth.end() && range.Contains(end->first); ++end) ++count;
    if (plant_ == Plant::kShortDelete && count > 0) range.end = std::prev(end)->first;
    truth.erase(begin, end);
    const std::vector<SeriesId> one = {series};
    const auto deleted = database_->Delete(one, range);
    Expect(deleted.ok(), deleted.status().ToString());
    Expect(*deleted == count || plant_ == Plant::kShortDelete, "series ", series, ": deleted ",
           *deleted, ", not ", count);
  }

  void Flush() { Expect(database_->Flush().ok(), "flush"); }
  void Checkpoint() {
    const absl::Status status = database_->Checkpoint();
    Expect(status.ok(), status.ToString());
  }
  void Compact() {
    const absl::Status status = database_->Compact();
    Expect(status.ok(), status.ToString());
  }

  void Reopen() {
    if (options_.directory.empty()) return;
    if (options_.durability == Durability::kSync && Pick(2) == 0) {
      // Everything is made durable, and then the power goes.
      const absl::Status durable = appender_->Commit().Await(Milestone::kDurable);
      Expect(durable.ok(), durable.ToString());
      // Series without a record are not: they are only named.
      FillSeries();
      std::unique_ptr<MemoryFileSystem> left = files_->AfterPowerLoss(random_());
      appender_.reset();
      database_ = nullptr;
      files_ = std::move(left);
    } else {
      appender_.reset();
      const absl::Status closed = database_->Close();
      Expect(closed.ok(), closed.ToString());
      database_ = nullptr;
    }
    Open();
  }

  // Durable with what is appended to it.
  void FillSeries() {
    for (SeriesId series = 0; series < truth_.size(); ++series) {
      if (!truth_[series].empty()) continue;
      Remember(series, 1, 1);
      Expect(appender_->Append(series, 1, 1), appender_->status().ToString());
    }
    const absl::Status durable = appender_->Commit().Await(Milestone::kDurable);
    Expect(durable.ok(), durable.ToString());
  }

  std::mt19937_64 random_;
  const Plant plant_;
  Options options_;
  bool keep_first_ = false;
  size_t late_percent_ = 0;
  size_t most_series_ = 0;
  std::unique_ptr<MemoryFileSystem> files_;
  std::unique_ptr<Database> database_;
  std::optional<Appender> appender_;
  std::vector<Truth> truth_;
  std::vector<Timestamp> clock_;
};

struct Flags {
  uint64_t operations = 10'000'000;
  uint64_t seed = 1;
  Plant plant = Plant::kNone;
  std::string planted;
};

int Run(const Flags& flags) {
  uint64_t done = 0;
  for (uint64_t seed = flags.seed; done < flags.operations; ++seed) {
    try {
      done += Round(seed, flags.plant).Run();
    } catch (const Difference& difference) {
      std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed),
                  difference.text.c_str());
      if (flags.plant == Plant::kNone) return 1;
      std::printf("scorecard {\"row\": 12, \"planted\": \"%s\", \"caught\": true}\n",
                  flags.planted.c_str());
      return 0;
    }
  }
  if (flags.plant != Plant::kNone) {
    std::printf("scorecard {\"row\": 12, \"planted\": \"%s\", \"caught\": false}\n",
                flags.planted.c_str());
    return 1;
  }
  std::printf(
      "scorecard {\"row\": 12, \"reached\": \"%llu operations, 0 differences\", "
      "\"met\": %s, \"seed\": %llu}\n",
      static_cast<unsigned long long>(done), done >= 10'000'000 ? "true" : "false",
      static_cast<unsigned long long>(flags.seed));
  return 0;
}

std::optional<Flags> Parse(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--operations") {
      flags.operations = std::strtoull(value.c_str(), nullptr, 10);
    } else if (name == "--seed") {
      flags.seed = std::strtoull(value.c_str(), nullptr, 10);
    } else if (name == "--plant") {
      flags.planted = value;
      if (value == "lost-record") flags.plant = Plant::kLostRecord;
      if (value == "first-wins") flags.plant = Plant::kFirstWins;
      if (value == "short-delete") flags.plant = Plant::kShortDelete;
      if (flags.plant == Plant::kNone) return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  if (argc % 2 == 0) return std::nullopt;
  return flags;
}

}  // namespace
}  // namespace tsdb

int main(int argc, char** argv) {
  const auto flags = tsdb::Parse(argc, argv);
  if (!flags.has_value()) {
    std::fputs("see the head of its source for how it is called\n", stderr);
    return 2;
  }
  return tsdb::Run(*flags);
}

// The database against a std::map, under random operations: what goes in comes out, each record
// once, the later of two with one key, whatever the order, the sizes and the moment of reading.

#include <bit>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tsdb/database.h"

namespace tsdb {
namespace {

uint64_t Bits(double value) { return std::bit_cast<uint64_t>(value); }

// A database and what should be in it.
class Model {
 public:
  Model(uint64_t seed, Options options, size_t series_count)
      : random_(seed), keep_first_(options.duplicates == DuplicatePolicy::kFirstWins) {
    auto opened = Database::Open(options);
    REQUIRE(opened.ok());
    database_ = *std::move(opened);
    for (size_t i = 0; i < series_count; ++i) {
      const std::string number = std::to_string(i);
      auto labels = Labels::Create({{kMetricNameLabel, "m"}, {"i", number}});
      REQUIRE(labels.ok());
      auto id = database_->FindOrCreateSeries(*labels);
      REQUIRE(id.ok());
      REQUIRE(*id == i);
    }
    truth_.resize(series_count);
    clock_.resize(series_count, 1'700'000'000'000);
    for (int i = 0; i < 3; ++i) appenders_.push_back(database_->NewAppender());
    commit();
  }

  size_t Pick(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random_); }

  double Value() {
    switch (Pick(20)) {
      case 0:
        return std::bit_cast<double>(random_());  // any bit pattern
      case 1:
        return -0.0;
      default:
        return static_cast<double>(Pick(100'000)) / 100;
    }
  }

  Timestamp Time(SeriesId series) {
    switch (Pick(200)) {
      case 0:
        return static_cast<Timestamp>(random_());  // anywhere in int64
      case 1:
        return Pick(2) == 0 ? kTimestampMin : kTimestampMax;
      default:
        break;
    }
    if (late_share_ > 0 && Pick(100) < late_share_) {
      return clock_[series] - static_cast<Timestamp>(Pick(4'000'000));
    }
    return clock_[series] += 1 + static_cast<Timestamp>(Pick(2'000));
  }

  // The commit order decides between appenders, so one is committed before another is used.
  void Append() {
    const size_t next = Pick(appenders_.size());
    if (next != current_) {
      commit();
      current_ = next;
    }
    const auto series = static_cast<SeriesId>(Pick(truth_.size()));
    const size_t count = Pick(5) == 0 ? 1 + Pick(3000) : 1 + Pick(4);
    if (Pick(2) == 0) {
      for (size_t i = 0; i < count; ++i) {
        const Sample sample{Time(series), Value()};
        REQUIRE(appenders_[current_].Append(series, sample.timestamp, sample.value));
        Remember(series, sample);
      }
    } else {
      std::vector<Timestamp> times;
      std::vector<double> values;
      for (size_t i = 0; i < count; ++i) {
        times.push_back(Time(series));
        values.push_back(Value());
        Remember(series, {times.back(), values.back()});
      }
      REQUIRE(appenders_[current_].AppendColumns(series, times, values));
    }
    appended_ += count;
  }

  // One scrape: a record of every series.
  void Scrape() {
    for (SeriesId series = 0; series < truth_.size(); ++series) {
      const Sample sample{Time(series), Value()};
      REQUIRE(appenders_[current_].Append(series, sample.timestamp, sample.value));
      Remember(series, sample);
    }
    appended_ += truth_.size();
  }

  void Replace() {
    const size_t at = Pick(appenders_.size());
    appenders_[at] = database_->NewAppender();
  }

  void CheckSeries(SeriesId series) {
    const auto& truth = truth_[series];
    const Snapshot snapshot = database_->NewSnapshot();
    Timestamp begin = kTimestampMin;
    Timestamp end = kTimestampMax;
    if (Pick(2) == 0 && !truth.empty()) {
      begin = clock_[series] - static_cast<Timestamp>(Pick(5'000'000));
      end = begin + static_cast<Timestamp>(Pick(3'000'000));
    }
    const TimeRange range{begin, end};
    auto expected = truth.lower_bound(begin);
    Cursor cursor = snapshot.Scan(series, range);
    ColumnBlock block;
    uint64_t count = 0;
    double min = std::numeric_limits<double>::infinity();
    while (cursor.Next(block)) {
      REQUIRE(block.size() > 0);
      for (size_t i = 0; i < block.size(); ++i) {
        REQUIRE(expected != truth.end());
        REQUIRE(block.timestamps[i] == expected->first);
        REQUIRE(Bits(block.values[i]) == Bits(expected->second));
        if (block.values[i] < min) min = block.values[i];
        ++expected;
        ++count;
      }
    }
    REQUIRE((expected == truth.end() || !range.Contains(expected->first)));
    REQUIRE(snapshot.Count(series, range) == count);
    REQUIRE(snapshot.AggregateSeries(series, range).min == min);
    REQUIRE(snapshot.AggregateSeries(series, range, {.use_statistics = false}).min == min);
    const auto last = snapshot.Last(series);
    REQUIRE(last.has_value() == !truth.empty());
    if (last.has_value()) {
      REQUIRE(last->timestamp == truth.rbegin()->first);
      REQUIRE(Bits(last->value) == Bits(truth.rbegin()->second));
    }
  }

  void CheckLookups(size_t lookups) {
    const Snapshot snapshot = database_->NewSnapshot();
    std::vector<SeriesId> ids;
    std::vector<Timestamp> times;
    for (size_t i = 0; i < lookups; ++i) {
      const auto series = static_cast<SeriesId>(Pick(truth_.size()));
      const auto& truth = truth_[series];
      Timestamp time = clock_[series] - static_cast<Timestamp>(Pick(5'000'000));
      if (auto at = truth.lower_bound(time); at != truth.end() && Pick(4) != 0) time = at->first;
      ids.push_back(series);
      times.push_back(time);
      const auto expected = truth.find(time);
      const auto found = snapshot.Lookup(series, time);
      REQUIRE(found.has_value() == (expected != truth.end()));
      if (found.has_value()) REQUIRE(Bits(*found) == Bits(expected->second));
    }
    std::vector<double> results(lookups);
    const auto found = std::make_unique<bool[]>(lookups);
    snapshot.LookupMany(ids, times, results, {found.get(), lookups});
    for (size_t i = 0; i < lookups; ++i) {
      const auto expected = truth_[ids[i]].find(times[i]);
      REQUIRE(found[i] == (expected != truth_[ids[i]].end()));
      if (found[i]) REQUIRE(Bits(results[i]) == Bits(expected->second));
    }
  }

  void CheckAll() {
    for (SeriesId series = 0; series < truth_.size(); ++series) CheckSeries(series);
    CheckLookups(200);
    const absl::Status verified = database_->Verify();
    INFO(verified.ToString());
    REQUIRE(verified.ok());
    const Ledger ledger = database_->Statistics().ledger;
    REQUIRE(ledger.appended == appended_);
    REQUIRE(ledger.Rejected() == 0);
    uint64_t distinct = 0;
    for (const auto& truth : truth_) distinct += truth.size();
    REQUIRE(ledger.in_tree == distinct);
    REQUIRE(ledger.replaced == appended_ - distinct);
    for (SeriesId series = 0; series < truth_.size(); ++series) CheckSeries(series);
    CheckLookups(200);
  }

  void Flush() { REQUIRE(database_->Flush().ok()); }
  void set_late_share(size_t percent) { late_share_ = percent; }

 private:
  void commit() { appenders_[current_].Commit(); }
  void Remember(SeriesId series, Sample sample) {
    if (keep_first_) {
      truth_[series].emplace(sample.timestamp, sample.value);
    } else {
      truth_[series][sample.timestamp] = sample.value;
    }
  }

  std::mt19937_64 random_;
  const bool keep_first_;
  std::unique_ptr<Database> database_;
  std::vector<Appender> appenders_;
  size_t current_ = 0;
  size_t late_share_ = 10;
  std::vector<std::map<Timestamp, double>> truth_;
  std::vector<Timestamp> clock_;
  uint64_t appended_ = 0;
};

uint64_t Seed() {
  const char* given = std::getenv("TSDB_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
}

void RunRandomOperations(Model& model, size_t operations) {
  for (size_t i = 0; i < operations; ++i) {
    switch (model.Pick(40)) {
      case 0:
        model.CheckLookups(20);
        break;
      case 1:
        model.CheckSeries(static_cast<SeriesId>(model.Pick(3)));
        break;
      case 2:
        model.Replace();
        break;
      case 3:
        if (model.Pick(4) == 0) model.Flush();
        break;
      case 4:
      case 5:
      case 6:
      case 7:
        model.Scrape();
        break;
      default:
        model.Append();
    }
  }
  model.CheckAll();
}

TEST_CASE("model: random operations on few and many series agree with a map", "[model]") {
  for (uint64_t seed = Seed(); seed < Seed() + 6; ++seed) {
    for (const size_t series : {size_t{3}, size_t{70}, size_t{500}}) {
      CAPTURE(seed, series);
      Options options;
      options.duplicates = seed % 3 == 0 ? DuplicatePolicy::kFirstWins : DuplicatePolicy::kLastWins;
      if (seed % 2 == 0) {
        options.memory_budget_bytes = 256 << 20;
        options.write_buffer_bytes = 64 << 10;  // chunks of a few hundred records
      }
      Model model(seed, options, series);
      model.set_late_share(seed % 4 * 25);
      RunRandomOperations(model, series < 100 ? 400 : 300);
    }
  }
}

}  // namespace
}  // namespace tsdb

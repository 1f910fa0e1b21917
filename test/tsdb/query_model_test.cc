// Queries against the plain evaluation: random series, samples, windows, functions and groups,
// with late records, duplicates and deletes, in memory and out of mapped segments.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "storage/codec/instruction_set.h"
#include "test/faults/memory_file_system.h"
#include "test/tsdb/durable_database.h"
#include "test/tsdb/query_model.h"

namespace tsdb {
namespace {

constexpr Timestamp kOrigin = 1'700'000'000'000;

class QueryModel {
 public:
  QueryModel(uint64_t seed, Options options, FileSystem* files)
      : random_(seed),
        first_wins_(options.duplicates == DuplicatePolicy::kFirstWins),
        options_(options),
        files_(files) {
    OpenDatabase();
  }

  size_t Pick(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random_); }

  void AddSeries(size_t samples) {
    ModelSeries added;
    added.labels = {{"__name__", "m"},
                    {"host", "h" + std::to_string(series_.size())},
                    {"job", std::string(1, static_cast<char>('a' + Pick(4)))}};
    if (Pick(3) == 0) added.labels["zone"] = "z" + std::to_string(Pick(2));
    std::vector<Label> labels;
    for (const auto& [name, value] : added.labels) labels.push_back({name, value});
    const auto id = database_->FindOrCreateSeries(*Labels::Create(labels));
    REQUIRE(id.ok());
    REQUIRE(*id == series_.size());
    series_.push_back(added);
    odd_values_ = Pick(4) == 0;
    Timestamp time = kOrigin + static_cast<Timestamp>(Pick(5000));
    const size_t regularity = Pick(3);
    Appender appender = database_->NewAppender();
    for (size_t i = 0; i < samples; ++i) {
      if (regularity == 0) time += 1000;
      if (regularity == 1) time += 1000 + static_cast<Timestamp>(Pick(8));
      if (regularity == 2) time += 1 + static_cast<Timestamp>(Pick(Pick(50) == 0 ? 100'000 : 2000));
      Append(appender, *id, time);
      if (Pick(40) == 0 && late_) {
        Append(appender, *id, time - static_cast<Timestamp>(Pick(2'000'000)));
      }
      if (Pick(200) == 0 && late_) Append(appender, *id, time);
    }
  }

  void AddExtremes(SeriesId series) {
    Appender appender = database_->NewAppender();
    for (const Timestamp time :
         {kTimestampMin, kTimestampMin + 1, kTimestampMax - 1, kTimestampMax}) {
      Append(appender, series, time);
    }
  }

  void DeleteSome() {
    const SeriesId series = static_cast<SeriesId>(Pick(series_.size()));
    const Timestamp begin = kOrigin + static_cast<Timestamp>(Pick(3'000'000));
    const TimeRange range{begin, begin + 1 + static_cast<Timestamp>(Pick(1'000'000))};
    REQUIRE(database_->Delete(std::vector<SeriesId>{series}, range).ok());
    auto& samples = series_[series].samples;
    samples.erase(samples.lower_bound(range.begin), samples.lower_bound(range.end));
  }

  // Through the directory, so that leaves are mapped.
  void Reopen() {
    REQUIRE(database_->Checkpoint().ok());
    REQUIRE(database_->Close().ok());
    database_.reset();
    OpenDatabase();
    REQUIRE(database_->Statistics().mapped_leaves > 0);
  }

  void SetLate(bool late) { late_ = late; }
  Database& database() { return *database_; }
  const std::vector<ModelSeries>& series() const { return series_; }

  Query RandomQuery() {
    Query query;
    const Timestamp begin = kOrigin - 20'000 + static_cast<Timestamp>(Pick(3'000'000));
    query.range = {begin, begin + static_cast<Timestamp>(Pick(Pick(2) == 0 ? 5'000'000 : 60'000))};
    if (Pick(4) > 0) {
      query.step_ms = 1 + static_cast<int64_t>(Pick(Pick(2) == 0 ? 200'000 : 5'000'000));
      const auto span = static_cast<int64_t>(query.range.end - query.range.begin);
      query.step_ms = std::max(query.step_ms, span / 500);
      switch (Pick(4)) {
        case 0:
          query.window_ms = 1 + static_cast<int64_t>(Pick(static_cast<size_t>(query.step_ms)));
          break;
        case 1:
          query.window_ms = query.step_ms * static_cast<int64_t>(1 + Pick(7));
          break;
        case 2:
          query.window_ms = query.step_ms + static_cast<int64_t>(Pick(3'000'000));
          break;
        default:
          break;
      }
    } else if (Pick(3) == 0) {
      query.range = TimeRange::All();
    }
    query.columns.resize(1 + Pick(3));
    for (Column& column : query.columns) {
      column.function = static_cast<WindowFunction>(Pick(9));
      column.group_function = static_cast<GroupFunction>(Pick(7));
      column.quantile = static_cast<double>(Pick(5)) / 4;
      column.group_quantile = static_cast<double>(Pick(11)) / 10;
    }
    if (Pick(2) == 0) {
      query.grouping.emplace();
      for (const char* name : {"job", "zone", "host", "absent"}) {
        if (Pick(2) == 0) query.grouping->labels.push_back(name);
      }
      query.grouping->without = Pick(3) == 0;
    }
    query.options.use_statistics = Pick(4) > 0;
    query.options.threads = 1 + Pick(3);
    return query;
  }

  void Compare(const Query& query) {
    const auto result = RunQuery(*database_, query);
    INFO(result.status().ToString());
    REQUIRE(result.ok());
    const ModelRows expected = ModelAnswer(series_, query);
    const std::vector<TimeRange> windows = ModelWindows(query);
    REQUIRE(result->times().size() == windows.size());
    for (size_t k = 0; k < windows.size(); ++k) REQUIRE(result->times()[k] == windows[k].begin);
    REQUIRE(result->rows() == expected.size());
    size_t row = 0;
    for (const auto& [labels, cells] : expected) {
      std::map<std::string, std::string> found;
      for (const Label& label : result->labels(row)) {
        found[std::string(label.name)] = std::string(label.value);
      }
      REQUIRE(found == labels);  // in this order
      for (size_t column = 0; column < cells.size(); ++column) {
        for (size_t k = 0; k < windows.size(); ++k) {
          INFO("row " << row << " column " << column << " window " << k);
          CompareCell(result->At(row, k, column), cells[column][k]);
        }
      }
      ++row;
    }
  }

 private:
  static void CompareCell(std::optional<double> found, std::optional<double> expected) {
    REQUIRE(found.has_value() == expected.has_value());
    if (!found.has_value()) return;
    if (std::isnan(*expected) || std::isinf(*expected)) {
      INFO(*found << ", should be " << *expected);
      REQUIRE((std::isnan(*expected) ? std::isnan(*found) : *found == *expected));
    } else {
      // Values are below 1e3, counts below 1e5: sums taken in another order differ by less.
      REQUIRE(*found == Approx(*expected).epsilon(1e-9).margin(1e-5));
    }
  }

  void OpenDatabase() { database_ = files_ == nullptr ? Open(options_) : OpenIn(files_, options_); }

  double Value() {
    if (odd_values_) {
      switch (Pick(2000)) {
        case 0:
          return std::numeric_limits<double>::quiet_NaN();
        case 1:
          return std::numeric_limits<double>::infinity();
        case 2:
          return -std::numeric_limits<double>::infinity();
        case 3:
          return -0.0;
        default:
          break;
      }
    }
    return static_cast<double>(Pick(100'000)) / 100 - 500;
  }

  void Append(Appender& appender, SeriesId series, Timestamp time) {
    const double value = Value();
    REQUIRE(appender.Append(series, time, value));
    auto& samples = series_[series].samples;
    if (first_wins_) {
      samples.try_emplace(time, value);
    } else {
      samples[time] = value;
    }
  }

  std::mt19937_64 random_;
  const bool first_wins_;
  const Options options_;
  FileSystem* files_;
  std::unique_ptr<Database> database_;
  std::vector<ModelSeries> series_;
  bool late_ = true;
  bool odd_values_ = false;
};

void Fill(QueryModel& model) {
  for (size_t i = 0; i < 12; ++i) model.AddSeries(model.Pick(4000));  // dense
  for (size_t i = 0; i < 20; ++i) model.AddSeries(model.Pick(40));    // sparse, or just dense
}

void CompareMany(QueryModel& model, size_t queries) {
  for (size_t i = 0; i < queries; ++i) {
    INFO("query " << i);
    model.Compare(model.RandomQuery());
  }
}

TEST_CASE("query: random queries answer as the plain evaluation does", "[query]") {
  const uint64_t seed = GENERATE(1, 2, 3, 4, 5, 6);
  INFO("seed " << seed);
  Options options = TinyBuffers();
  if (seed % 2 == 0) options.duplicates = DuplicatePolicy::kFirstWins;
  QueryModel model(seed, options, nullptr);
  Fill(model);
  CompareMany(model, Scaled(60));  // with late records still beside their leaves
  model.DeleteSome();
  model.DeleteSome();
  CompareMany(model, Scaled(30));
  REQUIRE(model.database().Flush().ok());
  CompareMany(model, Scaled(60));
}

TEST_CASE("query: mapped leaves are read where they lie", "[query]") {
  const uint64_t seed = GENERATE(11, 12);
  INFO("seed " << seed);
  MemoryFileSystem files({kParent});
  QueryModel model(seed, InDirectory(), &files);
  Fill(model);
  model.Reopen();
  CompareMany(model, Scaled(60));
  model.DeleteSome();
  model.AddSeries(3000);
  CompareMany(model, Scaled(30));
}

TEST_CASE("query: samples at both ends of time are in their windows", "[query]") {
  QueryModel model(21, TinyBuffers(), nullptr);
  model.SetLate(false);
  model.AddSeries(1000);
  model.AddExtremes(0);
  model.AddSeries(3);
  model.AddExtremes(1);
  for (const WindowFunction function :
       {WindowFunction::kCount, WindowFunction::kSum, WindowFunction::kFirst, WindowFunction::kLast,
        WindowFunction::kQuantile}) {
    Query query;
    query.columns[0].function = function;
    model.Compare(query);
    query.range = {kTimestampMin, kTimestampMin + 2};
    model.Compare(query);
    query.step_ms = 1;
    model.Compare(query);
    query.window_ms = kTimestampMax;
    model.Compare(query);
    query.range = {kTimestampMax - 5, kTimestampMax};
    query.step_ms = 2;
    query.window_ms = 1;
    model.Compare(query);
    query.step_ms = 0;
    query.window_ms = 0;
    model.Compare(query);
    query.range = {kTimestampMax, kTimestampMax};  // the last instant belongs to it
    model.Compare(query);
  }
}

TEST_CASE("query: every instruction set gives the same bits", "[query]") {
  const uint64_t seed = GENERATE(31, 32);
  INFO("seed " << seed);
  QueryModel model(seed, TinyBuffers(), nullptr);
  Fill(model);
  const codec::InstructionSet active = codec::ActiveInstructionSet();
  for (size_t i = 0; i < Scaled(40); ++i) {
    Query query = model.RandomQuery();
    std::optional<QueryResult> portable;
    for (const codec::InstructionSet set :
         {codec::InstructionSet::kPortable, codec::InstructionSet::kAvx2,
          codec::InstructionSet::kAvx512}) {
      if (!codec::InstructionSetAvailable(set)) continue;
      codec::ForceInstructionSet(set);
      // The number of threads makes no difference either.
      query.options.threads = 1 + static_cast<size_t>(set);
      auto result = RunQuery(model.database(), query);
      REQUIRE(result.ok());
      if (!portable.has_value()) {
        portable = *std::move(result);
        continue;
      }
      REQUIRE(result->rows() == portable->rows());
      for (size_t row = 0; row < result->rows(); ++row) {
        for (size_t column = 0; column < result->columns(); ++column) {
          const auto values = result->Values(row, column);
          REQUIRE(std::memcmp(values.data(), portable->Values(row, column).data(),
                              values.size_bytes()) == 0);
        }
      }
    }
  }
  codec::ForceInstructionSet(active);
}

}  // namespace
}  // namespace tsdb

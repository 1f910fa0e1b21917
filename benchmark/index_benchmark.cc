// How fast series are registered and indexed, and found by their labels: on a series table and a
// label index by themselves. Every answer is compared with what the workload knows.
#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/baselines.h"
#include "benchmark/flags.h"
#include "benchmark/label_workload.h"
#include "benchmark/machine.h"
#include "benchmark/report.h"
#include "benchmark/start_gate.h"
#include "index/label/label_index.h"
#include "storage/base/status_macros.h"

namespace tsdb::benchmark {
namespace {

using label::LabelIndex;
using label::SeriesTable;

constexpr uint32_t kCatchUpBehind = 8192;  // series; asked for once in as many registrations:
constexpr uint32_t kRegistrationsBetween = 512;
constexpr uint32_t kLookups = 1 << 18;
constexpr double kQuerySeconds = 0.03;  // of one run of a query, over and over
constexpr uint32_t kSeriesMax = 200'000'000;

struct Question {
  const char* name;
  std::vector<Matcher> matchers;
  std::function<bool(const LabelNumbers&)> takes;
  bool counting = false;  // SeriesCount instead of Select
};

Matcher Equal(const char* name, std::string value) {
  return {name, MatchOp::kEqual, std::move(value)};
}
Matcher Regex(std::string value) { return {"instance", MatchOp::kRegex, std::move(value)}; }

std::vector<Question> MakeQuestions() {
  using N = const LabelNumbers&;
  constexpr uint32_t kHost = 123;
  const uint32_t job = kHost % 50, rack = kHost % 1000, region = kHost / 50 % 5,
                 shard = kHost / 7 % 100;
  const auto is_odd = [](N n) { return n.host % 2 == 1; };
  return {
      {"three equal, one host",
       {Equal("__name__", MetricText(job, 3)), Equal("instance", InstanceText(kHost)),
        Equal("job", JobText(job))},
       [=](N n) { return n.host == kHost && n.metric == 3; }},
      {"three equal, rack",
       {Equal("__name__", MetricText(job, 3)), Equal("rack", RackText(rack)),
        Equal("region", RegionText(region))},
       [=](N n) { return n.rack == rack && n.metric == 3 && n.region == region; }},
      {"three equal, broad",
       {Equal("job", JobText(job)), Equal("region", RegionText(region)),
        Equal("shard", ShardText(shard))},
       [=](N n) { return n.job == job && n.region == region && n.shard == shard; }},
      {"prefix of 100 hosts", {Regex("host-0001.*")}, [](N n) { return n.host / 100 == 1; }},
      {"prefix of 1000 hosts", {Regex("host-001.*")}, [](N n) { return n.host / 1000 == 1; }},
      {"prefix, then regex", {Regex("host-0001[0-4]\\d:.*")}, [](N n) { return n.host / 50 == 2; }},
      {"three literals",
       {Regex("host-0000(11|22|33):9100")},
       [](N n) { return n.host == 11 || n.host == 22 || n.host == 33; }},
      {"substring",
       {Regex(".*0042.*")},
       [](N n) {
         return n.host / 100 == 42 || n.host % 100'000 / 10 == 42 || n.host == 42 ||
                n.host % 10'000 == 42;
       }},
      {"broad regex", {Regex("host-\\d+[13579]:9100")}, is_odd},
      {"any instance", {Regex(".+")}, [](N) { return true; }},
      {"regex in one rack",
       {Equal("rack", RackText(rack)), Regex("host-\\d+[13579]:9100")},
       [=](N n) { return n.rack == rack && is_odd(n); }},
      {"not equal",
       {{"region", MatchOp::kNotEqual, RegionText(region)}},
       [=](N n) { return n.region != region; }},
      {"not equal, in one job",
       {Equal("job", JobText(job)), {"region", MatchOp::kNotEqual, RegionText(region)}},
       [=](N n) { return n.job == job && n.region != region; }},
      {"count 20 %",
       {Equal("region", RegionText(region))},
       [=](N n) { return n.region == region; },
       true},
      {"count 1 %",
       {Equal("shard", ShardText(shard))},
       [=](N n) { return n.shard == shard; },
       true},
      {"count 0.1 %", {Equal("rack", RackText(rack))}, [=](N n) { return n.rack == rack; }, true},
      {"count 0 %", {Equal("rack", "none")}, [](N) { return false; }, true},
  };
}

absl::Status Differs(const std::string& what, uint64_t found, uint64_t expected) {
  return absl::DataLossError(what + ": " + std::to_string(found) + " found, " +
                             std::to_string(expected) + " expected");
}

struct Store {
  Store() : table(kSeriesMax), index(table) {}
  SeriesTable table;
  LabelIndex index;
};

class IndexBenchmark {
 public:
  explicit IndexBenchmark(const Flags& flags)
      : flags_(flags),
        report_({"what", "threads", "rate", "best", "median", "worst", "selected"}) {}

  absl::Status Measure() {
    JsonObject machine = AddMachine(report_, "index");
    machine.Add("seed", flags_.seed);
    report_.AddObject(machine);
    report_.AddLine(std::to_string(flags_.series) + " series with six labels; best of " +
                    std::to_string(flags_.repeat) + ", every answer checked");
    for (const uint32_t threads : flags_.threads) {
      TSDB_RETURN_IF_ERROR(MeasureRegistration(threads));
    }
    TSDB_RETURN_IF_ERROR(MeasureLookups());
    for (const Question& question : MakeQuestions()) {
      ShowProgress(question.name);
      TSDB_RETURN_IF_ERROR(MeasureQuestion(question));
    }
    AddMemoryRow();  // after the questions: with what they leave behind
    ShowProgress("");
    return absl::OkStatus();
  }
  bool Print() const { return report_.Print(flags_.json); }

 private:
  JsonObject Fields(const char* mode, uint64_t threads) const {
    JsonObject object;
    object.Add("benchmark", "index")
        .Add("series", flags_.series)
        .Add("mode", mode)
        .Add("threads", threads)
        .Add("repeat", flags_.repeat);
    return object;
  }

  LabelNumbers NumbersOf(uint32_t series) const {
    LabelNumbers numbers(series);
    if (flags_.plant == Defect::kChangedValue && series == flags_.series / 2) ++numbers.region;
    return numbers;
  }
  bool IsLeftOut(uint32_t series) const {
    return flags_.plant == Defect::kLostRecord && series == flags_.series / 2;
  }

  // Threads take numbers in turn, in blocks, as scrapes of different targets would come in.
  double Register(Store& store, uint32_t threads, std::vector<SeriesId>& ids) {
    constexpr uint32_t kBlock = 64;
    const double seconds = RunTogether(threads, [&](size_t thread) {
      uint32_t registered = 0;
      for (uint64_t block = thread * kBlock; block < flags_.series; block += threads * kBlock) {
        const auto end = static_cast<uint32_t>(std::min<uint64_t>(block + kBlock, flags_.series));
        for (auto series = static_cast<uint32_t>(block); series < end; ++series) {
          if (IsLeftOut(series)) continue;
          const auto id = store.table.FindOrCreate(LabelsOfNumbers(NumbersOf(series)));
          ids[series] = id.value_or(kInvalidSeriesId);
          if (++registered % kRegistrationsBetween == 0) {
            store.index.CatchUpIfBehind(kCatchUpBehind);
          }
        }
      }
      store.index.CatchUp();
    });
    return seconds;
  }

  absl::Status MeasureRegistration(uint32_t threads) {
    Spread rate, cpu;
    for (uint32_t run = 0; run <= flags_.repeat; ++run) {
      ShowProgress("registering with " + std::to_string(threads) + " threads");
      store_.reset();
      ids_.assign(flags_.series, kInvalidSeriesId);
      resident_before_ = AnonymousResidentBytes();
      store_ = std::make_unique<Store>();
      const double cpu_before = ProcessCpuSeconds();
      const double seconds = Register(*store_, threads, ids_);
      const double cpu_seconds = ProcessCpuSeconds() - cpu_before;
      TSDB_RETURN_IF_ERROR(CheckRegistered());
      if (run == 0) continue;  // it warms up
      rate.Take(flags_.series / seconds);
      cpu.Take(cpu_seconds * 1e9 / flags_.series);
    }
    JsonObject object = Fields("register", threads);
    object.Add("series_per_second", rate.Max());
    rate.AddTo(object, "series_per_second");
    cpu.AddTo(object, "cpu_ns_per_series");
    report_.AddLine("processor time to register and index a series, " + std::to_string(threads) +
                    " threads: " + Decimal(cpu.Min(), 0) + " to " + Decimal(cpu.Max(), 0) + " ns");
    report_.AddRow({"register and index", std::to_string(threads), Quantity(rate.Max()) + "/s",
                    Decimal(1e9 / rate.Max(), 0) + " ns", Decimal(1e9 / rate.Median(), 0) + " ns",
                    Decimal(1e9 / rate.Min(), 0) + " ns", "-"},
                   object);
    return absl::OkStatus();
  }

  absl::Status CheckRegistered() {
    const uint64_t count = store_->table.Count();
    if (count != flags_.series) return Differs("registered series", count, flags_.series);
    if (store_->index.indexed() != count) {
      return Differs("indexed series", store_->index.indexed(), count);
    }
    std::vector<bool> given(flags_.series);
    uint64_t different = 0;
    for (const SeriesId id : ids_) {
      if (id < flags_.series && !given[id]) {
        given[id] = true;
        ++different;
      }
    }
    if (different != flags_.series) return Differs("different ids", different, flags_.series);
    return absl::OkStatus();
  }

  // Labels are made in advance; drawn at random, so most of what a look-up touches is not cached.
  absl::Status MeasureLookups() {
    std::mt19937_64 random(flags_.seed);
    std::vector<Labels> asked;
    std::vector<SeriesId> answers;
    for (uint32_t i = 0; i < kLookups; ++i) {
      const auto series = static_cast<uint32_t>(random() % flags_.series);
      asked.push_back(LabelsOfNumbers(LabelNumbers(series)));
      answers.push_back(ids_[series]);
    }
    Spread ns;
    for (uint32_t run = 0; run <= flags_.repeat; ++run) {
      uint64_t hits = 0;
      const auto begin = Clock::now();
      for (uint32_t i = 0; i < kLookups; ++i) {
        hits += store_->table.Find(asked[i]).value_or(kInvalidSeriesId) == answers[i];
      }
      const double seconds = SecondsBetween(begin, Clock::now());
      if (hits != kLookups) return Differs("series looked up", hits, kLookups);
      if (run > 0) ns.Take(seconds * 1e9 / kLookups);
    }
    JsonObject object = Fields("lookup", 1);
    object.Add("lookups", kLookups).Add("hits", kLookups).Add("ns", ns.Min());
    ns.AddTo(object, "ns");
    report_.AddRow(
        {"look up by labels", "1", Quantity(1e9 / ns.Min()) + "/s", Decimal(ns.Min(), 0) + " ns",
         Decimal(ns.Median(), 0) + " ns", Decimal(ns.Max(), 0) + " ns", "-"},
        object);
    return absl::OkStatus();
  }

  Roaring Expected(const Question& question) const {
    std::vector<SeriesId> ids;
    for (uint32_t series = 0; series < flags_.series; ++series) {
      if (question.takes(LabelNumbers(series))) ids.push_back(ids_[series]);
    }
    std::sort(ids.begin(), ids.end());
    return Roaring(ids.size(), ids.data());
  }

  // Series selected or counted, so often in a row; every answer has to have the right number.
  absl::StatusOr<uint64_t> Ask(const Question& question, uint64_t times, uint64_t expected) const {
    for (uint64_t i = 0; i < times; ++i) {
      uint64_t found = 0;
      if (question.counting) {
        TSDB_ASSIGN_OR_RETURN(found, store_->index.SeriesCount(question.matchers));
      } else {
        TSDB_ASSIGN_OR_RETURN(const Roaring series, store_->index.Select(question.matchers));
        found = series.cardinality();
      }
      if (found != expected) return Differs(question.name, found, expected);
    }
    return times;
  }

  absl::Status MeasureQuestion(const Question& question) {
    const Roaring expected = Expected(question);
    TSDB_ASSIGN_OR_RETURN(const Roaring found, store_->index.Select(question.matchers));
    if (!(found == expected)) {
      return Differs(question.name, found.cardinality(), expected.cardinality());
    }
    const uint64_t count = expected.cardinality();
    const auto seconds_of = [&](uint64_t times) -> absl::StatusOr<double> {
      const auto begin = Clock::now();
      TSDB_RETURN_IF_ERROR(Ask(question, times, count).status());
      return SecondsBetween(begin, Clock::now());
    };
    uint64_t times = 1;
    for (;; times *= 2) {
      TSDB_ASSIGN_OR_RETURN(const double seconds, seconds_of(times));
      if (seconds >= kQuerySeconds / 2) break;
    }
    Spread ns;
    for (uint32_t run = 0; run < flags_.repeat; ++run) {
      TSDB_ASSIGN_OR_RETURN(const double seconds, seconds_of(times));
      ns.Take(seconds * 1e9 / static_cast<double>(times));
    }
    JsonObject object = Fields("query", 1);
    object.Add("name", question.name)
        .Add("counting", question.counting)
        .Add("selected", found.cardinality())
        .Add("expected", count)
        .Add("ns", ns.Min());
    ns.AddTo(object, "ns");
    const auto us = [](double value) { return Decimal(value / 1e3, 2) + " us"; };
    report_.AddRow({question.name, "1", Quantity(1e9 / ns.Min()) + "/s", us(ns.Min()),
                    us(ns.Median()), us(ns.Max()), std::to_string(count)},
                   object);
    return absl::OkStatus();
  }

  void AddMemoryRow() {
    uint64_t text = 0;
    for (SeriesId id = 0; id < flags_.series; ++id) text += store_->table.BytesOf(id).size();
    const auto per_series = [&](double bytes) { return bytes / flags_.series; };
    const double index = per_series(static_cast<double>(store_->index.Bytes()));
    const double table = per_series(static_cast<double>(store_->table.Bytes() - text));
    const double label_text = per_series(static_cast<double>(text));
    const double resident = per_series(static_cast<double>(AnonymousResidentBytes()) -
                                       static_cast<double>(resident_before_));
    JsonObject object = Fields("memory", 1);
    object.Add("index_bytes_per_series", index)
        .Add("table_bytes_per_series", table)
        .Add("label_text_bytes_per_series", label_text)
        .Add("resident_bytes_per_series", resident);
    report_.AddObject(object);
    report_.AddLine("bytes a series: index " + Decimal(index, 1) + ", series table " +
                    Decimal(table, 1) + " beside label text " + Decimal(label_text, 1) +
                    "; resident memory grew by " + Decimal(resident, 1));
  }

  const Flags flags_;
  Report report_;
  std::unique_ptr<Store> store_;
  std::vector<SeriesId> ids_;  // by number of the series
  uint64_t resident_before_ = 0;
};

}  // namespace
}  // namespace tsdb::benchmark

int main(int argc, char** argv) {
  using namespace tsdb::benchmark;
  int exit_code = 0;
  const auto flags = ParseFlags(argc, argv, Program::kIndex, exit_code);
  if (!flags) return exit_code;
  IndexBenchmark benchmark(*flags);
  if (absl::Status status = benchmark.Measure(); !status.ok()) {
    return Fail("index_benchmark", status);
  }
  return benchmark.Print() ? 0 : 1;
}

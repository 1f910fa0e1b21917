// How fast samples are found by series and timestamp: random lookups, all of samples that exist,
// alone and while writers ingest. Every value found is compared with the workload.
#include <algorithm>
#include <bit>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "benchmark/latency_histogram.h"
#include "benchmark/questions.h"
#include "benchmark/reading_benchmark.h"
#include "benchmark/tick_clock.h"
#include "tsdb/database.h"

namespace tsdb::benchmark {
namespace {

enum Way : size_t { kSingle, kMany, kWays };

struct alignas(128) Answers {
  uint64_t hits = 0, matches = 0;
  LatencyHistogram latency_ticks;
};

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

class LookupBenchmark final : public ReadingBenchmark {
 public:
  explicit LookupBenchmark(const Flags& flags)
      : ReadingBenchmark("lookup", flags,
                         {"threads", "by", "writers", "lookups/s", "median", "min", "p50 ns",
                          "p95 ns", "p99 ns", "p99.9 ns", "max ns", "ingested/s", "by hand/s"}) {}

 private:
  size_t ways() const override { return kWays; }
  const char* WayName(size_t way) const override { return way == kSingle ? "single" : "many"; }

  void MakeQuestions(const Workload& workload) override {
    questions_ = MakeLookups(workload, flags_.lookups, workload.seed());
  }

  // The questions are shared by the threads.
  absl::StatusOr<Run> Ask(Database& database, size_t way, uint32_t threads,
                          uint64_t passes) override {
    std::vector<Answers> answers(threads);
    Run run;
    run.seconds = RunTogether(threads, [&](size_t thread) {
      const Snapshot snapshot = database.NewSnapshot({.freshness = Freshness::kMerged});
      for (uint64_t pass = 0; pass < passes; ++pass) {
        way == kSingle ? AskOneByOne(snapshot, thread, threads, answers[thread])
                       : AskInBatches(snapshot, thread, threads, answers[thread]);
      }
    });
    uint64_t matches = 0;
    for (const Answers& own : answers) {
      run.answers += own.hits;
      matches += own.matches;
    }
    const uint64_t asked = passes * flags_.lookups;
    if (run.answers == asked && matches == asked) return run;
    return absl::DataLossError("of " + std::to_string(asked) + " lookups " +
                               std::to_string(run.answers) + " found a sample, " +
                               std::to_string(matches) + " the right one");
  }

  uint64_t Cut(size_t thread, size_t threads) const { return flags_.lookups * thread / threads; }

  void AskOneByOne(const Snapshot& snapshot, size_t thread, size_t threads, Answers& answers) {
    uint64_t hits = 0, matches = 0;
    const uint64_t end = Cut(thread + 1, threads);
    for (uint64_t i = Cut(thread, threads); i < end; ++i) {
      const std::optional<double> value =
          snapshot.Lookup(questions_.series[i], questions_.timestamps[i]);
      hits += value.has_value();
      matches += value.has_value() && SameBits(*value, questions_.answers[i]);
    }
    answers.hits += hits;
    answers.matches += matches;
  }

  void AskInBatches(const Snapshot& snapshot, size_t thread, size_t threads, Answers& answers) {
    std::vector<double> values(flags_.batch);
    const std::unique_ptr<bool[]> found(new bool[flags_.batch]);
    const uint64_t end = Cut(thread + 1, threads);
    for (uint64_t begin = Cut(thread, threads); begin < end; begin += flags_.batch) {
      const size_t count = std::min<uint64_t>(flags_.batch, end - begin);
      answers.hits += snapshot.LookupMany({&questions_.series[begin], count},
                                          {&questions_.timestamps[begin], count},
                                          {values.data(), count}, {found.get(), count});
      for (size_t i = 0; i < count; ++i) {
        answers.matches += found[i] && SameBits(values[i], questions_.answers[begin + i]);
      }
    }
  }

  // Each lookup timed, in a pass of its own: reading the clock costs as much as a fast lookup.
  void MeasureMore(Database& database, size_t way, uint32_t threads) override {
    latency_ = {};
    if (way != kSingle) return;
    const TickScale scale = MeasureTicks();
    std::vector<Answers> answers(threads);
    RunTogether(threads, [&](size_t thread) {
      const Snapshot snapshot = database.NewSnapshot({.freshness = Freshness::kMerged});
      Answers& own = answers[thread];
      const uint64_t end = Cut(thread + 1, threads);
      uint64_t before = Ticks();
      for (uint64_t i = Cut(thread, threads); i < end; ++i) {
        own.hits += snapshot.Lookup(questions_.series[i], questions_.timestamps[i]).has_value();
        const uint64_t after = Ticks();
        const uint64_t taken = after - before;
        own.latency_ticks.Take(taken - std::min(taken, scale.read_ticks));
        before = after;
      }
    });
    for (const Answers& own : answers) latency_.Merge(own.latency_ticks);
  }

  double AskByHand(const HandRolledStore& store, size_t, uint32_t threads) override {
    std::vector<Answers> answers(threads);
    double best = 0;
    for (int attempt = 0; attempt < 3; ++attempt) {
      const double seconds = RunTogether(threads, [&](size_t thread) {
        uint64_t hits = 0;
        const uint64_t end = Cut(thread + 1, threads);
        for (uint64_t i = Cut(thread, threads); i < end; ++i) {
          const auto value = store.Lookup(questions_.series[i], questions_.timestamps[i]);
          hits += value.has_value() && SameBits(*value, questions_.answers[i]);
        }
        answers[thread].hits = hits;
      });
      best = std::max(best, static_cast<double>(flags_.lookups) / seconds);
    }
    return best;
  }

  void AddRow(const ReadingRow& row) override {
    const double ns_per_tick = MeasureTicks().ns_per_tick;
    const auto percentile = [&](double fraction) {
      return latency_.count() == 0 ? kNone : latency_.Percentile(fraction) * ns_per_tick;
    };
    const double p50 = percentile(0.5), p95 = percentile(0.95), p99 = percentile(0.99);
    const double p99_9 = percentile(0.999);
    const double max =
        latency_.count() == 0 ? kNone : static_cast<double>(latency_.Max()) * ns_per_tick;
    JsonObject object = SharedFields(row);
    object.Add("lookups", row.passes * flags_.lookups)
        .Add("hits", row.answers)
        .Add("matches", row.answers)  // or there would be no row
        .Add("lookups_per_second", row.Headline());
    row.rate.AddTo(object, "lookups_per_second");
    object.Add("p50_ns", p50)
        .Add("p95_ns", p95)
        .Add("p99_ns", p99)
        .Add("p99_9_ns", p99_9)
        .Add("max_ns", max)
        .Add("hand_rolled_lookups_per_second", row.hand_rolled_rate);
    SharedEnd(row, object);
    report_.AddRow(
        {std::to_string(row.threads), row.way == kSingle ? "one" : "batch",
         std::to_string(row.writers), Quantity(row.Headline()), Quantity(row.rate.Median()),
         Quantity(row.rate.Min()), Decimal(p50, 0), Decimal(p95, 0), Decimal(p99, 0),
         Decimal(p99_9, 0), Decimal(max, 0), row.writers > 0 ? Quantity(row.ingest_rate) : "-",
         Quantity(row.hand_rolled_rate)},
        object);
  }

  LookupQuestions questions_;
  LatencyHistogram latency_;  // in ticks, of the row's lookups one by one
};

}  // namespace
}  // namespace tsdb::benchmark

int main(int argc, char** argv) {
  using namespace tsdb::benchmark;
  return RunReadingBenchmark<LookupBenchmark>(argc, argv, Program::kLookup, "lookup_benchmark");
}

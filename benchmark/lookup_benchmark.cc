// How fast samples are found by series and timestamp: random lookups, all of samples that exist,
// alone and while writers ingest. Every value found is compared with the workload.
#include <algorithm>
#include <bit>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "benchmark/baselines.h"
#include "benchmark/flags.h"
#include "benchmark/latency_histogram.h"
#include "benchmark/loaded_database.h"
#include "benchmark/machine.h"
#include "benchmark/report.h"
#include "benchmark/tick_clock.h"
#include "benchmark/workload_kernels.h"
#include "tsdb/database.h"

namespace tsdb::benchmark {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
// A measurement lasts at least this long: with more threads than cores, less would measure the
// scheduler.
constexpr double kMeasureSecondsMin = 0.1;

struct Questions {
  std::vector<SeriesId> series;
  std::vector<Timestamp> timestamps;
  std::vector<double> answers;
};

// Random samples of random series, and what their values are.
Questions MakeQuestions(const Workload& workload, uint64_t count) {
  Questions questions;
  questions.series.resize(count);
  questions.timestamps.resize(count);
  questions.answers.resize(count);
  std::vector<std::vector<uint64_t>> of_series(workload.series());
  std::vector<uint64_t> samples(count);
  uint64_t random = workload.seed();
  for (uint64_t i = 0; i < count; ++i) {
    random = Mix64(random + i);
    questions.series[i] = static_cast<SeriesId>((random >> 32) % workload.series());
    random = Mix64(random);
    samples[i] = random % workload.samples();
    of_series[questions.series[i]].push_back(i);
  }
  for (SeriesId series = 0; series < workload.series(); ++series) {
    std::vector<uint64_t>& own = of_series[series];
    std::sort(own.begin(), own.end(),
              [&](uint64_t a, uint64_t b) { return samples[a] < samples[b]; });
    SeriesReader reader(workload, series, 0, workload.samples());
    uint64_t begin = 0, end = 0;
    for (const uint64_t question : own) {
      while (samples[question] >= end) {
        begin = end;
        end += reader.Next();
      }
      questions.timestamps[question] = reader.timestamps()[samples[question] - begin];
      questions.answers[question] = reader.values()[samples[question] - begin];
    }
  }
  return questions;
}

struct alignas(128) Answers {
  uint64_t hits = 0, matches = 0;
  LatencyHistogram latency_ticks;
};

enum class Way : uint8_t { kSingle, kMany };

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

class LookupBenchmark {
 public:
  explicit LookupBenchmark(const Flags& flags)
      : flags_(flags),
        report_({"threads", "by", "writers", "lookups/s", "median", "min", "p50 ns", "p95 ns",
                 "p99 ns", "ingested/s", "by hand/s"}) {}

  absl::Status Measure() {
    AddPreamble(report_, "lookup", flags_);
    Loader loader(flags_);
    questions_ = MakeQuestions(loader.workload(), flags_.lookups);
    if (flags_.baselines) {
      copy_rate_ = MeasureMemoryCopy(DescribeMachine().cores);
      generator_rate_ = MeasureGenerator(loader.inputs(), loader.workload().records());
      by_hand_ = LoadHandRolled(loader.workload());
    }
    absl::StatusOr<std::unique_ptr<Database>> database = loader.Load();
    if (!database.ok()) return database.status();
    for (const uint32_t threads : flags_.threads) {
      hand_rolled_rate_ = by_hand_ == nullptr ? kNone : MeasureByHand(threads);
      for (const Way way : {Way::kSingle, Way::kMany}) {
        absl::Status status = MeasureRow(**database, threads, way, nullptr, 0);
        if (!status.ok()) return status;
        if (!flags_.ingesting) continue;
        for (const uint32_t writers : flags_.writers) {
          status = MeasureBesideIngest(loader, threads, way, writers);
          if (!status.ok()) return status;
        }
      }
    }
    return (*database)->Close();
  }

  bool Print() const { return report_.Print(flags_.json); }

 private:
  // A database of its own, since it grows by what is written meanwhile.
  absl::Status MeasureBesideIngest(Loader& loader, uint32_t threads, Way way, uint32_t writers) {
    absl::StatusOr<std::unique_ptr<Database>> database = loader.Load();
    if (!database.ok()) return database.status();
    BackgroundIngest ingest(**database, loader, writers);
    return MeasureRow(**database, threads, way, &ingest, writers);
  }

  absl::Status MeasureRow(Database& database, uint32_t threads, Way way, BackgroundIngest* ingest,
                          uint32_t writers) {
    ShowProgress(std::to_string(threads) + " threads, " + std::to_string(writers) + " writers");
    ResetPeakResident();
    uint64_t passes = 1;
    for (;;) {  // warms up, and finds how many passes last long enough
      const double seconds = Run(database, threads, way, passes).seconds;
      if (seconds >= kMeasureSecondsMin) break;
      passes *= 1 + static_cast<uint64_t>(kMeasureSecondsMin / seconds);
    }
    Spread rate;
    Result best;
    const uint64_t ingested_before = ingest == nullptr ? 0 : ingest->Records();
    double seconds_of_all = 0;
    for (uint32_t repeat = 0; repeat < flags_.repeat; ++repeat) {
      const Result result = Run(database, threads, way, passes);
      if (result.hits != passes * flags_.lookups || result.matches != result.hits) {
        return absl::DataLossError("of " + std::to_string(passes * flags_.lookups) + " lookups " +
                                   std::to_string(result.hits) + " found a sample, " +
                                   std::to_string(result.matches) + " the right one");
      }
      rate.Take(static_cast<double>(passes * flags_.lookups) / result.seconds);
      seconds_of_all += result.seconds;
      if (repeat == 0 || result.seconds < best.seconds) best = result;
    }
    const double ingest_rate =
        ingest == nullptr
            ? 0
            : static_cast<double>(ingest->Records() - ingested_before) / seconds_of_all;
    LatencyHistogram latency;
    if (way == Way::kSingle) latency = MeasureLatency(database, threads);
    const uint64_t peak_resident = PeakResidentBytes();
    if (ingest != nullptr) {
      if (absl::Status status = ingest->Stop(); !status.ok()) return status;
    }
    AddRow(database.Statistics(), threads, way, writers, rate, best, passes, latency, ingest_rate,
           peak_resident);
    return absl::OkStatus();
  }

  struct Result {
    double seconds = 0;
    uint64_t hits = 0, matches = 0;
  };

  // Every question asked `passes` times, the questions shared by the threads.
  Result Run(Database& database, uint32_t threads, Way way, uint64_t passes) {
    std::vector<Answers> answers(threads);
    Result result;
    result.seconds = RunTogether(threads, [&](size_t thread) {
      const Snapshot snapshot = database.NewSnapshot({.freshness = Freshness::kMerged});
      for (uint64_t pass = 0; pass < passes; ++pass) {
        way == Way::kSingle ? AskOneByOne(snapshot, thread, threads, answers[thread])
                            : AskInBatches(snapshot, thread, threads, answers[thread]);
      }
    });
    for (const Answers& own : answers) {
      result.hits += own.hits;
      result.matches += own.matches;
    }
    return result;
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
  LatencyHistogram MeasureLatency(Database& database, uint32_t threads) {
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
    LatencyHistogram all;
    for (const Answers& own : answers) all.Merge(own.latency_ticks);
    return all;
  }

  double MeasureByHand(uint32_t threads) {
    std::vector<Answers> answers(threads);
    double best = 0;
    for (int attempt = 0; attempt < 3; ++attempt) {
      const double seconds = RunTogether(threads, [&](size_t thread) {
        uint64_t hits = 0;
        const uint64_t end = Cut(thread + 1, threads);
        for (uint64_t i = Cut(thread, threads); i < end; ++i) {
          const auto value = by_hand_->Lookup(questions_.series[i], questions_.timestamps[i]);
          hits += value.has_value() && SameBits(*value, questions_.answers[i]);
        }
        answers[thread].hits = hits;
      });
      best = std::max(best, static_cast<double>(flags_.lookups) / seconds);
    }
    return best;
  }

  void AddRow(const Stats& stats, uint32_t threads, Way way, uint32_t writers, const Spread& rate,
              const Result& best, uint64_t passes, const LatencyHistogram& latency,
              double ingest_rate, uint64_t peak_resident) {
    const double ns_per_tick = MeasureTicks().ns_per_tick;
    const auto percentile = [&](double fraction) {
      return latency.count() == 0 ? kNone : latency.Percentile(fraction) * ns_per_tick;
    };
    const double p50 = percentile(0.5), p95 = percentile(0.95), p99 = percentile(0.99);
    const bool ingesting = writers > 0;
    // Beside writers the fastest run is the one that took most of the cores from them: no best.
    const double headline = ingesting ? rate.Median() : rate.Max();
    JsonObject object;
    object.Add("benchmark", "lookup")
        .Add("series", flags_.series)
        .Add("samples", flags_.samples)
        .Add("order", OrderName(flags_.order))
        .Add("mode", way == Way::kSingle ? "single" : "many")
        .Add("writers", writers)
        .Add("threads", threads)
        .Add("ingesting", ingesting)
        .Add("ingest_records_per_second", ingest_rate)
        .Add("records", flags_.MakeWorkload().records())
        .Add("repeat", flags_.repeat)
        .Add("passes", passes)
        .Add("wall_seconds", best.seconds)
        .Add("lookups", passes * flags_.lookups)
        .Add("hits", best.hits)
        .Add("matches", best.matches)
        .Add("lookups_per_second", headline);
    rate.AddTo(object, "lookups_per_second");
    object.Add("p50_ns", p50)
        .Add("p95_ns", p95)
        .Add("p99_ns", p99)
        .Add("hand_rolled_lookups_per_second", hand_rolled_rate_)
        .Add("generator_records_per_second", generator_rate_)
        .Add("memory_copy_bytes_per_second", copy_rate_)
        .Add("bytes_per_record",
             static_cast<double>(stats.encoded_bytes) / static_cast<double>(stats.encoded_records))
        .Add("peak_rss_bytes", peak_resident)
        .Add("ledger", LedgerObject(stats.ledger));
    report_.AddRow({std::to_string(threads), way == Way::kSingle ? "one" : "batch",
                    std::to_string(writers), Quantity(headline), Quantity(rate.Median()),
                    Quantity(rate.Min()), Decimal(p50, 0), Decimal(p95, 0), Decimal(p99, 0),
                    ingesting ? Quantity(ingest_rate) : "-", Quantity(hand_rolled_rate_)},
                   object);
  }

  Flags flags_;
  Report report_;
  Questions questions_;
  std::unique_ptr<HandRolledStore> by_hand_;
  double copy_rate_ = kNone, generator_rate_ = kNone, hand_rolled_rate_ = kNone;
};

}  // namespace
}  // namespace tsdb::benchmark

int main(int argc, char** argv) {
  using namespace tsdb::benchmark;
  int exit_code = 0;
  const auto flags = ParseFlags(argc, argv, Program::kLookup, exit_code);
  if (!flags) return exit_code;
  LookupBenchmark benchmark(*flags);
  if (absl::Status status = benchmark.Measure(); !status.ok()) {
    return Fail("lookup_benchmark", status);
  }
  return benchmark.Print() ? 0 : 1;
}

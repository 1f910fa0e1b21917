// How fast samples are read in order: scans of consecutive samples at random places, summed, and
// aggregates over everything, by block statistics and by decoding; alone and while writers ingest.
// Counts and sums are compared with the workload's.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "benchmark/baselines.h"
#include "benchmark/flags.h"
#include "benchmark/loaded_database.h"
#include "benchmark/machine.h"
#include "benchmark/report.h"
#include "benchmark/workload_kernels.h"
#include "tsdb/database.h"

namespace tsdb::benchmark {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
// A measurement lasts at least this long: with more threads than cores, less would measure the
// scheduler.
constexpr double kMeasureSecondsMin = 0.1;

enum class Kind : uint8_t { kScan, kStatistics, kDecoding };

const char* KindName(Kind kind) {
  switch (kind) {
    case Kind::kScan:
      return "scan";
    case Kind::kStatistics:
      return "aggregate_statistics";
    case Kind::kDecoding:
      return "aggregate_decode";
  }
  return "";
}

struct ScanRequest {
  SeriesId series = 0;
  uint64_t first_sample = 0;
  int64_t cents = 0;  // sum of its samples
};

// What is asked, and what the answers are.
struct Questions {
  std::vector<ScanRequest> scans;
  Aggregate everything;
  double magnitude = 0;  // sum of absolute values: what rounding in a sum is relative to
};

Questions MakeQuestions(const Workload& workload, uint64_t scans, uint64_t length) {
  Questions questions;
  questions.scans.resize(scans);
  uint64_t random = workload.seed();
  for (ScanRequest& scan : questions.scans) {
    random = Mix64(random);
    scan.series = static_cast<SeriesId>((random >> 32) % workload.series());
    random = Mix64(random);
    scan.first_sample = random % (workload.samples() - length + 1);
  }
  std::vector<std::vector<ScanRequest*>> of_series(workload.series());
  for (ScanRequest& scan : questions.scans) of_series[scan.series].push_back(&scan);
  std::vector<int64_t> running(workload.samples() + 1);  // sum of cents before each sample
  Aggregate& all = questions.everything;
  for (SeriesId series = 0; series < workload.series(); ++series) {
    SeriesReader reader(workload, series, 0, workload.samples());
    uint64_t sample = 0;
    while (const size_t count = reader.Next()) {
      for (size_t i = 0; i < count; ++i, ++sample) {
        running[sample + 1] = running[sample] + reader.cents()[i];
        questions.magnitude += std::abs(reader.values()[i]);
        all.min = std::min(all.min, reader.values()[i]);
        all.max = std::max(all.max, reader.values()[i]);
      }
    }
    all.count += sample;
    all.sum += static_cast<double>(running.back()) / 100;
    for (ScanRequest* scan : of_series[series]) {
      scan->cents = running[scan->first_sample + length] - running[scan->first_sample];
    }
  }
  return questions;
}

struct alignas(128) Answers {
  uint64_t returned = 0;
  uint64_t right = 0;  // scans whose sum is the workload's
};

class ScanBenchmark {
 public:
  explicit ScanBenchmark(const Flags& flags)
      : flags_(flags),
        report_({"threads", "what", "writers", "samples/s", "median", "min", "ingested/s",
                 "by hand"}) {}

  absl::Status Measure() {
    AddPreamble(report_, "scan", flags_);
    Loader loader(flags_);
    const Workload& workload = loader.workload();
    questions_ = MakeQuestions(workload, flags_.scans, flags_.length);
    series_.resize(workload.series());
    std::iota(series_.begin(), series_.end(), SeriesId{0});
    if (flags_.baselines) {
      copy_rate_ = MeasureMemoryCopy(DescribeMachine().cores);
      generator_rate_ = MeasureGenerator(loader.inputs(), workload.records());
      by_hand_ = LoadHandRolled(workload);
    }
    absl::StatusOr<std::unique_ptr<Database>> database = loader.Load();
    if (!database.ok()) return database.status();
    for (const uint32_t threads : flags_.threads) {
      for (const Kind kind : {Kind::kScan, Kind::kStatistics, Kind::kDecoding}) {
        hand_rolled_rate_ = by_hand_ == nullptr ? kNone : MeasureByHand(kind, threads);
        absl::Status status = MeasureRow(**database, threads, kind, nullptr, 0);
        if (!status.ok()) return status;
        if (!flags_.ingesting) continue;
        for (const uint32_t writers : flags_.writers) {
          status = MeasureBesideIngest(loader, threads, kind, writers);
          if (!status.ok()) return status;
        }
      }
    }
    return (*database)->Close();
  }

  bool Print() const { return report_.Print(flags_.json); }

 private:
  // A database of its own, since it grows by what is written meanwhile.
  absl::Status MeasureBesideIngest(Loader& loader, uint32_t threads, Kind kind, uint32_t writers) {
    absl::StatusOr<std::unique_ptr<Database>> database = loader.Load();
    if (!database.ok()) return database.status();
    BackgroundIngest ingest(**database, loader, writers);
    return MeasureRow(**database, threads, kind, &ingest, writers);
  }

  absl::Status MeasureRow(Database& database, uint32_t threads, Kind kind, BackgroundIngest* ingest,
                          uint32_t writers) {
    ShowProgress(std::to_string(threads) + " threads, " + KindName(kind) + ", " +
                 std::to_string(writers) + " writers");
    ResetPeakResident();
    Result result;
    uint64_t passes = 1;
    for (;;) {  // warms up, and finds how many passes last long enough
      absl::Status status = Run(database, threads, kind, passes, result);
      if (!status.ok()) return status;
      if (result.seconds >= kMeasureSecondsMin) break;
      passes *= 1 + static_cast<uint64_t>(kMeasureSecondsMin / result.seconds);
    }
    Spread rate;
    Result best;
    const uint64_t ingested_before = ingest == nullptr ? 0 : ingest->Records();
    double seconds_of_all = 0;
    for (uint32_t repeat = 0; repeat < flags_.repeat; ++repeat) {
      absl::Status status = Run(database, threads, kind, passes, result);
      if (!status.ok()) return status;
      rate.Take(static_cast<double>(result.returned) / result.seconds);
      seconds_of_all += result.seconds;
      if (repeat == 0 || result.seconds < best.seconds) best = result;
    }
    const double ingest_rate =
        ingest == nullptr
            ? 0
            : static_cast<double>(ingest->Records() - ingested_before) / seconds_of_all;
    const uint64_t peak_resident = PeakResidentBytes();
    if (ingest != nullptr) {
      if (absl::Status status = ingest->Stop(); !status.ok()) return status;
    }
    AddRow(database.Statistics(), threads, kind, writers, rate, best, passes, ingest_rate,
           peak_resident);
    return absl::OkStatus();
  }

  struct Result {
    double seconds = 0;
    uint64_t returned = 0, expected = 0;  // samples, of all passes
  };

  absl::Status Run(Database& database, uint32_t threads, Kind kind, uint64_t passes,
                   Result& result) {
    return kind == Kind::kScan ? RunScans(database, threads, passes, result)
                               : RunAggregates(database, threads, kind, passes, result);
  }

  // Every scan `passes` times, the scans shared by the threads.
  absl::Status RunScans(Database& database, uint32_t threads, uint64_t passes, Result& result) {
    std::vector<Answers> answers(threads);
    const uint64_t scans = flags_.scans;
    result = {};
    result.seconds = RunTogether(threads, [&](size_t thread) {
      const Snapshot snapshot = database.NewSnapshot({.freshness = Freshness::kMerged});
      const uint64_t begin = scans * thread / threads, end = scans * (thread + 1) / threads;
      for (uint64_t pass = 0; pass < passes; ++pass) {
        for (uint64_t i = begin; i < end; ++i) Scan(snapshot, questions_.scans[i], answers[thread]);
      }
    });
    uint64_t right = 0;
    for (const Answers& own : answers) {
      result.returned += own.returned;
      right += own.right;
    }
    result.expected = passes * scans * flags_.length;
    if (result.returned == result.expected && right == passes * scans) return absl::OkStatus();
    return absl::DataLossError(std::to_string(passes * scans) + " scans returned " +
                               std::to_string(result.returned) + " samples of " +
                               std::to_string(result.expected) + "; " + std::to_string(right) +
                               " sums are right");
  }

  void Scan(const Snapshot& snapshot, const ScanRequest& scan, Answers& answers) const {
    Cursor cursor = snapshot.Scan(
        scan.series, Workload::Range(scan.first_sample, scan.first_sample + flags_.length));
    double sum = 0;
    for (ColumnBlock block; cursor.Next(block);) {
      sum += SumValues(block.values.data(), block.size());
      answers.returned += block.size();
    }
    // Rounding in a sum of so few values is far below a cent.
    answers.right += std::llround(sum * 100) == scan.cents;
  }

  absl::Status RunAggregates(Database& database, uint32_t threads, Kind kind, uint64_t passes,
                             Result& result) const {
    const AggregateOptions options = {.threads = threads,
                                      .use_statistics = kind == Kind::kStatistics};
    const Snapshot snapshot = database.NewSnapshot({.freshness = Freshness::kMerged});
    const Aggregate& truth = questions_.everything;
    result = {};
    const auto begin = Clock::now();
    for (uint64_t pass = 0; pass < passes; ++pass) {
      const Aggregate all = snapshot.AggregateMany(series_, TimeRange::All(), options);
      const bool right = all.count == truth.count && all.min == truth.min && all.max == truth.max &&
                         std::abs(all.sum - truth.sum) <= 1e-10 * questions_.magnitude;
      if (!right) {
        return absl::DataLossError("aggregate over " + std::to_string(all.count) + " samples of " +
                                   std::to_string(truth.count) + " is wrong: sum " +
                                   std::to_string(all.sum) + ", should be " +
                                   std::to_string(truth.sum));
      }
      result.returned += all.count;
    }
    result.seconds = SecondsBetween(begin, Clock::now());
    result.expected = passes * truth.count;
    return absl::OkStatus();
  }

  // Samples per second out of a HandRolledStore, which has no statistics and sums values instead.
  double MeasureByHand(Kind kind, uint32_t threads) const {
    double best = 0;
    for (int attempt = 0; attempt < 3; ++attempt) {
      std::vector<Answers> answers(threads);
      const uint64_t count = kind == Kind::kScan ? flags_.scans : series_.size();
      const double seconds = RunTogether(threads, [&](size_t thread) {
        const uint64_t end = count * (thread + 1) / threads;
        for (uint64_t i = count * thread / threads; i < end; ++i) {
          HandRolledStore::Sum sum;
          if (kind == Kind::kScan) {
            const ScanRequest& scan = questions_.scans[i];
            sum = by_hand_->SumRange(
                scan.series, Workload::Range(scan.first_sample, scan.first_sample + flags_.length));
          } else {
            sum = by_hand_->SumRange(series_[i], TimeRange::All());
          }
          answers[thread].returned += sum.count;
          asm volatile("" ::"r"(&sum) : "memory");  // the sum is used
        }
      });
      uint64_t returned = 0;
      for (const Answers& own : answers) returned += own.returned;
      best = std::max(best, static_cast<double>(returned) / seconds);
    }
    return best;
  }

  void AddRow(const Stats& stats, uint32_t threads, Kind kind, uint32_t writers, const Spread& rate,
              const Result& best, uint64_t passes, double ingest_rate, uint64_t peak_resident) {
    const bool ingesting = writers > 0;
    // Beside writers the fastest run is the one that took most of the cores from them: no best.
    const double headline = ingesting ? rate.Median() : rate.Max();
    JsonObject object;
    object.Add("benchmark", "scan")
        .Add("series", flags_.series)
        .Add("samples", flags_.samples)
        .Add("order", OrderName(flags_.order))
        .Add("mode", KindName(kind))
        .Add("writers", writers)
        .Add("threads", threads)
        .Add("ingesting", ingesting)
        .Add("ingest_records_per_second", ingest_rate)
        .Add("records", flags_.MakeWorkload().records())
        .Add("repeat", flags_.repeat)
        .Add("passes", passes)
        .Add("wall_seconds", best.seconds)
        .Add("scans", kind == Kind::kScan ? passes * flags_.scans : passes)
        .Add("length", kind == Kind::kScan ? flags_.length : flags_.MakeWorkload().records())
        .Add("returned", best.returned)
        .Add("expected", best.expected)
        .Add("samples_per_second", headline);
    rate.AddTo(object, "samples_per_second");
    object.Add("hand_rolled_samples_per_second", hand_rolled_rate_)
        .Add("generator_records_per_second", generator_rate_)
        .Add("memory_copy_bytes_per_second", copy_rate_)
        .Add("bytes_per_record",
             static_cast<double>(stats.encoded_bytes) / static_cast<double>(stats.encoded_records))
        .Add("peak_rss_bytes", peak_resident)
        .Add("ledger", LedgerObject(stats.ledger));
    report_.AddRow({std::to_string(threads), KindName(kind), std::to_string(writers),
                    Quantity(headline), Quantity(rate.Median()), Quantity(rate.Min()),
                    ingesting ? Quantity(ingest_rate) : "-", Quantity(hand_rolled_rate_)},
                   object);
  }

  Flags flags_;
  Report report_;
  Questions questions_;
  std::vector<SeriesId> series_;
  std::unique_ptr<HandRolledStore> by_hand_;
  double copy_rate_ = kNone, generator_rate_ = kNone, hand_rolled_rate_ = kNone;
};

}  // namespace
}  // namespace tsdb::benchmark

int main(int argc, char** argv) {
  using namespace tsdb::benchmark;
  int exit_code = 0;
  const auto flags = ParseFlags(argc, argv, Program::kScan, exit_code);
  if (!flags) return exit_code;
  ScanBenchmark benchmark(*flags);
  if (absl::Status status = benchmark.Measure(); !status.ok()) {
    return Fail("scan_benchmark", status);
  }
  return benchmark.Print() ? 0 : 1;
}

// How fast samples are read in order: scans of consecutive samples at random places, summed, and
// aggregates over everything, by block statistics and by decoding; alone and while writers ingest.
// Counts and sums are compared with the workload's.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "benchmark/questions.h"
#include "benchmark/reading_benchmark.h"
#include "benchmark/window_benchmark.h"
#include "tsdb/database.h"

namespace tsdb::benchmark {
namespace {

enum Way : size_t { kScan, kScanValues, kStatistics, kDecoding, kWays };

bool IsScan(size_t way) { return way == kScan || way == kScanValues; }

struct alignas(128) Answers {
  uint64_t returned = 0;
  uint64_t right = 0;  // scans whose sum is the workload's
};

class ScanBenchmark final : public ReadingBenchmark {
 public:
  explicit ScanBenchmark(const Flags& flags)
      : ReadingBenchmark(
            "scan", flags,
            {"threads", "what", "writers", "samples/s", "median", "min", "ingested/s", "by hand"}) {
  }

 private:
  size_t ways() const override { return kWays; }
  const char* WayName(size_t way) const override {
    static constexpr const char* kNames[] = {"scan", "scan_values", "aggregate_statistics",
                                             "aggregate_decode"};
    return kNames[way];
  }

  void MakeQuestions(const Workload& workload) override {
    questions_ = MakeScans(workload, flags_.scans, flags_.length, workload.seed());
    series_.resize(workload.series());
    std::iota(series_.begin(), series_.end(), SeriesId{0});
  }

  absl::StatusOr<Run> Ask(Database& database, size_t way, uint32_t threads,
                          uint64_t passes) override {
    return IsScan(way) ? RunScans(database, threads, {.timestamps = way == kScan}, passes)
                       : RunAggregates(database, threads, way, passes);
  }

  // Every scan `passes` times, the scans shared by the threads.
  absl::StatusOr<Run> RunScans(Database& database, uint32_t threads, ScanOptions options,
                               uint64_t passes) const {
    std::vector<Answers> answers(threads);
    const uint64_t scans = flags_.scans;
    Run run;
    run.seconds = RunTogether(threads, [&](size_t thread) {
      const Snapshot snapshot = database.NewSnapshot({.freshness = Freshness::kMerged});
      const uint64_t begin = scans * thread / threads, end = scans * (thread + 1) / threads;
      Answers& own = answers[thread];
      for (uint64_t pass = 0; pass < passes; ++pass) {
        for (uint64_t i = begin; i < end; ++i) {
          own.right +=
              AskScan(snapshot, questions_.scans[i], questions_.length, options, own.returned);
        }
      }
    });
    uint64_t right = 0;
    for (const Answers& own : answers) {
      run.answers += own.returned;
      right += own.right;
    }
    const uint64_t expected = passes * scans * flags_.length;
    if (run.answers == expected && right == passes * scans) return run;
    return absl::DataLossError(std::to_string(passes * scans) + " scans returned " +
                               std::to_string(run.answers) + " samples of " +
                               std::to_string(expected) + "; " + std::to_string(right) +
                               " sums are right");
  }

  absl::StatusOr<Run> RunAggregates(Database& database, uint32_t threads, size_t way,
                                    uint64_t passes) const {
    const AggregateOptions options = {.threads = threads, .use_statistics = way == kStatistics};
    const Snapshot snapshot = database.NewSnapshot({.freshness = Freshness::kMerged});
    const Aggregate& truth = questions_.everything;
    Run run;
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
      run.answers += all.count;
    }
    run.seconds = SecondsBetween(begin, Clock::now());
    return run;
  }

  // Samples per second out of a HandRolledStore, which has no statistics and sums values instead.
  double AskByHand(const HandRolledStore& store, size_t way, uint32_t threads) override {
    double best = 0;
    for (int attempt = 0; attempt < 3; ++attempt) {
      std::vector<Answers> answers(threads);
      const uint64_t count = IsScan(way) ? flags_.scans : series_.size();
      const double seconds = RunTogether(threads, [&](size_t thread) {
        const uint64_t end = count * (thread + 1) / threads;
        for (uint64_t i = count * thread / threads; i < end; ++i) {
          HandRolledStore::Sum sum;
          if (IsScan(way)) {
            const ScanQuestion& scan = questions_.scans[i];
            sum = store.SumRange(
                scan.series, Workload::Range(scan.first_sample, scan.first_sample + flags_.length));
          } else {
            sum = store.SumRange(series_[i], TimeRange::All());
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

  void AddRow(const ReadingRow& row) override {
    const uint64_t records = flags_.MakeWorkload().records();
    JsonObject object = SharedFields(row);
    object.Add("scans", IsScan(row.way) ? row.passes * flags_.scans : row.passes)
        .Add("length", IsScan(row.way) ? flags_.length : records)
        .Add("returned", row.answers)
        .Add("expected", row.passes * (IsScan(row.way) ? flags_.scans * flags_.length : records))
        .Add("samples_per_second", row.Headline());
    row.rate.AddTo(object, "samples_per_second");
    object.Add("hand_rolled_samples_per_second", row.hand_rolled_rate);
    SharedEnd(row, object);
    report_.AddRow(
        {std::to_string(row.threads), WayName(row.way), std::to_string(row.writers),
         Quantity(row.Headline()), Quantity(row.rate.Median()), Quantity(row.rate.Min()),
         row.writers > 0 ? Quantity(row.ingest_rate) : "-", Quantity(row.hand_rolled_rate)},
        object);
  }

  ScanQuestions questions_;
  std::vector<SeriesId> series_;
};

}  // namespace
}  // namespace tsdb::benchmark

int main(int argc, char** argv) {
  using namespace tsdb::benchmark;
  int exit_code = 0;
  const auto flags = ParseFlags(argc, argv, Program::kScan, exit_code);
  if (!flags) return exit_code;
  return flags->query == QueryKind::kNone
             ? RunReadingBenchmark<ScanBenchmark>(*flags, "scan_benchmark")
             : RunReadingBenchmark<WindowBenchmark>(*flags, "scan_benchmark");
}

// A process that measures itself: counters and a histogram of how long its work takes, written by
// the threads that do the work, and asked in PromQL. docs/embedding-examples.md quotes parts of it
// (quotes_test.py compares).
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tsdb/database.h"
#include "tsdb/promql.h"

namespace {

constexpr tsdb::Timestamp kStart = 1'700'000'000'000;
constexpr int kTicks = 120;  // a second each
constexpr int kWorkers = 4;
const char* const kLimits[] = {"0.00001", "0.0001", "0.001", "0.01", "0.1", "+Inf"};  // seconds

absl::StatusOr<tsdb::SeriesId> Series(tsdb::Database& database, std::vector<tsdb::Label> labels) {
  absl::StatusOr<tsdb::Labels> made = tsdb::Labels::Create(std::move(labels));
  if (!made.ok()) return made.status();
  return database.FindOrCreateSeries(*made);
}

// The counters of one worker: how much was done, and how long it took. Only its thread has them.
class WorkerMetrics {
 public:
  static absl::StatusOr<WorkerMetrics> Create(tsdb::Database& database, const std::string& worker) {
    WorkerMetrics metrics(database);
    auto done = Series(database, {{"__name__", "work_done_total"}, {"worker", worker}});
    if (!done.ok()) return done.status();
    metrics.done_series_ = *done;
    for (size_t i = 0; i < std::size(kLimits); ++i) {
      auto bucket = Series(
          database,
          {{"__name__", "work_duration_seconds_bucket"}, {"le", kLimits[i]}, {"worker", worker}});
      if (!bucket.ok()) return bucket.status();
      metrics.bucket_series_[i] = *bucket;
    }
    return metrics;
  }

  void Observe(double seconds) {
    ++done_;
    for (size_t i = 0; i < std::size(kLimits); ++i) {
      if (i + 1 == std::size(kLimits) || seconds <= std::stod(kLimits[i])) ++buckets_[i];
    }
  }

  // Writes what stands in the counters, all at one time, as a scrape would.
  absl::Status Write(tsdb::Timestamp now) {
    bool taken = appender_.Append(done_series_, now, static_cast<double>(done_));
    for (size_t i = 0; i < buckets_.size(); ++i) {
      taken = appender_.Append(bucket_series_[i], now, static_cast<double>(buckets_[i])) && taken;
    }
    return taken ? absl::OkStatus() : appender_.status();
  }

 private:
  explicit WorkerMetrics(tsdb::Database& database) : appender_(database.NewAppender()) {}

  tsdb::Appender appender_;
  tsdb::SeriesId done_series_ = 0;
  std::array<tsdb::SeriesId, std::size(kLimits)> bucket_series_ = {};
  uint64_t done_ = 0;
  std::array<uint64_t, std::size(kLimits)> buckets_ = {};
};

// Work for one tick: worker n sorts n + 1 small arrays, and measures each. The ticks' times are
// given, so that two minutes need not pass.
absl::Status Work(tsdb::Database& database, int worker) {
  auto metrics = WorkerMetrics::Create(database, std::to_string(worker));
  if (!metrics.ok()) return metrics.status();
  std::vector<uint32_t> numbers(1000);
  for (int tick = 0; tick <= kTicks; ++tick) {
    if (absl::Status written = metrics->Write(kStart + tick * 1000); !written.ok()) return written;
    for (int i = 0; i <= worker; ++i) {
      for (size_t j = 0; j < numbers.size(); ++j) {
        numbers[j] = static_cast<uint32_t>(j) * 2654435761u;
      }
      const auto begin = std::chrono::steady_clock::now();
      std::sort(numbers.begin(), numbers.end());
      metrics->Observe(
          std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<tsdb::PromqlResult> Ask(tsdb::Database& database, const std::string& question) {
  absl::StatusOr<tsdb::PromqlResult> answer =
      tsdb::RunPromql(database, question, kStart + kTicks * 1000);
  if (!answer.ok()) return answer.status();
  for (const std::string& warning : answer->warnings) std::cerr << warning << "\n";
  return answer;
}

absl::Status PrintAnswers(tsdb::Database& database) {
  const auto rates = Ask(database, "rate(work_done_total[1m])");
  if (!rates.ok()) return rates.status();
  for (const tsdb::PromqlSeries& series : rates->series) {
    std::cout << series.labels.ToString() << ": " << series.samples[0].value << " a second\n";
  }
  const auto all = Ask(database, "sum(rate(work_done_total[1m]))");
  if (!all.ok()) return all.status();
  std::cout << "all: " << all->series.at(0).samples[0].value << " a second\n";

  const auto slow = Ask(database,
                        "histogram_quantile(0.99, sum by (le)("
                        "rate(work_duration_seconds_bucket[1m])))");
  if (!slow.ok()) return slow.status();
  const double seconds = slow->series.at(0).samples[0].value;
  if (!(seconds > 0)) return absl::InternalError("no time was measured");
  std::cerr << "99 of 100 took at most " << seconds << " s\n";  // differs from run to run
  return absl::OkStatus();
}

absl::Status Run() {
  absl::StatusOr<std::unique_ptr<tsdb::Database>> opened = tsdb::Database::Open();
  if (!opened.ok()) return opened.status();
  std::vector<absl::Status> results(kWorkers);
  std::vector<std::thread> workers;
  for (int i = 0; i < kWorkers; ++i) {
    workers.emplace_back([&, i] { results[i] = Work(**opened, i); });
  }
  for (std::thread& worker : workers) worker.join();
  for (const absl::Status& result : results) {
    if (!result.ok()) return result;
  }
  if (absl::Status printed = PrintAnswers(**opened); !printed.ok()) return printed;
  return (*opened)->Close();
}

}  // namespace

int main() {
  const absl::Status status = Run();
  if (status.ok()) return 0;
  std::cerr << status << "\n";
  return 1;
}

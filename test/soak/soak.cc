// A database at full rate for as long as one likes: writers, with late records and commits; queries
// of several kinds that check what they read; flushes, checkpoints, compaction; retention.
//
//   soak --directory PARENT [--seconds 1200] [--series 1000] [--writers 2] [--seed 1]
//
// Five times a second it prints what it has of the machine and what the engine says of itself, as a
// line of JSON (soak.py judges them), and in the end "done" when the ledger balances and everything
// is there that retention did not take, before closing and after opening again. Status 1: a
// finding, on stderr.
//
// Series s has a sample at every tick t of its writer, ValueOf(s, t); those of every 97th tick come
// 50 ticks late. Time is the tick, in milliseconds, of the slowest writer.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "benchmark/heap_figures.h"
#include "benchmark/scratch_directory.h"
#include "test/soak/process_figures.h"
#include "test/soak/reference_work.h"
#include "tsdb/internals.h"
#include "tsdb/query.h"

namespace tsdb::soak {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr Timestamp kRetention = 50'000;  // ticks
constexpr Timestamp kLateEvery = 97;
constexpr Timestamp kLateBy = 50;
constexpr Timestamp kAheadMax = 1'000;
constexpr std::chrono::milliseconds kSampleEvery{200};
constexpr uint64_t kReferenceEvery = 5;  // samples: it takes some ms of a processor
constexpr uint64_t kBudget = uint64_t{1} << 30;

double ValueOf(SeriesId series, Timestamp tick) {
  const auto step = static_cast<uint64_t>(tick) * (series % 7 + 1);
  return static_cast<double>(series) + static_cast<double>(step % 4'099) / 8;
}

class Soak {
 public:
  Soak(const Flags& flags, const std::string& directory)
      : seed_(flags.Number("seed")), writers_(flags.Number("writers")), ticks_(writers_) {
    options_.directory = directory;
    options_.memory_budget_bytes = kBudget;
    options_.log_file_bytes = 16 << 20;
    options_.checkpoint_log_bytes = 64 << 20;
    options_.retention_ms = kRetention;
    Open();
    for (uint64_t i = 0; i < flags.Number("series"); ++i) {
      const auto labels = Labels::Create(
          {{kMetricNameLabel, "soak"}, {"i", std::to_string(i)}, {"g", std::to_string(i % 10)}});
      const auto series = database_->FindOrCreateSeries(*labels);
      if (!series.ok() || *series != i) Fail("series: " + series.status().ToString());
      series_.push_back(*series);
    }
  }

  void Run(std::chrono::seconds length) {
    const SteadyClock::time_point end = SteadyClock::now() + length;
    std::vector<std::thread> threads;
    for (size_t writer = 0; writer < writers_; ++writer) {
      threads.emplace_back([this, writer] { Write(writer); });
    }
    threads.emplace_back([this] { Ask(); });
    threads.emplace_back([this] { Maintain(); });
    SampleUntil(end);
    for (std::thread& thread : threads) thread.join();
  }

  // The ledger, and every record, before and after opening again.
  void CheckAll() {
    Must(database_->Verify());  // retention goes on: only this holds it up while it compares
    const Ledger ledger = database_->Statistics().ledger;
    if (ledger.accepted != appended_.load() || ledger.Rejected() > 0) {
      Fail("appended " + std::to_string(appended_.load()) + ", accepted " +
           std::to_string(ledger.accepted));
    }
    ReadAllBack();
    Must(database_->Close());
    database_ = nullptr;
    Open();
    const RecoveryReport& recovery = database_->Recovery();
    if (!recovery.damage.empty()) Fail("damage: " + recovery.damage[0]);
    ReadAllBack();
    Must(database_->Close());
  }

 private:
  static void Must(const absl::Status& status) {
    if (!status.ok()) Fail(status.ToString());
  }

  void Open() {
    auto opened = Internals::Open(options_, LocalFileSystem(), [this] { return Now(); });
    if (!opened.ok()) Fail(opened.status().ToString());
    database_ = *std::move(opened);
  }

  // Relaxed, all of these: what must be ordered goes through the database.
  Timestamp Now() const {
    Timestamp now = kTimestampMax;
    for (const std::atomic<Timestamp>& tick : ticks_) {
      now = std::min(now, tick.load(std::memory_order_relaxed));
    }
    return now;
  }
  bool stopping() const { return stopping_.load(std::memory_order_relaxed); }
  size_t WriterOf(SeriesId series) const { return series % writers_; }

  void Put(Appender& appender, size_t writer, Timestamp tick) {
    uint64_t count = 0;
    for (size_t i = writer; i < series_.size(); i += writers_, ++count) {
      if (!appender.Append(series_[i], tick, ValueOf(series_[i], tick))) {
        Fail("refused: " + appender.status().ToString());
      }
    }
    appended_.fetch_add(count, std::memory_order_relaxed);
  }

  // Notes the tick as committed, and waits for writers that are far behind: what one is ahead is
  // kept longer, and memory would grow with it.
  void KeepStep(size_t writer, Timestamp tick) {
    MutexLock lock(&mutex_);
    ticks_[writer].store(tick, std::memory_order_relaxed);
    in_step_.NotifyAll();
    while (!stopping() && tick > Now() + kAheadMax) in_step_.Wait(&mutex_);
  }

  void Write(size_t writer) {
    Appender appender = database_->NewAppender();
    Timestamp tick = 1;
    for (; !stopping(); ++tick) {
      if (tick % kLateEvery != 0) Put(appender, writer, tick);
      if (tick > kLateBy && (tick - kLateBy) % kLateEvery == 0) {
        Put(appender, writer, tick - kLateBy);
      }
      if (tick % 20 == 0) {
        const Ticket ticket = appender.Commit();
        if (tick % 200 == 0) Must(ticket.Await(Milestone::kDurable));
        KeepStep(writer, tick);
      }
    }
    for (Timestamp late = std::max<Timestamp>(1, tick - kLateBy); late < tick; ++late) {
      if (late % kLateEvery == 0) Put(appender, writer, late);
    }
    Must(appender.Commit().Await(Milestone::kDurable));
    ticks_[writer].store(tick - 1, std::memory_order_relaxed);
  }

  // The samples in the range have the right values and, but for late ones and what retention takes
  // meanwhile, no gaps.
  void CheckScan(const Snapshot& snapshot, SeriesId series, TimeRange range) {
    Cursor cursor = snapshot.Scan(series, range);
    Timestamp previous = kTimestampMin;
    for (ColumnBlock block; cursor.Next(block);) {
      for (size_t i = 0; i < block.size(); ++i) {
        const Timestamp tick = block.timestamps[i];
        const bool in_order = previous == kTimestampMin || tick == previous + 1 ||
                              (tick == previous + 2 && (tick - 1) % kLateEvery == 0) ||
                              (tick > previous && tick <= Now() - kRetention);
        if (!range.Contains(tick) || !in_order || block.values[i] != ValueOf(series, tick)) {
          Fail("series " + std::to_string(series) + " at " + std::to_string(tick) + " after " +
               std::to_string(previous) + ": wrong");
        }
        previous = tick;
      }
    }
  }

  void Ask() {
    std::mt19937_64 random(seed_ + 1);
    for (uint64_t i = 0; !stopping(); ++i) {
      const Timestamp now = Now();
      const auto series = static_cast<SeriesId>(random() % series_.size());
      const auto back = static_cast<Timestamp>(random() % (kRetention / 2));
      const TimeRange range{std::max<Timestamp>(1, now - back), now - back / 2};
      if (range.Empty()) continue;
      Query query;
      query.matchers = {{"g", MatchOp::kEqual, std::to_string(random() % 10)}};
      query.range = range;
      query.step_ms = std::max<int64_t>(1, (range.end - range.begin) / 50);
      if (i % 3 == 1) query.grouping = Grouping{{"g"}};
      const auto result = RunQuery(*database_, query);
      if (!result.ok()) Fail(result.status().ToString());
      const Snapshot snapshot =
          database_->NewSnapshot({i % 2 == 0 ? Freshness::kLatest : Freshness::kMerged});
      CheckScan(snapshot, series, range);
      const auto found = snapshot.Lookup(series, range.begin);
      if (found.has_value() && *found != ValueOf(series, range.begin)) Fail("wrong at a lookup");
      questions_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  // What a user would do now and then; the engine does all of it by itself, too.
  void Maintain() {
    for (uint64_t i = 0;; ++i) {
      {
        MutexLock lock(&mutex_);
        if (!stopping()) wake_.WaitFor(&mutex_, std::chrono::seconds(1));
      }
      if (stopping()) return;
      if (i % 2 == 0) Must(database_->Flush());
      if (i % 10 == 5) Must(database_->Checkpoint());
      if (i % 30 == 15) Must(database_->Compact());
    }
  }

  void SampleUntil(SteadyClock::time_point end) {
    const SteadyClock::time_point start = SteadyClock::now();
    ReferenceWork reference;
    uint64_t sample = 0, reference_ns = 0;
    for (SteadyClock::time_point next = start; next < end; next += kSampleEvery) {
      {
        MutexLock lock(&mutex_);
        while (SteadyClock::now() < next) wake_.WaitUntil(&mutex_, next);
      }
      const ProcessFigures figures = ReadFigures();
      const Stats stats = database_->Statistics();
      const uint64_t heap = benchmark::ReadHeapFigures().allocated_bytes.value_or(0);
      if (sample++ % kReferenceEvery == 0) reference_ns = reference.Run();
      const std::chrono::duration<double> seconds = SteadyClock::now() - start;
      std::printf(
          "{\"seconds\": %.3f, \"records\": %llu, \"questions\": %llu, \"resident\": %llu, "
          "\"anonymous\": %llu, \"engine\": %llu, \"retired\": %llu, \"heap\": %llu, "
          "\"reference_ns\": %llu, "
          "\"descriptors\": %llu, \"threads\": %llu, "
          "\"cpu\": %.3f, \"stolen\": %.3f, \"checkpoints\": %llu, \"compacted\": %llu, "
          "\"deleted\": %llu, \"segment_bytes\": %llu}\n",
          seconds.count(), Wide(appended_.load()), Wide(questions_.load()),
          Wide(figures.resident_bytes), Wide(figures.anonymous_bytes), Wide(stats.memory_bytes),
          Wide(stats.retired_bytes), Wide(heap), Wide(reference_ns), Wide(figures.descriptors),
          Wide(figures.threads), figures.cpu_seconds, figures.stolen_seconds,
          Wide(stats.checkpoints), Wide(stats.compacted_bytes), Wide(stats.ledger.deleted),
          Wide(stats.segment_bytes));
      std::fflush(stdout);
    }
    MutexLock lock(&mutex_);
    stopping_.store(true, std::memory_order_relaxed);
    wake_.NotifyAll();
    in_step_.NotifyAll();
  }
  static unsigned long long Wide(uint64_t value) { return value; }

  void ReadAllBack() {
    const Timestamp cutoff = std::max<Timestamp>(1, Now() - kRetention);
    const Snapshot snapshot = database_->NewSnapshot();
    for (const SeriesId series : series_) {
      CheckScan(snapshot, series, TimeRange::All());
      const Timestamp last = ticks_[WriterOf(series)].load();
      const uint64_t count = snapshot.Count(series, {cutoff, last + 1});
      if (count != static_cast<uint64_t>(last + 1 - cutoff)) {
        Fail("series " + std::to_string(series) + ": " + std::to_string(count) + " samples from " +
             std::to_string(cutoff) + " to " + std::to_string(last));
      }
    }
  }

  const uint64_t seed_;
  const size_t writers_;
  Options options_;
  std::vector<SeriesId> series_;
  std::vector<std::atomic<Timestamp>> ticks_;  // committed by each writer
  std::atomic<uint64_t> appended_{0}, questions_{0};
  std::atomic<bool> stopping_{false};
  Mutex mutex_;  // of the waits for these, and of what writers tell each other of their ticks
  CondVar wake_;
  CondVar in_step_;
  std::unique_ptr<Database> database_;
};

int Main(const std::vector<std::string>& arguments) {
  const Flags flags(arguments, {{"directory", ""},
                                {"seconds", "1200"},
                                {"series", "1000"},
                                {"writers", "2"},
                                {"seed", "1"}});
  if (flags.Text("directory").empty()) Fail("soak: --directory is missing");
  const benchmark::ScratchDirectory directory(flags.Text("directory"));
  Soak soak(flags, directory.path());
  soak.Run(std::chrono::seconds(flags.Number("seconds")));
  soak.CheckAll();
  std::puts("done");
  return 0;
}

}  // namespace
}  // namespace tsdb::soak

int main(int argc, char** argv) { return tsdb::soak::Main({argv + 1, argv + argc}); }

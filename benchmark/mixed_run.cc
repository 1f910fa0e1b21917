#include "benchmark/mixed_run.h"

#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "benchmark/reopening.h"
#include "benchmark/scratch_directory.h"
#include "benchmark/tick_clock.h"
#include "benchmark/verification.h"
#include "benchmark/workload_kernels.h"
#include "storage/base/mutex.h"
#include "storage/base/status_macros.h"

namespace tsdb::benchmark {
namespace {

constexpr uint64_t kQuestions = 65'536;
constexpr size_t kKeptLastsMax = 65'536;
constexpr uint64_t kNever = uint64_t{1} << 60;

uint64_t Nanoseconds(Clock::duration duration) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count());
}

// Takes the time since the last reading, less what a reading costs.
class Stopwatch {
 public:
  void Start() { begin_ = Ticks(); }
  uint64_t Nanoseconds() const {
    const uint64_t taken = Ticks() - begin_;
    const uint64_t own = taken - std::min(taken, scale_.read_ticks);
    return static_cast<uint64_t>(static_cast<double>(own) * scale_.ns_per_tick);
  }

 private:
  const TickScale scale_ = MeasureTicks();
  uint64_t begin_ = 0;
};

// What the threads share.
struct Progress {
  explicit Progress(size_t writers) : samples(writers), writing(writers) {}

  struct alignas(128) Samples {
    // Of each of a writer's series, appended by it. Stored with release after the appends, and
    // loaded with acquire before a snapshot is taken, which then must see them.
    std::atomic<uint64_t> count{0};
  };
  std::vector<Samples> samples;
  std::atomic<size_t> writing;  // writers not yet done; relaxed, readers only stop by it
};

class Writer {
 public:
  Writer(const MixedSetting& setting, size_t index, Progress& progress)
      : flags_(setting.flags),
        series_(setting.shares[index].series()),
        input_(*setting.inputs[index]),
        samples_(progress.samples[index].count),
        random_(Mix64(flags_.seed + index)) {
    if (flags_.rate > 0) {
      group_interval_ns_ = 1e9 * static_cast<double>(kGroupAppends * setting.inputs.size()) /
                           static_cast<double>(flags_.rate);
    }
  }

  void Write(Appender& appender) {
    // Waking up 50 us late, as by default, would be most of the latencies at a given rate.
    if (flags_.rate > 0) prctl(PR_SET_TIMERSLACK, 1000);
    begin_ = Clock::now();
    until_timed_ = NextTimed();
    uint64_t since_commit = 0;
    for (RecordBlock block; input_.Next(block);) {
      for (size_t begin = 0; begin < block.size; begin += kGroupAppends) {
        const size_t end = std::min<size_t>(block.size, begin + kGroupAppends);
        AppendGroup(appender, block, begin, end);
        since_commit += end - begin;
        if (flags_.commit_every > 0 && since_commit >= flags_.commit_every) {
          Commit(appender);
          since_commit = 0;
        }
      }
      samples_.store(appended_ / series_, std::memory_order_release);
    }
    if (since_commit > 0 && flags_.commit_every > 0) Commit(appender);
    if (failures_ > 0 && failure_.ok()) failure_ = appender.status();
  }

  const Latencies& latencies() const { return latencies_; }
  uint64_t appended() const { return appended_; }
  uint64_t failures() const { return failures_; }
  const absl::Status& failure() const { return failure_; }

 private:
  // Uniform, 1 to 2 * time_every - 1, so time_every on average.
  uint64_t NextTimed() {
    random_ = Mix64(random_);
    return 1 + random_ % (2 * uint64_t{flags_.time_every} - 1);
  }

  // When the group is due, or later if this thread wakes up later; already past if the groups
  // before it took too long: their delay counts as its latency, too.
  Clock::time_point AwaitTurn() {
    const auto due = begin_ + std::chrono::nanoseconds(static_cast<int64_t>(
                                  group_interval_ns_ * static_cast<double>(groups_)));
    if (Clock::now() >= due) return due;
    MutexLock lock(&turn_mutex_);
    while (Clock::now() < due) turn_.WaitUntil(&turn_mutex_, due);
    return Clock::now();
  }

  void AppendGroup(Appender& appender, const RecordBlock& block, size_t begin, size_t end) {
    const bool paced = group_interval_ns_ > 0;
    const Clock::time_point turn = paced ? AwaitTurn() : Clock::time_point();
    group_watch_.Start();
    AppendRange(appender, block, begin, end);
    latencies_[kAppendGroup].Take(paced ? Nanoseconds(Clock::now() - turn)
                                        : group_watch_.Nanoseconds());
    ++groups_;
    appended_ += end - begin;
  }

  void AppendRange(Appender& appender, const RecordBlock& block, size_t begin, size_t end) {
    const auto append = [&](size_t until) {
      for (; begin < until; ++begin) {
        failures_ +=
            !appender.Append(block.series[begin], block.timestamps[begin], block.values[begin]);
      }
    };
    while (until_timed_ <= end - begin) {
      const size_t timed = begin + until_timed_ - 1;
      append(timed);
      append_watch_.Start();
      append(timed + 1);
      latencies_[kAppend].Take(append_watch_.Nanoseconds());
      until_timed_ = NextTimed();
    }
    until_timed_ -= end - begin;
    append(end);
  }

  void Commit(Appender& appender) {
    group_watch_.Start();
    const Ticket ticket = appender.Commit();
    absl::Status status;
    if (flags_.await_commit != AwaitCommit::kNone) {
      status = ticket.Await(flags_.await_commit == AwaitCommit::kDurable ? Milestone::kDurable
                                                                         : Milestone::kVisible);
    }
    latencies_[kCommit].Take(group_watch_.Nanoseconds());
    if (status.ok()) return;
    ++failures_;
    if (failure_.ok()) failure_ = status;
  }

  const Flags& flags_;
  const uint64_t series_;
  InputStream& input_;
  std::atomic<uint64_t>& samples_;
  uint64_t random_;
  double group_interval_ns_ = 0;  // 0: as fast as it can
  Clock::time_point begin_;
  Mutex turn_mutex_;  // for waiting until a time: nothing notifies
  CondVar turn_;
  Stopwatch group_watch_, append_watch_;
  uint64_t until_timed_ = 0;  // appends until the next one timed by itself, that one included
  uint64_t groups_ = 0, appended_ = 0, failures_ = 0;
  absl::Status failure_;
  Latencies latencies_{};
};

class Reader {
 public:
  Reader(const MixedSetting& setting, size_t index, const Progress& progress)
      : setting_(setting), progress_(progress), random_(Mix64(~setting.flags.seed - index)) {}

  // Until the writers are done, and once at least.
  void Read(Database& database) {
    do {
      const uint64_t samples = Appended();
      if (setting_.flags.beside != BesideQuery::kNone) {
        Ask(database, samples);
        continue;
      }
      watch_.Start();
      const Snapshot snapshot = database.NewSnapshot({.freshness = Freshness::kLatest});
      latencies_[kFreshSnapshot].Take(watch_.Nanoseconds());
      ReadFrom(snapshot, samples);
    } while (progress_.writing.load(std::memory_order_relaxed) > 0);
  }

  // What Last() answered while the writers ran, compared with what is there now.
  bool LastsWereWritten(const Snapshot& now) const {
    return std::all_of(lasts_.begin(), lasts_.end(), [&](const auto& last) {
      const auto value = now.Lookup(last.first, last.second.timestamp);
      return value.has_value() && SameBits(*value, last.second.value);
    });
  }

  const Latencies& latencies() const { return latencies_; }
  uint64_t wrong() const { return wrong_; }
  uint64_t reads() const {
    return latencies_[kLookup].count() + latencies_[kShortScan].count() +
           latencies_[kLast].count() + latencies_[kQuery].count();
  }

 private:
  static bool SameBits(double a, double b) {
    return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
  }

  // Samples of every series that are appended.
  uint64_t Appended() const {
    if (!setting_.in_rows) return setting_.preloaded;
    uint64_t least = setting_.workload.samples();
    for (const auto& samples : progress_.samples) {
      least = std::min(least, samples.count.load(std::memory_order_acquire));
    }
    return setting_.preloaded + least;
  }

  void ReadFrom(const Snapshot& snapshot, uint64_t samples) {
    const std::vector<uint64_t>& lookups = setting_.lookups.samples;
    const auto lookups_end = static_cast<uint64_t>(
        std::lower_bound(lookups.begin(), lookups.end(), samples) - lookups.begin());
    const auto scans_end = static_cast<uint64_t>(
        std::partition_point(setting_.scans.scans.begin(), setting_.scans.scans.end(),
                             [&](const ScanQuestion& scan) {
                               return scan.first_sample + setting_.scans.length <= samples;
                             }) -
        setting_.scans.scans.begin());
    for (uint32_t i = 0; i < setting_.flags.reads_per_snapshot; ++i) {
      random_ = Mix64(random_);
      const uint64_t kind = random_ % 3, place = random_ >> 8;
      if (kind == 0 && lookups_end > 0) {
        LookUp(snapshot, place % lookups_end);
      } else if (kind == 1 && scans_end > 0) {
        ScanShort(snapshot, setting_.scans.scans[place % scans_end]);
      } else {
        ReadLast(snapshot, static_cast<SeriesId>(place % setting_.workload.series()), samples);
      }
    }
  }

  // Of what had been appended before, as far as a query's answer can be told beforehand.
  void Ask(Database& database, uint64_t samples) {
    random_ = Mix64(random_);
    const Workload& workload = setting_.workload;
    const bool small = setting_.flags.beside == BesideQuery::kSmall;
    Query query;
    query.columns = {{.function = WindowFunction::kCount}, {.function = WindowFunction::kAvg}};
    if (small) {
      query.matchers = setting_.matchers[random_ % workload.series()];
      query.range = Workload::Range(samples - setting_.scans.length, samples);
    } else {
      query.range = Workload::Range(0, workload.samples());
      query.options.use_statistics = false;
      query.columns[0].group_function = GroupFunction::kSum;
      query.grouping = Grouping{};
    }
    watch_.Start();
    const absl::StatusOr<QueryResult> result = RunQuery(database, query);
    latencies_[kQuery].Take(watch_.Nanoseconds());
    const auto count = result.ok() && result->rows() == 1 ? result->At(0, 0) : std::nullopt;
    if (!count.has_value()) {
      ++wrong_;
    } else if (small) {
      wrong_ += *count != static_cast<double>(setting_.scans.length);
    } else {
      wrong_ += *count < static_cast<double>(samples * workload.series());
    }
  }

  void LookUp(const Snapshot& snapshot, uint64_t question) {
    const LookupQuestions& lookups = setting_.lookups;
    watch_.Start();
    const auto value = snapshot.Lookup(lookups.series[question], lookups.timestamps[question]);
    latencies_[kLookup].Take(watch_.Nanoseconds());
    wrong_ += !value.has_value() || !SameBits(*value, lookups.answers[question]);
  }

  void ScanShort(const Snapshot& snapshot, const ScanQuestion& scan) {
    uint64_t returned = 0;
    watch_.Start();
    const bool right = AskScan(snapshot, scan, setting_.scans.length, {}, returned);
    latencies_[kShortScan].Take(watch_.Nanoseconds());
    wrong_ += !right || returned != setting_.scans.length;
  }

  void ReadLast(const Snapshot& snapshot, SeriesId series, uint64_t samples) {
    watch_.Start();
    const std::optional<Sample> last = snapshot.Last(series);
    latencies_[kLast].Take(watch_.Nanoseconds());
    if (!last.has_value() || last->timestamp < Workload::Range(samples - 1, samples).begin) {
      ++wrong_;
      return;
    }
    if (lasts_.size() < kKeptLastsMax) {
      lasts_.emplace_back(series, *last);
    } else {
      lasts_[next_kept_++ % kKeptLastsMax] = {series, *last};
    }
  }

  const MixedSetting& setting_;
  const Progress& progress_;
  uint64_t random_;
  Stopwatch watch_;
  uint64_t wrong_ = 0;
  std::vector<std::pair<SeriesId, Sample>> lasts_;  // the latest, to be checked afterwards
  size_t next_kept_ = 0;
  Latencies latencies_{};
};

// The threads of a run, writers first.
struct Threads {
  Threads(const MixedSetting& setting, Progress& progress) {
    for (size_t i = 0; i < setting.inputs.size(); ++i) {
      writers.push_back(std::make_unique<Writer>(setting, i, progress));
    }
    for (size_t i = 0; i < setting.readers; ++i) {
      readers.push_back(std::make_unique<Reader>(setting, i, progress));
    }
  }
  std::vector<std::unique_ptr<Writer>> writers;
  std::vector<std::unique_ptr<Reader>> readers;
};

// Runs them all; the seconds until the last writer was done, and when they began.
std::pair<double, Clock::time_point> RunThreads(Database& database, Threads& threads,
                                                Progress& progress) {
  const size_t writers = threads.writers.size();
  std::vector<Clock::time_point> ends(writers);
  const Together together = RunPrepared(
      writers + threads.readers.size(),
      [&](size_t index) {
        return index < writers ? std::optional<Appender>(database.NewAppender()) : std::nullopt;
      },
      [&](size_t index, std::optional<Appender>& appender) {
        if (index >= writers) return threads.readers[index - writers]->Read(database);
        threads.writers[index]->Write(*appender);
        ends[index] = Clock::now();
        progress.writing.fetch_sub(1, std::memory_order_relaxed);
      });
  const auto end = *std::max_element(ends.begin(), ends.end());
  return {SecondsBetween(together.begin, end), together.begin};
}

void Merge(const Latencies& from, Latencies& to) {
  for (size_t i = 0; i < kOperations; ++i) to[i].Merge(from[i]);
}

// Adds up what the threads found; kDataLoss if an answer was wrong.
absl::Status Collect(const Threads& threads, Database& database, MixedRun& run) {
  for (const auto& writer : threads.writers) {
    if (writer->failures() > 0) return writer->failure();
    run.appended += writer->appended();
    Merge(writer->latencies(), run.latencies);
  }
  const Snapshot now = database.NewSnapshot();
  for (const auto& reader : threads.readers) {
    if (reader->wrong() > 0) {
      return absl::DataLossError(std::to_string(reader->wrong()) + " of " +
                                 std::to_string(reader->reads()) +
                                 " reads beside the writers gave a wrong answer, or none");
    }
    if (!reader->LastsWereWritten(now)) {
      return absl::DataLossError("a last value read beside the writers was never written");
    }
    run.reads += reader->reads();
    Merge(reader->latencies(), run.latencies);
  }
  return absl::OkStatus();
}

void SortBySample(LookupQuestions& questions) {
  std::vector<size_t> order(questions.samples.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return questions.samples[a] < questions.samples[b]; });
  LookupQuestions sorted;
  for (const size_t i : order) {
    sorted.series.push_back(questions.series[i]);
    sorted.samples.push_back(questions.samples[i]);
    sorted.timestamps.push_back(questions.timestamps[i]);
    sorted.answers.push_back(questions.answers[i]);
  }
  questions = std::move(sorted);
}

}  // namespace

const char* OperationName(Operation operation) {
  static constexpr const char* kNames[] = {"append", "append_group", "commit", "fresh_snapshot",
                                           "lookup", "short_scan",   "last",   "query"};
  return kNames[operation];
}

MixedSetting::MixedSetting(const Flags& all_flags, const Workload& whole, uint32_t writers,
                           uint32_t reader_count)
    : flags(all_flags),
      workload(whole),
      readers(reader_count),
      preloaded(std::max(whole.samples() / 10, all_flags.length)),
      in_rows(all_flags.order == Order::kScrape && all_flags.sharing == Sharing::kSeries &&
              whole.series() >= writers),
      shares(whole.Split(writers, all_flags.sharing)) {
  // Each writer's slice of time is cut down to what was not there before.
  const auto after_preload = [&](uint64_t sample) {
    return preloaded + sample * (whole.samples() - preloaded) / whole.samples();
  };
  for (Share& share : shares) {
    share.sample_begin = after_preload(share.sample_begin);
    share.sample_end = after_preload(share.sample_end);
  }
  inputs = MakeInputs(whole, shares, flags.Input());
  inputs[0] = WithDefect(std::move(inputs[0]), flags.plant);
  preload.push_back(MakeInput(whole, {0, whole.series(), 0, preloaded}, {}));
  lookups = MakeLookups(whole, kQuestions, whole.seed());
  SortBySample(lookups);
  if (flags.beside == BesideQuery::kSmall) {
    for (SeriesId series = 0; series < whole.series(); ++series) {
      std::vector<Matcher>& own = matchers.emplace_back();
      const absl::StatusOr<Labels> labels = SeriesLabelsOf(series);
      for (const Label& label : *labels) {
        own.push_back({std::string(label.name), MatchOp::kEqual, std::string(label.value)});
      }
    }
  }
  scans = MakeScans(whole, kQuestions, flags.length, whole.seed() + 1);
  std::sort(
      scans.scans.begin(), scans.scans.end(),
      [](const ScanQuestion& a, const ScanQuestion& b) { return a.first_sample < b.first_sample; });
}

absl::StatusOr<MixedRun> RunMixed(const MixedSetting& setting, uint64_t checkpoint_every) {
  const Workload& workload = setting.workload;
  const ScratchDirectory directory(setting.flags.directory);
  Options options = setting.flags.DatabaseOptions(0, directory.path());
  options.checkpoint_log_bytes = checkpoint_every > 0 ? checkpoint_every : kNever;
  TSDB_ASSIGN_OR_RETURN(OpenedDatabase opened, OpenWithSeries(options, workload.series()));
  Database& database = *opened.database;
  const WriterRun preloading = RunWriters(database, setting.preload, {});
  if (preloading.failures > 0) return preloading.failure;
  TSDB_RETURN_IF_ERROR(database.Flush());

  for (const auto& input : setting.inputs) input->Rewind();
  Progress progress(setting.inputs.size());
  Threads threads(setting, progress);
  MixedRun run;
  Clock::time_point begin;
  std::tie(run.writer_seconds, begin) = RunThreads(database, threads, progress);
  TSDB_RETURN_IF_ERROR(database.Flush());
  TSDB_RETURN_IF_ERROR(database.NewAppender().Commit().Await(Milestone::kDurable));
  run.merged_seconds = SecondsBetween(begin, Clock::now());
  run.stats = database.Statistics();
  TSDB_RETURN_IF_ERROR(Collect(threads, database, run));
  TSDB_RETURN_IF_ERROR(CheckLedger(run.stats, workload.records()));
  ReadBack read_back;
  TSDB_RETURN_IF_ERROR(CheckContent(database, workload, read_back));
  TSDB_RETURN_IF_ERROR(database.Close());
  opened.database.reset();
  if (!directory.path().empty()) {
    TSDB_RETURN_IF_ERROR(CheckReopened(options, workload).status());
  }
  return run;
}

}  // namespace tsdb::benchmark

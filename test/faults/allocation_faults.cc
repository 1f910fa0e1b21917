// Every k-th allocation fails: a process runs a fixed workload in which the k-th allocation of the
// engine is refused, for every k until none is left to refuse. It must not end by itself, hang, or
// lose what it acknowledged.
//
//   allocation_faults [--source new|map] [--every N] [--failures N] [--first K] [--last K]
//   allocation_faults --plant impatience|early
//
// --every: every N-th k only. --failures: so many in a row from the k-th on. A refused call says
// so in its Status (or, where it returns none, by std::bad_alloc); it is made again then. Each k is
// a process of its own. With --plant the run has a fault that the harness exists to find, and
// succeeds only if it is found: merges that do not wait for memory, or a refused delete that is
// counted as done.
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "test/faults/allocation_hook.h"
#include "tsdb/database.h"
#include "tsdb/promql.h"
#include "tsdb/query.h"

namespace tsdb {
namespace {

constexpr SeriesId kSeries = 6;
constexpr int kAttempts = 10'000;
constexpr std::chrono::seconds kMomentAtMost{20};
constexpr int kPatienceMs = 60'000;  // of the parent with a child

enum class Plant : uint8_t { kNone, kImpatience, kEarly };

constexpr int kLost = 3;  // exit status of a process that lost something it had acknowledged

[[noreturn]] void Fail(const std::string& what, int status = 1) {
  const alloc::Exempt own;
  std::fprintf(stderr, "%s; the allocation that failed first was asked for at\n", what.c_str());
  alloc::PrintFirstFailure();
  std::_Exit(status);
}

void OnSignal(int signal) {
  alloc::PrintFirstFailure();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

// Calls into the engine, whose allocations may fail. One that returns a Status must not throw.
template <typename Call>
auto In(const char* doing, Call&& call) -> decltype(call()) {
  const alloc::Exempt counted(false);
  try {
    return call();
  } catch (const std::bad_alloc&) {
    Fail(std::string(doing) + " threw std::bad_alloc and not returned a Status");
  }
}

// One that returns none may. False if it did.
template <typename Call>
bool MayThrow(Call&& call) {
  const alloc::Exempt counted(false);
  try {
    call();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

// Until it succeeds, which it does as soon as there is memory. No error but for want of memory.
template <typename Call>
auto Obtain(const char* doing, Call&& call) -> decltype(call()) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto result = In(doing, call);
    if (StatusOf(result).ok()) return result;
    if (StatusOf(result).code() != absl::StatusCode::kResourceExhausted) {
      Fail(std::string(doing) + ": " + StatusOf(result).ToString());
    }
  }
  Fail(std::string(doing) + " fails although there is memory");
}

template <typename Call>
void Insist(const char* doing, Call&& call) {
  StatusOf(Obtain(doing, call)).IgnoreError();  // ok, or it would not return
}

class Workload {
 public:
  Workload(std::string directory, Plant plant) : directory_(std::move(directory)), plant_(plant) {}

  void Run() {
    Open();
    for (int step = 0; step < 12; ++step) Step(step);
    Insist("closing", [&] { return database_->Close(); });
    database_ = nullptr;
    Open();
    CheckContent();
    Read();
    Insist("closing", [&] { return database_->Close(); });
    database_ = nullptr;
    alloc::Disarm();
    Open();
    if (!database_->Recovery().damage.empty()) Fail("damage: " + database_->Recovery().damage[0]);
    CheckContent();
    Insist("verifying", [&] { return database_->Verify(); });
  }

 private:
  using Key = std::pair<SeriesId, Timestamp>;
  using Value = std::optional<uint64_t>;

  void Open() {
    Options options;
    options.directory = directory_;
    options.memory_budget_bytes = uint64_t{64} << 20;
    options.write_buffer_bytes = 64 << 10;
    options.merge_threads = 1;
    options.log_file_bytes = 64 << 10;
    options.stats_interval_ms = 5;
    database_ = *Obtain("opening", [&] { return Database::Open(options); });
    if (plant_ == Plant::kImpatience) std::set_new_handler(nullptr);
    for (SeriesId series = 0; series < kSeries; ++series) {
      const auto labels = Labels::Create({{kMetricNameLabel, "m"}, {"i", std::to_string(series)}});
      const auto id = Obtain("registering", [&] { return database_->FindOrCreateSeries(*labels); });
      if (*id != series) Fail("a series has another number than before");
    }
  }

  void Step(int step) {
    const auto series = static_cast<SeriesId>(step % kSeries);
    Append(series, 1'000 * step, step % 3 == 0 ? 1'500 : 40);
    Append(series, 10, 30);  // late, over what is there
    switch (step % 6) {
      case 1:
        Insist("checkpoint", [&] { return database_->Checkpoint(); });
        break;
      case 2:
        Delete(series, {20, 25});
        break;
      case 3:
        Set(series, 15, 7);
        break;
      case 4:
        Insist("compacting", [&] { return database_->Compact(); });
        break;
      case 5:
        Read();
        break;
      default:
        Insist("flushing", [&] { return database_->Flush(); });
    }
  }

  // What was to be stored, until it is known that it was: either.
  void Begin(Key key, Value value) { allowed_[key].insert(value); }
  void Done(Key key, Value value) { allowed_[key] = {value}; }

  void Append(SeriesId series, Timestamp first, int count) {
    std::vector<Timestamp> times;
    std::vector<double> values;
    for (int i = 0; i < count; ++i) {
      times.push_back(first + i);
      values.push_back(static_cast<double>(++written_));
      if (!allowed_.contains({series, times.back()})) Begin({series, times.back()}, std::nullopt);
      Begin({series, times.back()}, std::bit_cast<uint64_t>(values.back()));
    }
    bool stored = false;
    std::optional<Appender> appender;
    while (!MayThrow([&] { appender.emplace(database_->NewAppender()); })) {
    }
    // Refused while a merge waits for memory, which takes it a moment to find.
    const auto deadline = std::chrono::steady_clock::now() + kMomentAtMost;
    while (!stored && std::chrono::steady_clock::now() < deadline) {
      stored = In("appending", [&] { return appender->AppendColumns(series, times, values); });
    }
    if (!stored) Fail("appending: " + appender->status().ToString());
    const absl::Status durable =
        In("committing", [&] { return appender->Commit().Await(Milestone::kDurable); });
    if (!durable.ok()) Fail("awaiting: " + durable.ToString());
    In("ending an appender", [&] { appender.reset(); });
    for (int i = 0; i < count; ++i) {
      Done({series, times[static_cast<size_t>(i)]},
           std::bit_cast<uint64_t>(values[static_cast<size_t>(i)]));
    }
  }

  void Delete(SeriesId series, TimeRange range) {
    const auto each = [&](auto&& note) {
      for (auto& [key, values] : allowed_) {
        if (key.first == series && range.Contains(key.second)) note(key);
      }
    };
    each([&](const Key& key) { Begin(key, std::nullopt); });
    const std::vector<SeriesId> one = {series};
    if (plant_ == Plant::kEarly) {
      alloc::Arm({.nth = 1});
      In("deleting", [&] { return database_->Delete(one, range); }).status().IgnoreError();
    } else {
      Insist("deleting", [&] { return database_->Delete(one, range); });
    }
    each([&](const Key& key) { Done(key, std::nullopt); });
  }

  void Set(SeriesId series, Timestamp time, double desired) {
    const Value before = *allowed_.at({series, time}).begin();
    const std::optional<double> expected =
        before.has_value() ? std::optional<double>(std::bit_cast<double>(*before)) : std::nullopt;
    Begin({series, time}, std::bit_cast<uint64_t>(desired));
    const auto set = Obtain(
        "setting", [&] { return database_->CompareAndSet(series, time, expected, desired); });
    if (*set) Done({series, time}, std::bit_cast<uint64_t>(desired));
  }

  // Everything there is, by every way to it.
  void Read() {
    Query query;
    query.range = {0, 100'000};
    query.step_ms = 500;
    query.columns = {{.function = WindowFunction::kSum}, {.function = WindowFunction::kQuantile}};
    query.options.threads = 4;  // two helpers, on two processors
    Insist("querying", [&] { return RunQuery(*database_, query); });
    const std::vector<Matcher> matchers = {{.name = "i", .op = MatchOp::kRegex, .value = "[0-3]"}};
    Insist("listing", [&] { return ListSeries(*database_, matchers, TimeRange::All(), {}); });
    Insist("last values", [&] { return LastValues(*database_, matchers, {}); });
    Insist("label values",
           [&] { return LabelValues(*database_, "i", matchers, TimeRange::All(), {}); });
    Insist("PromQL", [&] {
      return RunPromqlRange(*database_, "sum by (i) (rate(m[2s]))",
                            {.start = 0, .end = 20'000, .step_ms = 1'000}, {});
    });
    while (!MayThrow([&] { database_->Statistics(); })) {
    }
  }

  void CheckContent() {
    std::map<Key, uint64_t> found;
    for (SeriesId series = 0; series < kSeries; ++series) {
      std::vector<Sample> samples;
      while (!MayThrow([&] {
        samples.clear();
        Cursor cursor = database_->NewSnapshot().Scan(series);
        for (ColumnBlock block; cursor.Next(block);) {
          for (size_t i = 0; i < block.size(); ++i) {
            samples.push_back({block.timestamps[i], block.values[i]});
          }
        }
      })) {
      }
      for (const Sample& sample : samples) {
        found[{series, sample.timestamp}] = std::bit_cast<uint64_t>(sample.value);
      }
    }
    for (const auto& [key, value] : found) {
      if (!allowed_.contains(key)) Fail("a record is there that nobody wrote");
    }
    for (const auto& [key, values] : allowed_) {
      const auto at = found.find(key);
      const Value value = at == found.end() ? Value() : Value(at->second);
      if (!values.contains(value)) {
        Fail("series " + std::to_string(key.first) + " at " + std::to_string(key.second) +
                 (value.has_value() ? " has another value" : " is lost"),
             kLost);
      }
    }
  }

  const std::string directory_;
  const Plant plant_;
  std::unique_ptr<Database> database_;
  std::map<Key, std::set<Value>> allowed_;
  uint64_t written_ = 0;
};

struct Flags {
  alloc::Source source = alloc::Source::kNew;
  uint64_t every = 1, failures = 1, first = 1, last = UINT64_MAX;
  Plant plant = Plant::kNone;
};

constexpr char kLostText[] = "it lost what it had acknowledged";

// What became of a process: "" if nothing was wrong with it. `seen`: its allocations.
std::string RunOne(const alloc::Plan& plan, Plant plant, uint64_t* seen, uint64_t* failed) {
  std::string directory = (std::filesystem::temp_directory_path() / "tsdb_alloc_XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) return "no directory " + directory;
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    const alloc::Exempt own;
    for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGILL}) std::signal(signal, &OnSignal);
    alloc::Arm(plan);
    {
      Workload workload(directory + "/db", plant);
      workload.Run();
    }
    const uint64_t counts[2] = {alloc::Seen(), alloc::Failed()};
    std::_Exit(write(ends[1], counts, sizeof(counts)) == sizeof(counts) ? 0 : 1);
  }
  close(ends[1]);
  std::string wrong;
  pollfd ended{ends[0], POLLIN | POLLHUP, 0};
  if (child < 0) {
    wrong = "no process";
  } else if (poll(&ended, 1, kPatienceMs) == 0) {
    wrong = "it hangs";
    kill(child, SIGKILL);
  }
  uint64_t counts[2] = {0, 0};
  const bool told = read(ends[0], counts, sizeof(counts)) == sizeof(counts);
  close(ends[0]);
  int status = 0;
  if (child > 0) waitpid(child, &status, 0);
  if (wrong.empty() && WIFSIGNALED(status)) {
    wrong = "it ended by signal " + std::to_string(WTERMSIG(status));
  } else if (wrong.empty() && WEXITSTATUS(status) == kLost) {
    wrong = kLostText;
  } else if (wrong.empty() && (!told || status != 0)) {
    wrong = "it found something wrong";
  }
  *seen = counts[0];
  *failed = counts[1];
  std::filesystem::remove_all(directory);
  return wrong;
}

int Sweep(const Flags& flags) {
  const char* name = flags.source == alloc::Source::kNew ? "operator new" : "mmap";
  uint64_t runs = 0, hit = 0, findings = 0, seen = 0, failed = 0;
  for (uint64_t k = flags.first; k <= flags.last; k += flags.every) {
    const std::string wrong =
        RunOne({flags.source, k, flags.failures}, flags.plant, &seen, &failed);
    ++runs;
    hit += failed > 0;
    if (!wrong.empty() && (flags.plant != Plant::kEarly || wrong == kLostText)) {
      ++findings;
      std::printf("%s, call %llu: %s\n", name, static_cast<unsigned long long>(k), wrong.c_str());
      std::fflush(stdout);
      if (flags.plant != Plant::kNone) break;
    } else if (k > seen) {
      break;  // nothing was left to fail
    }
  }
  if (flags.plant != Plant::kNone) {
    std::printf("scorecard {\"row\": 6, \"planted\": \"%s\", \"caught\": %s}\n",
                flags.plant == Plant::kEarly ? "a refused delete counted as done"
                                             : "merges that do not wait for memory",
                findings > 0 ? "true" : "false");
    return findings > 0 ? 0 : 1;
  }
  const bool all = flags.every == 1 && flags.first == 1 && flags.last == UINT64_MAX;
  std::printf(
      "scorecard {\"row\": 6, \"reached\": \"%s: %llu calls of a workload, %llu failed "
      "in a row from each: %llu findings\", \"met\": %s}\n",
      name, static_cast<unsigned long long>(hit), static_cast<unsigned long long>(flags.failures),
      static_cast<unsigned long long>(findings), all && findings == 0 ? "true" : "false");
  return findings == 0 ? 0 : 1;
}

std::optional<Flags> Parse(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--source" && (value == "new" || value == "map")) {
      flags.source = value == "new" ? alloc::Source::kNew : alloc::Source::kMap;
    } else if (name == "--plant" && (value == "impatience" || value == "early")) {
      flags.plant = value == "early" ? Plant::kEarly : Plant::kImpatience;
    } else if (name == "--every") {
      flags.every = std::strtoull(value.c_str(), nullptr, 10);
    } else if (name == "--failures") {
      flags.failures = std::strtoull(value.c_str(), nullptr, 10);
    } else if (name == "--first") {
      flags.first = std::strtoull(value.c_str(), nullptr, 10);
    } else if (name == "--last") {
      flags.last = std::strtoull(value.c_str(), nullptr, 10);
    } else {
      return std::nullopt;
    }
  }
  if (argc % 2 == 0 || flags.every == 0) return std::nullopt;
  return flags;
}

}  // namespace
}  // namespace tsdb

int main(int argc, char** argv) {
  const auto flags = tsdb::Parse(argc, argv);
  if (!flags.has_value()) {
    std::fputs("see the head of its source for how it is called\n", stderr);
    return 2;
  }
  return tsdb::Sweep(*flags);
}

// Crash states: a database at work is stopped before every call to the file system, by the end of
// the process and by losses of power that keep some of what was not synced; each state that is left
// is recovered and compared with what had been acknowledged by then.
//
// TSDB_CRASH_RUNS=170 in the environment makes 170 runs, some 100,000 states, not the few of every
// day.
#include <atomic>
#include <bit>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "test/faults/fault_file_system.h"
#include "test/faults/memory_file_system.h"
#include "test/tsdb/test_database.h"
#include "test/tsdb/threads.h"
#include "tsdb/internals.h"

namespace tsdb {
namespace {

constexpr char kParent[] = "/data";
constexpr SeriesId kSeries = 6;
constexpr int kSteps = kSlowdown == 1 ? 24 : 8;

Options InDirectory() {
  Options options = TinyBuffers();
  options.memory_budget_bytes = uint64_t{32} << 20;
  options.merge_threads = 1;
  options.directory = "/data/db";
  options.log_file_bytes = 64 << 10;
  options.durability = Durability::kSync;
  options.sync_interval_ms = 3'600'000;  // syncs only when asked to
  return options;
}

using Content = std::map<std::pair<SeriesId, Timestamp>, double>;

// What was to be stored after each step, and how many steps have begun and have been acknowledged.
struct Expectation {
  std::mutex mutex;  // of `after`
  std::vector<Content> after{Content()};
  std::atomic<size_t> begun{0}, acknowledged{0};

  Content At(size_t step) {
    const std::lock_guard<std::mutex> lock(mutex);
    return after[step];
  }
  void Begin(Content content) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      after.push_back(std::move(content));
    }
    begun.fetch_add(1);
  }
};

Content ReadContent(Database& database) {
  Content content;
  const Snapshot snapshot = database.NewSnapshot();
  for (SeriesId id = 0; id < database.SeriesCount(); ++id) {
    // The series' number in the test, whatever it is in this database.
    SeriesId series = kSeries;
    const auto labels = database.SeriesLabels(id);
    for (const Label label : *labels) {
      if (label.name == "i") series = static_cast<SeriesId>(std::stoul(std::string(label.value)));
    }
    for (const Sample& sample : ReadAll(snapshot, id)) {
      content[{series, sample.timestamp}] = sample.value;
    }
  }
  return content;
}

// Every key has a value, or none, that it had after one of the steps [first, last].
void CheckRecovered(FileSystem* files, Expectation& expectation, size_t first, size_t last,
                    Findings& findings) {
  const auto opened = Internals::Open(InDirectory(), files);
  if (!findings.Expect(opened.ok(), "not opened: ", opened.status().ToString())) return;
  Database& database = **opened;
  const RecoveryReport& recovery = database.Recovery();
  findings.Expect(recovery.damage.empty() && recovery.orphans == 0,
                  "damaged: ", recovery.damage.empty() ? "orphans" : recovery.damage[0]);
  const Content found = ReadContent(database);
  std::vector<Content> allowed;
  for (size_t step = first; step <= last; ++step) allowed.push_back(expectation.At(step));
  Content keys = found;
  for (const Content& content : allowed) keys.insert(content.begin(), content.end());
  const auto value_in = [](const Content& content, const auto& key) -> std::optional<uint64_t> {
    const auto at = content.find(key);
    if (at == content.end()) return std::nullopt;
    return std::bit_cast<uint64_t>(at->second);
  };
  for (const auto& [key, ignored] : keys) {
    const auto value = value_in(found, key);
    bool fits = false;
    for (const Content& content : allowed) fits |= value_in(content, key) == value;
    if (!findings.Expect(fits, "steps ", first, " to ", last, ": series ", key.first, " at ",
                         key.second, value.has_value() ? " has another value" : " is lost")) {
      return;
    }
  }
  const absl::Status verified = database.Verify();
  findings.Expect(verified.ok(), verified.ToString());
  // It takes more.
  const auto labels = Labels::Create({{kMetricNameLabel, "m"}, {"i", "0"}});
  const auto series = database.FindOrCreateSeries(*labels);
  Appender appender = database.NewAppender();
  findings.Expect(series.ok() && appender.Append(*series, 1, 1) &&
                      appender.Commit().Await(Milestone::kDurable).ok(),
                  "nothing can be appended");
}

// A fault that the recovered states must give away.
struct Plant {
  const char* name = nullptr;
  std::optional<FileCall> skipped;  // syncs answered and not done
  bool early = false;               // acknowledged before it is awaited
};

class Run {
 public:
  explicit Run(uint64_t seed, const Plant& plant = {})
      : random_(seed), memory_({kParent}), files_(&memory_), early_(plant.early) {
    if (plant.skipped.has_value()) {
      files_.Inject({.fault = FileFault::kSkip, .call = plant.skipped, .sticky = true});
    }
  }

  // Returns how many states were recovered.
  uint64_t Execute(Findings& findings) {
    std::mutex mutex;  // threads of the log and the checkpoint come here, too
    std::atomic<uint64_t> states{0};
    uint64_t loss = 0;
    files_.SetHook([&](FileCall call, const std::string&) {
      // Calls that change nothing leave the state of the one before them.
      if (call == FileCall::kRead || call == FileCall::kFileSize || call == FileCall::kList ||
          call == FileCall::kMap || call == FileCall::kOpenReadable || !findings.none()) {
        return;
      }
      const std::lock_guard<std::mutex> lock(mutex);
      const auto recover = [&](auto&& crash) {
        const size_t first = expectation_.acknowledged.load();
        const std::unique_ptr<MemoryFileSystem> left = crash();
        CheckRecovered(left.get(), expectation_, first, expectation_.begun.load(), findings);
        states.fetch_add(1);
      };
      recover([&] { return memory_.AfterProcessCrash(); });
      recover([&] { return memory_.AfterPowerLoss(); });
      recover([&] { return memory_.AfterPowerLoss(++loss); });
    });
    Open(findings);
    for (int step = 0; step < kSteps && findings.none(); ++step) Step(findings);
    database_ = nullptr;
    return states.load();
  }

 private:
  void Open(Findings& findings) {
    Options options = InDirectory();
    options.checkpoint_on_close = random_() % 2 == 0;
    auto opened = Internals::Open(options, &files_);
    if (!findings.Expect(opened.ok(), opened.status().ToString())) return;
    database_ = *std::move(opened);
    for (SeriesId series = 0; series < kSeries; ++series) {
      const auto labels = Labels::Create({{kMetricNameLabel, "m"}, {"i", std::to_string(series)}});
      findings.Expect(database_->FindOrCreateSeries(*labels).ok(), "no series");
    }
  }

  void Step(Findings& findings) {
    const auto series = static_cast<SeriesId>(random_() % kSeries);
    const auto time = static_cast<Timestamp>(random_() % 3'000);
    Content content = content_;
    absl::Status status;
    switch (random_() % 10) {
      case 0:
        status = database_->Checkpoint();
        break;
      case 1:
        status = database_->Compact();
        break;
      case 2:
        status = database_->Close();
        Open(findings);
        break;
      case 3: {
        const TimeRange range{time, time + static_cast<Timestamp>(random_() % 1'500)};
        std::erase_if(content, [&](const auto& sample) {
          return sample.first.first == series && range.Contains(sample.first.second);
        });
        expectation_.Begin(content);
        status = database_->Delete(std::vector<SeriesId>{series}, range).status();
        expectation_.acknowledged.fetch_add(1);
        break;
      }
      case 4: {
        const auto at = content.find({series, time});
        const std::optional<double> present =
            at == content.end() ? std::nullopt : std::optional<double>(at->second);
        content[{series, time}] = 77;
        expectation_.Begin(content);
        status = database_->CompareAndSet(series, time, present, 77).status();
        expectation_.acknowledged.fetch_add(1);
        break;
      }
      default: {
        // Few records, or leaves of them.
        const size_t count = random_() % 2 == 0 ? 1 + random_() % 4 : 300 + random_() % 900;
        const double value = static_cast<double>(random_() % 1000);
        for (size_t i = 0; i < count; ++i) {
          content[{series, time + static_cast<Timestamp>(i)}] = value;
        }
        expectation_.Begin(content);
        Appender appender = database_->NewAppender();
        for (size_t i = 0; i < count; ++i) {
          findings.Expect(appender.Append(series, time + static_cast<Timestamp>(i), value),
                          "refused: ", appender.status().ToString());
        }
        if (early_) expectation_.acknowledged.fetch_add(1);
        status = appender.Commit().Await(Milestone::kDurable);
        if (!early_) expectation_.acknowledged.fetch_add(1);
      }
    }
    findings.Expect(status.ok(), status.ToString());
    content_ = std::move(content);
  }

  std::mt19937_64 random_;
  MemoryFileSystem memory_;
  FaultFileSystem files_;
  const bool early_;
  Expectation expectation_;
  Content content_;
  std::unique_ptr<Database> database_;
};

TEST_CASE("crash states: each recovers to what was acknowledged", "[durability]") {
  const char* wanted = std::getenv("TSDB_CRASH_RUNS");
  const uint64_t runs = wanted == nullptr ? Scaled(4) : std::strtoull(wanted, nullptr, 10);
  uint64_t states = 0;
  for (uint64_t seed = 1; seed <= runs; ++seed) {
    INFO("seed " << seed);
    Findings findings;
    states += Run(seed).Execute(findings);
    REQUIRE_NO_FINDINGS(findings);
  }
  std::printf(
      "scorecard {\"row\": 2, \"reached\": \"%llu crash states, 0 lost\", \"met\": %s, "
      "\"seed\": 1}\n",
      static_cast<unsigned long long>(states), states >= 100'000 ? "true" : "false");
  REQUIRE(states > 100 * runs);
}

TEST_CASE("crash states: planted faults are found", "[durability]") {
  const Plant plant =
      GENERATE(Plant{"dropped syncs of files", FileCall::kSync, false},
               Plant{"dropped syncs of directories", FileCall::kSyncDirectory, false},
               Plant{"early acknowledgements", std::nullopt, true});
  constexpr uint64_t kRuns = 20;
  bool found = false;
  for (uint64_t seed = 1; seed <= kRuns && !found; ++seed) {
    Findings findings;
    Run(seed, plant).Execute(findings);
    found = !findings.none();
  }
  std::printf("scorecard {\"row\": 2, \"planted\": \"%s\", \"caught\": %s}\n", plant.name,
              found ? "true" : "false");
  INFO(plant.name);
  REQUIRE(found);
}

}  // namespace
}  // namespace tsdb

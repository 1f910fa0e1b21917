// Writers that wait until a checkpoint has made room for them.
#include <atomic>
#include <bit>
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "storage/base/mutex.h"
#include "test/faults/fault_file_system.h"
#include "test/faults/memory_file_system.h"
#include "test/tsdb/await_event.h"
#include "test/tsdb/durable_database.h"
#include "test/tsdb/threads.h"

namespace tsdb {
namespace {

// Holds whoever comes until it is opened.
class Gate {
 public:
  void Pass() {
    MutexLock lock(&mutex_);
    reached_ = true;
    changed_.NotifyAll();
    while (!open_) changed_.Wait(&mutex_);
  }
  void AwaitReached() {
    MutexLock lock(&mutex_);
    while (!reached_) changed_.Wait(&mutex_);
  }
  void Open() {
    MutexLock lock(&mutex_);
    open_ = true;
    changed_.NotifyAll();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool reached_ ABSL_GUARDED_BY(mutex_) = false;
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
};

TEST_CASE("memory budget: a checkpoint that began too early to make room is waited out, too",
          "[durability][concurrency]") {
  constexpr uint64_t kBudget = uint64_t{16} << 20;
  MemoryFileSystem memory({kParent});
  FaultFileSystem files(&memory);
  Gate gate;
  files.SetHook([&](FileCall call, const std::string& path) {
    if (call == FileCall::kSync && path.find("/segments/") != std::string::npos) gate.Pass();
  });
  Options options = InDirectory(Durability::kAsync);
  options.memory_budget_bytes = kBudget;
  const auto database = OpenIn(&files, options);
  AddSeries(*database, 1);
  {
    Appender appender = database->NewAppender();
    REQUIRE(appender.Append(0, 0, 0.5));
  }
  Findings findings;
  std::atomic<uint64_t> appended{0};
  Threads threads;
  threads.Add([&] { findings.Expect(database->Checkpoint().ok(), "no checkpoint"); });
  gate.AwaitReached();
  // What no encoding makes small, three times what the budget allows, so much at once that what a
  // checkpoint gives back of its own memory is not enough for the next.
  threads.Add([&] {
    std::mt19937_64 random(5);
    std::vector<Timestamp> times(kBudget / 4 / sizeof(Sample));
    std::vector<double> values(times.size());
    Appender appender = database->NewAppender();
    for (uint64_t i = 1; i <= 12 && findings.none(); ++i) {
      for (size_t at = 0; at < times.size(); ++at) {
        times[at] = static_cast<Timestamp>(i * times.size() + at) * 1000;
        values[at] = std::bit_cast<double>(random() >> 2);
      }
      findings.Expect(appender.AppendColumns(0, times, values), appender.status().ToString());
      appended.store(i);
    }
  });
  // It gets no further: the checkpoint that is on its way has nothing of what it wrote.
  uint64_t before = 0, unchanged = 0;
  const bool stuck = AwaitEvent([&] {
    const uint64_t now = appended.load();
    unchanged = now == before && now > 0 ? unchanged + 1 : 0;
    before = now;
    return unchanged >= 50 || !findings.none();
  });
  const uint64_t checkpoints = database->Statistics().checkpoints;
  gate.Open();
  threads.Join();
  REQUIRE_NO_FINDINGS(findings);
  CHECK(stuck);
  CHECK(checkpoints == 0);
  CHECK(database->Statistics().ledger.rejected_budget == 0);
}

}  // namespace
}  // namespace tsdb

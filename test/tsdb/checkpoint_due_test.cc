// When a checkpoint is made without being asked for, and when it is not.
#include <atomic>
#include <bit>
#include <catch2/catch.hpp>
#include <limits>
#include <memory>
#include <random>

#include "test/faults/memory_file_system.h"
#include "test/tsdb/await_event.h"
#include "test/tsdb/durable_database.h"

namespace tsdb {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

// A database whose clock counts how often the maintenance thread has looked what is due: it asks
// for the time, as there is a retention, which never deletes anything here.
class LookedAfter {
 public:
  explicit LookedAfter(Options options, size_t series = 1) : series_(series) {
    options.retention_ms = int64_t{1} << 40;
    auto opened = Internals::Open(options, &files_, [this] {
      looks_.fetch_add(1);
      return Timestamp{0};
    });
    REQUIRE(opened.ok());
    database_ = *std::move(opened);
    appender_ = std::make_unique<Appender>(database_->NewAppender());
    AddSeries(*database_, series);
  }

  // Returns when what was done before has been looked at.
  void AwaitLook() {
    const uint64_t before = looks_.load();
    REQUIRE(AwaitEvent([&] { return looks_.load() >= before + 3; }));
  }
  bool AwaitCheckpoints(uint64_t count) {
    return AwaitEvent([&] { return database_->Statistics().checkpoints >= count; });
  }
  // Appends what no encoding makes small, until `enough`.
  template <typename Enough>
  void AppendUntil(Enough enough) {
    while (!enough(database_->Statistics())) {
      for (int i = 0; i < 1000; ++i) {
        const double value = std::bit_cast<double>(random_() >> 2);
        time_ += 1 + static_cast<Timestamp>(random_() % 1000);
        const auto series = static_cast<SeriesId>(appended_++ % series_);
        if (!appender_->Append(series, time_, value)) FAIL(appender_->status());
      }
      REQUIRE(appender_->Commit().Await(Milestone::kDurable).ok());
      REQUIRE(appender_->Commit().Await(Milestone::kVisible).ok());
    }
  }
  void Checkpoint() { REQUIRE(database_->Checkpoint().ok()); }
  uint64_t checkpoints() { return database_->Statistics().checkpoints; }

 private:
  const size_t series_;
  MemoryFileSystem files_{{kParent}};
  std::atomic<uint64_t> looks_{0};
  std::mt19937_64 random_{1};
  uint64_t appended_ = 0;
  Timestamp time_ = 0;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Appender> appender_;
};

TEST_CASE("checkpoint: made when the log has grown by so much since the last one, not before",
          "[durability]") {
  Options options = InDirectory();
  options.checkpoint_log_bytes = 2 * kMiB;
  LookedAfter database(options);
  const auto log_beyond = [](uint64_t bytes) {
    return [bytes](const Stats& stats) { return stats.log_bytes > bytes; };
  };
  database.AppendUntil(log_beyond(kMiB));
  database.AwaitLook();
  REQUIRE(database.checkpoints() == 0);
  database.AppendUntil(log_beyond(2 * kMiB));
  REQUIRE(database.AwaitCheckpoints(1));
  database.AppendUntil(log_beyond(3 * kMiB));
  database.AwaitLook();
  REQUIRE(database.checkpoints() == 1);
  database.AppendUntil(log_beyond(9 * kMiB / 2));
  REQUIRE(database.AwaitCheckpoints(2));
}

TEST_CASE("checkpoint: made when leaves in memory take a quarter of the budget, not before",
          "[durability]") {
  Options options = InDirectory();
  options.memory_budget_bytes = 16 * kMiB;
  options.checkpoint_log_bytes = std::numeric_limits<uint64_t>::max();
  LookedAfter database(options);
  const auto encoded = [](uint64_t bytes) {
    return [bytes](const Stats& stats) { return stats.encoded_bytes > bytes; };
  };
  database.AppendUntil(encoded(3 * kMiB));
  database.AwaitLook();
  REQUIRE(database.checkpoints() == 0);
  database.AppendUntil(encoded(9 * kMiB / 2));
  REQUIRE(database.AwaitCheckpoints(1));
}

TEST_CASE("checkpoint: what stays in memory after one makes no other due", "[durability]") {
  Options options = InDirectory();
  options.memory_budget_bytes = 24 * kMiB;  // a quarter: 6 MiB
  options.checkpoint_log_bytes = std::numeric_limits<uint64_t>::max();
  LookedAfter database(options, 30'000);  // of a few records each, whose leaves are shared
  const auto encoded = [](uint64_t bytes) {
    return [bytes](const Stats& stats) { return stats.encoded_bytes > bytes; };
  };
  database.AppendUntil(encoded(5 * kMiB / 2));
  database.Checkpoint();
  REQUIRE(database.checkpoints() == 1);
  database.AppendUntil(encoded(13 * kMiB / 2));
  database.AwaitLook();
  CHECK(database.checkpoints() == 1);
}

}  // namespace
}  // namespace tsdb

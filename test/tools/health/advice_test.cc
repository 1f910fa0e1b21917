// Each rule with figures that call for its advice, and with figures just short of that.
#include "tools/health/advice.h"

#include <catch2/catch.hpp>
#include <functional>
#include <string>

namespace tsdb::tools {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20, kGiB = uint64_t{1} << 30;
constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kRunSeconds = 100;

// A run of 100 seconds on two processors, with nothing to complain about.
Situation Fine() {
  Situation situation;
  situation.machine_bytes = 16 * kGiB;
  situation.directory = "a.db";
  situation.labels.series = 100'000;
  PublishedStats published;
  published.state = DatabaseState::kClosed;
  published.processors = 2;
  published.opened = 0;
  published.written = kRunSeconds * 1000;
  published.options.memory_budget_bytes = kGiB;
  published.options.write_buffer_bytes = 4 * kMiB;
  published.options.merge_threads = 2;
  published.stats.ledger.appended = published.stats.ledger.accepted = 1'000'000;
  published.stats.memory_budget_bytes = kGiB;
  situation.published = published;
  return situation;
}

using Change = std::function<void(Situation&)>;
using RunChange = std::function<void(PublishedStats&)>;

std::vector<Advice> AdviceOf(const Change& change) {
  Situation situation = Fine();
  change(situation);
  return Advise(situation);
}

std::vector<Advice> AdviceOfRun(const RunChange& change) {
  return AdviceOf([&](Situation& situation) { change(*situation.published); });
}

// The one advice there is.
Advice Only(const std::vector<Advice>& advice) {
  for (const Advice& each : advice) UNSCOPED_INFO(each.change << ": " << each.why);
  REQUIRE(advice.size() == 1);
  return advice[0];
}

bool Has(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

// Nanoseconds that are a share of the run, a thousandth of it more or less.
uint64_t JustOver(double share) {
  return static_cast<uint64_t>((share + 0.001) * kRunSeconds * kSecondNs);
}
uint64_t JustUnder(double share) {
  return static_cast<uint64_t>((share - 0.001) * kRunSeconds * kSecondNs);
}

TEST_CASE("advice: there is nothing to change where all is fine", "[health]") {
  CHECK(Advise(Fine()).empty());
  CHECK(Advise(Situation()).empty());
  CHECK(AdviceOfRun([](PublishedStats& run) { run = PublishedStats(); }).empty());
}

TEST_CASE("advice: records refused for the budget need a larger one", "[health]") {
  const Advice advice =
      Only(AdviceOfRun([](PublishedStats& run) { run.stats.ledger.rejected_budget = 1234; }));
  CHECK(advice.gain == Advice::Gain::kRecords);
  CHECK(advice.change == "memory_budget_bytes");
  CHECK(advice.present == std::to_string(kGiB));
  CHECK(advice.suggested == std::to_string(2 * kGiB));
  CHECK(Has(advice.why, "1,234 records were refused"));
}

TEST_CASE("advice: a budget is not made larger than the machine allows", "[health]") {
  const auto refused = [](uint64_t machine_bytes) {
    return Only(AdviceOf([&](Situation& situation) {
      situation.machine_bytes = machine_bytes;
      situation.published->stats.ledger.rejected_budget = 1;
    }));
  };
  CHECK(refused(2 * kGiB).suggested == std::to_string(3 * kGiB / 2));
  CHECK(refused(kGiB).change == "the machine's memory");
  CHECK(refused(0).suggested == std::to_string(2 * kGiB));
}

TEST_CASE("advice: what the program does wrong is said", "[health]") {
  CHECK(Has(Only(AdviceOfRun([](PublishedStats& run) {
              run.stats.ledger.rejected_unknown_series = 1;
            })).suggested,
            "FindOrCreateSeries"));
  CHECK(Has(Only(AdviceOfRun([](PublishedStats& run) {
              run.stats.ledger.rejected_closed = 1;
            })).suggested,
            "before Close"));
  CHECK(AdviceOfRun([](PublishedStats& run) {
          run.stats.ledger.rejected_unknown_series = run.stats.ledger.rejected_closed = 1;
        }).size() == 2);
}

TEST_CASE("advice: a disk that fails is named", "[health]") {
  CHECK(Only(AdviceOfRun([](PublishedStats& run) { run.stats.ledger.rejected_log = 1; })).change ==
        "the disk");
  const Advice advice =
      Only(AdviceOfRun([](PublishedStats& run) { run.stats.checkpoint_failures = 2; }));
  CHECK(advice.change == "the disk");
  CHECK(Has(advice.why, "2 checkpoints failed"));
}

TEST_CASE("advice: refused series need a larger bound, or fewer values of a label", "[health]") {
  const Advice advice = Only(AdviceOf([](Situation& situation) {
    situation.published->stats.series_refused = 5;
    situation.published->options.series_max = 1000;
    situation.labels.names_by_values = {{"request", "", 900}};
  }));
  CHECK(advice.change == "series_max");
  CHECK(advice.suggested == "2000");
  CHECK(Has(advice.why, "'request' has most values, 900"));
}

TEST_CASE("advice: waits for chunks need threads, room or processors, in this order", "[health]") {
  const auto waiting = [](uint64_t blocked_ns, const RunChange& change) {
    return AdviceOfRun([&](PublishedStats& run) {
      run.stats.blocked_ns = blocked_ns;
      change(run);
    });
  };
  const auto plain = [](PublishedStats&) {};
  CHECK(waiting(JustUnder(kBlockedShareMax), plain).empty());
  const uint64_t over = JustOver(kBlockedShareMax);
  const Advice room = Only(waiting(over, plain));
  CHECK(room.gain == Advice::Gain::kTime);
  CHECK(room.change == "write_buffer_bytes");
  CHECK(room.suggested == std::to_string(8 * kMiB));
  CHECK(Has(room.why, "5.1 s of 100.0 s (5.1 %"));
  CHECK(Only(waiting(over, [](PublishedStats& run) { run.options.merge_threads = 1; })).suggested ==
        "2");
  CHECK(Only(waiting(over, [](PublishedStats& run) {
          run.stats.merge_ns = 170 * kSecondNs;
        })).change == "the processors");
  CHECK(Only(waiting(over, [](PublishedStats& run) {
          run.stats.merge_ns = 150 * kSecondNs;
        })).change == "write_buffer_bytes");
  CHECK(Only(waiting(over, [](PublishedStats& run) {
          run.options.write_buffer_bytes = kGiB / 2;
        })).change == "the processors");
}

TEST_CASE("advice: waits for checkpoints need memory, else an earlier beginning", "[health]") {
  const auto waiting = [](uint64_t wait_ns, uint64_t machine_bytes) {
    return AdviceOf([&](Situation& situation) {
      situation.machine_bytes = machine_bytes;
      situation.published->stats.checkpoint_wait_ns = wait_ns;
    });
  };
  CHECK(waiting(JustUnder(kBlockedShareMax), 16 * kGiB).empty());
  CHECK(Only(waiting(JustOver(kBlockedShareMax), 16 * kGiB)).change == "memory_budget_bytes");
  const Advice earlier = Only(waiting(JustOver(kBlockedShareMax), kGiB));
  CHECK(earlier.change == "checkpoint_log_bytes");
  CHECK(earlier.suggested == std::to_string(128 * kMiB));
}

TEST_CASE("advice: waits for the log need fewer syncs, as the mode allows, else a disk",
          "[health]") {
  const auto waiting = [](uint64_t wait_ns, const RunChange& change) {
    return AdviceOfRun([&](PublishedStats& run) {
      run.stats.log_blocked_ns = wait_ns;
      change(run);
    });
  };
  const uint64_t over = JustOver(kBlockedShareMax);
  CHECK(waiting(JustUnder(kBlockedShareMax), [](PublishedStats&) {}).empty());
  const Advice async = Only(waiting(over, [](PublishedStats&) {}));
  CHECK(async.change == "sync_interval_ms");
  CHECK(async.suggested == "1000");
  CHECK(Only(waiting(over, [](PublishedStats& run) {
          run.options.sync_interval_ms = 1000;
        })).change == "the disk");
  const Advice sync =
      Only(waiting(over, [](PublishedStats& run) { run.options.durability = Durability::kSync; }));
  CHECK(sync.change == "sync_delay_us");
  CHECK(sync.suggested == "100");
  CHECK(Only(waiting(over, [](PublishedStats& run) {
          run.options.durability = Durability::kSync;
          run.options.sync_delay_us = 100;
        })).change == "the disk");
}

TEST_CASE("advice: small commits that wait should share syncs", "[health]") {
  const auto committing = [](const RunChange& change) {
    return AdviceOfRun([&](PublishedStats& run) {
      run.options.durability = Durability::kSync;
      run.stats.commit_wait_ns = JustOver(kCommitShareMax);
      run.stats.log_syncs = 1000;
      run.stats.log_bytes = 1000 * ((64 << 10) - 1);
      change(run);
    });
  };
  const Advice advice = Only(committing([](PublishedStats&) {}));
  CHECK(advice.change == "sync_delay_us");
  CHECK(advice.present == "0");
  for (const RunChange& change :
       {RunChange(
            [](PublishedStats& run) { run.stats.commit_wait_ns = JustUnder(kCommitShareMax); }),
        RunChange([](PublishedStats& run) { run.stats.log_syncs = 999; }),
        RunChange([](PublishedStats& run) { run.stats.log_bytes = 1000 * (64 << 10); }),
        RunChange([](PublishedStats& run) { run.options.durability = Durability::kAsync; }),
        RunChange([](PublishedStats& run) { run.options.sync_delay_us = 100; })}) {
    CHECK(committing(change).empty());
  }
}

TEST_CASE("advice: a cache that misses needs room if it is full, else no compression", "[health]") {
  // 5 % of 100 s at 10 us a load.
  constexpr uint64_t kLoads = 500'000;
  const auto reading = [](uint64_t hits, uint64_t loads, uint64_t bytes, const RunChange& change) {
    return AdviceOfRun([&](PublishedStats& run) {
      run.stats.cache_hits = hits;
      run.stats.cache_loads = loads;
      run.stats.cache_bytes = bytes;
      change(run);
    });
  };
  const auto plain = [](PublishedStats&) {};
  CHECK(reading(0, kLoads - 1, 0, plain).empty());
  CHECK(reading(4 * (kLoads + 1), kLoads + 1, 0, plain).empty());
  const Advice cold = Only(reading(4 * kLoads, kLoads + 1, 0, plain));
  CHECK(cold.change == "compression");
  CHECK(cold.suggested == "none");
  CHECK(reading(0, 2 * kLoads, 0, [](PublishedStats& run) {
          run.options.compression = Compression::kNone;
        }).empty());
  CHECK(Only(reading(0, 2 * kLoads, kGiB / 4 / 10 * 9 + 16, plain)).change ==
        "memory_budget_bytes");
  CHECK(Only(reading(0, 2 * kLoads, kGiB / 5, plain)).change == "compression");
}

TEST_CASE("advice: runs of less than ten seconds are not judged by their time", "[health]") {
  const auto waiting = [](Timestamp written) {
    return AdviceOfRun([&](PublishedStats& run) {
      run.stats.blocked_ns = 9 * kSecondNs;
      run.written = written;
    });
  };
  CHECK(waiting(9999).empty());
  CHECK(waiting(10'000).size() == 1);
}

TEST_CASE("advice: tiny checkpoints are made for a small log or a small budget", "[health]") {
  const auto writing = [](uint64_t checkpoints, uint64_t each, uint64_t log_each,
                          uint64_t checkpoint_log_bytes) {
    return AdviceOfRun([&](PublishedStats& run) {
      run.stats.checkpoints = checkpoints;
      run.stats.checkpoint_bytes = checkpoints * each;
      run.stats.log_bytes = checkpoints * log_each;
      run.options.checkpoint_log_bytes = checkpoint_log_bytes;
    });
  };
  const uint64_t tiny = kCheckpointBytesMin - 1;
  const Advice log = Only(writing(10, tiny, kMiB, kMiB));
  CHECK(log.gain == Advice::Gain::kDisk);
  CHECK(log.change == "checkpoint_log_bytes");
  CHECK(log.suggested == std::to_string(256 * kMiB));
  CHECK(Only(writing(10, tiny, kMiB, 256 * kMiB)).change == "memory_budget_bytes");
  CHECK(writing(9, tiny, kMiB, kMiB).empty());
  CHECK(writing(10, tiny + 1, kMiB, kMiB).empty());
  CHECK(writing(10, tiny, 128 * kMiB, 256 * kMiB).empty());
}

TEST_CASE("advice: what cannot leave memory should not fill the budget", "[health]") {
  const auto holding = [](uint64_t bytes) {
    return AdviceOfRun([&](PublishedStats& run) { run.stats.open_bytes = bytes; });
  };
  CHECK(holding(kGiB / 2).empty());
  const Advice advice = Only(holding(kGiB / 2 + 1));
  CHECK(advice.gain == Advice::Gain::kMemory);
  CHECK(advice.change == "memory_budget_bytes");
}

TEST_CASE("advice: memory kept for an old reader is the program's to shorten", "[health]") {
  const auto keeping = [](uint64_t bytes) {
    return AdviceOfRun([&](PublishedStats& run) {
      run.stats.retired_bytes = bytes;
      run.stats.reader_age_epochs = 77;
    });
  };
  CHECK(keeping(kGiB / 10).empty());
  const Advice advice = Only(keeping(kGiB / 10 + 1));
  CHECK(advice.change == "the program");
  CHECK(Has(advice.why, "77 reclamation rounds"));
}

TEST_CASE("advice: a label with a value for each series is named", "[health]") {
  const auto labelled = [](const std::string& name, uint64_t values, uint64_t series) {
    return AdviceOf([&](Situation& situation) {
      situation.published.reset();
      situation.labels.series = series;
      situation.labels.names_by_values = {{name, "", values}};
    });
  };
  CHECK(Only(labelled("request", 10'000, 20'000)).change == "label 'request'");
  CHECK(labelled("request", 9'999, 10'000).empty());
  CHECK(labelled("request", 10'000, 20'002).empty());
  CHECK(labelled("__name__", 10'000, 10'000).empty());
}

TEST_CASE("advice: many small segments can be compacted", "[health]") {
  const auto lying = [](uint64_t segments, uint64_t each) {
    return AdviceOf([&](Situation& situation) {
      situation.published.reset();
      situation.stored.segments = segments;
      situation.stored.segment_bytes = segments * each;
    });
  };
  CHECK(Only(lying(65, kSegmentBytesMin - 1)).suggested == "tsdb compact --db a.db");
  CHECK(lying(64, kSegmentBytesMin - 1).empty());
  CHECK(lying(65, kSegmentBytesMin).empty());
}

TEST_CASE("advice: lost records come first, then time, then memory, each by its share",
          "[health]") {
  const auto advice = AdviceOfRun([](PublishedStats& run) {
    run.stats.ledger.rejected_unknown_series = 1;
    run.stats.blocked_ns = 10 * kSecondNs;
    run.stats.log_blocked_ns = 50 * kSecondNs;
    run.stats.retired_bytes = kGiB / 2;
  });
  REQUIRE(advice.size() == 4);
  CHECK(advice[0].change == "the program");
  CHECK(advice[1].change == "sync_interval_ms");
  CHECK(advice[2].change == "write_buffer_bytes");
  CHECK(advice[3].gain == Advice::Gain::kMemory);
}

TEST_CASE("advice: of one option there is one, with all its reasons", "[health]") {
  const Advice advice = Only(AdviceOfRun([](PublishedStats& run) {
    run.stats.ledger.rejected_budget = 5;
    run.stats.open_bytes = kGiB;
    run.stats.checkpoint_wait_ns = JustOver(kBlockedShareMax);
  }));
  CHECK(advice.gain == Advice::Gain::kRecords);
  CHECK(Has(advice.why, "5 records were refused"));
  CHECK(Has(advice.why, "Writers waited"));
  CHECK(Has(advice.why, "no checkpoint can move them out"));
  // Two values for one: that with more to gain.
  const Advice first = Only(AdviceOf([](Situation& situation) {
    situation.machine_bytes = kGiB;
    PublishedStats& run = *situation.published;
    run.options.checkpoint_log_bytes = 32 * kMiB;
    run.stats.checkpoints = 10;
    run.stats.checkpoint_wait_ns = JustOver(kBlockedShareMax);
  }));
  CHECK(first.suggested == std::to_string(16 * kMiB));
}

}  // namespace
}  // namespace tsdb::tools

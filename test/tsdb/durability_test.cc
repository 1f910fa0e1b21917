// Databases with a directory: what was acknowledged is there when they are opened again.
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "storage/wal/log_format.h"
#include "test/faults/fault_file_system.h"
#include "test/faults/memory_file_system.h"
#include "test/tsdb/durable_database.h"
#include "test/tsdb/test_database.h"
#include "test/tsdb/threads.h"
#include "tsdb/durability/log_payload.h"
#include "tsdb/internals.h"

namespace tsdb {
namespace {

TEST_CASE("durability: a closed database is there when it is opened again", "[durability]") {
  MemoryFileSystem files({kParent});
  Options options = InDirectory();
  options.checkpoint_on_close = GENERATE(false, true);
  Content expected;
  for (int opening = 0; opening < 4; ++opening) {
    const auto database = OpenIn(&files, options);
    REQUIRE(ReadContent(*database) == expected);
    REQUIRE(database->Recovery().damage.empty());
    const RecoveryReport& recovery = database->Recovery();
    const uint64_t records = recovery.checkpoint_records + recovery.log_records;
    REQUIRE(records == static_cast<uint64_t>(opening) * 300);
    REQUIRE((options.checkpoint_on_close ? recovery.log_records : recovery.checkpoint_records) ==
            0);
    REQUIRE(database->Verify().ok());
    {
      Appender appender = database->NewAppender();
      for (int i = 0; i < 50; ++i) AppendCommit(*database, appender, 50 * opening + i, &expected);
    }
    REQUIRE(database->Close().ok());
  }
}

TEST_CASE("durability: the later of two records wins after reopening as before", "[durability]") {
  MemoryFileSystem files({kParent});
  const auto policy = GENERATE(DuplicatePolicy::kLastWins, DuplicatePolicy::kFirstWins);
  Options options = InDirectory();
  options.duplicates = policy;
  Content before;
  {
    const auto database = OpenIn(&files, options);
    AddSeries(*database, 3);
    for (int round = 0; round < 20; ++round) {
      Appender appender = database->NewAppender();
      for (Timestamp time = 0; time < 300; ++time) {
        // Late, doubled and backwards.
        REQUIRE(appender.Append(static_cast<SeriesId>(time % 3), (time * 7919 + round) % 300,
                                round * 1000.0 + static_cast<double>(time)));
      }
    }
    before = ReadContent(*database);
    REQUIRE(database->Close().ok());
  }
  const auto database = OpenIn(&files, options);
  REQUIRE(ReadContent(*database) == before);
  REQUIRE(database->Recovery().log_records == 20 * 300);
}

TEST_CASE("durability: commits awaited as durable survive the loss of power", "[durability]") {
  const uint64_t seed = GENERATE(range(1, 25));
  INFO("seed " << seed);
  MemoryFileSystem files({kParent});
  Content acknowledged, offered;
  const auto database = OpenIn(&files);
  Appender appender = database->NewAppender();
  for (int i = 0; i < 40; ++i) {
    AppendCommit(*database, appender, i, &offered);
    const Ticket ticket = appender.Commit();
    if (i < 25) {
      REQUIRE(ticket.Await(Milestone::kDurable).ok());
      acknowledged = offered;
    } else {
      REQUIRE(ticket.Await(Milestone::kVisible).ok());
    }
  }
  const auto lost = files.AfterPowerLoss(seed);
  const auto after = OpenIn(lost.get());
  const Content content = ReadContent(*after);
  REQUIRE(Contains(content, acknowledged));
  REQUIRE(Contains(offered, content));
  REQUIRE(after->Recovery().damage.empty());
}

TEST_CASE("durability: in mode async durable commits survive the process", "[durability]") {
  MemoryFileSystem files({kParent});
  Content offered;
  const auto database = OpenIn(&files, InDirectory(Durability::kAsync));
  Appender appender = database->NewAppender();
  for (int i = 0; i < 30; ++i) CommitDurably(*database, appender, i, &offered);
  REQUIRE(database->Statistics().log_syncs == 0);
  const auto crashed = files.AfterProcessCrash();
  REQUIRE(ReadContent(*OpenIn(crashed.get())) == offered);
}

TEST_CASE("durability: many writers commit while the log is read back elsewhere",
          "[durability][concurrency]") {
  MemoryFileSystem files({kParent});
  const auto database = OpenIn(&files);
  constexpr SeriesId kWriters = 8;
  AddSeries(*database, kWriters);
  std::atomic<Timestamp> acknowledged[kWriters] = {};
  Findings findings;
  RunThreads(kWriters, [&](size_t number) {
    Appender appender = database->NewAppender();
    const auto series = static_cast<SeriesId>(number);
    for (Timestamp time = 1; time <= 2'000; ++time) {
      findings.Expect(appender.Append(series, time, ValueOf(series, time)), "refused");
      if (time % 100 != 0) continue;
      findings.Expect(appender.Commit().Await(Milestone::kDurable).ok(), "not durable");
      acknowledged[number].store(time);
      if (number != 0 || time % 500 != 0) continue;
      Timestamp before[kWriters];
      for (size_t i = 0; i < kWriters; ++i) before[i] = acknowledged[i].load();
      const auto lost = files.AfterPowerLoss(static_cast<uint64_t>(time));
      auto opened = Internals::Open(InDirectory(), lost.get());
      findings.Expect(opened.ok() && (*opened)->Recovery().damage.empty(), "damaged");
      if (!opened.ok()) continue;
      for (size_t i = 0; i < kWriters; ++i) {
        const uint64_t count = (*opened)->NewSnapshot().Count(static_cast<SeriesId>(i));
        findings.Expect(count >= static_cast<uint64_t>(before[i]), "writer ", i, ": ", count,
                        " records of ", before[i], " acknowledged");
      }
    }
  });
  REQUIRE_NO_FINDINGS(findings);
  REQUIRE(database->Close().ok());
}

TEST_CASE("durability: whichever file call fails, what was acknowledged stays", "[durability]") {
  const FileFault kind = GENERATE(FileFault::kIoError, FileFault::kNoSpace, FileFault::kTornWrite);
  const bool sticky = GENERATE(false, true);
  bool all_passed = false;
  for (uint64_t nth = FirstCall(kind); !all_passed; nth += kCallStep) {
    INFO("call " << nth);
    REQUIRE(nth < 300);
    MemoryFileSystem files({kParent});
    FaultFileSystem failing(&files);
    failing.SetSyncFailureHook([&](const std::string& path) { files.ForgetUnsynced(path); });
    failing.Inject({kind, nth, std::nullopt, sticky});
    Content acknowledged, offered;
    {
      const auto database = Internals::Open(InDirectory(), &failing);
      for (int i = 0; database.ok() && i < 10; ++i) {
        Appender appender = (*database)->NewAppender();
        AppendCommit(**database, appender, i, &offered);
        if (appender.Commit().Await(Milestone::kDurable).ok()) acknowledged = offered;
      }
    }
    all_passed = failing.failures() == 0;
    failing.ClearFault();
    const auto lost = files.AfterPowerLoss();
    const auto after = OpenIn(lost.get());
    const Content content = ReadContent(*after);
    REQUIRE(Contains(content, acknowledged));
    REQUIRE(Contains(offered, content));
    REQUIRE(after->Recovery().damage.empty());
  }
}

TEST_CASE("durability: checkpoints beside writers lose nothing and free the log",
          "[durability][concurrency]") {
  MemoryFileSystem files({kParent});
  const auto database = OpenIn(&files);
  constexpr SeriesId kWriters = 4;
  AddSeries(*database, kWriters + 100);
  std::atomic<size_t> running{kWriters};
  std::atomic<Timestamp> acknowledged[kWriters] = {};
  Findings findings;
  RunThreads(kWriters + 1, [&](size_t number) {
    if (number == kWriters) {
      // At least one beside them, and one after.
      for (bool last = false; !last;) {
        last = running.load() == 0;
        Timestamp before[kWriters];
        for (size_t i = 0; i < kWriters; ++i) before[i] = acknowledged[i].load();
        const absl::Status status = database->Checkpoint();
        findings.Expect(status.ok(), status.ToString());
        const auto lost = files.AfterPowerLoss(static_cast<uint64_t>(before[0]) + 1);
        auto opened = Internals::Open(InDirectory(), lost.get());
        findings.Expect(opened.ok() && (*opened)->Recovery().damage.empty(), "damaged");
        if (!opened.ok()) continue;
        const Snapshot snapshot = (*opened)->NewSnapshot();
        for (SeriesId i = 0; i < kWriters; ++i) {
          Cursor cursor = snapshot.Scan(i);
          findings.Expect(CheckCursor(i, cursor, findings) >= static_cast<uint64_t>(before[i]),
                          "writer ", i, " lost records");
        }
      }
      return;
    }
    Appender appender = database->NewAppender();
    const auto series = static_cast<SeriesId>(number);
    for (Timestamp time = 1; time <= 5'000; ++time) {
      // Every seventh comes late; a sparse series gets some, too.
      const Timestamp at = time % 7 == 0 ? time - 6 : time % 7 == 1 ? time + 6 : time;
      findings.Expect(appender.Append(series, at, ValueOf(series, at)), "refused");
      const auto sparse = static_cast<SeriesId>(kWriters + time % 100);
      findings.Expect(appender.Append(sparse, time, ValueOf(sparse, time)), "refused");
      if (time % 700 != 0) continue;
      findings.Expect(appender.Commit().Await(Milestone::kDurable).ok(), "not durable");
      acknowledged[number].store(time);
    }
    running.fetch_sub(1);
  });
  REQUIRE_NO_FINDINGS(findings);
  REQUIRE(database->Statistics().checkpoints >= 1);
  REQUIRE(database->Verify().ok());
  const Content content = ReadContent(*database);
  REQUIRE(database->Close().ok());
  // Segments with leaves, the one with the rest, and the copy of the labels.
  REQUIRE(files.List("/data/db/segments")->size() == database->Statistics().segments + 2);
  const auto reopened = OpenIn(&files);
  REQUIRE(ReadContent(*reopened) == content);
  REQUIRE(reopened->Verify().ok());
}

TEST_CASE("durability: the log makes a checkpoint once it has grown enough", "[durability]") {
  MemoryFileSystem files({kParent});
  Options options = InDirectory();
  options.checkpoint_log_bytes = 200'000;
  const auto database = OpenIn(&files, options);
  AddSeries(*database, 1);
  Appender appender = database->NewAppender();
  Timestamp time = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (database->Statistics().checkpoints < 3) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    for (int i = 0; i < 10'000; ++i, ++time) {
      REQUIRE(appender.Append(0, time, std::sin(static_cast<double>(time % 1000))));
    }
    REQUIRE(appender.Commit().Await(Milestone::kDurable).ok());
    if (time > 1'000'000) time = 0;  // over and over, so that memory suffices
  }
  REQUIRE(files.List("/data/db/log")->size() < database->Statistics().log_bytes / 65'536);
}

TEST_CASE("durability: a changed byte in a checkpoint costs at most its leaf, and is said",
          "[durability]") {
  MemoryFileSystem files({kParent});
  Options options = InDirectory();
  options.checkpoint_on_close = true;
  {
    const auto database = OpenIn(&files, options);
    AddSeries(*database, 3);
    Appender appender = database->NewAppender();
    for (Timestamp time = 0; time < 1'200; ++time) {
      REQUIRE(appender.Append(static_cast<SeriesId>(time % 2), time, ValueOf(0, time)));
    }
  }
  const std::string path = "/data/db/segments/" + files.List("/data/db/segments")->at(0);
  std::vector<uint8_t> content = files.Content(path);
  for (size_t at = 0; at < content.size(); at += 3) {
    INFO("byte " << at);
    const auto damaged = files.AfterProcessCrash();
    content[at] ^= 0x10;
    damaged->SetContent(path, content);
    content[at] ^= 0x10;
    const auto opened = Internals::Open(InDirectory(), damaged.get());
    if (!opened.ok()) {
      // Labels lost in the middle, or another version: refused, by name.
      REQUIRE(opened.status().message().find(path) != std::string::npos);
      continue;
    }
    const RecoveryReport& recovery = (*opened)->Recovery();
    REQUIRE(!recovery.damage.empty());
    REQUIRE(recovery.checkpoint_records + recovery.orphans >= 1'200 - 512);
    for (SeriesId series = 0; series < (*opened)->SeriesCount(); ++series) {
      for (const Sample& sample : ReadAll((*opened)->NewSnapshot(), series)) {
        REQUIRE(sample.value == ValueOf(0, sample.timestamp));
      }
    }
  }
}

TEST_CASE("durability: a log that failed is said so, and reads go on", "[durability]") {
  MemoryFileSystem files({kParent});
  FaultFileSystem failing(&files);
  const auto database = OpenIn(&failing);
  AddSeries(*database, 1);
  Appender appender = database->NewAppender();
  REQUIRE(appender.Append(0, 1, 1.0));
  REQUIRE(appender.Commit().Await(Milestone::kDurable).ok());
  failing.Inject({FileFault::kIoError, 1, FileCall::kSync, true});
  REQUIRE(appender.Append(0, 2, 2.0));
  const absl::Status failed = appender.Commit().Await(Milestone::kDurable);
  REQUIRE(!failed.ok());
  REQUIRE(failed.message().find("/data/db/log/") != std::string::npos);
  // Refused from the next chunk on, at the latest.
  bool refused = false;
  for (Timestamp time = 3; time < 100'000 && !refused; ++time) {
    refused = !appender.Append(0, time, 0.0);
  }
  REQUIRE(refused);
  REQUIRE(appender.status().message().find("/data/db/log/") != std::string::npos);
  REQUIRE(database->NewSnapshot().Lookup(0, 1) == 1.0);
  REQUIRE(database->Statistics().ledger.rejected_log > 0);
  REQUIRE(database->Statistics().ledger.Balanced());
}

TEST_CASE("durability: lost labels cost their records, and numbering starts anew", "[durability]") {
  MemoryFileSystem files({kParent});
  {
    const auto database = OpenIn(&files);
    for (int round = 0; round < 3; ++round) {
      AddSeries(*database, static_cast<size_t>(2 * round + 2));
      Appender appender = database->NewAppender();
      for (SeriesId series = 0; series < database->SeriesCount(); ++series) {
        REQUIRE(appender.Append(series, round, ValueOf(series, round)));
      }
    }
    REQUIRE(database->Close().ok());
  }
  // The batch that names series 2 and 3 is the third: series, records, series.
  const std::string path = JoinPath(JoinPath(kHome, "log"), files.List("/data/db/log")->at(0));
  std::vector<uint8_t> content = files.Content(path);
  size_t at = wal::kFileHeaderBytes;
  for (int i = 0; i < 2; ++i) {
    at += wal::ReadBatch(std::span<const uint8_t>(content).subspan(at))->length;
  }
  content[at + wal::kBatchHeaderBytes] ^= 1;
  files.SetContent(path, content);
  for (int opening = 0; opening < 2; ++opening) {
    const auto database = OpenIn(&files);
    const RecoveryReport& recovery = database->Recovery();
    // Series 0, 1 three times, 2, 3 twice, 4, 5 once; of those 2 and 3 are lost.
    REQUIRE(recovery.orphans == 4);
    REQUIRE(recovery.damage.size() >= 2);
    REQUIRE(recovery.damage.back().find(path) != std::string::npos);
    // It stays, whatever becomes of the log.
    REQUIRE(files.Content(path + ".damaged") == content);
    REQUIRE(database->SeriesCount() == 4);
    REQUIRE(database->NewSnapshot().Count(2) == 1 + static_cast<uint64_t>(opening));
    {
      Appender appender = database->NewAppender();
      const auto series =
          database->FindSeries(*Labels::Create({{kMetricNameLabel, "m"}, {"i", "4"}}));
      REQUIRE(series.ok());
      REQUIRE(*series == 2);
      REQUIRE(appender.Append(*series, 100 + opening, 1.0));
    }
    REQUIRE(database->Close().ok());
  }
}

TEST_CASE("durability: a directory is refused for a reason, and left as it was", "[durability]") {
  MemoryFileSystem files({kParent});
  SECTION("open already") {
    const auto database = OpenIn(&files);
    const auto second = Internals::Open(InDirectory(), &files);
    REQUIRE(absl::IsFailedPrecondition(second.status()));
  }
  SECTION("not a database") {
    REQUIRE(files.CreateDirectory(kHome).ok());
    REQUIRE(files.Create("/data/db/thesis.tex", CreateMode::kNew).ok());
    const auto opened = Internals::Open(InDirectory(), &files);
    REQUIRE(absl::IsFailedPrecondition(opened.status()));
    REQUIRE(opened.status().message().find("thesis.tex") != std::string::npos);
    REQUIRE(files.List(kHome).value() == std::vector<std::string>{"thesis.tex"});
  }
  SECTION("of a newer version") {
    REQUIRE(OpenIn(&files)->Close().ok());
    files.SetContent("/data/db/FORMAT", {'t', 's', 'd', 'b', ' ', '2', '\n'});
    const auto opened = Internals::Open(InDirectory(), &files);
    REQUIRE(absl::IsUnimplemented(opened.status()));
  }
  SECTION("without a parent") {
    Options options = InDirectory();
    options.directory = "/nowhere/db";
    const auto opened = Internals::Open(options, &files);
    REQUIRE(absl::IsNotFound(opened.status()));
    REQUIRE(opened.status().message().find("/nowhere/db") != std::string::npos);
  }
}

}  // namespace
}  // namespace tsdb

// Segments: data that is no longer in memory, read, overwritten and recovered as if it were.
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "storage/segment/segment_reader.h"
#include "test/faults/fault_file_system.h"
#include "test/faults/memory_file_system.h"
#include "test/tsdb/durable_database.h"
#include "test/tsdb/threads.h"

namespace tsdb {
namespace {

// As those of durable_database.h, but closing makes a checkpoint.
Options CheckpointingOptions() {
  Options options = InDirectory();
  options.checkpoint_on_close = true;
  return options;
}

std::unique_ptr<Database> OpenCheckpointing(FileSystem* files) {
  return OpenIn(files, CheckpointingOptions());
}

// As AddSeries gives them.
std::string LabelsOf(SeriesId series) {
  return Labels::Create({{kMetricNameLabel, "m"}, {"i", std::to_string(series)}})->ToString();
}

using Samples = std::map<Timestamp, double>;
using Model = std::map<SeriesId, Samples>;

void RequireContent(Database& database, const Model& model) {
  const Snapshot snapshot = database.NewSnapshot();
  for (const auto& [series, samples] : model) {
    INFO("series " << series);
    const std::vector<Sample> read = ReadAll(snapshot, series);
    REQUIRE(read.size() == samples.size());
    REQUIRE(snapshot.Count(series) == samples.size());
    size_t i = 0;
    for (const auto& [time, value] : samples) {
      REQUIRE(read[i].timestamp == time);
      REQUIRE(std::bit_cast<uint64_t>(read[i].value) == std::bit_cast<uint64_t>(value));
      ++i;
    }
  }
  const Stats stats = database.Statistics();
  REQUIRE(stats.ledger.Balanced());
  REQUIRE(database.Verify().ok());
}

// Appends runs to eight series, some of them late or over what is there.
void AppendRandom(Appender& appender, std::mt19937_64& random, Model& model) {
  const auto series = static_cast<SeriesId>(random() % 8);
  Samples& samples = model[series];
  const bool late = !samples.empty() && random() % 3 == 0;
  const size_t count = late ? 1 + random() % 5 : series < 2 ? 1 + random() % 3 : random() % 1500;
  Timestamp time = samples.empty() ? 0 : samples.rbegin()->first;
  if (late) time -= static_cast<Timestamp>(random() % 20'000);
  for (size_t i = 0; i < count; ++i) {
    time += 1 + static_cast<Timestamp>(random() % 3);
    const double value = static_cast<double>(random() % 1000) / 8;
    if (!appender.Append(series, time, value)) FAIL(appender.status().ToString());
    samples[time] = value;
  }
}

// Deletes a stretch of some series.
void DeleteRandom(Database& database, std::mt19937_64& random, Model& model) {
  std::vector<SeriesId> series;
  for (uint64_t i = 0; i <= random() % 3; ++i)
    series.push_back(static_cast<SeriesId>(random() % 8));
  TimeRange range;
  if (random() % 4 != 0) {
    range.begin = static_cast<Timestamp>(random() % 20'000);
    if (random() % 4 != 0) range.end = range.begin + static_cast<Timestamp>(random() % 8'000);
  }
  uint64_t expected = 0;
  for (const SeriesId id : series) {
    expected +=
        std::erase_if(model[id], [&](const auto& sample) { return range.Contains(sample.first); });
  }
  const auto deleted = database.Delete(series, range);
  REQUIRE(deleted.ok());
  REQUIRE(*deleted == expected);
}

TEST_CASE("checkpoint: any order of appends, deletes, checkpoints, closings and power losses",
          "[durability]") {
  const uint64_t seed = GENERATE(range(1, 9));
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  auto files = std::make_unique<MemoryFileSystem>(std::vector<std::string>{kParent});
  auto database = OpenCheckpointing(files.get());
  AddSeries(*database, 8);
  Model model;
  for (int step = 0; step < 60; ++step) {
    switch (random() % 12) {
      case 0:
        REQUIRE(database->Checkpoint().ok());
        break;
      case 1:
        REQUIRE((random() % 2 == 0 ? database->Checkpoint() : database->Compact()).ok());
        break;
      case 2: {
        // The power goes, after a commit.
        {
          Appender appender = database->NewAppender();
          REQUIRE(appender.Append(7, 1'000'000 + step, 1));
          model[7][1'000'000 + step] = 1;
          REQUIRE(appender.Commit().Await(Milestone::kDurable).ok());
        }
        auto lost = files->AfterPowerLoss(random());
        database = nullptr;
        files = std::move(lost);
        database = OpenCheckpointing(files.get());
        break;
      }
      case 3: {
        Options options = CheckpointingOptions();
        options.checkpoint_on_close = random() % 2 == 0;
        REQUIRE(database->Close().ok());
        database = OpenIn(files.get(), options);
        break;
      }
      case 4:
        RequireContent(*database, model);
        break;
      case 5:
        DeleteRandom(*database, random, model);
        break;
      default: {
        Appender appender = database->NewAppender();
        for (int i = 0; i < 5; ++i) AppendRandom(appender, random, model);
      }
    }
    REQUIRE(database->Recovery().damage.empty());
  }
  RequireContent(*database, model);
  REQUIRE(database->Close().ok());
  database = OpenCheckpointing(files.get());
  RequireContent(*database, model);
}

TEST_CASE("checkpoint: writes what has changed, and what is in segments needs no memory",
          "[durability]") {
  MemoryFileSystem files({kParent});
  const auto database = OpenCheckpointing(&files);
  AddSeries(*database, 4);
  Model model;
  Appender appender = database->NewAppender();
  const auto append = [&](SeriesId series, Timestamp time) {
    REQUIRE(appender.Append(series, time, std::sin(static_cast<double>(time))));
    model[series][time] = std::sin(static_cast<double>(time));
  };
  for (Timestamp time = 0; time < 100'000; ++time) append(time % 4, time);
  REQUIRE(database->Checkpoint().ok());
  const Stats first = database->Statistics();
  CHECK(first.mapped_leaves == first.leaves);
  CHECK(first.mapped_bytes > 700'000);
  CHECK(first.encoded_bytes == first.mapped_bytes);
  // Two leaves' worth more, and a late record.
  for (Timestamp time = 100'000; time < 101'024; ++time) append(3, time);
  append(2, 50'001);
  REQUIRE(database->Checkpoint().ok());
  const Stats second = database->Statistics();
  CHECK(second.checkpoint_bytes - first.checkpoint_bytes < 40'000);
  CHECK(second.segments == 2);
  CHECK(second.mapped_leaves == second.leaves);
  RequireContent(*database, model);
}

TEST_CASE("checkpoint: a segment goes with its last live leaf", "[durability]") {
  MemoryFileSystem files({kParent});
  auto database = OpenCheckpointing(&files);
  AddSeries(*database, 1);
  Model model;
  for (int round = 0; round < 3; ++round) {
    {
      Appender appender = database->NewAppender();
      // Every leaf is rewritten.
      for (Timestamp time = round; time < 5'000; time += round == 0 ? 1 : 10) {
        REQUIRE(appender.Append(0, time, round));
        model[0][time] = round;
      }
    }
    REQUIRE(database->Checkpoint().ok());
    REQUIRE(database->Statistics().segments == 1);
    REQUIRE(files.List(kSegments)->size() == 3);
    RequireContent(*database, model);
  }
  REQUIRE(database->Close().ok());
  database = OpenCheckpointing(&files);
  RequireContent(*database, model);
}

TEST_CASE("checkpoint: more than the memory budget is kept in segments", "[durability]") {
  MemoryFileSystem files({kParent});
  Options options = CheckpointingOptions();
  // Of eight bytes each, nearly twice the budget.
  constexpr Timestamp kRecords = kSlowdown > 1 ? 4'500'000 : 9'000'000;
  options.memory_budget_bytes = uint64_t{kSlowdown > 1 ? 20 : 40} << 20;
  options.log_file_bytes = 1 << 20;
  options.checkpoint_on_close = GENERATE(false, true);
  const auto value = [](Timestamp time) { return std::sin(static_cast<double>(time)); };
  {
    const auto database = OpenIn(&files, options);
    AddSeries(*database, 1);
    Appender appender = database->NewAppender();
    for (Timestamp time = 0; time < kRecords; ++time) {
      if (!appender.Append(0, time * 1000, value(time))) FAIL(appender.status().ToString());
      if (time % 100'000 != 0) continue;
      REQUIRE(database->Statistics().memory_bytes <= options.memory_budget_bytes * 11 / 10);
    }
    REQUIRE(database->Statistics().checkpoints > 0);
    REQUIRE(database->NewSnapshot().Count(0) == kRecords);
  }
  // A log of more than the budget is read back within it, too.
  const auto reopened = OpenIn(&files, options);
  REQUIRE(reopened->Statistics().memory_bytes <= options.memory_budget_bytes * 11 / 10);
  const Snapshot snapshot = reopened->NewSnapshot();
  Timestamp time = 0;
  Cursor cursor = snapshot.Scan(0);
  for (ColumnBlock block; cursor.Next(block);) {
    for (size_t i = 0; i < block.size(); ++i, ++time) {
      if (block.timestamps[i] != time * 1000 || block.values[i] != value(time)) FAIL(time);
    }
  }
  REQUIRE(time == kRecords);
}

TEST_CASE("checkpoint: a log beyond the budget is read back within it", "[durability]") {
  MemoryFileSystem files({kParent});
  Options options = CheckpointingOptions();
  options.checkpoint_on_close = false;
  options.log_file_bytes = 1 << 20;
  {
    const auto database = OpenIn(&files, options);
    AddSeries(*database, 1);
    Appender appender = database->NewAppender();
    for (Timestamp time = 0; time < 1'500'000; ++time) {
      REQUIRE(appender.Append(0, time * 1000, std::sin(static_cast<double>(time))));
    }
    REQUIRE(appender.Commit().Await(Milestone::kVisible).ok());
    REQUIRE(database->Statistics().checkpoints == 0);
  }
  options.memory_budget_bytes = uint64_t{12} << 20;
  const auto database = OpenIn(&files, options);
  CHECK(database->Statistics().checkpoints > 0);
  CHECK(database->Statistics().memory_bytes <= options.memory_budget_bytes * 11 / 10);
  CHECK(database->NewSnapshot().Count(0) == 1'500'000);
  CHECK(database->Verify().ok());
}

TEST_CASE("checkpoint: what cannot leave memory is refused past the budget", "[durability]") {
  MemoryFileSystem files({kParent});
  Options options = CheckpointingOptions();
  options.memory_budget_bytes = uint64_t{16} << 20;
  const auto database = OpenIn(&files, options);
  AddSeries(*database, 2000);  // each with an open leaf
  Appender appender = database->NewAppender();
  uint64_t accepted = 0;
  bool refused = false;
  for (Timestamp time = 0; time < 400 && !refused; ++time) {
    for (SeriesId series = 0; series < 2000 && !refused; ++series) {
      refused = !appender.Append(series, time, std::sin(static_cast<double>(time)));
      accepted += !refused;
    }
  }
  REQUIRE(refused);
  CHECK(absl::IsResourceExhausted(appender.status()));
  CHECK(appender.status().message().find("memory_budget_bytes") != std::string::npos);
  REQUIRE(appender.Commit().Await(Milestone::kVisible).ok());
  uint64_t readable = 0;
  const Snapshot snapshot = database->NewSnapshot();
  for (SeriesId series = 0; series < 2000; ++series) readable += snapshot.Count(series);
  CHECK(readable == accepted);
  // More at once than could ever be there.
  const std::vector<Timestamp> times(4'000'000);
  CHECK_FALSE(appender.AppendColumns(0, times, std::vector<double>(times.size())));
  CHECK(absl::IsResourceExhausted(appender.status()));
}

TEST_CASE("checkpoint: whichever call fails, nothing is lost and no file is left", "[durability]") {
  for (const FileFault fault : {FileFault::kIoError, FileFault::kNoSpace}) {
    bool reached_end = false;
    for (uint64_t nth = FirstCall(fault); !reached_end; nth += kCallStep) {
      INFO("call " << nth);
      MemoryFileSystem memory({kParent});
      FaultFileSystem files(&memory);
      Model model;
      {
        auto database = OpenCheckpointing(&files);
        AddSeries(*database, 2);
        Appender appender = database->NewAppender();
        const auto fill = [&](Timestamp begin, Timestamp end) {
          for (Timestamp time = begin; time < end; ++time) {
            REQUIRE(appender.Append(0, time, 1));
            model[0][time] = 1;
          }
          REQUIRE(appender.Commit().Await(Milestone::kDurable).ok());
        };
        fill(0, 2000);
        REQUIRE(database->Checkpoint().ok());
        fill(500, 3000);
        files.Inject({.fault = fault, .nth = nth});
        database->Checkpoint().IgnoreError();
        reached_end = files.failures() == 0;
        files.ClearFault();
        const bool log_lives = database->Checkpoint().ok();
        RequireContent(*database, model);
        if (log_lives) {
          // What is there is what the manifest names.
          REQUIRE(memory.List(kSegments)->size() == database->Statistics().segments + 2);
        }
      }
      auto database = OpenCheckpointing(&memory);
      INFO((database->Recovery().damage.empty() ? "" : database->Recovery().damage[0]));
      REQUIRE(database->Recovery().damage.empty());
      REQUIRE(memory.List(kSegments)->size() == database->Statistics().segments + 2);
      RequireContent(*database, model);
    }
  }
}

TEST_CASE("checkpoint: what an opening has read back is durable before anything after it is",
          "[durability]") {
  // Written and acknowledged, in mode kAsync, but never synced, or synced in vain.
  const bool sync_fails = GENERATE(false, true);
  MemoryFileSystem files({kParent});
  Options options = CheckpointingOptions();
  options.checkpoint_on_close = false;
  options.durability = Durability::kAsync;
  {
    FaultFileSystem failing(&files);
    failing.SetSyncFailureHook([&](const std::string& path) {
      if (sync_fails) files.ForgetUnsynced(path);
    });
    const auto database = OpenIn(&failing, options);
    AddSeries(*database, 2);
    Appender appender = database->NewAppender();
    for (Timestamp time = 0; time < 1000; ++time) REQUIRE(appender.Append(0, time, 1));
    REQUIRE(appender.Commit().Await(Milestone::kDurable).ok());
    failing.Inject({.fault = FileFault::kIoError, .call = FileCall::kSync, .sticky = true});
  }
  options.durability = Durability::kSync;
  const auto database = OpenIn(&files, options);
  REQUIRE(database->NewSnapshot().Count(0) == 1000);
  Appender appender = database->NewAppender();
  REQUIRE(appender.Append(1, 5, 5));
  REQUIRE(appender.Commit().Await(Milestone::kDurable).ok());
  const auto lost = files.AfterPowerLoss();
  const auto after = OpenIn(lost.get(), options);
  CHECK(after->Recovery().damage.empty());
  CHECK(after->NewSnapshot().Count(0) == 1000);
  CHECK(after->NewSnapshot().Count(1) == 1);
}

TEST_CASE(
    "checkpoint: a flipped bit anywhere costs the leaf or the labels it is in, and is reported",
    "[durability]") {
  const Compression compression = GENERATE(Compression::kNone, Compression::kLz4);
  // At most a leaf of 512. Of packed ones those of a group.
  const uint64_t lost_max = compression == Compression::kNone ? 512 : 4 * 512;
  Options options = CheckpointingOptions();
  options.compression = compression;
  MemoryFileSystem files({kParent});
  Model model;
  {
    const auto database = OpenIn(&files, options);
    AddSeries(*database, 3);
    Appender appender = database->NewAppender();
    for (Timestamp time = 0; time < 1500; ++time) {
      for (SeriesId series = 0; series < 2; ++series) {
        REQUIRE(appender.Append(series, time, static_cast<double>(series)));
        model[series][time] = series;
      }
    }
    REQUIRE(appender.Append(2, 7, 7));
    model[2][7] = 7;
  }
  const std::vector<std::string> names = *files.List(kSegments);
  REQUIRE(names.size() == 3);  // leaves, the rest, a copy of the labels
  for (const std::string& name : names) {
    const std::string path = JoinPath(kSegments, name);
    const std::vector<uint8_t> intact = files.Content(path);
    for (size_t at = 0; at < intact.size(); at += 3 * kSweepStep) {
      INFO(name << " offset " << at);
      std::vector<uint8_t> flipped = intact;
      flipped[at] ^= static_cast<uint8_t>(1 << at % 8);
      auto copy = files.AfterProcessCrash();
      copy->SetContent(path, flipped);
      const auto database = OpenIn(copy.get(), options);
      uint64_t readable = 0;
      const Snapshot snapshot = database->NewSnapshot();
      for (SeriesId id = 0; id < database->SeriesCount(); ++id) {
        // What is there is what was there.
        const std::string labels = database->SeriesLabels(id)->ToString();
        SeriesId original = 0;
        while (original < 3 && LabelsOf(original) != labels) ++original;
        REQUIRE(original < 3);
        for (const Sample& sample : ReadAll(snapshot, id)) {
          REQUIRE(model[original].at(sample.timestamp) == sample.value);
          ++readable;
        }
      }
      const RecoveryReport& recovery = database->Recovery();
      if (readable < 3001) {
        REQUIRE_FALSE(recovery.damage.empty());
        REQUIRE(recovery.damage[0].find(path) != std::string::npos);
      }
      // Labels are there twice.
      REQUIRE(recovery.orphans == 0);
      REQUIRE(readable >= 3001 - lost_max);
      REQUIRE(database->Verify().ok());
      // A file that could not be used as it is stays, under another name.
      REQUIRE(database->Checkpoint().ok());
    }
  }
}

TEST_CASE("checkpoint: segments are merged, so that files stay few and dead leaves take no space",
          "[durability]") {
  MemoryFileSystem files({kParent});
  auto database = OpenCheckpointing(&files);
  AddSeries(*database, 2);
  Model model;
  const auto fill = [&](Timestamp begin, Timestamp end, double value) {
    Appender appender = database->NewAppender();
    for (Timestamp time = begin; time < end; ++time) {
      REQUIRE(appender.Append(time % 2, time, value * static_cast<double>(time % 977)));
      model[time % 2][time] = value * static_cast<double>(time % 977);
    }
  };
  const auto file_bytes = [&] {
    uint64_t bytes = 0;
    const std::vector<std::string> names = *files.List(kSegments);
    for (const std::string& name : names) {
      bytes += *files.FileSize(JoinPath(kSegments, name));
    }
    return bytes;
  };
  for (Timestamp round = 0; round < 20; ++round) {
    fill(round * 5'000, (round + 1) * 5'000, 1.1);
    REQUIRE(database->Checkpoint().ok());
    CHECK(database->Statistics().segments <= 4);
    // Three alike are not worth copying.
    if (round == 2) CHECK(database->Statistics().compacted_bytes == 0);
  }
  const Stats merged = database->Statistics();
  CHECK(merged.compacted_bytes > 0);
  CHECK(merged.compacted_bytes < 8 * merged.encoded_bytes);
  RequireContent(*database, model);
  // Most of it overwritten: a few checkpoints later its space is free.
  for (int round = 0; round < 3; ++round) {
    fill(0, 80'000, 2.1 + round);
    REQUIRE(database->Checkpoint().ok());
  }
  CHECK(file_bytes() < 3 * database->Statistics().encoded_bytes);
  REQUIRE(database->Compact().ok());
  CHECK(database->Statistics().segments == 1);
  CHECK(file_bytes() < database->Statistics().encoded_bytes + 100'000);
  RequireContent(*database, model);
  // One alone, all of it live: there is nothing to gain by copying it.
  const uint64_t copied = database->Statistics().compacted_bytes;
  REQUIRE(database->Compact().ok());
  CHECK(database->Statistics().compacted_bytes == copied);
  // Whole series deleted.
  model[0].clear();
  REQUIRE(database->Delete(std::vector<SeriesId>{0}, TimeRange::All()).ok());
  REQUIRE(database->Compact().ok());
  RequireContent(*database, model);
  REQUIRE(database->Close().ok());
  database = OpenCheckpointing(&files);
  RequireContent(*database, model);
}

}  // namespace
}  // namespace tsdb

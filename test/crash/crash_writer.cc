// Writes to a database until it is killed or its disk is gone, or checks what such a run left.
//
//   crash_writer write DIRECTORY LEDGER async|sync WRITERS [OPTION...]
//   crash_writer check DIRECTORY PROMISES LEDGER WRITERS [read-only|full]
//
// What is written and promised: crash_contents.h, crash_ledger.h. Beside the writers a gardener
// appends late, deletes, flushes, writes checkpoints and compacts. `write` prints "open" when the
// database is, goes on until a line "close" comes in, then closes it and prints "closed" and how.
// An error ends it with status 2, and so does the end of its input. Options:
//   fill                  nothing is retained by age, and a full disk is no error: writers read
//                         their series back and try again
//   log-file=BYTES, checkpoint-log=BYTES   as Options say
//   early                 a fault: acknowledges before the commit is awaited
//   refused               a fault: what a full disk refused counts as acknowledged
//   drop-sync             a fault: once it is open, syncs of files say OK and are not done
//   drop-directory-sync   the same for directories
//
// `check` compares what is found with the first part of the file PROMISES, a copy of the ledger at
// the moment up to which promises count, and with what the whole LEDGER says was begun. It prints
// records acknowledged, recovered, lost, and gone by retention; status 0 if none was lost, 1 if
// some were, 2 for damage. `full`: the disk still is, so closing may fail for want of space.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "test/crash/crash_contents.h"
#include "test/crash/crash_ledger.h"
#include "test/faults/fault_file_system.h"
#include "tsdb/internals.h"

namespace tsdb::crash {
namespace {

constexpr Timestamp kRecordsPerCommit = 500;
constexpr int64_t kSeriesPerWriter = 18;  // made on the way, besides its own

struct Settings {
  Options options;
  bool fill = false, early = false, refused = false, drop_sync = false, drop_directory_sync = false;
};

uint64_t Number(std::string_view text) {
  uint64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) {
    Die("no number: " + std::string(text));
  }
  return number;
}

Options SmallFiles(const std::string& directory) {
  Options options;
  options.directory = directory;
  options.memory_budget_bytes = uint64_t{256} << 20;
  options.log_file_bytes = 1 << 20;
  options.checkpoint_log_bytes = 2 << 20;  // often, so that crashes hit checkpoints, too
  options.sync_interval_ms = 20;
  return options;
}

Settings Parse(const std::vector<std::string>& arguments) {
  Settings settings{.options = SmallFiles(arguments[1])};
  settings.options.durability = arguments[3] == "sync" ? Durability::kSync : Durability::kAsync;
  for (size_t i = 5; i < arguments.size(); ++i) {
    const std::string_view option = arguments[i];
    const std::string_view value = option.substr(std::min(option.find('=') + 1, option.size()));
    if (option == "fill") {
      settings.fill = true;
    } else if (option == "early") {
      settings.early = true;
    } else if (option == "refused") {
      settings.refused = true;
    } else if (option == "drop-sync") {
      settings.drop_sync = true;
    } else if (option == "drop-directory-sync") {
      settings.drop_directory_sync = true;
    } else if (option.starts_with("log-file=")) {
      settings.options.log_file_bytes = Number(value);
    } else if (option.starts_with("checkpoint-log=")) {
      settings.options.checkpoint_log_bytes = Number(value);
    } else {
      Die("no such option: " + arguments[i]);
    }
  }
  if (!settings.fill) settings.options.retention_ms = kRetention;
  return settings;
}

std::unique_ptr<Database> OpenDatabase(const Options& options, FileSystem* files,
                                       std::function<Timestamp()> clock) {
  auto opened = Internals::Open(options, files, std::move(clock));
  if (!opened.ok()) Die(opened.status().ToString());
  const RecoveryReport& recovery = (*opened)->Recovery();
  for (const std::string& damage : recovery.damage) {
    std::fprintf(stderr, "crash_writer: damage: %s\n", damage.c_str());
  }
  if (!recovery.damage.empty() || recovery.orphans > 0) Die("the database is damaged");
  return *std::move(opened);
}

// The threads that write, and what they share.
class Writing {
 public:
  Writing(const Settings& settings, CrashLedger* ledger, size_t writers)
      : settings_(settings), ledger_(ledger), writers_(writers) {
    files_.SetHook([ledger](FileCall call, const std::string& path) {
      if (call == FileCall::kSync && path.find("/log/") != std::string::npos) {
        ledger->log_syncs.fetch_add(1);
      }
    });
    database_ = OpenDatabase(settings.options, &files_, [this] { return Clock(); });
    if (settings.drop_sync) Skip(FileCall::kSync);
    if (settings.drop_directory_sync) Skip(FileCall::kSyncDirectory);
  }

  // Returns when told to close; with what closing said.
  absl::Status Run() {
    std::puts("open");
    std::fflush(stdout);
    std::vector<std::thread> threads;
    for (size_t writer = 0; writer < writers_; ++writer) {
      threads.emplace_back([this, writer] { Write(writer); });
    }
    threads.emplace_back([this] { Garden(); });
    // Nobody there any more: then nobody would end it.
    if (std::string line; !std::getline(std::cin, line) || line != "close") Die("told nothing");
    // Relaxed, here and where it is read: a hint to stop.
    stopping_.store(true, std::memory_order_relaxed);
    for (std::thread& thread : threads) thread.join();
    return database_->Close();
  }

 private:
  void Skip(FileCall call) {
    files_.Inject({.fault = FileFault::kSkip, .call = call, .sticky = true});
  }
  bool stopping() const { return stopping_.load(std::memory_order_relaxed); }

  // The time of the slowest writer. The latest is noted before retention hears of it; but what the
  // last run had come to may be gone with what it had not synced, and this one begins anew.
  Timestamp Clock() {
    Timestamp now = kTimestampMax;
    for (size_t writer = 0; writer < writers_; ++writer) {
      now = std::min(now, ledger_->promises.acknowledged[writer].load());
    }
    ledger_->clock.store(std::max(now, ledger_->clock.load()));
    return now;
  }

  // A refusal by a full disk: reads still serve, and what was acknowledged is there. Anything else
  // is the end. False when it is not to be tried again.
  bool TryAgain(const absl::Status& status, size_t writer, SeriesId series) {
    if (!settings_.fill || !absl::IsResourceExhausted(status)) Die(status.ToString());
    ledger_->refusals.fetch_add(1);
    Found found;
    const Snapshot snapshot = database_->NewSnapshot();
    if (writer == kGardener) {
      CheckBlocks(snapshot, series, ledger_->promises, *ledger_, found);
    } else {
      CheckWriter(snapshot, series, writer, ledger_->promises, *ledger_, found);
    }
    if (found.lost > 0) Die("with the disk full, " + std::to_string(found.lost) + " are missing");
    ledger_->reads_when_full.fetch_add(1);
    return !stopping() && !settings_.refused;
  }

  SeriesId SeriesOf(const std::string& name, size_t writer, SeriesId own) {
    for (;;) {
      const auto series = FindSeries(*database_, name);
      if (series.ok()) return *series;
      if (own == kInvalidSeriesId) Die(series.status().ToString());
      if (!TryAgain(series.status(), writer, own)) return own;
    }
  }

  // False when the record was refused for good.
  bool Put(Appender& appender, SeriesId series, Timestamp time, size_t writer, SeriesId own) {
    while (!appender.Append(series, time, ValueOf(writer, time))) {
      const absl::Status status = appender.status();
      appender.ClearStatus();
      if (!TryAgain(status, writer, own)) return settings_.refused;
    }
    return true;
  }

  bool Await(Appender& appender, size_t writer, SeriesId own) {
    const Ticket ticket = appender.Commit();
    for (;;) {
      const absl::Status durable = ticket.Await(Milestone::kDurable);
      if (durable.ok()) return true;
      if (!TryAgain(durable, writer, own)) return settings_.refused;
    }
  }

  void Write(size_t writer) {
    std::atomic<int64_t>& acknowledged = ledger_->promises.acknowledged[writer];
    const SeriesId series = SeriesOf(std::to_string(writer), writer, kInvalidSeriesId);
    Appender appender = database_->NewAppender();
    // On from what is there, which may be more than was acknowledged.
    const std::optional<Sample> last = database_->NewSnapshot().Last(series);
    for (Timestamp time = last.has_value() ? last->timestamp + 1 : 1; !stopping(); ++time) {
      if (!Put(appender, series, time, writer, series)) return;
      if (time % kRecordsPerCommit != 0) continue;
      const std::string name = std::to_string(writer) + "/" +
                               std::to_string(time / kRecordsPerCommit % kSeriesPerWriter);
      const SeriesId other = SeriesOf(name, writer, series);
      if (other != series && !Put(appender, other, time, writer, series)) return;
      if (settings_.early) acknowledged.store(time);
      if (!Await(appender, writer, series)) return;
      acknowledged.store(time);
    }
  }

  void PutHalf(Appender& appender, int64_t block, bool odd, SeriesId series) {
    if (block < 0) return;
    const Timestamp begin = kBlocksBegin + block * kBlock;
    for (Timestamp time = begin + (odd ? 1 : 0); time < begin + kBlock; time += 2) {
      if (!Put(appender, series, time, kGardener, series)) return;
    }
  }

  void Garden() {
    Promises& promises = ledger_->promises;
    const SeriesId series = SeriesOf("gardener", kGardener, kInvalidSeriesId);
    Appender appender = database_->NewAppender();
    const std::optional<Sample> last = database_->NewSnapshot().Last(series);
    // The last step that has left something may be unfinished.
    int64_t block = last.has_value() ? (last->timestamp - kBlocksBegin) / kBlock : 0;
    for (; !stopping(); ++block) {
      PutHalf(appender, block, false, series);
      PutHalf(appender, block - kLateBy, true, series);
      if (!Await(appender, kGardener, series)) return;
      promises.blocks_appended.store(block + 1);
      const int64_t gone = block - kDeletedBy + 1;
      if (gone > 0) DeleteBlocks(gone, series);
      Maintain(block, series);
    }
  }

  void DeleteBlocks(int64_t end, SeriesId series) {
    ledger_->blocks_to_delete.store(std::max(end, ledger_->blocks_to_delete.load()));
    for (;;) {
      const TimeRange range{kTimestampMin, kBlocksBegin + end * kBlock};
      const auto deleted = database_->Delete(std::vector<SeriesId>{series}, range);
      if (deleted.ok()) break;
      if (!TryAgain(deleted.status(), kGardener, series)) return;
    }
    ledger_->promises.blocks_deleted.store(end);
  }

  void Maintain(int64_t block, SeriesId series) {
    absl::Status status;
    if (block % 4 == 1) status = database_->Flush();
    if (block % 16 == 7) status = database_->Checkpoint();
    if (block % 16 == 15) {
      status = database_->Compact();
      const auto compacted = static_cast<int64_t>(database_->Statistics().compacted_bytes);
      ledger_->compacted_bytes.fetch_add(compacted - compacted_);
      compacted_ = compacted;
    }
    if (!status.ok()) TryAgain(status, kGardener, series);
  }

  const Settings settings_;
  CrashLedger* const ledger_;
  const size_t writers_;
  FaultFileSystem files_{LocalFileSystem()};
  std::atomic<bool> stopping_{false};
  int64_t compacted_ = 0;  // the gardener's
  std::unique_ptr<Database> database_;
};

int Check(const std::vector<std::string>& arguments) {
  const Promises& promises = MapLedger(arguments[2])->promises;
  const CrashLedger& begun = *MapLedger(arguments[3]);
  const std::string how = arguments.size() > 5 ? arguments[5] : "";
  Options options = SmallFiles(arguments[1]);
  options.durability = Durability::kSync;
  options.read_only = how == "read-only";
  const auto database = OpenDatabase(options, LocalFileSystem(), {});
  Found found;
  {
    const Snapshot snapshot = database->NewSnapshot();
    for (size_t writer = 0; writer < Number(arguments[4]); ++writer) {
      const auto series = FindSeries(*database, std::to_string(writer));
      if (series.ok()) {
        CheckWriter(snapshot, *series, writer, promises, begun, found);
      } else if (how.empty() || promises.acknowledged[writer].load() > 0) {
        Die(series.status().ToString());
      }
    }
    const auto series = FindSeries(*database, "gardener");
    if (series.ok()) {
      CheckBlocks(snapshot, *series, promises, begun, found);
    } else if (how.empty() || promises.blocks_appended.load() > 0) {
      Die(series.status().ToString());
    }
  }
  if (const absl::Status verified = database->Verify(); !verified.ok()) Die(verified.ToString());
  std::printf("%lld %lld %lld %lld\n", static_cast<long long>(found.acknowledged),
              static_cast<long long>(found.recovered), static_cast<long long>(found.lost),
              static_cast<long long>(found.retired));
  const absl::Status closed = database->Close();
  if (!closed.ok() && (how != "full" || !absl::IsResourceExhausted(closed))) {
    Die(closed.ToString());
  }
  return found.lost == 0 ? 0 : 1;
}

int Run(const std::vector<std::string>& arguments) {
  if (arguments.size() < 5) Die("see the head of its source for how it is called");
  if (arguments[0] == "check") return Check(arguments);
  Writing writing(Parse(arguments), MapLedger(arguments[2]), Number(arguments[4]));
  const absl::Status closed = writing.Run();
  std::printf("closed %s\n", closed.ToString().c_str());
  return 0;
}

}  // namespace
}  // namespace tsdb::crash

int main(int argc, char** argv) { return tsdb::crash::Run({argv + 1, argv + argc}); }

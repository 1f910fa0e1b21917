// Writes to a database until it is killed, or checks what such a run left.
//
//   crash_writer write DIRECTORY LEDGER async|sync WRITERS [early]
//   crash_writer check DIRECTORY LEDGER WRITERS
//
// The ledger is a file outside the database, mapped by the writer: for each writer the last
// timestamp that was acknowledged as durable. It is in the page cache when the process is killed,
// so it holds every acknowledgement that was given. Writer w appends 1, 2, 3, ... to series w, with
// values that follow from both, and some to series that it makes on the way. `early` plants a
// fault: acknowledging before the commit is awaited.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tsdb/database.h"

namespace tsdb {
namespace {

constexpr size_t kWritersMax = 64;
constexpr Timestamp kRecordsPerCommit = 500;

// Prints why, and ends the process at once.
[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "crash_writer: %s\n", why.c_str());
  std::_Exit(2);
}

std::atomic<int64_t>* MapLedger(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT, 0600);
  if (file < 0 || ftruncate(file, kWritersMax * sizeof(int64_t)) != 0) Die("no ledger " + path);
  void* mapped =
      mmap(nullptr, kWritersMax * sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) Die("cannot map " + path);
  close(file);
  return static_cast<std::atomic<int64_t>*>(mapped);
}

double ValueOf(size_t writer, Timestamp time) {
  return static_cast<double>(writer) * 1e6 + static_cast<double>(time % 10'007) / 8;
}

SeriesId SeriesOf(Database& database, const std::string& name) {
  const auto labels = Labels::Create({{kMetricNameLabel, "crash"}, {"writer", name}});
  const auto series = database.FindOrCreateSeries(*labels);
  if (!series.ok()) Die(series.status().ToString());
  return *series;
}

std::unique_ptr<Database> OpenDatabase(const std::string& directory, Durability durability) {
  Options options;
  options.directory = directory;
  options.durability = durability;
  options.memory_budget_bytes = uint64_t{1} << 30;
  options.log_file_bytes = 1 << 20;
  options.checkpoint_log_bytes = 2 << 20;  // often, so that kills hit checkpoints, too
  auto opened = Database::Open(options);
  if (!opened.ok()) Die(opened.status().ToString());
  for (const std::string& damage : (*opened)->Recovery().damage) {
    std::fprintf(stderr, "crash_writer: damage: %s\n", damage.c_str());
  }
  if (!(*opened)->Recovery().damage.empty() || (*opened)->Recovery().orphans > 0) {
    Die("the database is damaged");
  }
  return *std::move(opened);
}

void WriteForEver(Database& database, size_t writer, std::atomic<int64_t>& acknowledged,
                  bool early) {
  const SeriesId series = SeriesOf(database, std::to_string(writer));
  Appender appender = database.NewAppender();
  // On from what is there, which may be more than was acknowledged.
  const std::optional<Sample> last = database.NewSnapshot().Last(series);
  for (Timestamp time = last.has_value() ? last->timestamp + 1 : 1;; ++time) {
    if (!appender.Append(series, time, ValueOf(writer, time))) {
      Die(appender.status().ToString());
    }
    if (time % kRecordsPerCommit != 0) continue;
    const std::string name = std::to_string(writer) + "/" + std::to_string(time % 9'000);
    if (!appender.Append(SeriesOf(database, name), time, ValueOf(writer, time))) {
      Die(appender.status().ToString());
    }
    if (early) acknowledged.store(time);
    const absl::Status durable = appender.Commit().Await(Milestone::kDurable);
    if (!durable.ok()) Die(durable.ToString());
    acknowledged.store(time);
  }
}

// Every record up to the last one is there, and that is at least the acknowledged one.
int Check(Database& database, std::atomic<int64_t>* ledger, size_t writers) {
  int64_t acknowledged = 0, recovered = 0, lost = 0;
  const Snapshot snapshot = database.NewSnapshot();
  for (size_t writer = 0; writer < writers; ++writer) {
    Cursor cursor = snapshot.Scan(SeriesOf(database, std::to_string(writer)));
    Timestamp expected = 1;
    for (ColumnBlock block; cursor.Next(block);) {
      for (size_t i = 0; i < block.size(); ++i, ++expected) {
        if (block.timestamps[i] != expected || block.values[i] != ValueOf(writer, expected)) {
          Die("writer " + std::to_string(writer) + ": found " +
              std::to_string(block.timestamps[i]) + " where " + std::to_string(expected) +
              " should be");
        }
      }
    }
    acknowledged += ledger[writer].load();
    recovered += expected - 1;
    lost += std::max<int64_t>(0, ledger[writer].load() - (expected - 1));
  }
  const absl::Status verified = database.Verify();
  if (!verified.ok()) Die(verified.ToString());
  std::printf("%lld %lld %lld\n", static_cast<long long>(acknowledged),
              static_cast<long long>(recovered), static_cast<long long>(lost));
  return lost == 0 ? 0 : 1;
}

int Run(const std::vector<std::string>& arguments) {
  if (arguments.size() < 4) Die("see the head of its source for how it is called");
  std::atomic<int64_t>* ledger = MapLedger(arguments[2]);
  if (arguments[0] == "check") {
    const auto database = OpenDatabase(arguments[1], Durability::kSync);
    const int result = Check(*database, ledger, std::stoul(arguments[3]));
    return database->Close().ok() ? result : 1;
  }
  if (arguments.size() < 5) Die("see the head of its source for how it is called");
  const auto database =
      OpenDatabase(arguments[1], arguments[3] == "sync" ? Durability::kSync : Durability::kAsync);
  const bool early = arguments.size() > 5 && arguments[5] == "early";
  std::puts("open");
  std::fflush(stdout);
  std::vector<std::thread> threads;
  for (size_t writer = 0; writer < std::stoul(arguments[4]); ++writer) {
    threads.emplace_back([&, writer] { WriteForEver(*database, writer, ledger[writer], early); });
  }
  for (std::thread& thread : threads) thread.join();
  return 0;
}

}  // namespace
}  // namespace tsdb

int main(int argc, char** argv) { return tsdb::Run({argv + 1, argv + argc}); }

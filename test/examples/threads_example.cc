// Writers, a reader beside them, and errors as Status. docs/embedding.md quotes parts of it
// (quotes_test.py compares).
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tsdb/database.h"

namespace {

// One thread's work: an appender of its own, a batch, a commit that is waited for.
absl::Status WriteTemperatures(tsdb::Database& database, const std::string& room) {
  absl::StatusOr<tsdb::Labels> labels =
      tsdb::Labels::Create({{"__name__", "temperature"}, {"room", room}});
  if (!labels.ok()) return labels.status();
  absl::StatusOr<tsdb::SeriesId> series = database.FindOrCreateSeries(*labels);
  if (!series.ok()) return series.status();

  tsdb::Appender appender = database.NewAppender();
  for (int i = 0; i < 100'000; ++i) {
    if (!appender.Append(*series, 1'700'000'000'000 + i * 1000, 20 + i % 5)) {
      return appender.status();  // kResourceExhausted at the budget, for one
    }
  }
  return appender.Commit().Await(tsdb::Milestone::kVisible);
}

void PrintStretch(const tsdb::Database& database, const tsdb::Snapshot& snapshot,
                  tsdb::SeriesId series, tsdb::TimeRange range) {
  tsdb::Cursor cursor = snapshot.Scan(series, range);
  size_t samples = 0;
  double sum = 0;
  for (tsdb::ColumnBlock block; cursor.Next(block);) {  // spans, valid until the next Next
    samples += block.size();
    for (double value : block.values) sum += value;
  }
  std::cout << database.SeriesLabels(series)->ToString() << ": " << samples << " samples, sum "
            << sum << "\n";
}

absl::Status Run() {
  tsdb::Options options;
  options.memory_budget_bytes = uint64_t{256} << 20;
  absl::StatusOr<std::unique_ptr<tsdb::Database>> opened = tsdb::Database::Open(options);
  if (!opened.ok()) return opened.status();
  tsdb::Database& database = **opened;

  const std::vector<std::string> rooms = {"kitchen", "hall", "cellar"};
  std::vector<absl::Status> results(rooms.size());
  std::vector<std::thread> writers;
  for (size_t i = 0; i < rooms.size(); ++i) {
    writers.emplace_back([&, i] { results[i] = WriteTemperatures(database, rooms[i]); });
  }
  for (std::thread& writer : writers) writer.join();
  for (const absl::Status& result : results) {
    if (!result.ok()) return result;
  }

  const tsdb::Snapshot snapshot = database.NewSnapshot();
  for (tsdb::SeriesId series = 0; series < database.SeriesCount(); ++series) {
    PrintStretch(database, snapshot, series, {1'700'000'010'000, 1'700'000'020'000});
  }
  const tsdb::Ledger ledger = database.Statistics().ledger;
  if (!ledger.Balanced()) return absl::InternalError("the ledger does not balance");
  std::cout << ledger.accepted << " records accepted\n";
  return database.Close();
}

}  // namespace

int main() {
  const absl::Status status = Run();
  if (status.ok()) return 0;
  std::cerr << status << "\n";
  return 1;
}

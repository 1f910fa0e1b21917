// A database in a directory: a durable commit, and what is there when it is opened again. README.md
// and docs/embedding.md quote parts of it (quotes_test.py compares).
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tsdb/database.h"

namespace {

absl::StatusOr<std::unique_ptr<tsdb::Database>> OpenIn(const std::string& directory) {
  tsdb::Options options;
  options.directory = directory;  // made if its parent exists
  options.durability = tsdb::Durability::kSync;
  absl::StatusOr<std::unique_ptr<tsdb::Database>> opened = tsdb::Database::Open(options);
  if (!opened.ok()) return opened.status();
  for (const std::string& damage : (*opened)->Recovery().damage) std::cerr << damage << "\n";
  return opened;
}

// OK: the samples survive the loss of power from here on.
absl::Status Keep(tsdb::Database& database, tsdb::SeriesId series, tsdb::Timestamp from) {
  tsdb::Appender appender = database.NewAppender();
  for (int i = 0; i < 500; ++i) {
    if (!appender.Append(series, from + i * 1000, 20 + i % 5)) return appender.status();
  }
  return appender.Commit().Await(tsdb::Milestone::kDurable);
}

absl::Status Run(const std::string& directory) {
  for (const tsdb::Timestamp from : {1'700'000'000'000, 1'700'000'500'000}) {
    auto database = OpenIn(directory);
    if (!database.ok()) return database.status();
    auto labels = tsdb::Labels::Create({{"__name__", "temperature"}, {"room", "kitchen"}});
    if (!labels.ok()) return labels.status();
    auto series = (*database)->FindOrCreateSeries(*labels);
    if (!series.ok()) return series.status();
    const absl::Status kept = Keep(**database, *series, from);
    if (!kept.ok()) return kept;
    std::cout << (*database)->NewSnapshot().Count(*series) << " samples\n";
    const absl::Status closed = (*database)->Close();
    if (!closed.ok()) return closed;
  }
  return absl::OkStatus();
}

}  // namespace

int main() {
  std::string home = (std::filesystem::temp_directory_path() / "tsdb-example-XXXXXX").string();
  if (mkdtemp(home.data()) == nullptr) {
    std::cerr << "cannot make a directory like " << home << "\n";
    return 1;
  }
  const absl::Status status = Run(home + "/db");
  std::error_code ignored;  // what stays is in the directory for temporary files
  std::filesystem::remove_all(home, ignored);
  if (status.ok()) return 0;
  std::cerr << status << "\n";
  return 1;
}

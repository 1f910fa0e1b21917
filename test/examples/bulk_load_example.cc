// A bulk loader: lines of text from a file or, without one, generated, shared out to threads, kept
// durably, and counted by a question at the end. docs/embedding-examples.md quotes parts of it
// (quotes_test.py compares).
//
//   bulk_load_example [DIRECTORY FILE]    lines of FILE: sensor,site,timestamp_ms,value
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tsdb/database.h"
#include "tsdb/query.h"

namespace {

constexpr size_t kThreads = 2;
constexpr uint64_t kCommitEvery = 100'000;  // records: one wait for the disk each

struct Figures {
  uint64_t accepted = 0;
  uint64_t bad_lines = 0;
};

struct Line {
  std::string_view sensor, site;
  tsdb::Timestamp time = 0;
  double value = 0;
};

template <typename Number>
bool ParseNumber(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// False: it has not four fields, or one of them is no number.
bool ParseLine(std::string_view text, Line& line) {
  std::string_view fields[4];
  for (size_t i = 0; i < 4; ++i) {
    const size_t comma = text.find(',');
    if ((comma == std::string_view::npos) != (i == 3)) return false;
    fields[i] = text.substr(0, comma);
    if (i < 3) text.remove_prefix(comma + 1);
  }
  line.sensor = fields[0];
  line.site = fields[1];
  return ParseNumber(fields[2], line.time) && ParseNumber(fields[3], line.value);
}

// One thread's share: the lines of the sensors that are its own, so that each series comes from one
// appender, in the order of the file.
class Loader {
 public:
  explicit Loader(tsdb::Database& database)
      : database_(database), appender_(database.NewAppender()) {}

  absl::Status Load(const Line& line) {
    absl::StatusOr<tsdb::SeriesId> series = SeriesOf(line);
    if (!series.ok()) return series.status();
    if (!appender_.Append(*series, line.time, line.value)) {
      return appender_.status();  // nothing of this record was kept; what came before is
    }
    if (++accepted_ % kCommitEvery != 0) return absl::OkStatus();
    return appender_.Commit().Await(tsdb::Milestone::kDurable);
  }
  // OK: all that was accepted survives.
  absl::Status Finish() { return appender_.Commit().Await(tsdb::Milestone::kDurable); }
  uint64_t accepted() const { return accepted_; }

 private:
  // Labels are looked up once a series: a map of one's own text is faster than making labels.
  absl::StatusOr<tsdb::SeriesId> SeriesOf(const Line& line) {
    key_.assign(line.sensor).append(1, ',').append(line.site);
    const auto known = series_.find(key_);
    if (known != series_.end()) return known->second;
    auto labels = tsdb::Labels::Create({{"__name__", "temperature"},
                                        {"sensor", std::string(line.sensor)},
                                        {"site", std::string(line.site)}});
    if (!labels.ok()) return labels.status();
    auto series = database_.FindOrCreateSeries(*labels);
    if (series.ok()) series_.emplace(key_, *series);
    return series;
  }

  tsdb::Database& database_;
  tsdb::Appender appender_;
  std::unordered_map<std::string, tsdb::SeriesId> series_;
  std::string key_;
  uint64_t accepted_ = 0;
};

absl::Status LoadShare(tsdb::Database& database, const std::string& path, size_t share,
                       Figures& figures) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError("cannot open '" + path + "'");
  Loader loader(database);
  std::string text;
  while (std::getline(file, text)) {
    const size_t owner = std::hash<std::string_view>()(text.substr(0, text.find(','))) % kThreads;
    if (owner != share) continue;
    Line line;
    if (!ParseLine(text, line)) {
      ++figures.bad_lines;
      continue;
    }
    if (absl::Status loaded = loader.Load(line); !loaded.ok()) return loaded;
  }
  if (file.bad()) return absl::DataLossError("reading '" + path + "' failed");
  if (absl::Status kept = loader.Finish(); !kept.ok()) return kept;
  figures.accepted = loader.accepted();
  return absl::OkStatus();
}

// A file to load: an hour of 300 sensors, ten seconds apart, and a line that is none.
absl::Status Generate(const std::string& path) {
  std::ofstream file(path);
  for (int i = 0; i < 360; ++i) {
    for (int sensor = 0; sensor < 300; ++sensor) {
      file << "s" << sensor << ",site-" << sensor % 7 << "," << 1'700'000'000'000 + i * 10'000
           << "," << 20 + (sensor + i) % 10 * 0.5 << "\n";
    }
  }
  file << "s1,site-1,yesterday,20\n";
  file.close();
  return file ? absl::OkStatus() : absl::UnavailableError("cannot write '" + path + "'");
}

absl::StatusOr<uint64_t> CountStored(tsdb::Database& database) {
  return CountSamples(
      database, std::vector<tsdb::Matcher>{{"__name__", tsdb::MatchOp::kEqual, "temperature"}});
}

absl::Status Run(const std::string& directory, const std::string& path) {
  tsdb::Options options;
  options.directory = directory;
  options.durability = tsdb::Durability::kSync;
  absl::StatusOr<std::unique_ptr<tsdb::Database>> opened = tsdb::Database::Open(options);
  if (!opened.ok()) return opened.status();
  tsdb::Database& database = **opened;

  const absl::StatusOr<uint64_t> before = CountStored(database);
  if (!before.ok()) return before.status();

  const auto begin = std::chrono::steady_clock::now();
  std::vector<Figures> figures(kThreads);
  std::vector<absl::Status> results(kThreads);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] { results[i] = LoadShare(database, path, i, figures[i]); });
  }
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;

  Figures all;
  for (size_t i = 0; i < kThreads; ++i) {
    if (!results[i].ok()) return results[i];
    all.accepted += figures[i].accepted;
    all.bad_lines += figures[i].bad_lines;
  }
  const tsdb::Stats stats = database.Statistics();
  const absl::StatusOr<uint64_t> stored = CountStored(database);
  if (!stored.ok()) return stored.status();
  std::cout << all.accepted << " records in " << database.SeriesCount() << " series, "
            << all.bad_lines << " bad lines; " << *stored << " stored\n";
  std::cerr << static_cast<double>(all.accepted) / took.count() << " records/s\n";
  // A record of a time that was there already replaces it.
  if (*stored + stats.ledger.replaced != *before + all.accepted) {
    return absl::InternalError("not everything that was accepted is stored");
  }
  return database.Close();
}

}  // namespace

int main(int argc, char** argv) {
  absl::Status status;
  if (argc == 3) {
    status = Run(argv[1], argv[2]);
  } else {
    std::string home = (std::filesystem::temp_directory_path() / "tsdb-example-XXXXXX").string();
    if (mkdtemp(home.data()) == nullptr) {
      std::cerr << "cannot make a directory like " << home << "\n";
      return 1;
    }
    status = Generate(home + "/lines.csv");
    if (status.ok()) status = Run(home + "/db", home + "/lines.csv");
    std::error_code ignored;  // what stays is in the directory for temporary files
    std::filesystem::remove_all(home, ignored);
  }
  if (status.ok()) return 0;
  std::cerr << status << "\n";
  return 1;
}

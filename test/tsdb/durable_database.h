// Databases in a directory of a file system in memory, and what is in them.
//
// Thread safety: one thread at a time.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <string>

#include "test/tsdb/test_database.h"
#include "tsdb/internals.h"

namespace tsdb {

inline constexpr char kParent[] = "/data";
inline constexpr char kHome[] = "/data/db";
inline constexpr char kSegments[] = "/data/db/segments";

inline Options InDirectory(Durability durability = Durability::kSync) {
  Options options = TinyBuffers();
  options.memory_budget_bytes = uint64_t{64} << 20;
  options.merge_threads = 1;
  options.directory = kHome;
  options.log_file_bytes = 64 << 10;
  options.checkpoint_on_close = false;
  options.durability = durability;
  options.sync_interval_ms = 3'600'000;  // syncs only when asked to
  return options;
}

inline Options Reading() {
  Options options = InDirectory();
  options.read_only = true;
  return options;
}

inline std::unique_ptr<Database> OpenIn(FileSystem* files, const Options& options = InDirectory()) {
  auto opened = Internals::Open(options, files);
  INFO(opened.status().ToString());
  REQUIRE(opened.ok());
  return *std::move(opened);
}

using Content = std::map<std::string, std::map<Timestamp, double>>;

inline Content ReadContent(Database& database) {
  Content content;
  const Snapshot snapshot = database.NewSnapshot();
  for (SeriesId series = 0; series < database.SeriesCount(); ++series) {
    for (const Sample& sample : ReadAll(snapshot, series)) {
      content[database.SeriesLabels(series)->ToString()][sample.timestamp] = sample.value;
    }
  }
  return content;
}

// Commit `number` appends one record to each of five series and a second one to its own.
inline void AppendCommit(Database& database, Appender& appender, int number, Content* expected) {
  for (int i = 0; i < 6; ++i) {
    const std::string name = std::to_string(i == 5 ? 100 + number : i);
    const auto labels = Labels::Create({{kMetricNameLabel, "m"}, {"i", name}});
    const auto series = database.FindOrCreateSeries(*labels);
    if (!series.ok()) return;
    const double value = number + i / 8.0;
    if (!appender.Append(*series, 1000 * number, value)) return;
    (*expected)[labels->ToString()][1000 * number] = value;
  }
}

// The same, and returns when it is durable.
inline void CommitDurably(Database& database, Appender& appender, int number, Content* expected) {
  AppendCommit(database, appender, number, expected);
  REQUIRE(appender.Commit().Await(Milestone::kDurable).ok());
}

inline bool Contains(const Content& content, const Content& part) {
  for (const auto& [series, samples] : part) {
    const auto found = content.find(series);
    for (const auto& [time, value] : samples) {
      if (found == content.end() || !found->second.contains(time) ||
          found->second.at(time) != value) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace tsdb

// A database for a test, series in it, and reading them back whole.
//
// Thread safety: any thread, but for the functions that assert: Open and AddSeries.
#pragma once

#include <bit>
#include <catch2/catch.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "test/tsdb/threads.h"
#include "tsdb/database.h"

namespace tsdb {

inline std::unique_ptr<Database> Open(const Options& options = {}) {
  auto opened = Database::Open(options);
  INFO(opened.status().ToString());
  REQUIRE(opened.ok());
  return *std::move(opened);
}

// Options with a write buffer of the smallest size there is: about a dozen chunks of 256 records.
inline Options TinyBuffers() {
  Options options;
  options.memory_budget_bytes = uint64_t{512} << 20;
  options.write_buffer_bytes = 64 << 10;
  return options;
}

// Registers series until there are `count`.
inline void AddSeries(Database& database, size_t count) {
  for (size_t i = database.SeriesCount(); i < count; ++i) {
    auto labels = Labels::Create({{kMetricNameLabel, "m"}, {"i", std::to_string(i)}});
    REQUIRE(labels.ok());
    auto id = database.FindOrCreateSeries(*labels);
    REQUIRE(id.ok());
    REQUIRE(*id == i);
  }
}

// A value that gives its key away.
inline double ValueOf(SeriesId series, Timestamp timestamp) {
  return static_cast<double>(series) * 1000.0 + static_cast<double>(timestamp % 997);
}

inline std::vector<Sample> ReadAll(const Snapshot& snapshot, SeriesId series,
                                   TimeRange range = TimeRange::All()) {
  std::vector<Sample> samples;
  Cursor cursor = snapshot.Scan(series, range);
  ColumnBlock block;
  while (cursor.Next(block)) {
    for (size_t i = 0; i < block.size(); ++i) {
      samples.push_back({block.timestamps[i], block.values[i]});
    }
  }
  return samples;
}

// Reads a cursor to its end, noting timestamps that do not increase and values that are not
// ValueOf their key; returns the number of samples.
inline uint64_t CheckCursor(SeriesId series, Cursor& cursor, Findings& findings) {
  ColumnBlock block;
  uint64_t count = 0;
  Timestamp last = 0;
  while (cursor.Next(block)) {
    findings.Expect(block.size() > 0 && block.timestamps.size() == block.values.size(), "series ",
                    series, ": a block of ", block.size());
    for (size_t i = 0; i < block.size(); ++i) {
      const Timestamp time = block.timestamps[i];
      findings.Expect(count == 0 || time > last, "series ", series, ": ", time, " after ", last);
      findings.Expect(block.values[i] == ValueOf(series, time), "series ", series, " at ", time,
                      ": ", block.values[i]);
      last = time;
      ++count;
    }
  }
  return count;
}

// Samples that scanning every series finds.
inline uint64_t CountByScanning(Database& database) {
  const Snapshot snapshot = database.NewSnapshot();
  uint64_t count = 0;
  for (SeriesId series = 0; series < database.SeriesCount(); ++series) {
    Cursor cursor = snapshot.Scan(series);
    ColumnBlock block;
    while (cursor.Next(block)) count += block.size();
  }
  return count;
}

// After everything: the ledger balances with nothing buffered, the tree's invariants hold, and a
// scan finds as many records as the ledger says are in the tree.
inline void RequireAllAccountedFor(Database& database, uint64_t accepted) {
  const absl::Status verified = database.Verify();
  INFO(verified.ToString());
  REQUIRE(verified.ok());
  const Ledger ledger = database.Statistics().ledger;
  REQUIRE(ledger.Balanced());
  REQUIRE(ledger.Buffered() == 0);
  REQUIRE(ledger.accepted == accepted);
  REQUIRE(CountByScanning(database) == ledger.in_tree);
}

#define REQUIRE_NO_FINDINGS(findings) \
  do {                                \
    INFO((findings).first());         \
    REQUIRE((findings).none());       \
  } while (false)

}  // namespace tsdb

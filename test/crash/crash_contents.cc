#include "test/crash/crash_contents.h"

#include <algorithm>
#include <map>

namespace tsdb::crash {

double ValueOf(size_t writer, Timestamp time) {
  return static_cast<double>(writer) * 1e6 + static_cast<double>(time % 10'007) / 8;
}

absl::StatusOr<SeriesId> FindSeries(Database& database, const std::string& writer) {
  const auto labels = Labels::Create({{kMetricNameLabel, "crash"}, {"writer", writer}});
  if (!labels.ok()) return labels.status();
  return database.FindOrCreateSeries(*labels);
}

void CheckWriter(const Snapshot& snapshot, SeriesId series, size_t writer, const Promises& promises,
                 const CrashLedger& begun, Found& found) {
  const int64_t acknowledged = promises.acknowledged[writer].load();
  // Retention may have come this far, but not further.
  const Timestamp first_allowed = std::max<Timestamp>(1, begun.clock.load() - kRetention);
  const std::string name = "writer " + std::to_string(writer) + ": found ";
  Timestamp expected = 0;  // none yet
  Cursor cursor = snapshot.Scan(series);
  for (ColumnBlock block; cursor.Next(block);) {
    for (size_t i = 0; i < block.size(); ++i, ++expected) {
      const Timestamp time = block.timestamps[i];
      if (expected == 0) {
        expected = time;
        if (time < 1) Die(name + "time " + std::to_string(time));
        found.retired += time - 1;
        if (time > first_allowed) found.lost += time - first_allowed;
      }
      if (time != expected || block.values[i] != ValueOf(writer, expected)) {
        Die(name + std::to_string(time) + " where " + std::to_string(expected) + " should be");
      }
    }
  }
  const Timestamp end = expected == 0 ? first_allowed : expected;
  found.acknowledged += acknowledged;
  found.recovered += end - 1;
  found.lost += std::max<int64_t>(0, acknowledged - (end - 1));
}

void CheckBlocks(const Snapshot& snapshot, SeriesId series, const Promises& promises,
                 const CrashLedger& begun, Found& found) {
  struct Times {
    int64_t even = 0, odd = 0;
  };
  std::map<int64_t, Times> blocks;
  Cursor cursor = snapshot.Scan(series);
  for (ColumnBlock columns; cursor.Next(columns);) {
    for (size_t i = 0; i < columns.size(); ++i) {
      const Timestamp time = columns.timestamps[i];
      if (time < kBlocksBegin || columns.values[i] != ValueOf(kGardener, time)) {
        Die("gardener: found another value at " + std::to_string(time));
      }
      Times& times = blocks[(time - kBlocksBegin) / kBlock];
      ++(time % 2 == 0 ? times.even : times.odd);
      ++found.recovered;
    }
  }
  const int64_t appended = promises.blocks_appended.load();
  const int64_t half = kBlock / 2;
  for (int64_t block = begun.blocks_to_delete.load(); block < appended; ++block) {
    const auto at = blocks.find(block);
    const Times times = at == blocks.end() ? Times() : at->second;
    found.acknowledged += half;
    found.lost += half - times.even;
    if (block + kLateBy >= appended) continue;
    found.acknowledged += half;
    found.lost += half - times.odd;
  }
  for (const auto& [block, times] : blocks) {
    if (block < promises.blocks_deleted.load()) found.lost += times.even + times.odd;
  }
}

}  // namespace tsdb::crash

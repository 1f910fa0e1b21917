// What crash_writer writes, as a function of writer and time, and whether it is there.
//
// Writer w appends 1, 2, 3, ... to series w. Retention takes them away from the front, by a clock
// that is the time of the slowest writer. The gardener has a series of its own, of blocks of 1,000
// times: in step k it appends the even times of block k and, late, the odd ones of block k - 4, and
// deletes block k - 8; so leaves are cut, rewritten and die, and segments are compacted.
#pragma once

#include <cstdint>
#include <string>

#include "test/crash/crash_ledger.h"
#include "tsdb/database.h"

namespace tsdb::crash {

// In records of a writer; small, so that the database stays small however often it is reused.
inline constexpr int64_t kRetention = 300'000;
inline constexpr int64_t kBlock = 1'000;
inline constexpr int64_t kLateBy = 4;     // blocks
inline constexpr int64_t kDeletedBy = 8;  // blocks
// Later than any writer's: retention never comes to them.
inline constexpr Timestamp kBlocksBegin = Timestamp{1} << 50;
inline constexpr size_t kGardener = kWritersMax;

double ValueOf(size_t writer, Timestamp time);

// The series "crash" with this label `writer`, made if need be.
absl::StatusOr<SeriesId> FindSeries(Database& database, const std::string& writer);

struct Found {
  int64_t acknowledged = 0;
  int64_t recovered = 0;
  int64_t lost = 0;     // acknowledged and not there, or deleted and there
  int64_t retired = 0;  // gone by retention
};

// Adds what is found of the writer's series, which the snapshot has whole, to `found`. Dies, for
// damage, of a value or time that was never written, and of a gap.
void CheckWriter(const Snapshot& snapshot, SeriesId series, size_t writer, const Promises& promises,
                 const CrashLedger& begun, Found& found);
// The same of the gardener's.
void CheckBlocks(const Snapshot& snapshot, SeriesId series, const Promises& promises,
                 const CrashLedger& begun, Found& found);

}  // namespace tsdb::crash

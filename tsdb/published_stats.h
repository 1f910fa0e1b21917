// The file STATS in a database's directory, which the process that writes the database puts there
// every Options::stats_interval_ms, and for the last time when it closes it: what Statistics says,
// the options in force, who writes since when. It is text as Prometheus reads it
// (docs/formats/stats.md). Reading it disturbs nobody.
//
// Thread safety: pure functions but for the file system.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "storage/base/types.h"
#include "tsdb/database.h"
#include "tsdb/options.h"

namespace tsdb {

inline constexpr char kStatsName[] = "STATS";
// It has this name until it is whole.
inline constexpr char kStatsDraftName[] = "STATS.new";

enum class DatabaseState : uint8_t { kOpening, kOpen, kClosed };
std::string_view DatabaseStateName(DatabaseState state);

struct PublishedStats {
  DatabaseState state = DatabaseState::kOpening;
  uint64_t process_id = 0;  // that has, or had, the database open
  uint64_t processors = 0;  // that it may use
  Timestamp opened = 0;     // when it began to open it, by its clock
  Timestamp written = 0;    // when it wrote this
  Stats stats;
  Options options;  // in force, without the directory
};

std::string PublishedText(const PublishedStats& published);

// Names that this version does not know are passed over, figures that are missing are zero.
// kDataLoss for text that is none of PublishedText's, naming the line.
absl::StatusOr<PublishedStats> ParsePublishedStats(std::string_view text);

// What is in `directory`. kNotFound without such a file.
absl::StatusOr<PublishedStats> ReadPublishedStats(const std::string& directory);

}  // namespace tsdb

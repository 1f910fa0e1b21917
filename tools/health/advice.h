// Which option of a database to change, to what, and why: rules over its figures, each out of what
// the options' comments, docs/durability.md and docs/concurrency.md say of them.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tsdb/published_stats.h"
#include "tsdb/query.h"

namespace tsdb::tools {

// What is known of a database.
struct Situation {
  // By the process that writes it, or the last one that did; nothing: none has said anything.
  std::optional<PublishedStats> published;
  Stats stored;  // by this process, which opened it to read
  LabelCounts labels;
  uint64_t machine_bytes = 0;  // of memory
  std::string directory;       // empty: files
};

// Thresholds, for the tests. Shares are of the time between opening and publication.
inline constexpr double kBlockedShareMax = 0.05;
inline constexpr double kCommitShareMax = 0.20;
// Shorter runs say nothing about shares.
inline constexpr double kRunSecondsMin = 10;
inline constexpr double kCacheHitRatioMin = 0.80;
inline constexpr double kUnpackSeconds = 10e-6;  // a group of leaves
inline constexpr double kResidentShareMax = 0.50;
inline constexpr double kRetiredShareMax = 0.10;
inline constexpr uint64_t kCheckpointsMin = 10;
inline constexpr uint64_t kCheckpointBytesMin = uint64_t{16} << 20;
inline constexpr uint64_t kLabelValuesMax = 10'000;
inline constexpr uint64_t kSegmentsMax = 64;
inline constexpr uint64_t kSegmentBytesMin = uint64_t{4} << 20;

struct Advice {
  // What is to be gained, most first.
  enum class Gain : uint8_t { kRecords, kTime, kMemory, kDisk };

  Gain gain = Gain::kTime;
  double share = 0;       // of records, time, memory or disk, about; orders those of one kind
  std::string change;     // an option by its name in Options, or what else: "the program"
  std::string present;    // as it would be written in a program; may be empty
  std::string suggested;  // likewise, or what to do
  std::string why;        // sentences, with the figures
};

std::string_view GainName(Advice::Gain gain);

// Most to gain first; empty: nothing to change. Of one option there is one advice at most.
std::vector<Advice> Advise(const Situation& situation);

}  // namespace tsdb::tools

// What a manifest says, and edits of it. docs/formats/manifest.md has the rules that every edit
// must keep and the encoding.
//
// Thread safety: plain values.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "storage/base/types.h"

namespace tsdb::segment {

using DatabaseIdentity = std::array<uint8_t, 16>;

struct LiveSegment {
  uint64_t number = 0;
  uint64_t bytes = 0;
  uint64_t records = 0;
  Timestamp time_first = 0, time_last = 0;  // last included
  friend bool operator==(const LiveSegment&, const LiveSegment&) = default;
};

// The file that has the labels of series [0, series).
struct SeriesCheckpoint {
  uint64_t file = 0;
  uint64_t series = 0;
  friend bool operator==(const SeriesCheckpoint&, const SeriesCheckpoint&) = default;
};

// The database was closed with everything in segments or in the log below `log_sequence`.
struct CleanShutdown {
  uint64_t log_sequence = 0;
  uint64_t records = 0;
  uint64_t series = 0;
  friend bool operator==(const CleanShutdown&, const CleanShutdown&) = default;
};

// Records of a set of series in a range of time are deleted, as of a sequence of the log.
struct Tombstone {
  uint64_t sequence = 0;
  TimeRange range;
  std::string series_set;  // opaque here
  friend bool operator==(const Tombstone&, const Tombstone&) = default;
};

struct ManifestState {
  DatabaseIdentity identity = {};
  std::map<uint64_t, LiveSegment> segments;  // by number
  std::map<uint64_t, Tombstone> tombstones;  // by sequence
  uint64_t next_file_number = 1;
  uint64_t log_begin = 0;  // the log is needed from this sequence on
  std::optional<SeriesCheckpoint> series_checkpoint;
  std::optional<CleanShutdown> clean_shutdown;
  friend bool operator==(const ManifestState&, const ManifestState&) = default;
};

// Changes that happen together or not at all, in the order of the calls. Encoded as they are made.
class ManifestEdit {
 public:
  ManifestEdit& AddSegment(const LiveSegment& segment);
  ManifestEdit& RemoveSegment(uint64_t number);
  ManifestEdit& TruncateLogBefore(uint64_t sequence);
  ManifestEdit& SetNextFileNumber(uint64_t number);
  ManifestEdit& SetSeriesCheckpoint(const SeriesCheckpoint& checkpoint);
  // Holds until the next edit, whatever that is: an empty one will do.
  ManifestEdit& MarkCleanShutdown(const CleanShutdown& shutdown);
  ManifestEdit& AddTombstone(const Tombstone& tombstone);
  ManifestEdit& RemoveTombstone(uint64_t sequence);

  std::span<const uint8_t> bytes() const { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
};

// Applies an encoded edit, from anywhere, to `state`. kInvalidArgument says which field breaks
// which rule; `state` is then half changed.
absl::Status ApplyEdit(std::span<const uint8_t> edit, ManifestState* state);

// Edits that make `state`, but for its identity, from an empty one; none over some 64 KiB that can
// be cut. The same state gives the same bytes.
std::vector<ManifestEdit> SnapshotEdits(const ManifestState& state);

}  // namespace tsdb::segment

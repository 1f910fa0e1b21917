// Manifests for tests: edits, and the states they lead to.
#pragma once

#include <string>
#include <vector>

#include "storage/segment/manifest.h"

namespace tsdb::segment {

inline const std::string kManifestDirectory = "/db";
inline const std::string kManifestPath = "/db/manifest";
inline constexpr DatabaseIdentity kIdentity = {1, 2,  3,  4,  5,  6,  7,  8,
                                               9, 10, 11, 12, 13, 14, 15, 255};

inline LiveSegment MakeSegment(uint64_t number) {
  return {number, number * 1000, number * 77, -static_cast<Timestamp>(number),
          static_cast<Timestamp>(number) << 40};
}

// One edit of each kind and some of several fields; the first leads from an empty database.
inline std::vector<ManifestEdit> SampleEdits() {
  std::vector<ManifestEdit> edits(7);
  edits[0].SetNextFileNumber(4).AddSegment(MakeSegment(1)).AddSegment(MakeSegment(3));
  edits[1].SetSeriesCheckpoint({2, 1000}).TruncateLogBefore(55);
  edits[2].AddTombstone({60, {-5, kTimestampMax}, std::string("\0set", 4)});
  edits[3].RemoveSegment(1).RemoveSegment(3).SetNextFileNumber(5).AddSegment(MakeSegment(4));
  edits[4].AddTombstone({61, {10, 20}, ""}).RemoveTombstone(60);
  edits[5].MarkCleanShutdown({99, 308, 1000});
  edits[6].SetNextFileNumber(300).AddSegment(MakeSegment(299));
  return edits;
}

// states[i] is what the first i of `edits` lead to.
inline std::vector<ManifestState> StatesAfter(const std::vector<ManifestEdit>& edits) {
  std::vector<ManifestState> states(1);
  states[0].identity = kIdentity;
  for (const ManifestEdit& edit : edits) {
    states.push_back(states.back());
    const absl::Status status = ApplyEdit(edit.bytes(), &states.back());
    if (!status.ok()) states.pop_back();
  }
  return states;
}

}  // namespace tsdb::segment

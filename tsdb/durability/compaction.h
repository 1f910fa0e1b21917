// Which segments a checkpoint writes anew: it copies their live leaves, as they are, into its own
// segments, in order of series and time, and the old files go.
//
// The tree finds every leaf wherever it lies, so segments need no levels to be searched; they are
// merged for space (a segment keeps its dead leaves) and so that files stay few and series lie
// together. docs/decisions/0012 has the reasons.
//
// Thread safety: as SegmentStore.
#pragma once

#include <cstdint>
#include <set>

#include "tsdb/durability/segment_store.h"

namespace tsdb::durability {

enum class Compaction : uint8_t {
  kNone,
  // Segments more than half dead; segments of like size, once there are four: each leaf is copied
  // about once for every fourfold growth of its segment, up to the size that segments are cut at.
  kAsNeeded,
  // Every segment with dead leaves, and all small ones.
  kAll,
};

std::set<uint64_t> ChooseForCompaction(const SegmentStore& store, Compaction compaction);

}  // namespace tsdb::durability

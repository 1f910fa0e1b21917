#include "tsdb/durability/compaction.h"

#include <algorithm>
#include <vector>

namespace tsdb::durability {
namespace {

// Segments below this are merged; those above are as large as one gets, about.
constexpr uint64_t kSmallBytes = segment::kSegmentBytesMax / 2;
constexpr uint64_t kTierBytesMin = uint64_t{1} << 20;
constexpr size_t kTierSegments = 4;
// Bytes copied by one checkpoint, about: what comes in meanwhile has to wait for its turn.
constexpr uint64_t kCopiedBytesMax = 2 * segment::kSegmentBytesMax;

size_t TierOf(uint64_t bytes) {
  size_t tier = 0;
  for (uint64_t bound = kTierBytesMin; bytes > bound; bound *= 4) ++tier;
  return tier;
}

}  // namespace

std::set<uint64_t> ChooseForCompaction(const SegmentStore& store, Compaction compaction) {
  std::set<uint64_t> chosen;
  if (compaction == Compaction::kNone) return chosen;
  uint64_t copied = 0;
  std::vector<std::vector<uint64_t>> tiers;
  const auto choose = [&](uint64_t number) {
    if (chosen.insert(number).second) copied += store.segments().at(number).live_bytes;
  };
  for (const auto& [number, open] : store.segments()) {
    if (open.live.empty()) continue;  // the label copy
    const uint64_t bytes = open.reader->leaf_bytes();
    if (compaction == Compaction::kAll) {
      if (open.live_leaves < open.live.size() || bytes < kSmallBytes) choose(number);
      continue;
    }
    if (open.live_bytes * 2 < bytes && copied < kCopiedBytesMax) {
      choose(number);
    } else if (bytes < kSmallBytes) {
      const size_t tier = TierOf(bytes);
      if (tiers.size() <= tier) tiers.resize(tier + 1);
      tiers[tier].push_back(number);
    }
  }
  for (const std::vector<uint64_t>& tier : tiers) {
    if (tier.size() < kTierSegments || copied >= kCopiedBytesMax) continue;
    for (const uint64_t number : tier) choose(number);
  }
  // One alone, whole, is as good as it gets.
  if (chosen.size() == 1) {
    const OpenSegment& open = store.segments().at(*chosen.begin());
    if (open.live_leaves == open.live.size()) chosen.clear();
  }
  return chosen;
}

}  // namespace tsdb::durability

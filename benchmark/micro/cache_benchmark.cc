// What the cache of unpacked leaves keeps, and what it costs, one core.
//
//   build/bin/cache_benchmark [rounds [entries]]
//
// Prints for several capacities how many requests in a hundred S3-FIFO and LRU find there: of a
// Zipf-skewed trace over so many entries, alone and with full scans between. Then the best of
// several rounds, in ns, of making a leaf readable that is there, and in us, of one whose group has
// to be unpacked (pages warm; the pin, the eviction of another group and the page faults included),
// with what of it is LZ4 and checksum alone.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "index/tree/epoch.h"
#include "storage/base/check.h"
#include "storage/cache/leaf_cache.h"
#include "test/storage/cache/frames.h"
#include "test/storage/cache/traces.h"

namespace tsdb::cache {
namespace {

double NowNs() {
  return std::chrono::duration<double, std::nano>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

template <typename F>
void Best(double& best, double operations, F run) {
  const double before = NowNs();
  run();
  best = std::min(best, (NowNs() - before) / operations);
}

void ReportHitRates(size_t entries) {
  TraceShape shape;
  shape.entries = entries;
  shape.requests = 60 * entries;
  const auto plain = MakeTrace(shape, 1);
  shape.scan_every = 4 * entries;
  shape.scan_touches = 4;
  const auto scanned = MakeTrace(shape, 1);
  std::printf("hits in a hundred requests; %zu entries, Zipf %.1f\n", entries, shape.skew);
  std::printf("%-12s %9s %9s   %9s %9s\n", "", "skewed", "", "and scans", "");
  std::printf("%-12s %9s %9s   %9s %9s\n", "capacity", "S3-FIFO", "LRU", "S3-FIFO", "LRU");
  for (const size_t percent : {1, 5, 10, 20}) {
    const size_t capacity = std::max<size_t>(entries * percent / 100, 1);
    std::printf("%10zu %% %9.1f %9.1f   %9.1f %9.1f\n", percent,
                HitRate<S3FifoCache>(plain, entries, capacity),
                HitRate<LruCache>(plain, entries, capacity),
                HitRate<S3FifoCache>(scanned, entries, capacity),
                HitRate<LruCache>(scanned, entries, capacity));
  }
}

// Reads leaf after leaf, in random order, under a pin each; returns the best ns a leaf.
double TimeReads(LeafCache& cache, tree::EpochDomain& epochs, const PackedImage& image,
                 uint32_t groups, int rounds) {
  std::mt19937_64 random(1);
  std::vector<const uint8_t*> leaves(std::max<size_t>(groups, 4096));
  for (const uint8_t*& leaf : leaves) {
    leaf = image.base() + (random() % groups << kGroupBits) + random() % kGroupBytes / 8 * 8;
  }
  for (uint32_t group = 0; group < groups; ++group) {
    LeafCache::MakeReadable(image.base() + (uint64_t{group} << kGroupBits));
  }
  cache.Trim();
  double best = 1e9;
  uint64_t sum = 0;
  for (int round = 0; round < rounds; ++round) {
    Best(best, static_cast<double>(leaves.size()), [&] {
      for (const uint8_t* leaf : leaves) {
        const auto guard = epochs.Pin();
        LeafCache::MakeReadable(leaf);
        sum += *leaf;
      }
    });
  }
  volatile uint64_t sink = sum;
  (void)sink;
  return best;
}

double TimeUnpacking(const FrameFile& file, int rounds) {
  LeafGroup group;
  double best = 1e9;
  for (int round = 0; round < rounds; ++round) {
    Best(best, static_cast<double>(file.offsets.size()), [&] {
      for (const uint64_t offset : file.offsets) {
        TSDB_CHECK(UnpackFrame(std::span(file.bytes).subspan(offset), group.data()).ok());
      }
    });
  }
  return best;
}

void ReportCosts(int rounds) {
  constexpr uint32_t kGroups = 4000;
  SlabPool pool;
  tree::EpochDomain epochs(&pool);
  uint64_t capacity = 0;
  LeafCache cache({[&] { return epochs.Advance(); },
                   [&](uint64_t epoch) { return epochs.AllReadersAfter(epoch); }},
                  [&] { return capacity; });
  const FrameFile file = MakeFrames(1, kGroups);
  const auto image = PackedImage::Create(&cache, "benchmark", file.bytes, file.offsets);
  TSDB_CHECK(image.ok());
  std::printf("\nof %u groups packed to %.1f %%\n", kGroups,
              100.0 * static_cast<double>(file.bytes.size()) / (double{kGroups} * kGroupBytes));
  capacity = uint64_t{2 * kGroups} << kGroupBits;
  std::printf("%8.1f ns per hit, 1,000 groups\n", TimeReads(cache, epochs, **image, 1000, rounds));
  std::printf("%8.1f ns per hit, all groups\n", TimeReads(cache, epochs, **image, kGroups, rounds));
  capacity = 0;
  for (int i = 0; i < 2; ++i) cache.Trim();  // what left goes with the second
  std::printf("%8.2f us per load, room for 64 groups\n",
              TimeReads(cache, epochs, **image, kGroups, rounds) / 1000);
  std::printf("%8.2f us of which to check and unpack\n", TimeUnpacking(file, rounds) / 1000);
}

}  // namespace
}  // namespace tsdb::cache

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 20;
  const int entries = argc > 2 ? std::max(100, std::atoi(argv[2])) : 20'000;
  tsdb::cache::ReportHitRates(static_cast<size_t>(entries));
  tsdb::cache::ReportCosts(rounds);
  return 0;
}

// Counts of latencies in buckets a 32nd of a power of two wide: percentiles to 3 % from a few
// kilobytes, whatever the range.
//
// Thread safety: one thread; merge the histograms of several.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace tsdb::benchmark {

class LatencyHistogram {
 public:
  void Take(uint64_t latency) {
    ++buckets_[Bucket(latency)];
    ++count_;
    max_ = std::max(max_, latency);
  }

  void Merge(const LatencyHistogram& other) {
    for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    max_ = std::max(max_, other.max_);
  }

  uint64_t count() const { return count_; }
  uint64_t Max() const { return max_; }  // exactly; 0 if empty

  // The middle of the bucket that holds the latency which `fraction` of all do not exceed; 0 if
  // empty.
  double Percentile(double fraction) const {
    const double wanted = fraction * static_cast<double>(count_);
    uint64_t seen = 0;
    for (size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
      seen += buckets_[bucket];
      if (seen > 0 && static_cast<double>(seen) >= wanted) {
        return (static_cast<double>(LowerBound(bucket)) +
                static_cast<double>(LowerBound(bucket + 1) - 1)) /
               2;
      }
    }
    return 0;
  }

 private:
  static constexpr size_t kSubBuckets = 32;  // of each power of two; below it, one bucket per value
  static constexpr int kSubBits = 5;

  static size_t Bucket(uint64_t latency) {
    if (latency < kSubBuckets) return latency;
    const int shift = std::bit_width(latency) - 1 - kSubBits;
    return kSubBuckets * static_cast<size_t>(shift) + (latency >> shift);
  }
  static uint64_t LowerBound(size_t bucket) {
    if (bucket < 2 * kSubBuckets) return bucket;
    const size_t shift = bucket / kSubBuckets - 1;
    return (bucket % kSubBuckets + kSubBuckets) << shift;
  }

  std::array<uint64_t, kSubBuckets*(64 - kSubBits + 1) + 1> buckets_{};
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

}  // namespace tsdb::benchmark

// The reference workload: `series` random walks of `samples` values, one second apart with 0..7 ms
// of jitter, rounded to two decimals. Every sample is a function of (seed, series, sample number)
// and of the walk before it, so any series can be made again in order, and rows of many series as
// well: that is how what comes back is compared with what went in, bit for bit, without keeping it.
//
//   timestamp(s, i) = 1,700,000,000,000 + 1000 i + (h & 7)              h = Mix(key(s) + i *
//   golden) cents(s, i)     = cents(s, i - 1) + uniform step in -100..+100      from the high bits
//   of h value(s, i)     = cents(s, i) / 100.0
//
// A step has log2(201) bits of entropy and the jitter three: 1.33 bytes a sample.
//
// Thread safety: a Workload is immutable; a SeriesReader belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "storage/base/types.h"

namespace tsdb::benchmark {

inline constexpr Timestamp kTimeOrigin = 1'700'000'000'000;
inline constexpr Timestamp kSampleIntervalMs = 1000;
// Records made at a time: their columns (8 + 8 + 4 B each) stay in the first-level cache beside the
// chunk that they are appended to.
inline constexpr size_t kBlockRecords = 512;

enum class Order : uint8_t { kScrape, kSeries, kShuffled, kLate };
enum class Sharing : uint8_t { kSeries, kTime };

const char* OrderName(Order order);
const char* SharingName(Sharing sharing);

// One writer's part of the workload: the samples [sample_begin, sample_end) of the series
// [series_begin, series_end).
struct Share {
  SeriesId series_begin = 0, series_end = 0;
  uint64_t sample_begin = 0, sample_end = 0;
  uint64_t series() const { return series_end - series_begin; }
  uint64_t samples() const { return sample_end - sample_begin; }
  uint64_t records() const { return series() * samples(); }
};

class Workload {
 public:
  // REQUIRES: the walks stay within an int32 of cents, so samples <= 20,000,000.
  Workload(uint32_t series, uint64_t samples, uint64_t seed)
      : series_(series), samples_(samples), seed_(seed) {}

  uint32_t series() const { return series_; }
  uint64_t samples() const { return samples_; }
  uint64_t seed() const { return seed_; }
  uint64_t records() const { return series_ * samples_; }

  // What the series' samples are derived from.
  uint32_t Key(SeriesId series) const;
  // The walk just before `sample`; costs 0.2 ns for each sample before it.
  int32_t CentsBefore(SeriesId series, uint64_t sample) const;
  // The time range that holds exactly the samples [begin, end) of any series.
  static constexpr TimeRange Range(uint64_t begin, uint64_t end) {
    return {kTimeOrigin + static_cast<Timestamp>(begin) * kSampleIntervalMs,
            kTimeOrigin + static_cast<Timestamp>(end) * kSampleIntervalMs};
  }

  // One share for each writer, contiguous and disjoint, together everything: by series (each writer
  // has scrape targets of its own), or by time (all writers write all series, each its own slice of
  // time). Fewer series than writers are always shared by time.
  std::vector<Share> Split(size_t writers, Sharing sharing) const;
  Share Whole() const { return {0, series_, 0, samples_}; }

  // A hash of every record whatever the order: the same on every machine for the same parameters.
  uint64_t Digest() const;

 private:
  uint32_t series_;
  uint64_t samples_;
  uint64_t seed_;
};

// Makes the samples of one series in order, a block at a time.
class SeriesReader {
 public:
  SeriesReader(const Workload& workload, SeriesId series, uint64_t begin, uint64_t end);

  // Fills up to kBlockRecords samples; returns how many, 0 at the end. The three columns are valid
  // until the next call.
  size_t Next();
  const Timestamp* timestamps() const { return timestamps_; }
  const double* values() const { return values_; }
  const int32_t* cents() const { return cents_; }

 private:
  uint32_t key_;
  int32_t walk_;
  uint64_t position_;
  uint64_t end_;
  alignas(64) Timestamp timestamps_[kBlockRecords];
  alignas(64) double values_[kBlockRecords];
  alignas(64) int32_t cents_[kBlockRecords];
};

}  // namespace tsdb::benchmark

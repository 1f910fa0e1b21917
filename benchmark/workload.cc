#include "benchmark/workload.h"

#include <algorithm>

#include "benchmark/workload_kernels.h"

namespace tsdb::benchmark {

const char* OrderName(Order order) {
  switch (order) {
    case Order::kScrape:
      return "scrape";
    case Order::kSeries:
      return "series";
    case Order::kShuffled:
      return "shuffled";
    case Order::kLate:
      return "late";
  }
  return "";
}

const char* SharingName(Sharing sharing) { return sharing == Sharing::kSeries ? "series" : "time"; }

uint32_t Workload::Key(SeriesId series) const {
  return static_cast<uint32_t>(Mix64(seed_ ^ Mix64(series)));
}

int32_t Workload::CentsBefore(SeriesId series, uint64_t sample) const {
  const uint32_t key = Key(series);
  const int32_t start = static_cast<int32_t>(Mix(key ^ 0x5BD1E995u) % 100'000);
  return start + SumSteps(key, 0, sample);
}

std::vector<Share> Workload::Split(size_t writers, Sharing sharing) const {
  if (series_ < writers) sharing = Sharing::kTime;
  std::vector<Share> shares(writers);
  for (size_t writer = 0; writer < writers; ++writer) {
    const auto cut = [&](uint64_t total, size_t part) { return total * part / writers; };
    Share& share = shares[writer];
    share = Whole();
    if (sharing == Sharing::kSeries) {
      share.series_begin = static_cast<SeriesId>(cut(series_, writer));
      share.series_end = static_cast<SeriesId>(cut(series_, writer + 1));
    } else {
      share.sample_begin = cut(samples_, writer);
      share.sample_end = cut(samples_, writer + 1);
    }
  }
  return shares;
}

uint64_t Workload::Digest() const {
  uint64_t digest = 0;
  for (SeriesId series = 0; series < series_; ++series) {
    SeriesReader reader(*this, series, 0, samples_);
    while (const size_t count = reader.Next()) {
      digest += DigestRecords(series, reader.timestamps(), reader.values(), count);
    }
  }
  return digest;
}

SeriesReader::SeriesReader(const Workload& workload, SeriesId series, uint64_t begin, uint64_t end)
    : key_(workload.Key(series)),
      walk_(workload.CentsBefore(series, begin)),
      position_(begin),
      end_(end) {}

size_t SeriesReader::Next() {
  const size_t count = std::min<uint64_t>(kBlockRecords, end_ - position_);
  MakeColumn(key_, walk_, position_, count, timestamps_, values_, cents_);
  position_ += count;
  return count;
}

}  // namespace tsdb::benchmark

#include "benchmark/hand_rolled_store.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "benchmark/workload_kernels.h"

namespace tsdb::benchmark {

struct HandRolledStore::Shard {
  struct Columns {
    std::vector<Timestamp> timestamps;
    std::vector<double> values;
  };
  // Shards next to each other must not share a cache line.
  alignas(128) mutable std::mutex mutex;
  absl::flat_hash_map<SeriesId, Columns> series;
};

HandRolledStore::HandRolledStore() : shards_(new Shard[kShards]) {}
HandRolledStore::~HandRolledStore() = default;

HandRolledStore::Shard& HandRolledStore::ShardOf(SeriesId series) const {
  return shards_[series % kShards];
}

void HandRolledStore::Append(SeriesId series, Timestamp timestamp, double value) {
  Shard& shard = ShardOf(series);
  const std::lock_guard lock(shard.mutex);
  Shard::Columns& columns = shard.series[series];
  columns.timestamps.push_back(timestamp);
  columns.values.push_back(value);
}

void HandRolledStore::AppendColumns(SeriesId series, const Timestamp* timestamps,
                                    const double* values, size_t count) {
  Shard& shard = ShardOf(series);
  const std::lock_guard lock(shard.mutex);
  Shard::Columns& columns = shard.series[series];
  columns.timestamps.insert(columns.timestamps.end(), timestamps, timestamps + count);
  columns.values.insert(columns.values.end(), values, values + count);
}

uint64_t HandRolledStore::Records() const {
  uint64_t records = 0;
  for (size_t i = 0; i < kShards; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    for (const auto& [series, columns] : shards_[i].series) records += columns.values.size();
  }
  return records;
}

uint64_t HandRolledStore::Bytes() const {
  uint64_t bytes = 0;
  for (size_t i = 0; i < kShards; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    for (const auto& [series, columns] : shards_[i].series) {
      bytes += columns.timestamps.capacity() * sizeof(Timestamp);
      bytes += columns.values.capacity() * sizeof(double);
    }
  }
  return bytes;
}

std::optional<double> HandRolledStore::Lookup(SeriesId series, Timestamp timestamp) const {
  const Shard& shard = ShardOf(series);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.series.find(series);
  if (found == shard.series.end()) return std::nullopt;
  const auto& timestamps = found->second.timestamps;
  const auto position = std::lower_bound(timestamps.begin(), timestamps.end(), timestamp);
  if (position == timestamps.end() || *position != timestamp) return std::nullopt;
  return found->second.values[static_cast<size_t>(position - timestamps.begin())];
}

HandRolledStore::Sum HandRolledStore::SumRange(SeriesId series, TimeRange range) const {
  const Shard& shard = ShardOf(series);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.series.find(series);
  if (found == shard.series.end()) return {};
  const auto& timestamps = found->second.timestamps;
  const auto begin = std::lower_bound(timestamps.begin(), timestamps.end(), range.begin);
  const auto end = range.end == kTimestampMax
                       ? timestamps.end()
                       : std::lower_bound(begin, timestamps.end(), range.end);
  const size_t count = static_cast<size_t>(end - begin);
  const double* values = found->second.values.data() + (begin - timestamps.begin());
  return {count, SumValues(values, count)};
}

void HandRolledStore::Visit(SeriesId series, const Visitor& visit) const {
  const Shard& shard = ShardOf(series);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.series.find(series);
  if (found == shard.series.end()) return;
  const Shard::Columns& columns = found->second;
  visit(columns.timestamps.data(), columns.values.data(), columns.values.size());
}

}  // namespace tsdb::benchmark

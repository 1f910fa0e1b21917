// An ordered map keyed by (series, time), cut into shards with a mutex each as the hand-rolled one
// is: what takes records in any order and gives them back sorted, written in an afternoon.
#include <memory>
#include <mutex>

#include "absl/container/btree_map.h"
#include "benchmark/peers/peer.h"

namespace tsdb::benchmark {
namespace {

constexpr size_t kShards = 64;

struct Key {
  SeriesId series;
  Timestamp timestamp;
  friend bool operator<(const Key& a, const Key& b) {
    return a.series != b.series ? a.series < b.series : a.timestamp < b.timestamp;
  }
};

using Map = absl::btree_map<Key, double>;

// Shards next to each other must not share a cache line.
struct alignas(128) Shard {
  std::mutex mutex;
  Map map;
  uint64_t replaced = 0;  // records whose key was there already
};

class BtreeMapWriter final : public PeerWriter {
 public:
  explicit BtreeMapWriter(Shard* shards) : shards_(shards) {}

  absl::Status Append(const RecordBlock& block) override {
    for (size_t i = 0; i < block.size; ++i) {
      Shard& shard = shards_[block.series[i] % kShards];
      const std::lock_guard lock(shard.mutex);
      Put(shard, block, i);
    }
    return absl::OkStatus();
  }

  absl::Status AppendColumn(const RecordBlock& block) override {
    Shard& shard = shards_[block.series[0] % kShards];
    const std::lock_guard lock(shard.mutex);
    for (size_t i = 0; i < block.size; ++i) Put(shard, block, i);
    return absl::OkStatus();
  }

 private:
  static void Put(Shard& shard, const RecordBlock& block, size_t i) {
    const auto [place, inserted] =
        shard.map.insert_or_assign({block.series[i], block.timestamps[i]}, block.values[i]);
    shard.replaced += !inserted;
  }

  Shard* const shards_;
};

class BtreeMapReader final : public PeerReader {
 public:
  explicit BtreeMapReader(Shard* shards) : shards_(shards) {}

  std::optional<double> Lookup(SeriesId series, Timestamp timestamp) override {
    Shard& shard = shards_[series % kShards];
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.map.find({series, timestamp});
    if (found == shard.map.end()) return std::nullopt;
    return found->second;
  }

  RangeSum SumRange(SeriesId series, TimeRange range) override {
    RangeSum sum;
    Visit(series, range, [&](Timestamp, double value) {
      ++sum.count;
      sum.sum += value;
    });
    return sum;
  }

  Aggregate AggregateSeries(SeriesId begin, SeriesId end, bool) override {
    Aggregate all;
    for (SeriesId series = begin; series < end; ++series) {
      Visit(series, TimeRange::All(), [&](Timestamp, double value) {
        ++all.count;
        all.sum += value;
        all.min = value < all.min ? value : all.min;
        all.max = value > all.max ? value : all.max;
      });
    }
    return all;
  }

  absl::Status Read(SeriesId series, std::vector<Timestamp>& timestamps,
                    std::vector<double>& values) override {
    Visit(series, TimeRange::All(), [&](Timestamp timestamp, double value) {
      timestamps.push_back(timestamp);
      values.push_back(value);
    });
    return absl::OkStatus();
  }

 private:
  template <typename Take>
  void Visit(SeriesId series, TimeRange range, Take&& take) {
    Shard& shard = shards_[series % kShards];
    const std::lock_guard lock(shard.mutex);
    for (auto place = shard.map.lower_bound({series, range.begin});
         place != shard.map.end() && place->first.series == series &&
         range.Contains(place->first.timestamp);
         ++place) {
      take(place->first.timestamp, place->second);
    }
  }

  Shard* const shards_;
};

class BtreeMapPeer final : public Peer {
 public:
  absl::StatusOr<std::unique_ptr<PeerWriter>> NewWriter(size_t) override {
    return std::make_unique<BtreeMapWriter>(shards_.get());
  }
  absl::StatusOr<std::unique_ptr<PeerReader>> NewReader() override {
    return std::make_unique<BtreeMapReader>(shards_.get());
  }

  absl::StatusOr<uint64_t> RecordsTaken() override {
    uint64_t records = 0;
    for (size_t i = 0; i < kShards; ++i) records += shards_[i].map.size() + shards_[i].replaced;
    return records;
  }

 private:
  const std::unique_ptr<Shard[]> shards_{new Shard[kShards]};
};

}  // namespace

OpenedPeer OpenBtreeMap(const PeerOptions&) { return std::make_unique<BtreeMapPeer>(); }

}  // namespace tsdb::benchmark

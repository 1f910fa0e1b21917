// A mutex-sharded hash map of vectors: see benchmark/hand_rolled_store.h.
#include "benchmark/hand_rolled_store.h"

#include "benchmark/peers/column_aggregate.h"
#include "benchmark/peers/peer.h"

namespace tsdb::benchmark {
namespace {

class HandRolledWriter final : public PeerWriter {
 public:
  explicit HandRolledWriter(HandRolledStore& store) : store_(store) {}

  absl::Status Append(const RecordBlock& block) override {
    for (size_t i = 0; i < block.size; ++i) {
      store_.Append(block.series[i], block.timestamps[i], block.values[i]);
    }
    return absl::OkStatus();
  }

  absl::Status AppendColumn(const RecordBlock& block) override {
    store_.AppendColumns(block.series[0], block.timestamps, block.values, block.size);
    return absl::OkStatus();
  }

 private:
  HandRolledStore& store_;
};

class HandRolledReader final : public PeerReader {
 public:
  explicit HandRolledReader(const HandRolledStore& store) : store_(store) {}

  std::optional<double> Lookup(SeriesId series, Timestamp timestamp) override {
    return store_.Lookup(series, timestamp);
  }

  RangeSum SumRange(SeriesId series, TimeRange range) override {
    const HandRolledStore::Sum sum = store_.SumRange(series, range);
    return {sum.count, sum.sum};
  }

  Aggregate AggregateSeries(SeriesId begin, SeriesId end, bool) override {
    Aggregate all;
    for (SeriesId series = begin; series < end; ++series) {
      store_.Visit(series, [&](const Timestamp*, const double* values, size_t count) {
        AggregateValues(values, count, all);
      });
    }
    return all;
  }

  absl::Status Read(SeriesId series, std::vector<Timestamp>& timestamps,
                    std::vector<double>& values) override {
    store_.Visit(series, [&](const Timestamp* times, const double* column, size_t count) {
      timestamps.insert(timestamps.end(), times, times + count);
      values.insert(values.end(), column, column + count);
    });
    return absl::OkStatus();
  }

 private:
  const HandRolledStore& store_;
};

class HandRolledPeer final : public Peer {
 public:
  absl::StatusOr<std::unique_ptr<PeerWriter>> NewWriter(size_t) override {
    return std::make_unique<HandRolledWriter>(store_);
  }
  absl::StatusOr<std::unique_ptr<PeerReader>> NewReader() override {
    return std::make_unique<HandRolledReader>(store_);
  }
  absl::StatusOr<uint64_t> RecordsTaken() override { return store_.Records(); }
  std::optional<uint64_t> MemoryBytes() override { return store_.Bytes(); }

 private:
  HandRolledStore store_;
};

}  // namespace

OpenedPeer OpenHandRolled(const PeerOptions&) { return std::make_unique<HandRolledPeer>(); }

}  // namespace tsdb::benchmark

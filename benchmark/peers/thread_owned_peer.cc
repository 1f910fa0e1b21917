// What no store can be expected to beat on the way in: each writer puts the records of its own
// series at the ends of columns of its own, in memory that was touched before, and shares nothing.
// Nothing is compressed, sorted or searchable while it is written.
#include <algorithm>
#include <utility>

#include "benchmark/huge_array.h"
#include "benchmark/peers/column_aggregate.h"
#include "benchmark/peers/peer.h"
#include "benchmark/workload_kernels.h"

namespace tsdb::benchmark {
namespace {

// One writer's columns, side by side: `room` places for each of its series.
struct Columns {
  Columns(const Share& share, uint64_t room)
      : begin(share.series_begin),
        end(share.series_end),
        room(room),
        counts(share.series()),
        timestamps(share.series() * room),
        values(share.series() * room) {}

  SeriesId begin, end;
  uint64_t room;
  std::vector<uint64_t> counts;
  HugeArray<Timestamp> timestamps;
  HugeArray<double> values;
};

class ThreadOwnedWriter final : public PeerWriter {
 public:
  explicit ThreadOwnedWriter(Columns& columns) : columns_(columns) {}

  absl::Status Append(const RecordBlock& block) override {
    const SeriesId begin = columns_.begin;
    const uint64_t room = columns_.room;
    uint64_t* const counts = columns_.counts.data();
    Timestamp* const timestamps = columns_.timestamps.data();
    double* const values = columns_.values.data();
    for (size_t i = 0; i < block.size; ++i) {
      const uint64_t column = block.series[i] - begin;
      const uint64_t place = counts[column];
      if (place == room) return Full();
      counts[column] = place + 1;
      timestamps[column * room + place] = block.timestamps[i];
      values[column * room + place] = block.values[i];
    }
    return absl::OkStatus();
  }

  absl::Status AppendColumn(const RecordBlock& block) override {
    const uint64_t column = block.series[0] - columns_.begin;
    uint64_t& place = columns_.counts[column];
    if (columns_.room - place < block.size) return Full();
    const uint64_t to = column * columns_.room + place;
    std::copy_n(block.timestamps, block.size, columns_.timestamps.data() + to);
    std::copy_n(block.values, block.size, columns_.values.data() + to);
    place += block.size;
    return absl::OkStatus();
  }

 private:
  static absl::Status Full() { return absl::ResourceExhaustedError("a column is full"); }

  Columns& columns_;
};

class ThreadOwnedReader final : public PeerReader {
 public:
  explicit ThreadOwnedReader(const std::vector<Columns>& all) {
    for (const Columns& columns : all) {
      for (SeriesId series = columns.begin; series < columns.end; ++series) {
        const uint64_t column = series - columns.begin;
        series_.push_back({columns.timestamps.data() + column * columns.room,
                           columns.values.data() + column * columns.room, columns.counts[column]});
      }
    }
  }

  std::optional<double> Lookup(SeriesId series, Timestamp timestamp) override {
    const Column& column = series_[series];
    const Timestamp* const end = column.timestamps + column.count;
    const Timestamp* const place = std::lower_bound(column.timestamps, end, timestamp);
    if (place == end || *place != timestamp) return std::nullopt;
    return column.values[place - column.timestamps];
  }

  RangeSum SumRange(SeriesId series, TimeRange range) override {
    const Column& column = series_[series];
    const Timestamp* const end = column.timestamps + column.count;
    const Timestamp* const first = std::lower_bound(column.timestamps, end, range.begin);
    const Timestamp* const last = std::lower_bound(first, end, range.end);
    const size_t count = static_cast<size_t>(last - first);
    return {count, SumValues(column.values + (first - column.timestamps), count)};
  }

  Aggregate AggregateSeries(SeriesId begin, SeriesId end, bool) override {
    Aggregate all;
    for (SeriesId series = begin; series < end; ++series) {
      AggregateValues(series_[series].values, series_[series].count, all);
    }
    return all;
  }

  absl::Status Read(SeriesId series, std::vector<Timestamp>& timestamps,
                    std::vector<double>& values) override {
    const Column& column = series_[series];
    timestamps.insert(timestamps.end(), column.timestamps, column.timestamps + column.count);
    values.insert(values.end(), column.values, column.values + column.count);
    return absl::OkStatus();
  }

 private:
  struct Column {
    const Timestamp* timestamps;
    const double* values;
    uint64_t count;
  };
  std::vector<Column> series_;  // by id: shares are contiguous and in order
};

class ThreadOwnedPeer final : public Peer {
 public:
  explicit ThreadOwnedPeer(const PeerOptions& options) {
    // A little more than is to come, so that too many are counted, not refused.
    for (const Share& share : options.shares) columns_.emplace_back(share, options.samples + 8);
  }

  absl::StatusOr<std::unique_ptr<PeerWriter>> NewWriter(size_t writer) override {
    return std::make_unique<ThreadOwnedWriter>(columns_[writer]);
  }
  absl::StatusOr<std::unique_ptr<PeerReader>> NewReader() override {
    return std::make_unique<ThreadOwnedReader>(columns_);
  }

  absl::StatusOr<uint64_t> RecordsTaken() override {
    uint64_t records = 0;
    for (const Columns& columns : columns_) {
      for (const uint64_t count : columns.counts) records += count;
    }
    return records;
  }

  std::optional<uint64_t> MemoryBytes() override {
    uint64_t bytes = 0;
    for (const Columns& columns : columns_) {
      bytes += columns.timestamps.size() * (sizeof(Timestamp) + sizeof(double));
    }
    return bytes;
  }

 private:
  std::vector<Columns> columns_;  // by writer
};

}  // namespace

OpenedPeer OpenThreadOwned(const PeerOptions& options) {
  return std::make_unique<ThreadOwnedPeer>(options);
}

}  // namespace tsdb::benchmark

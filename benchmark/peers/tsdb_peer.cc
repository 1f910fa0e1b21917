// The engine itself, as the other stores are loaded and asked.
#include <numeric>
#include <utility>

#include "benchmark/peers/peer.h"
#include "benchmark/verification.h"
#include "benchmark/workload_kernels.h"
#include "benchmark/writers.h"
#include "storage/base/status_macros.h"
#include "tsdb/database.h"

namespace tsdb::benchmark {
namespace {

class TsdbWriter final : public PeerWriter {
 public:
  TsdbWriter(Appender appender, Keeping keeping)
      : appender_(std::move(appender)), keeping_(keeping) {}

  absl::Status Append(const RecordBlock& block) override {
    // Local copies: see AppendRecords in benchmark/writers.cc.
    const SeriesId* const series = block.series;
    const Timestamp* const timestamps = block.timestamps;
    const double* const values = block.values;
    const size_t size = block.size;
    uint64_t refused = 0;
    for (size_t i = 0; i < size; ++i) {
      refused += !appender_.Append(series[i], timestamps[i], values[i]);
    }
    return refused == 0 ? absl::OkStatus() : appender_.status();
  }

  absl::Status AppendColumn(const RecordBlock& block) override {
    const bool taken = appender_.AppendColumns(block.series[0], {block.timestamps, block.size},
                                               {block.values, block.size});
    return taken ? absl::OkStatus() : appender_.status();
  }

  absl::Status Commit() override { return appender_.Commit().Await(Milestone::kDurable); }

  absl::Status Finish() override {
    return keeping_ == Keeping::kMemory ? absl::OkStatus() : Commit();
  }

 private:
  Appender appender_;
  const Keeping keeping_;
};

class TsdbReader final : public PeerReader {
 public:
  explicit TsdbReader(Snapshot snapshot) : snapshot_(std::move(snapshot)) {}

  std::optional<double> Lookup(SeriesId series, Timestamp timestamp) override {
    return snapshot_.Lookup(series, timestamp);
  }

  RangeSum SumRange(SeriesId series, TimeRange range) override {
    RangeSum sum;
    Cursor cursor = snapshot_.Scan(series, range, {.timestamps = false});
    for (ColumnBlock block; cursor.Next(block);) {
      sum.sum += SumValues(block.values.data(), block.size());
      sum.count += block.size();
    }
    return sum;
  }

  Aggregate AggregateSeries(SeriesId begin, SeriesId end, bool decode) override {
    std::vector<SeriesId> series(end - begin);
    std::iota(series.begin(), series.end(), begin);
    return snapshot_.AggregateMany(series, TimeRange::All(), {1, !decode});
  }

  absl::Status Read(SeriesId series, std::vector<Timestamp>& timestamps,
                    std::vector<double>& values) override {
    Cursor cursor = snapshot_.Scan(series);
    for (ColumnBlock block; cursor.Next(block);) {
      timestamps.insert(timestamps.end(), block.timestamps.begin(), block.timestamps.end());
      values.insert(values.end(), block.values.begin(), block.values.end());
    }
    return absl::OkStatus();
  }

 private:
  const Snapshot snapshot_;
};

class TsdbPeer final : public Peer {
 public:
  TsdbPeer(std::unique_ptr<Database> database, const PeerOptions& options)
      : database_(std::move(database)), keeping_(options.keeping), records_(options.records()) {}

  absl::StatusOr<std::unique_ptr<PeerWriter>> NewWriter(size_t) override {
    return std::make_unique<TsdbWriter>(database_->NewAppender(), keeping_);
  }

  absl::Status Flush() override { return database_->Flush(); }

  absl::StatusOr<std::unique_ptr<PeerReader>> NewReader() override {
    return std::make_unique<TsdbReader>(database_->NewSnapshot({.freshness = Freshness::kMerged}));
  }

  // All of the ledger, which also knows of a record that replaced another.
  absl::StatusOr<uint64_t> RecordsTaken() override {
    TSDB_RETURN_IF_ERROR(CheckLedger(database_->Statistics(), records_));
    return database_->Statistics().ledger.appended;
  }

  std::optional<uint64_t> MemoryBytes() override { return database_->Statistics().memory_bytes; }

  absl::Status Close() override { return database_->Close(); }

 private:
  std::unique_ptr<Database> database_;
  const Keeping keeping_;
  const uint64_t records_;
};

OpenedPeer Open(const PeerOptions& options, uint64_t prefault_bytes) {
  Options engine;
  engine.prefault_bytes = prefault_bytes;
  if (options.keeping != Keeping::kMemory) engine.directory = options.directory;
  if (options.keeping == Keeping::kSync) engine.durability = Durability::kSync;
  TSDB_ASSIGN_OR_RETURN(std::unique_ptr<Database> database, Database::Open(engine));
  // In a directory that was written before they have kept their numbers: the content shows it.
  if (database->SeriesCount() != options.series) {
    TSDB_RETURN_IF_ERROR(RegisterSeries(*database, options.series).status());
  }
  return std::make_unique<TsdbPeer>(std::move(database), options);
}

}  // namespace

OpenedPeer OpenTsdb(const PeerOptions& options) { return Open(options, 0); }

OpenedPeer OpenTsdbPrefaulted(const PeerOptions& options) {
  return Open(options, options.records() * 4);
}

}  // namespace tsdb::benchmark

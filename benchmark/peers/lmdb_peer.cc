// LMDB, a record for each duplicate: a key is the series as an integer, its duplicates are 16 bytes
// each, time and value, ordered by time. Fixed-size duplicates are packed into their pages without
// a header each, so this is both the smallest and the fastest of LMDB's layouts that take records
// in any order one by one.
//
// One transaction at a time writes: the writers share them by a WriteQueue.
#include <lmdb.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include "benchmark/peers/peer.h"
#include "benchmark/peers/write_queue.h"
#include "storage/base/status_macros.h"

namespace tsdb::benchmark {
namespace {

// Without commits, records of a writer's batch, and so at least of a transaction.
constexpr size_t kBatchRecords = 65'536;

struct TimedValue {
  Timestamp timestamp;
  double value;
};

absl::Status FromLmdb(int error) {
  if (error == MDB_SUCCESS) return absl::OkStatus();
  const absl::string_view text = mdb_strerror(error);
  return error == MDB_KEYEXIST ? absl::AlreadyExistsError(text)
                               : absl::UnavailableError("LMDB: " + std::string(text));
}

Timestamp TimeOf(const MDB_val& data) {
  Timestamp timestamp;
  std::memcpy(&timestamp, data.mv_data, sizeof timestamp);
  return timestamp;
}

// Duplicates by time; one time has one value.
int CompareTimes(const MDB_val* a, const MDB_val* b) {
  const Timestamp left = TimeOf(*a), right = TimeOf(*b);
  return left < right ? -1 : left > right ? 1 : 0;
}

struct Environment {
  ~Environment() {
    if (handle != nullptr) mdb_env_close(handle);
  }
  MDB_env* handle = nullptr;
  MDB_dbi database = 0;
};

// Puts one record behind the last of its series, or where it belongs.
absl::Status Put(MDB_cursor* cursor, const KeyedRecord& record) {
  SeriesId series = record.series;
  TimedValue timed = {record.timestamp, record.value};
  MDB_val key = {sizeof series, &series};
  MDB_val data = {sizeof timed, &timed};
  const int error = mdb_cursor_put(cursor, &key, &data, MDB_APPENDDUP);
  if (error != MDB_KEYEXIST) return FromLmdb(error);
  return FromLmdb(mdb_cursor_put(cursor, &key, &data, MDB_NODUPDATA));
}

absl::Status PutAll(MDB_cursor* cursor, const RecordBatch& batch) {
  for (const KeyedRecord& record : batch.records()) TSDB_RETURN_IF_ERROR(Put(cursor, record));
  return absl::OkStatus();
}

class LmdbReader final : public PeerReader {
 public:
  LmdbReader(MDB_txn* transaction, MDB_cursor* cursor)
      : transaction_(transaction), cursor_(cursor) {}
  ~LmdbReader() override {
    mdb_cursor_close(cursor_);
    mdb_txn_abort(transaction_);
  }

  std::optional<double> Lookup(SeriesId series, Timestamp timestamp) override {
    MDB_val data;
    if (Seek(series, timestamp, data) != MDB_SUCCESS || TimeOf(data) != timestamp) {
      return std::nullopt;
    }
    double value;
    std::memcpy(&value, static_cast<const char*>(data.mv_data) + sizeof(Timestamp), sizeof value);
    return value;
  }

  RangeSum SumRange(SeriesId series, TimeRange range) override {
    RangeSum sum;
    (void)Visit(series, range, [&](const TimedValue& sample) {  // a miss stops the benchmark
      ++sum.count;
      sum.sum += sample.value;
    });
    return sum;
  }

  Aggregate AggregateSeries(SeriesId begin, SeriesId end, bool) override {
    Aggregate all;
    const auto take = [&](const TimedValue& sample) {
      ++all.count;
      all.sum += sample.value;
      all.min = sample.value < all.min ? sample.value : all.min;
      all.max = sample.value > all.max ? sample.value : all.max;
    };
    for (SeriesId series = begin; series < end; ++series) {
      (void)Visit(series, TimeRange::All(), take);  // the count would show it
    }
    return all;
  }

  absl::Status Read(SeriesId series, std::vector<Timestamp>& timestamps,
                    std::vector<double>& values) override {
    return FromLmdb(Visit(series, TimeRange::All(), [&](const TimedValue& sample) {
      timestamps.push_back(sample.timestamp);
      values.push_back(sample.value);
    }));
  }

 private:
  int Seek(SeriesId series, Timestamp timestamp, MDB_val& data) {
    TimedValue timed = {timestamp, 0};
    MDB_val key = {sizeof series, &series};
    data = {sizeof timed, &timed};
    return mdb_cursor_get(cursor_, &key, &data, MDB_GET_BOTH_RANGE);
  }

  // From the first sample of the range a page at a time.
  template <typename Take>
  int Visit(SeriesId series, TimeRange range, Take&& take) {
    MDB_val key, data;
    int error = Seek(series, range.begin, data);
    if (error == MDB_SUCCESS && TimeOf(data) > range.Last()) return MDB_SUCCESS;
    // The rest of the page that the cursor is on, itself included, then the pages behind it.
    if (error == MDB_SUCCESS) error = mdb_cursor_get(cursor_, &key, &data, MDB_GET_MULTIPLE);
    for (; error == MDB_SUCCESS; error = mdb_cursor_get(cursor_, &key, &data, MDB_NEXT_MULTIPLE)) {
      const char* place = static_cast<const char*>(data.mv_data);
      for (size_t i = 0; i < data.mv_size / sizeof(TimedValue); ++i, place += sizeof(TimedValue)) {
        TimedValue sample;
        std::memcpy(&sample, place, sizeof sample);
        if (!range.Contains(sample.timestamp)) {
          if (sample.timestamp < range.begin) continue;
          return MDB_SUCCESS;
        }
        take(sample);
      }
    }
    return error == MDB_NOTFOUND ? MDB_SUCCESS : error;
  }

  MDB_txn* const transaction_;
  MDB_cursor* const cursor_;
};

class LmdbPeer final : public Peer {
 public:
  LmdbPeer(std::unique_ptr<Environment> environment, const PeerOptions& options)
      : environment_(std::move(environment)),
        batch_records_(options.keeping == Keeping::kMemory
                           ? std::max<size_t>(4096, kBatchRecords / options.shares.size())
                           : kBatchRecords),
        queue_([this](std::span<const RecordBatch* const> batches) { return Apply(batches); }) {}

  absl::StatusOr<std::unique_ptr<PeerWriter>> NewWriter(size_t) override {
    return NewQueuedWriter(queue_, batch_records_);
  }

  absl::StatusOr<std::unique_ptr<PeerReader>> NewReader() override {
    MDB_txn* transaction = nullptr;
    TSDB_RETURN_IF_ERROR(
        FromLmdb(mdb_txn_begin(environment_->handle, nullptr, MDB_RDONLY, &transaction)));
    MDB_cursor* cursor = nullptr;
    const int error = mdb_cursor_open(transaction, environment_->database, &cursor);
    if (error != MDB_SUCCESS) {
      mdb_txn_abort(transaction);
      return FromLmdb(error);
    }
    return std::make_unique<LmdbReader>(transaction, cursor);
  }

  // Duplicates of a time are refused, so all that are in it came once.
  absl::StatusOr<uint64_t> RecordsTaken() override { return records_; }

  absl::Status Close() override { return FromLmdb(mdb_env_sync(environment_->handle, 1)); }

 private:
  absl::Status Apply(std::span<const RecordBatch* const> batches) {
    MDB_txn* transaction = nullptr;
    TSDB_RETURN_IF_ERROR(FromLmdb(mdb_txn_begin(environment_->handle, nullptr, 0, &transaction)));
    MDB_cursor* cursor = nullptr;
    absl::Status status = FromLmdb(mdb_cursor_open(transaction, environment_->database, &cursor));
    for (const RecordBatch* const batch : batches) {
      if (status.ok()) status = PutAll(cursor, *batch);
    }
    if (cursor != nullptr) mdb_cursor_close(cursor);
    if (!status.ok()) {
      mdb_txn_abort(transaction);
      return status;
    }
    TSDB_RETURN_IF_ERROR(FromLmdb(mdb_txn_commit(transaction)));
    for (const RecordBatch* const batch : batches) records_ += batch->size();
    return absl::OkStatus();
  }

  const std::unique_ptr<Environment> environment_;
  const size_t batch_records_;
  uint64_t records_ = 0;  // written by one thread at a time, in Apply
  WriteQueue queue_;
};

// The table, with its order of duplicates, which is not stored.
absl::Status OpenTable(Environment& environment) {
  MDB_txn* transaction = nullptr;
  TSDB_RETURN_IF_ERROR(FromLmdb(mdb_txn_begin(environment.handle, nullptr, 0, &transaction)));
  constexpr unsigned kFlags = MDB_CREATE | MDB_INTEGERKEY | MDB_DUPSORT | MDB_DUPFIXED;
  int error = mdb_dbi_open(transaction, nullptr, kFlags, &environment.database);
  if (error == MDB_SUCCESS) {
    error = mdb_set_dupsort(transaction, environment.database, CompareTimes);
  }
  if (error != MDB_SUCCESS) {
    mdb_txn_abort(transaction);
    return FromLmdb(error);
  }
  return FromLmdb(mdb_txn_commit(transaction));
}

}  // namespace

OpenedPeer OpenLmdb(const PeerOptions& options) {
  auto environment = std::make_unique<Environment>();
  TSDB_RETURN_IF_ERROR(FromLmdb(mdb_env_create(&environment->handle)));
  MDB_env* const handle = environment->handle;
  // Room for pages half full, twice; what is not used takes no space.
  const size_t map_bytes = (size_t{256} << 20) + options.records() * 128;
  TSDB_RETURN_IF_ERROR(FromLmdb(mdb_env_set_mapsize(handle, map_bytes)));
  // Pages written through the map are the system's as soon as they are changed: that survives the
  // end of the process. To survive the loss of power each commit waits for the disk, which LMDB
  // does best with writes of its own.
  const unsigned flags = options.keeping == Keeping::kSync ? 0 : MDB_WRITEMAP | MDB_NOSYNC;
  TSDB_RETURN_IF_ERROR(FromLmdb(
      mdb_env_open(handle, options.directory.c_str(), flags | MDB_NORDAHEAD | MDB_NOTLS, 0644)));
  TSDB_RETURN_IF_ERROR(OpenTable(*environment));
  return std::make_unique<LmdbPeer>(std::move(environment), options);
}

}  // namespace tsdb::benchmark

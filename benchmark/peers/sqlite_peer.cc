// SQLite: one table without row ids, whose tree is keyed by (series, time). One connection writes,
// shared by the writers by a WriteQueue; each reader has a connection of its own.
#include <sqlite3.h>

#include <algorithm>
#include <string>
#include <utility>

#include "benchmark/peers/peer.h"
#include "benchmark/peers/write_queue.h"
#include "storage/base/status_macros.h"

namespace tsdb::benchmark {
namespace {

// How long a connection waits for another one's lock: beside each other they come and go, and each
// looks whether it is the first, or the last, under a lock that none else may hold.
constexpr int kBusyMs = 60'000;
// Without commits, records of a writer's batch, and so at least of a transaction.
constexpr size_t kBatchRecords = 65'536;

class Connection {
 public:
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { sqlite3_close_v2(handle_); }

  absl::Status Open(const std::string& path, Keeping keeping) {
    // No mutex of its own: a connection is used by one thread at a time.
    constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    TSDB_RETURN_IF_ERROR(Check(sqlite3_open_v2(path.c_str(), &handle_, kFlags, nullptr)));
    TSDB_RETURN_IF_ERROR(Check(sqlite3_busy_timeout(handle_, kBusyMs)));
    // A cache and a map that hold everything.
    for (const char* const pragma :
         {"PRAGMA page_size = 8192", "PRAGMA journal_mode = WAL", "PRAGMA cache_size = -1048576",
          "PRAGMA mmap_size = 8589934592", "PRAGMA wal_autocheckpoint = 16384",
          keeping == Keeping::kSync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF"}) {
      TSDB_RETURN_IF_ERROR(Run(pragma));
    }
    return absl::OkStatus();
  }

  absl::Status Run(const char* sql) {
    return Check(sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr));
  }

  absl::Status Check(int error) const {
    if (error == SQLITE_OK || error == SQLITE_DONE || error == SQLITE_ROW) return absl::OkStatus();
    return absl::UnavailableError(std::string("SQLite: ") + (handle_ != nullptr
                                                                 ? sqlite3_errmsg(handle_)
                                                                 : sqlite3_errstr(error)));
  }

  absl::Status Close() { return Check(sqlite3_close(std::exchange(handle_, nullptr))); }
  sqlite3* handle() const { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
};

class Statement {
 public:
  Statement() = default;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(handle_); }

  absl::Status Prepare(const Connection& connection, const char* sql) {
    return connection.Check(sqlite3_prepare_v3(connection.handle(), sql, -1,
                                               SQLITE_PREPARE_PERSISTENT, &handle_, nullptr));
  }
  void Bind(int place, int64_t value) { sqlite3_bind_int64(handle_, place, value); }
  void Bind(int place, double value) { sqlite3_bind_double(handle_, place, value); }
  bool NextRow() { return sqlite3_step(handle_) == SQLITE_ROW; }
  int Step() { return sqlite3_step(handle_); }
  // Its result is that of the last step, which has been looked at.
  int Reset() { return sqlite3_reset(handle_); }
  int64_t Integer(int column) { return sqlite3_column_int64(handle_, column); }
  double Real(int column) { return sqlite3_column_double(handle_, column); }
  void Finalize() { sqlite3_finalize(std::exchange(handle_, nullptr)); }

 private:
  sqlite3_stmt* handle_ = nullptr;
};

class SqliteReader final : public PeerReader {
 public:
  absl::Status Open(const std::string& path, Keeping keeping) {
    TSDB_RETURN_IF_ERROR(connection_.Open(path, keeping));
    for (const auto& [statement, sql] :
         {std::pair{&lookup_, "SELECT value FROM samples WHERE series = ? AND time = ?"},
          std::pair{&range_,
                    "SELECT time, value FROM samples WHERE series = ? AND time BETWEEN ? AND ? "
                    "ORDER BY time"},
          std::pair{&sum_,
                    "SELECT count(*), total(value) FROM samples "
                    "WHERE series = ? AND time BETWEEN ? AND ?"},
          std::pair{&aggregate_,
                    "SELECT count(*), min(value), max(value), total(value) FROM samples "
                    "WHERE series >= ? AND series < ?"}}) {
      TSDB_RETURN_IF_ERROR(statement->Prepare(connection_, sql));
    }
    return absl::OkStatus();
  }

  std::optional<double> Lookup(SeriesId series, Timestamp timestamp) override {
    lookup_.Bind(1, int64_t{series});
    lookup_.Bind(2, timestamp);
    std::optional<double> value;
    if (lookup_.NextRow()) value = lookup_.Real(0);
    lookup_.Reset();
    return value;
  }

  RangeSum SumRange(SeriesId series, TimeRange range) override {
    BindRange(sum_, series, range);
    RangeSum sum;
    if (sum_.NextRow()) sum = {static_cast<uint64_t>(sum_.Integer(0)), sum_.Real(1)};
    sum_.Reset();
    return sum;
  }

  Aggregate AggregateSeries(SeriesId begin, SeriesId end, bool) override {
    aggregate_.Bind(1, int64_t{begin});
    aggregate_.Bind(2, int64_t{end});
    Aggregate all;
    if (aggregate_.NextRow() && aggregate_.Integer(0) > 0) {
      all.count = static_cast<uint64_t>(aggregate_.Integer(0));
      all.min = aggregate_.Real(1);
      all.max = aggregate_.Real(2);
      all.sum = aggregate_.Real(3);
    }
    aggregate_.Reset();
    return all;
  }

  absl::Status Read(SeriesId series, std::vector<Timestamp>& timestamps,
                    std::vector<double>& values) override {
    BindRange(range_, series, TimeRange::All());
    int step;
    while ((step = range_.Step()) == SQLITE_ROW) {
      timestamps.push_back(range_.Integer(0));
      values.push_back(range_.Real(1));
    }
    const absl::Status status = connection_.Check(step);
    range_.Reset();
    return status;
  }

 private:
  static void BindRange(Statement& statement, SeriesId series, TimeRange range) {
    statement.Bind(1, int64_t{series});
    statement.Bind(2, range.begin);
    statement.Bind(3, range.Last());
  }

  Connection connection_;  // before its statements, so that it goes after them
  Statement lookup_, range_, sum_, aggregate_;
};

class SqlitePeer final : public Peer {
 public:
  explicit SqlitePeer(const PeerOptions& options)
      : path_(options.directory + "/samples.sqlite"),
        keeping_(options.keeping),
        batch_records_(options.keeping == Keeping::kMemory
                           ? std::max<size_t>(4096, kBatchRecords / options.shares.size())
                           : kBatchRecords),
        queue_([this](std::span<const RecordBatch* const> batches) { return Apply(batches); }) {}

  absl::Status Open() {
    TSDB_RETURN_IF_ERROR(connection_.Open(path_, keeping_));
    TSDB_RETURN_IF_ERROR(connection_.Run(
        "CREATE TABLE IF NOT EXISTS samples (series INTEGER NOT NULL, time INTEGER NOT NULL, "
        "value REAL NOT NULL, PRIMARY KEY (series, time)) WITHOUT ROWID"));
    return insert_.Prepare(connection_, "INSERT INTO samples VALUES (?, ?, ?)");
  }

  absl::StatusOr<std::unique_ptr<PeerWriter>> NewWriter(size_t) override {
    return NewQueuedWriter(queue_, batch_records_);
  }

  // The log into the table, which can then be read from the map alone.
  absl::Status Settle() override { return connection_.Run("PRAGMA wal_checkpoint(TRUNCATE)"); }

  absl::StatusOr<std::unique_ptr<PeerReader>> NewReader() override {
    auto reader = std::make_unique<SqliteReader>();
    TSDB_RETURN_IF_ERROR(reader->Open(path_, keeping_));
    return reader;
  }

  // A key that is there already is refused, so all that are in it came once.
  absl::StatusOr<uint64_t> RecordsTaken() override { return records_; }

  std::optional<uint64_t> MemoryBytes() override {
    return static_cast<uint64_t>(sqlite3_memory_used());
  }

  absl::Status Close() override {
    insert_.Finalize();
    return connection_.Close();
  }

 private:
  absl::Status Apply(std::span<const RecordBatch* const> batches) {
    TSDB_RETURN_IF_ERROR(connection_.Run("BEGIN IMMEDIATE"));
    absl::Status status;
    for (const RecordBatch* const batch : batches) {
      if (status.ok()) status = Insert(*batch);
    }
    if (!status.ok()) {
      // What went wrong first is what is to be told.
      (void)connection_.Run("ROLLBACK");
      return status;
    }
    TSDB_RETURN_IF_ERROR(connection_.Run("COMMIT"));
    for (const RecordBatch* const batch : batches) records_ += batch->size();
    return absl::OkStatus();
  }

  absl::Status Insert(const RecordBatch& batch) {
    for (const KeyedRecord& record : batch.records()) {
      insert_.Bind(1, int64_t{record.series});
      insert_.Bind(2, record.timestamp);
      insert_.Bind(3, record.value);
      const int step = insert_.Step();
      if (step != SQLITE_DONE) {
        const absl::Status status = connection_.Check(step);
        insert_.Reset();
        return status;
      }
      insert_.Reset();
    }
    return absl::OkStatus();
  }

  const std::string path_;
  const Keeping keeping_;
  const size_t batch_records_;
  Connection connection_;
  Statement insert_;
  uint64_t records_ = 0;  // written by one thread at a time, in Apply
  WriteQueue queue_;
};

}  // namespace

OpenedPeer OpenSqlite(const PeerOptions& options) {
  auto peer = std::make_unique<SqlitePeer>(options);
  TSDB_RETURN_IF_ERROR(peer->Open());
  return peer;
}

}  // namespace tsdb::benchmark

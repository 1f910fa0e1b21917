// RocksDB, a key for each record: the layout that takes records in any order one by one. A key is
// twelve bytes, series and time in big-endian order; a value is the eight bytes of the double.
//
// Two ways: what is set up to be written and read at once (a concurrent skiplist, hints for the
// place of the next key of a batch), and what only loads (a vector memtable, PrepareForBulkLoad),
// which is sorted and written to files before it can be read.
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <bit>
#include <cstring>
#include <string>
#include <utility>

#include "benchmark/machine.h"
#include "benchmark/peers/peer.h"
#include "benchmark/peers/record_batch.h"
#include "storage/base/status_macros.h"

namespace tsdb::benchmark {
namespace {

constexpr size_t kKeyBytes = 12, kValueBytes = 8;
// A batch without commits; more gain nothing.
constexpr size_t kBatchRecords = 4096;

absl::Status FromRocks(const rocksdb::Status& status) {
  return status.ok() ? absl::OkStatus() : absl::UnavailableError("RocksDB: " + status.ToString());
}

uint64_t BigEndian(uint64_t value) {
  return std::endian::native == std::endian::little ? __builtin_bswap64(value) : value;
}

uint32_t BigEndian(uint32_t value) {
  return std::endian::native == std::endian::little ? __builtin_bswap32(value) : value;
}

class Key {
 public:
  Key(SeriesId series, Timestamp timestamp) {
    const uint32_t high = BigEndian(series);
    // Negative times sort before positive ones.
    const uint64_t low = BigEndian(static_cast<uint64_t>(timestamp) ^ (uint64_t{1} << 63));
    std::memcpy(bytes_, &high, sizeof high);
    std::memcpy(bytes_ + sizeof high, &low, sizeof low);
  }
  rocksdb::Slice slice() const { return {bytes_, kKeyBytes}; }

  static SeriesId SeriesOf(const rocksdb::Slice& key) {
    uint32_t high;
    std::memcpy(&high, key.data(), sizeof high);
    return BigEndian(high);
  }
  static Timestamp TimeOf(const rocksdb::Slice& key) {
    uint64_t low;
    std::memcpy(&low, key.data() + sizeof(uint32_t), sizeof low);
    return static_cast<Timestamp>(BigEndian(low) ^ (uint64_t{1} << 63));
  }

 private:
  char bytes_[kKeyBytes];
};

double ValueOf(const rocksdb::Slice& value) {
  double number;
  std::memcpy(&number, value.data(), sizeof number);
  return number;
}

class RocksDbWriter final : public PeerWriter {
 public:
  RocksDbWriter(rocksdb::DB& db, Keeping keeping, bool bulk) : db_(db), keeping_(keeping) {
    options_.disableWAL = keeping == Keeping::kMemory;
    options_.sync = keeping == Keeping::kSync;
    // A batch is sorted, so each key's place is right behind the last one's.
    options_.memtable_insert_hint_per_batch = !bulk;
  }

  absl::Status Append(const RecordBlock& block) override {
    for (size_t i = 0; i < block.size; ++i) {
      records_.Add(block, i);
      if (keeping_ == Keeping::kMemory && records_.size() == kBatchRecords) {
        TSDB_RETURN_IF_ERROR(Commit());
      }
    }
    return absl::OkStatus();
  }

  absl::Status Commit() override {
    if (records_.size() == 0) return absl::OkStatus();
    records_.Sort();
    batch_.Clear();
    for (const KeyedRecord& record : records_.records()) {
      const Key key(record.series, record.timestamp);
      char value[kValueBytes];
      std::memcpy(value, &record.value, sizeof value);
      TSDB_RETURN_IF_ERROR(FromRocks(batch_.Put(key.slice(), {value, sizeof value})));
    }
    records_.Clear();
    return FromRocks(db_.Write(options_, &batch_));
  }

 private:
  rocksdb::DB& db_;
  const Keeping keeping_;
  rocksdb::WriteOptions options_;
  RecordBatch records_;
  rocksdb::WriteBatch batch_;
};

class RocksDbReader final : public PeerReader {
 public:
  explicit RocksDbReader(rocksdb::DB& db)
      : db_(db), iterator_(db.NewIterator(rocksdb::ReadOptions())) {}

  std::optional<double> Lookup(SeriesId series, Timestamp timestamp) override {
    value_.Reset();
    const Key key(series, timestamp);
    const rocksdb::Status status =
        db_.Get(rocksdb::ReadOptions(), db_.DefaultColumnFamily(), key.slice(), &value_);
    if (!status.ok() || value_.size() != kValueBytes) return std::nullopt;
    return ValueOf(value_);
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
    iterator_->Seek(Key(begin, kTimestampMin).slice());
    for (; iterator_->Valid() && Key::SeriesOf(iterator_->key()) < end; iterator_->Next()) {
      const double value = ValueOf(iterator_->value());
      ++all.count;
      all.sum += value;
      all.min = value < all.min ? value : all.min;
      all.max = value > all.max ? value : all.max;
    }
    return all;
  }

  absl::Status Read(SeriesId series, std::vector<Timestamp>& timestamps,
                    std::vector<double>& values) override {
    Visit(series, TimeRange::All(), [&](Timestamp timestamp, double value) {
      timestamps.push_back(timestamp);
      values.push_back(value);
    });
    return FromRocks(iterator_->status());
  }

 private:
  template <typename Take>
  void Visit(SeriesId series, TimeRange range, Take&& take) {
    // A comparison of the key's bytes is cheaper than taking it apart.
    const bool to_the_end = range.end == kTimestampMax;
    const Key end(to_the_end ? series + 1 : series, to_the_end ? kTimestampMin : range.end);
    const rocksdb::Slice limit = end.slice();
    for (iterator_->Seek(Key(series, range.begin).slice());
         iterator_->Valid() && iterator_->key().compare(limit) < 0; iterator_->Next()) {
      take(Key::TimeOf(iterator_->key()), ValueOf(iterator_->value()));
    }
  }

  rocksdb::DB& db_;
  const std::unique_ptr<rocksdb::Iterator> iterator_;
  rocksdb::PinnableSlice value_;
};

class RocksDbPeer final : public Peer {
 public:
  RocksDbPeer(std::unique_ptr<rocksdb::DB> db, Keeping keeping, bool bulk)
      : db_(std::move(db)), keeping_(keeping), bulk_(bulk) {}

  absl::StatusOr<std::unique_ptr<PeerWriter>> NewWriter(size_t) override {
    return std::make_unique<RocksDbWriter>(*db_, keeping_, bulk_);
  }

  // A skiplist can be read as it is; a vector would be sorted anew for each iterator.
  absl::Status Flush() override {
    return bulk_ ? FromRocks(db_->Flush(rocksdb::FlushOptions())) : absl::OkStatus();
  }

  absl::Status Settle() override {
    TSDB_RETURN_IF_ERROR(FromRocks(db_->Flush(rocksdb::FlushOptions())));
    return FromRocks(db_->CompactRange(rocksdb::CompactRangeOptions(), nullptr, nullptr));
  }

  absl::StatusOr<std::unique_ptr<PeerReader>> NewReader() override {
    return std::make_unique<RocksDbReader>(*db_);
  }

  // Each put takes a number of its own.
  absl::StatusOr<uint64_t> RecordsTaken() override { return db_->GetLatestSequenceNumber(); }

  std::optional<uint64_t> MemoryBytes() override {
    if (bulk_) return std::nullopt;  // it was all written to files
    uint64_t bytes = 0;
    for (const std::string& property : {rocksdb::DB::Properties::kSizeAllMemTables,
                                        rocksdb::DB::Properties::kEstimateTableReadersMem,
                                        rocksdb::DB::Properties::kBlockCacheUsage}) {
      uint64_t value = 0;
      if (!db_->GetIntProperty(property, &value)) return std::nullopt;
      bytes += value;
    }
    return bytes;
  }

  absl::Status Close() override {
    // Without a log, what is in memory only would be lost.
    TSDB_RETURN_IF_ERROR(FromRocks(db_->Flush(rocksdb::FlushOptions())));
    return FromRocks(db_->Close());
  }

 private:
  const std::unique_ptr<rocksdb::DB> db_;
  const Keeping keeping_;
  const bool bulk_;
};

rocksdb::Options OptionsFor(bool bulk) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.IncreaseParallelism(static_cast<int>(DescribeMachine().cores));
  // Large memtables: a write is done with once it is in one.
  options.write_buffer_size = size_t{256} << 20;
  options.max_write_buffer_number = 6;
  options.compression = rocksdb::kLZ4Compression;
  options.bottommost_compression = rocksdb::kZSTD;  // of what Settle has compacted
  if (bulk) {
    options.PrepareForBulkLoad();
    options.memtable_factory = std::make_shared<rocksdb::VectorRepFactory>();
    options.allow_concurrent_memtable_write = false;
  } else {
    options.allow_concurrent_memtable_write = true;
    options.enable_write_thread_adaptive_yield = true;
    options.unordered_write = false;
    // Files of the first level do not hold up writers before compaction has had its time.
    options.level0_slowdown_writes_trigger = 40;
    options.level0_stop_writes_trigger = 60;
    options.target_file_size_base = uint64_t{256} << 20;
    options.max_bytes_for_level_base = uint64_t{1} << 30;
  }
  rocksdb::BlockBasedTableOptions table;
  // Everything read stays unpacked in memory.
  table.block_cache = rocksdb::NewLRUCache(DescribeMachine().memory_bytes / 4);
  table.block_size = size_t{4} << 10;
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // Everything that is looked up is there: no bloom filters.
  options.optimize_filters_for_hits = true;
  options.max_open_files = -1;
  return options;
}

OpenedPeer Open(const PeerOptions& options, bool bulk) {
  rocksdb::DB* db = nullptr;
  TSDB_RETURN_IF_ERROR(FromRocks(rocksdb::DB::Open(OptionsFor(bulk), options.directory, &db)));
  return std::make_unique<RocksDbPeer>(std::unique_ptr<rocksdb::DB>(db), options.keeping, bulk);
}

}  // namespace

OpenedPeer OpenRocksDb(const PeerOptions& options) { return Open(options, false); }
OpenedPeer OpenRocksDbBulk(const PeerOptions& options) { return Open(options, true); }

}  // namespace tsdb::benchmark

#include "benchmark/peers/peer.h"

// The build says which packages it found.
#if TSDB_PEER_ROCKSDB
#define TSDB_IF_ROCKSDB(open) open
#else
#define TSDB_IF_ROCKSDB(open) nullptr
#endif
#if TSDB_PEER_LMDB
#define TSDB_IF_LMDB(open) open
#else
#define TSDB_IF_LMDB(open) nullptr
#endif
#if TSDB_PEER_SQLITE
#define TSDB_IF_SQLITE(open) open
#else
#define TSDB_IF_SQLITE(open) nullptr
#endif

namespace tsdb::benchmark {

const char* KeepingName(Keeping keeping) {
  static constexpr const char* kNames[] = {"memory", "async", "sync"};
  return kNames[static_cast<size_t>(keeping)];
}

namespace {

constexpr PeerKind kKinds[] = {
    {.name = "tsdb",
     .open = OpenTsdb,
     .package = "",
     .on_disk = true,
     .any_order = true,
     .slow = false,
     .summaries = true,
     .settings = "default options; in memory, or in a directory"},
    {.name = "tsdb-prefault",
     .open = OpenTsdbPrefaulted,
     .package = "",
     .on_disk = false,
     .any_order = true,
     .slow = false,
     .summaries = true,
     .settings = "in memory that is touched at open, 4 bytes a record"},
    {.name = "hand-rolled",
     .open = OpenHandRolled,
     .package = "",
     .on_disk = false,
     .any_order = false,
     .slow = false,
     .summaries = false,
     .settings = "64 shards, each a mutex and a hash map from series to two vectors"},
    {.name = "btree-map",
     .open = OpenBtreeMap,
     .package = "",
     .on_disk = false,
     .any_order = true,
     .slow = false,
     .summaries = false,
     .settings = "64 shards, each a mutex and an absl::btree_map from (series, time)"},
    {.name = "thread-owned",
     .open = OpenThreadOwned,
     .package = "",
     .on_disk = false,
     .any_order = false,
     .slow = false,
     .summaries = false,
     .settings = "columns of each writer's own, touched before, no locks, nothing shared"},
    {.name = "rocksdb",
     .open = TSDB_IF_ROCKSDB(OpenRocksDb),
     .package = "librocksdb-dev",
     .on_disk = true,
     .any_order = true,
     .slow = true,
     .summaries = false,
     .settings = "a key a record; concurrent skiplist with hints; sorted batches; LZ4"},
    {.name = "rocksdb-bulk",
     .open = TSDB_IF_ROCKSDB(OpenRocksDbBulk),
     .package = "librocksdb-dev",
     .on_disk = true,
     .any_order = true,
     .slow = true,
     .summaries = false,
     .settings = "a key a record; vector memtable, PrepareForBulkLoad, flush at the end; LZ4"},
    {.name = "lmdb",
     .open = TSDB_IF_LMDB(OpenLmdb),
     .package = "liblmdb-dev",
     .on_disk = true,
     .any_order = true,
     .slow = true,
     .summaries = false,
     .settings = "integer keys, fixed-size duplicates of 16 bytes; sorted shared transactions"},
    {.name = "sqlite",
     .open = TSDB_IF_SQLITE(OpenSqlite),
     .package = "libsqlite3-dev",
     .on_disk = true,
     .any_order = true,
     .slow = true,
     .summaries = false,
     .settings = "a WITHOUT ROWID table by (series, time); WAL; sorted shared transactions"},
};

}  // namespace

std::span<const PeerKind> PeerKinds() { return kKinds; }

const PeerKind* FindPeer(const std::string& name) {
  for (const PeerKind& kind : PeerKinds()) {
    if (name == kind.name) return &kind;
  }
  return nullptr;
}

}  // namespace tsdb::benchmark

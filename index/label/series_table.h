// From a label set to its dense SeriesId, and back.
//
//   labels --XXH3--> shard (6 bits) --> slot array: tag u32 | address u32 --> label record: id,
//   bytes id --> directory chunk --> label record
//
// A hit takes no lock and misses the cache twice: the slot, which holds 32 bits of the hash, and
// the record it points to, whose bytes are compared in full (equal hashes alone never make two
// series one). With the id in the slot instead, the way to the bytes would be one miss longer. A
// miss takes the shard's lock, looks again, and inserts.
//
// Invariants:
//   1. Ids are given one by one under ids_mutex_; Count() grows by one when the id's directory
//   entry and
//      label bytes have been written. So every id below Count() can be read, by any thread.
//   2. A slot is published after its id is counted: an id that FindOrCreate or Find returns is
//   below
//      what Count() returns afterwards.
//   3. Label bytes, once written, never move or change. Outgrown slot arrays are kept for readers
//   that
//      may still be in them (together they are as large as the newest): the price of lock-free
//      hits.
//
// Memory beside the label text: at most 20 B of slots and 20 B of outgrown ones, 8 B of directory,
// 8 B of record head and 1.5 B of padding a series.
//
// Thread safety: every method from any thread. Lock order: a shard's mutex, then ids_mutex_ or the
// chunk source's.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/label/label_arena.h"
#include "storage/base/labels.h"
#include "storage/base/mutex.h"
#include "storage/base/types.h"

namespace tsdb::label {

class SeriesTable {
 public:
  // Takes up to `series_max` series.
  explicit SeriesTable(uint32_t series_max);
  ~SeriesTable();
  SeriesTable(const SeriesTable&) = delete;
  SeriesTable& operator=(const SeriesTable&) = delete;

  // The series' id, given now if it had none. kInvalidArgument for the empty set;
  // kResourceExhausted, with nothing changed, when it would be one more than series_max or memory
  // is used up.
  absl::StatusOr<SeriesId> FindOrCreate(const Labels& labels);
  std::optional<SeriesId> Find(const Labels& labels) const;

  // Nothing for an id that was never given.
  std::optional<Labels> LabelsOf(SeriesId series) const;
  // Canonical label bytes, valid as long as the table; empty for an id that was never given.
  std::string_view BytesOf(SeriesId series) const;

  // Ids 0 .. Count() - 1 exist and can be read. Pairs with the release in GiveId.
  SeriesId Count() const { return count_.load(std::memory_order_acquire); }
  uint32_t series_max() const { return series_max_; }
  // Registrations refused because of series_max.
  uint64_t Refused() const { return refused_.load(std::memory_order_relaxed); }
  // Memory taken from the system, label text included.
  size_t Bytes() const;

 private:
  static constexpr size_t kShards = 64;
  static constexpr size_t kDirectoryChunk = 16384;  // ids per directory chunk

  struct SlotArray;
  struct alignas(64) Shard {
    // The slots as readers see them. Written under `mutex` only.
    std::atomic<const SlotArray*> slots{nullptr};
    LabelArena arena;  // appended to under `mutex` only, read by anyone
    Mutex mutex;
    std::vector<std::unique_ptr<SlotArray>> arrays ABSL_GUARDED_BY(mutex);  // newest last
    size_t series ABSL_GUARDED_BY(mutex) = 0;
  };

  static Shard& ShardOf(const std::unique_ptr<Shard[]>& shards, uint64_t hash) {
    return shards[hash >> 58];
  }
  static const LabelRecord* Probe(const Shard& shard, uint64_t hash, std::string_view bytes);
  bool ReserveSlot(Shard& shard) ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);
  absl::StatusOr<SeriesId> Insert(Shard& shard, uint64_t hash, std::string_view bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);
  absl::StatusOr<SeriesId> GiveId(LabelRecord* record) ABSL_LOCKS_EXCLUDED(ids_mutex_);
  absl::Status RefuseOneMore();

  const uint32_t series_max_;
  std::unique_ptr<Shard[]> shards_;
  ChunkSource chunks_;
  std::atomic<uint64_t> refused_{0};
  std::atomic<size_t> table_bytes_{0};  // slot arrays and directory

  // Taken for the few stores that give an id; nothing but memory for the directory is waited for in
  // it.
  Mutex ids_mutex_;
  // Entries below count_ are immutable and read without the lock; those above are written under it.
  std::vector<std::unique_ptr<const LabelRecord*[]>> directory_;
  std::atomic<SeriesId> count_{0};  // written under ids_mutex_
};

}  // namespace tsdb::label

// Chunks: the columnar buffers that records arrive in, and the bounded pool that they come from and
// go back to. The pool's bound is what makes writers feel the merge's pace: when it has nothing to
// give, a writer merges, then waits (MergePipeline decides; this class only says "none").
//
// A chunk's memory holds three columns of `capacity` records, and room for stretches:
// [times][values][series][stretches]. Series of what came by columns are in stretches
// (tsdb/ingest/stretches.h), not in the column. Chunks come in sizes of powers of two; how large a
// one is handed out depends on how many are open, so that all open chunks together stay in cache
// (32 writers on 2 cores: 210 M records/s with 4 Ki records each, 117 with 32 Ki). Memory is mapped
// with huge pages, touched when mapped, and recycled most recently used first.
//
// Thread safety: the pool's methods from any thread. A chunk's columns belong to the writer that
// holds it; what lies below `published` is shared and never changes until the last reference is
// dropped, but for series that stretches tell: who merges a part of the chunk may write them into
// its stretch of the column.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "storage/base/memory.h"
#include "storage/base/mutex.h"
#include "storage/base/types.h"
#include "tsdb/ingest/stretches.h"

namespace tsdb::ingest {

struct Chunk {
  Timestamp* times = nullptr;
  double* values = nullptr;
  SeriesId* series = nullptr;  // of records from stretches.end() on
  uint32_t capacity = 0;       // records, as handed out; the memory may hold more
  // High-water mark: records below it are whole. Stored with release by the writer after each
  // record.
  std::atomic<uint32_t> published{0};
  // One for the writer while the chunk is open, one per part of it that the merge still reads.
  std::atomic<uint32_t> references{0};
  Stretches stretches;

  char* memory = nullptr;
  uint32_t size_class = 0;
  uint32_t processor = 0;  // that gave it back
};

inline constexpr size_t kRecordBytes = sizeof(Timestamp) + sizeof(double) + sizeof(SeriesId);
inline constexpr uint32_t kChunkRecordsMin = 256;
inline constexpr uint32_t kChunkRecordsMax = 32768;

class ChunkPool {
 public:
  // Bounded to `bytes_max`, of which the first 2 MiB at most are mapped at once. kResourceExhausted
  // when that memory cannot be had.
  static absl::StatusOr<std::unique_ptr<ChunkPool>> Create(size_t bytes_max);
  ~ChunkPool();

  // A chunk of about `records` records (a power of two within kChunkRecordsMin and records_max)
  // with one reference, or null when all chunks are out and the bound is reached.
  Chunk* TryAcquire(uint32_t records) ABSL_LOCKS_EXCLUDED(mutex_);
  // A smallest chunk even past the bound, or null when the system has no memory: for a writer that
  // holds none while no merge is going to give one back.
  Chunk* AcquirePastBound() ABSL_LOCKS_EXCLUDED(mutex_);
  // Takes back a chunk whose last reference is gone.
  void Release(Chunk* chunk) ABSL_LOCKS_EXCLUDED(mutex_);

  size_t bytes_max() const { return bytes_max_; }
  // No chunk is larger: two of the largest fit the bound.
  uint32_t records_max() const { return records_max_; }
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  size_t chunks() const { return chunks_count_.load(std::memory_order_relaxed); }

 private:
  static constexpr uint32_t kClasses = 8;  // 256 << 0 .. 256 << 7
  static constexpr size_t kRegionBytes = size_t{2} << 20;

  explicit ChunkPool(size_t bytes_max);
  uint32_t ClassOf(uint32_t records) const;
  static size_t BytesOf(uint32_t size_class);
  static uint32_t LargestWithin(size_t bytes_max);
  bool Grow(uint32_t size_class) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MapRegion() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Chunk* Take(uint32_t size_class, uint32_t records) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Chunk* HandOut(Chunk* chunk, uint32_t records) const;

  const size_t bytes_max_;
  const uint32_t records_max_;
  std::atomic<size_t> bytes_{0};  // in chunks that exist
  std::atomic<size_t> chunks_count_{0};

  Mutex mutex_;
  std::array<std::vector<Chunk*>, kClasses> free_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Chunk>> chunks_ ABSL_GUARDED_BY(mutex_);
  std::vector<HugeRegion> regions_ ABSL_GUARDED_BY(mutex_);
  char* carve_ ABSL_GUARDED_BY(mutex_) = nullptr;
  size_t carve_left_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace tsdb::ingest

// Append-only memory for the label bytes of one shard of the series table: no allocation per
// series, and an address short enough (32 bits) to lie in a hash slot beside a hash tag.
//
//   chunk (16 KiB) | record | record | ... | unused |     a larger record takes several chunks in a
//   row record         | id u32 | bytes u32 | canonical label bytes | padding to 4 | address =
//   (chunk number * 16 KiB + offset) / 4, never 0
//
// Chunks are cut from regions that grow with the whole table and reach 2 MiB, where the kernel can
// back them with huge pages: at a million series a lookup otherwise pays a TLB miss beside each
// cache miss.
//
// Thread safety: ChunkSource: any thread. LabelArena: one thread at a time appends (the table holds
// the shard's lock); any thread reads a record whose address it was given through an acquire load.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "storage/base/mutex.h"
#include "storage/base/types.h"

namespace tsdb::label {

inline constexpr size_t kArenaChunkBytes = size_t{16} << 10;

class ChunkSource {
 public:
  ChunkSource() = default;
  ~ChunkSource();
  ChunkSource(const ChunkSource&) = delete;
  ChunkSource& operator=(const ChunkSource&) = delete;

  // `count` chunks in a row, 4-byte aligned at least, owned by the source; null when there is no
  // memory.
  char* Allocate(size_t count);
  // Bytes taken from the system.
  size_t Bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  Mutex mutex_;
  std::vector<void*> regions_ ABSL_GUARDED_BY(mutex_);
  char* free_ ABSL_GUARDED_BY(mutex_) = nullptr;
  size_t free_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::atomic<size_t> bytes_{0};
};

// The head of a record. `id` is written once, before the record's address is published.
struct LabelRecord {
  SeriesId id;
  uint32_t bytes;

  const char* text() const { return reinterpret_cast<const char*>(this + 1); }
  std::string_view view() const { return {text(), bytes}; }
};

class LabelArena {
 public:
  LabelArena() = default;
  LabelArena(const LabelArena&) = delete;
  LabelArena& operator=(const LabelArena&) = delete;

  // Copies `text` into a new record without an id and returns its address; 0 when there is no
  // memory or the arena's 16 GiB are used up.
  uint32_t Append(std::string_view text, ChunkSource& source);

  // REQUIRES: `address` came from Append, through an acquire load if on another thread.
  LabelRecord* At(uint32_t address) const {
    // Pairs with the release in AddChunks. The address was published after its chunk was, so any
    // array seen here has the chunk.
    char* const* chunks = chunks_.load(std::memory_order_acquire);
    return reinterpret_cast<LabelRecord*>(chunks[address / kChunkUnits] +
                                          (address % kChunkUnits) * kUnitBytes);
  }

 private:
  static constexpr size_t kUnitBytes = 4;
  static constexpr size_t kChunkUnits = kArenaChunkBytes / kUnitBytes;

  bool AddChunks(size_t count, ChunkSource& source);

  std::atomic<char* const*> chunks_{nullptr};
  // Only the appending thread touches the rest. Outgrown arrays stay, for readers still in them;
  // they add up to the size of the newest.
  std::vector<std::unique_ptr<char*[]>> arrays_;
  size_t array_capacity_ = 0;
  size_t chunk_count_ = 0;
  uint64_t next_unit_ = 0;
};

}  // namespace tsdb::label

#include "tsdb/ingest/chunk_pool.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "storage/base/patience.h"
#include "storage/base/processor.h"

namespace tsdb::ingest {
namespace {

// How far down a free list a chunk of the same core is looked for.
constexpr size_t kAffinityDepth = 8;

}  // namespace

absl::StatusOr<std::unique_ptr<ChunkPool>> ChunkPool::Create(size_t bytes_max) {
  std::unique_ptr<ChunkPool> pool(new ChunkPool(bytes_max));
  MutexLock lock(&pool->mutex_);
  // The first region's pages are touched now, so that the first writers do not pay for them.
  if (!pool->MapRegion()) {
    return absl::ResourceExhaustedError(
        "opening the write buffer: the system has no memory for its first 2 MiB");
  }
  return pool;
}

ChunkPool::~ChunkPool() = default;

ChunkPool::ChunkPool(size_t bytes_max)
    : bytes_max_(bytes_max), records_max_(LargestWithin(bytes_max)) {}

uint32_t ChunkPool::LargestWithin(size_t bytes_max) {
  uint32_t size_class = kClasses - 1;
  while (size_class > 0 && 2 * BytesOf(size_class) > bytes_max) --size_class;
  return kChunkRecordsMin << size_class;
}

uint32_t ChunkPool::ClassOf(uint32_t records) const {
  records = std::clamp(records, kChunkRecordsMin, records_max_);
  return static_cast<uint32_t>(std::bit_width(records / kChunkRecordsMin)) - 1;
}

size_t ChunkPool::BytesOf(uint32_t size_class) {
  // A line more than each column needs: columns of power-of-two size would share their cache sets.
  const uint32_t records = kChunkRecordsMin << size_class;
  return (kRecordBytes * records + 3 * 64 + Stretches::BytesFor(records) + 63) / 64 * 64;
}

bool ChunkPool::MapRegion() {
  // A small pool's is small: touching memory is what opening a database takes most of its time for.
  const size_t region_bytes =
      std::min(kRegionBytes, std::max(bytes_max_, BytesOf(ClassOf(records_max_))));
  auto region = HugeRegion::Map(region_bytes, /*prefault=*/true);
  if (!region.ok()) return false;
  carve_ = static_cast<char*>(region->data());
  carve_left_ = region_bytes;
  regions_.push_back(*std::move(region));
  return true;
}

// Makes one more chunk of the class, if the system has the memory.
bool ChunkPool::Grow(uint32_t size_class) {
  const PatientScope patient;  // for what little it needs beside the columns
  const size_t bytes = BytesOf(size_class);
  if (carve_left_ < bytes && !MapRegion()) return false;
  auto chunk = std::make_unique<Chunk>();
  chunk->memory = carve_;
  chunk->size_class = size_class;
  carve_ += bytes;
  carve_left_ -= bytes;
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  chunks_count_.fetch_add(1, std::memory_order_relaxed);
  free_[size_class].push_back(chunk.get());
  chunks_.push_back(std::move(chunk));
  return true;
}

Chunk* ChunkPool::HandOut(Chunk* chunk, uint32_t records) const {
  const uint32_t capacity =
      std::min(kChunkRecordsMin << ClassOf(records), kChunkRecordsMin << chunk->size_class);
  chunk->capacity = capacity;
  chunk->times = reinterpret_cast<Timestamp*>(chunk->memory);
  chunk->values = reinterpret_cast<double*>(chunk->memory + capacity * sizeof(Timestamp) + 64);
  chunk->series = reinterpret_cast<SeriesId*>(
      chunk->memory + capacity * (sizeof(Timestamp) + sizeof(double)) + 128);
  chunk->published.store(0, std::memory_order_relaxed);
  chunk->stretches.Reset(
      reinterpret_cast<Stretches::Stretch*>(chunk->memory + capacity * kRecordBytes + 192));
  chunk->references.store(1, std::memory_order_relaxed);
  return chunk;
}

// The chunk given back last, by this core if it has given back any of late. REQUIRES: one is free.
Chunk* ChunkPool::Take(uint32_t size_class, uint32_t records) {
  std::vector<Chunk*>& free = free_[size_class];
  size_t at = free.size() - 1;
  const uint32_t processor = CurrentProcessor();
  for (size_t i = free.size(); i-- > 0 && free.size() - i <= kAffinityDepth;) {
    if (free[i]->processor == processor) {
      at = i;
      break;
    }
  }
  Chunk* chunk = free[at];
  free.erase(free.begin() + static_cast<std::ptrdiff_t>(at));
  return HandOut(chunk, records);
}

Chunk* ChunkPool::TryAcquire(uint32_t records) {
  const uint32_t wanted = ClassOf(records);
  MutexLock lock(&mutex_);
  if (!free_[wanted].empty()) return Take(wanted, records);
  if (bytes() + BytesOf(wanted) <= bytes_max_ && Grow(wanted)) return Take(wanted, records);
  // The bound is reached with chunks of other sizes: a larger one serves in part, a smaller one
  // fills sooner.
  for (uint32_t c = wanted + 1; c < kClasses; ++c) {
    if (!free_[c].empty()) return Take(c, records);
  }
  for (uint32_t c = wanted; c-- > 0;) {
    if (!free_[c].empty()) return Take(c, records);
  }
  return nullptr;
}

Chunk* ChunkPool::AcquirePastBound() {
  MutexLock lock(&mutex_);
  if (!Grow(0)) return nullptr;
  return Take(0, kChunkRecordsMin);
}

void ChunkPool::Release(Chunk* chunk) {
  const PatientScope patient;
  chunk->processor = CurrentProcessor();
  MutexLock lock(&mutex_);
  free_[chunk->size_class].push_back(chunk);
}

}  // namespace tsdb::ingest

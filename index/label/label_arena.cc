#include "index/label/label_arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

namespace tsdb::label {
namespace {

constexpr size_t kRegionBytesMin = size_t{256} << 10;
constexpr size_t kHugePageBytes = size_t{2} << 20;
constexpr size_t kRegionBytesMax = size_t{8} << 20;

size_t RoundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

ChunkSource::~ChunkSource() {
  for (void* region : regions_) std::free(region);
}

char* ChunkSource::Allocate(size_t count) {
  const size_t wanted = count * kArenaChunkBytes;
  MutexLock lock(&mutex_);
  if (free_bytes_ < wanted) {
    // A quarter of what there is, so that little is reserved in vain whatever the number of series.
    const size_t grown = std::clamp(Bytes() / 4, kRegionBytesMin, kRegionBytesMax);
    const size_t unit = grown >= kHugePageBytes ? kHugePageBytes : kRegionBytesMin;
    const size_t region_bytes = RoundUp(std::max(grown, wanted), unit);
    void* region = std::aligned_alloc(unit, region_bytes);
    if (region == nullptr) return nullptr;
    if (unit == kHugePageBytes) madvise(region, region_bytes, MADV_HUGEPAGE);  // a wish: may fail
    regions_.push_back(region);
    free_ = static_cast<char*>(region);
    free_bytes_ = region_bytes;
    bytes_.fetch_add(region_bytes, std::memory_order_relaxed);  // a statistic
  }
  char* chunks = free_;
  free_ += wanted;
  free_bytes_ -= wanted;
  return chunks;
}

bool LabelArena::AddChunks(size_t count, ChunkSource& source) {
  char* chunks = source.Allocate(count);
  if (chunks == nullptr) return false;
  if (chunk_count_ + count > array_capacity_) {
    const size_t capacity = std::max<size_t>({16, 2 * array_capacity_, chunk_count_ + count});
    std::unique_ptr<char*[]> array(new (std::nothrow) char*[capacity]);
    if (array == nullptr) return false;  // the chunks stay with the source, unused
    if (chunk_count_ > 0) std::copy_n(arrays_.back().get(), chunk_count_, array.get());
    arrays_.push_back(std::move(array));
    array_capacity_ = capacity;
  }
  char** array = arrays_.back().get();
  for (size_t i = 0; i < count; ++i) array[chunk_count_ + i] = chunks + i * kArenaChunkBytes;
  chunk_count_ += count;
  // Pairs with the acquire in At.
  chunks_.store(array, std::memory_order_release);
  return true;
}

uint32_t LabelArena::Append(std::string_view text, ChunkSource& source) {
  const size_t units = RoundUp(sizeof(LabelRecord) + text.size(), kUnitBytes) / kUnitBytes;
  uint64_t unit = std::max<uint64_t>(next_unit_, 1);  // address 0 means none
  if (unit + units > chunk_count_ * kChunkUnits) {
    // The rest of the last chunk is given up (half a record in a hundred): chunks taken at
    // different times are not neighbours in memory.
    unit = std::max<uint64_t>(chunk_count_ * kChunkUnits, 1);
    const size_t count = RoundUp(unit % kChunkUnits + units, kChunkUnits) / kChunkUnits;
    if (unit + units > std::numeric_limits<uint32_t>::max()) return 0;
    if (!AddChunks(count, source)) return 0;
  }
  next_unit_ = unit + units;
  const auto address = static_cast<uint32_t>(unit);
  LabelRecord* record = At(address);
  record->id = kInvalidSeriesId;
  record->bytes = static_cast<uint32_t>(text.size());
  std::memcpy(record + 1, text.data(), text.size());
  return address;
}

}  // namespace tsdb::label

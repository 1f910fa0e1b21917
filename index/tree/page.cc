#include "index/tree/page.h"

#include <cstring>
#include <new>

#include "storage/base/check.h"

namespace tsdb::tree {

void SampleColumns::Append(const Timestamp* times, const double* values, uint32_t count) {
  const uint32_t at = owner_count();
  TSDB_DCHECK(count <= capacity_ - at);
  std::memcpy(times_ + at, times, count * sizeof(Timestamp));
  std::memcpy(values_ + at, values, count * sizeof(double));
  Publish(at + count);
}

LateBuffer* LateBuffer::Create(BlockMemory& memory, uint32_t capacity) {
  auto* block = static_cast<char*>(memory.Allocate(sizeof(LateBuffer) + BytesFor(capacity)));
  return new (block) LateBuffer(capacity, block + sizeof(LateBuffer));
}

SeriesVersion* SeriesVersion::Create(BlockMemory& memory, uint32_t capacity) {
  auto* block = static_cast<char*>(memory.Allocate(sizeof(SeriesVersion) + BytesFor(capacity)));
  return new (block) SeriesVersion(capacity, block + sizeof(SeriesVersion));
}

SharedLeaf* SharedLeaf::Create(BlockMemory& memory, size_t base_bytes, uint32_t delta_capacity) {
  TSDB_CHECK(base_bytes % 8 == 0);
  void* block = memory.Allocate(BytesFor(base_bytes, delta_capacity));
  return new (block) SharedLeaf(base_bytes, delta_capacity);
}

void SharedLeaf::AppendDelta(uint8_t slot, const Timestamp* times, const double* values,
                             uint32_t count) {
  const uint32_t at = delta_count_.load(std::memory_order_relaxed);
  TSDB_DCHECK(count <= delta_capacity_ - at);
  std::memcpy(const_cast<Timestamp*>(delta_times()) + at, times, count * sizeof(Timestamp));
  std::memcpy(const_cast<double*>(delta_values()) + at, values, count * sizeof(double));
  std::memset(const_cast<uint8_t*>(delta_slots()) + at, slot, count);
  delta_count_.store(at + count, std::memory_order_release);  // pairs with delta_count()
}

}  // namespace tsdb::tree

#include "index/label/series_table.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <new>
#include <string>
#include <utility>

namespace tsdb::label {
namespace {

constexpr size_t kFirstSeriesSlots = 16;

// A slot: the low half of the hash, which also says where the search starts, over the record's
// address. 0 is an empty slot.
constexpr uint64_t SlotOf(uint64_t hash, uint32_t address) { return hash << 32 | address; }
constexpr uint32_t TagOf(uint64_t slot) { return static_cast<uint32_t>(slot >> 32); }
constexpr uint32_t AddressOf(uint64_t slot) { return static_cast<uint32_t>(slot); }

uint64_t HashOf(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

absl::Status OutOfMemory() {
  return absl::ResourceExhaustedError("no memory left to register another series");
}

}  // namespace

// Open addressing, linear probing, at most 13/16 full: a hit looks at 3 slots on average then,
// which share a cache line mostly. Never emptied.
struct SeriesTable::SlotArray {
  explicit SlotArray(size_t capacity)
      : mask(capacity - 1), slots(new (std::nothrow) std::atomic<uint64_t>[capacity]()) {}

  size_t capacity() const { return mask + 1; }
  // Stores into the first empty slot from the tag's place on. REQUIRES: there is one; the shard's
  // lock.
  void Store(uint64_t slot, std::memory_order order) {
    size_t i = TagOf(slot) & mask;
    while (slots[i].load(std::memory_order_relaxed) != 0) i = (i + 1) & mask;
    slots[i].store(slot, order);
  }

  const size_t mask;
  const std::unique_ptr<std::atomic<uint64_t>[]> slots;
};

SeriesTable::SeriesTable(uint32_t series_max)
    : series_max_(series_max),
      shards_(new Shard[kShards]),
      directory_((static_cast<size_t>(series_max) + kDirectoryChunk - 1) / kDirectoryChunk) {
  table_bytes_.store(kShards * sizeof(Shard) + directory_.size() * sizeof(directory_[0]),
                     std::memory_order_relaxed);
}

SeriesTable::~SeriesTable() = default;

const LabelRecord* SeriesTable::Probe(const Shard& shard, uint64_t hash, std::string_view bytes) {
  // Pairs with the release in ReserveSlot.
  const SlotArray* array = shard.slots.load(std::memory_order_acquire);
  if (array == nullptr) return nullptr;
  const auto tag = static_cast<uint32_t>(hash);
  for (size_t i = tag & array->mask;; i = (i + 1) & array->mask) {
    // Pairs with the release in Insert: the record behind the slot is complete.
    const uint64_t slot = array->slots[i].load(std::memory_order_acquire);
    if (slot == 0) return nullptr;
    if (TagOf(slot) != tag) continue;
    const LabelRecord* record = shard.arena.At(AddressOf(slot));
    if (record->view() == bytes) return record;
  }
}

absl::StatusOr<SeriesId> SeriesTable::FindOrCreate(const Labels& labels) {
  if (labels.empty()) return absl::InvalidArgumentError("a series needs at least one label");
  const uint64_t hash = HashOf(labels.bytes());
  Shard& shard = ShardOf(shards_, hash);
  if (const LabelRecord* record = Probe(shard, hash, labels.bytes())) return record->id;
  MutexLock lock(&shard.mutex);
  // Another thread may have registered it since.
  if (const LabelRecord* record = Probe(shard, hash, labels.bytes())) return record->id;
  return Insert(shard, hash, labels.bytes());
}

std::optional<SeriesId> SeriesTable::Find(const Labels& labels) const {
  const uint64_t hash = HashOf(labels.bytes());
  const LabelRecord* record = Probe(ShardOf(shards_, hash), hash, labels.bytes());
  if (record == nullptr) return std::nullopt;
  return record->id;
}

absl::StatusOr<SeriesId> SeriesTable::Insert(Shard& shard, uint64_t hash, std::string_view bytes) {
  // Checked before anything is copied, so that a flood of refused series costs no memory.
  if (count_.load(std::memory_order_relaxed) >= series_max_) return RefuseOneMore();
  if (!ReserveSlot(shard)) return OutOfMemory();
  const uint32_t address = shard.arena.Append(bytes, chunks_);
  if (address == 0) return OutOfMemory();
  absl::StatusOr<SeriesId> id = GiveId(shard.arena.At(address));
  if (!id.ok()) return id;
  // Pairs with the acquire in Probe.
  shard.arrays.back()->Store(SlotOf(hash, address), std::memory_order_release);
  ++shard.series;
  return id;
}

bool SeriesTable::ReserveSlot(Shard& shard) {
  const size_t capacity = shard.arrays.empty() ? 0 : shard.arrays.back()->capacity();
  if (shard.series + 1 <= capacity / 16 * 13) return true;
  std::unique_ptr<SlotArray> grown(new (std::nothrow)
                                       SlotArray(capacity == 0 ? kFirstSeriesSlots : 2 * capacity));
  if (grown == nullptr || grown->slots == nullptr) return false;
  for (size_t i = 0; i < capacity; ++i) {
    const uint64_t slot = shard.arrays.back()->slots[i].load(std::memory_order_relaxed);
    if (slot != 0) grown->Store(slot, std::memory_order_relaxed);
  }
  table_bytes_.fetch_add(sizeof(SlotArray) + grown->capacity() * sizeof(uint64_t),
                         std::memory_order_relaxed);  // a statistic
  shard.arrays.push_back(std::move(grown));
  // Pairs with the acquire in Probe.
  shard.slots.store(shard.arrays.back().get(), std::memory_order_release);
  return true;
}

absl::StatusOr<SeriesId> SeriesTable::GiveId(LabelRecord* record) {
  MutexLock lock(&ids_mutex_);
  const SeriesId id = count_.load(std::memory_order_relaxed);
  if (id >= series_max_) return RefuseOneMore();
  std::unique_ptr<const LabelRecord*[]>& chunk = directory_[id / kDirectoryChunk];
  if (chunk == nullptr) {
    chunk.reset(new (std::nothrow) const LabelRecord*[kDirectoryChunk]);
    if (chunk == nullptr) return OutOfMemory();
    table_bytes_.fetch_add(kDirectoryChunk * sizeof(LabelRecord*), std::memory_order_relaxed);
  }
  record->id = id;
  chunk[id % kDirectoryChunk] = record;
  // Pairs with the acquire in Count.
  count_.store(id + 1, std::memory_order_release);
  return id;
}

absl::Status SeriesTable::RefuseOneMore() {
  refused_.fetch_add(1, std::memory_order_relaxed);  // a statistic
  return absl::ResourceExhaustedError("the limit of " + std::to_string(series_max_) +
                                      " series is reached (Options::series_max)");
}

std::string_view SeriesTable::BytesOf(SeriesId series) const {
  if (series >= Count()) return {};
  return directory_[series / kDirectoryChunk][series % kDirectoryChunk]->view();
}

std::optional<Labels> SeriesTable::LabelsOf(SeriesId series) const {
  const std::string_view bytes = BytesOf(series);
  if (bytes.empty()) return std::nullopt;
  return Labels::FromCanonicalBytes(bytes);
}

size_t SeriesTable::Bytes() const {
  return chunks_.Bytes() + table_bytes_.load(std::memory_order_relaxed);
}

}  // namespace tsdb::label

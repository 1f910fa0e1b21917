#include "index/tree/epoch.h"

#if defined(__linux__)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/base/config.h"
#include "storage/base/check.h"
#include "storage/base/patience.h"

namespace tsdb::tree {
namespace {

// Retired blocks that are worth a look at what readers hold: it interrupts every other thread of
// the process that runs, which takes some 10 us on a virtual machine.
constexpr size_t kBlocksTogether = 256;
constexpr size_t kBytesTogether = size_t{512} << 10;

// Room that a list keeps when it is used again: what merges replace, not what a checkpoint does.
constexpr size_t kRoomMax = 4096;

template <typename T>
void ClearOrFree(std::vector<T>& list) {
  list.clear();
  if (list.capacity() > kRoomMax) std::vector<T>().swap(list);
}

// Small numbers for live threads, the lowest free one first, so that slots stay few however many
// threads come and go.
class ThreadNumbers {
 public:
  size_t Take() {
    MutexLock lock(&mutex_);
    if (free_.empty()) return next_++;
    std::pop_heap(free_.begin(), free_.end(), std::greater<>());
    const size_t number = free_.back();
    free_.pop_back();
    return number;
  }
  void Give(size_t number) {
    const PatientScope patient;  // a thread ends
    MutexLock lock(&mutex_);
    free_.push_back(number);
    std::push_heap(free_.begin(), free_.end(), std::greater<>());
  }

 private:
  Mutex mutex_;
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<size_t> free_ ABSL_GUARDED_BY(mutex_);
};

ThreadNumbers& Numbers() {
  static ThreadNumbers* numbers = new ThreadNumbers;  // outlives every thread's destructor
  return *numbers;
}

struct ThreadNumber {
  const size_t value = Numbers().Take();
  ~ThreadNumber() { Numbers().Give(value); }
};

size_t NumberOfThisThread() {
  thread_local ThreadNumber number;
  return number.value;
}

// Whether this process can order other threads' accesses from outside. Not under ThreadSanitizer,
// which does not know the call.
bool RegisterMembarrier() {
#if defined(ABSL_HAVE_THREAD_SANITIZER)
  return false;
#elif defined(__linux__) && defined(SYS_membarrier)
  static const bool registered =
      syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
  return registered;
#else
  return false;
#endif
}

}  // namespace

EpochDomain::EpochDomain(SlabPool* pool) : pool_(pool), asymmetric_(RegisterMembarrier()) {}

EpochDomain::~EpochDomain() {
  MutexLock lock(&mutex_);
  for (const auto& [epoch, retired] : waiting_) pool_->Free(retired.block, retired.bytes);
  for (auto& block : slots_) delete[] block.load(std::memory_order_relaxed);
}

EpochDomain::ReaderSlot* EpochDomain::SlotOfThisThread() {
  const size_t number = NumberOfThisThread();
  const size_t index = number / kSlotsPerBlock;
  TSDB_CHECK(index < kBlocks);
  // Sequentially consistent, as is all that leads a reclaimer to a pin; as an acquire it pairs with
  // the release in the exchange below: the slots' initial values.
  ReaderSlot* block = slots_[index].load(std::memory_order_seq_cst);
  if (block == nullptr) [[unlikely]] {
    // Raised before the block can be found: by whichever thread it is found, the reclaimer looks
    // into it from then on.
    size_t seen = slot_blocks_.load(std::memory_order_seq_cst);
    while (seen <= index &&
           !slot_blocks_.compare_exchange_weak(seen, index + 1, std::memory_order_seq_cst)) {
    }
    auto* fresh = new ReaderSlot[kSlotsPerBlock];
    if (slots_[index].compare_exchange_strong(block, fresh, std::memory_order_seq_cst)) {
      block = fresh;
    } else {
      delete[] fresh;
    }
  }
  return &block[number % kSlotsPerBlock];
}

void EpochDomain::ReachReaders() const {
#if defined(__linux__) && defined(SYS_membarrier)
  // No slot: no reader yet, and the first one's making of it is sequentially consistent.
  if (!asymmetric_ || slot_blocks_.load(std::memory_order_seq_cst) == 0) return;
  TSDB_CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0);
#endif
}

uint64_t EpochDomain::OldestPinned() const {
  uint64_t oldest = UINT64_MAX;
  const size_t blocks = slot_blocks_.load(std::memory_order_seq_cst);
  for (size_t i = 0; i < blocks; ++i) {
    const ReaderSlot* block = slots_[i].load(std::memory_order_seq_cst);
    if (block == nullptr) continue;
    for (size_t j = 0; j < kSlotsPerBlock; ++j) {
      // Sequentially consistent against Pin's store; acquire against Guard's release.
      const uint64_t pinned = block[j].pinned.load(std::memory_order_seq_cst);
      if (pinned != 0) oldest = std::min(oldest, pinned);
    }
  }
  return oldest;
}

void EpochDomain::Retire(std::vector<Retired>& blocks) {
  if (blocks.empty()) return;
  const PatientScope patient;
  size_t bytes = 0;
  for (const Retired& retired : blocks) bytes += retired.bytes;
  retired_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  bool look;
  {
    MutexLock lock(&mutex_);
    // The epoch is read, and only then advanced, after the stores that unlinked these blocks.
    const uint64_t epoch = epoch_.fetch_add(1, std::memory_order_seq_cst);
    for (const Retired& retired : blocks) waiting_.push_back({epoch, retired});
    fresh_blocks_ += blocks.size();
    fresh_bytes_ += bytes;
    look = fresh_blocks_ >= kBlocksTogether || fresh_bytes_ >= kBytesTogether;
  }
  ClearOrFree(blocks);
  if (look) Reclaim();
}

void EpochDomain::Reclaim() {
  const PatientScope patient;
  std::vector<Waiting> free;  // nobody's any more
  {
    MutexLock lock(&mutex_);
    if (waiting_.empty()) return;
    fresh_blocks_ = 0;
    fresh_bytes_ = 0;
    ReachReaders();
    const uint64_t oldest = OldestPinned();
    const auto held =
        std::partition_point(waiting_.begin(), waiting_.end(),
                             [oldest](const Waiting& waiting) { return waiting.epoch < oldest; });
    free = std::move(spare_);
    free.assign(waiting_.begin(), held);
    waiting_.erase(waiting_.begin(), held);
    if (waiting_.empty()) ClearOrFree(waiting_);
  }
  // Not under the lock, which all writers share.
  size_t bytes = 0;
  for (const auto& [epoch, retired] : free) {
    bytes += retired.bytes;
    pool_->Free(retired.block, retired.bytes);
  }
  retired_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  ClearOrFree(free);
  MutexLock lock(&mutex_);
  spare_ = std::move(free);
}

bool EpochDomain::AllReadersAfter(uint64_t epoch) const {
  ReachReaders();
  return OldestPinned() > epoch;
}

uint64_t EpochDomain::OldestReaderAge() const {
  const uint64_t oldest = OldestPinned();
  return oldest == UINT64_MAX ? 0 : epoch_.load(std::memory_order_relaxed) - oldest;
}

}  // namespace tsdb::tree

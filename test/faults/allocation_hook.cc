#include "test/faults/allocation_hook.h"

#include <execinfo.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

// Made by the linker: where the program's own code begins and ends.
extern "C" const char __executable_start, etext;

namespace tsdb::alloc {
namespace {

constexpr int kFramesMax = 40;

// Relaxed throughout: which of two threads' allocations is the n-th is not decided by anything.
std::atomic<bool> armed{false};
std::atomic<Source> source{Source::kNew};
std::atomic<uint64_t> first{UINT64_MAX}, beyond{UINT64_MAX}, seen{0}, failed{0};
void* frames[kFramesMax];
std::atomic<int> frame_count{0};
thread_local bool exempt = false;

bool ShouldFail(Source of) {
  if (!armed.load(std::memory_order_relaxed) || exempt ||
      source.load(std::memory_order_relaxed) != of) {
    return false;
  }
  const uint64_t number = seen.fetch_add(1, std::memory_order_relaxed) + 1;
  if (number < first.load(std::memory_order_relaxed) ||
      number >= beyond.load(std::memory_order_relaxed)) {
    return false;
  }
  if (failed.fetch_add(1, std::memory_order_relaxed) == 0) {
    const Exempt own;
    frame_count.store(backtrace(frames, kFramesMax), std::memory_order_relaxed);
  }
  return true;
}

}  // namespace

void Arm(const Plan& plan) {
  void* frame[1];
  backtrace(frame, 1);  // what it loads at its first call it loads now
  source.store(plan.source, std::memory_order_relaxed);
  first.store(plan.nth, std::memory_order_relaxed);
  beyond.store(plan.nth > UINT64_MAX - plan.count ? UINT64_MAX : plan.nth + plan.count,
               std::memory_order_relaxed);
  seen.store(0, std::memory_order_relaxed);
  failed.store(0, std::memory_order_relaxed);
  armed.store(true, std::memory_order_relaxed);
}

void Disarm() { armed.store(false, std::memory_order_relaxed); }
uint64_t Seen() { return seen.load(std::memory_order_relaxed); }
uint64_t Failed() { return failed.load(std::memory_order_relaxed); }

void PrintFirstFailure() {
  backtrace_symbols_fd(frames, frame_count.load(std::memory_order_relaxed), STDERR_FILENO);
}

Exempt::Exempt(bool now) : before_(exempt) { exempt = now; }
Exempt::~Exempt() { exempt = before_; }

namespace {

void* TryAllocate(size_t bytes, size_t alignment) {
  if (ShouldFail(Source::kNew)) return nullptr;
  if (alignment <= alignof(std::max_align_t)) return std::malloc(std::max<size_t>(bytes, 1));
  return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

// As the standard has it: the handler is asked until there is memory, or it throws.
void* Allocate(size_t bytes, size_t alignment) {
  for (;;) {
    if (void* block = TryAllocate(bytes, alignment)) return block;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

void* AllocateOrNull(size_t bytes, size_t alignment) noexcept {
  try {
    return Allocate(bytes, alignment);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

}  // namespace
}  // namespace tsdb::alloc

void* operator new(size_t bytes) { return tsdb::alloc::Allocate(bytes, 1); }
void* operator new[](size_t bytes) { return tsdb::alloc::Allocate(bytes, 1); }
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return tsdb::alloc::AllocateOrNull(bytes, 1);
}
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept {
  return tsdb::alloc::AllocateOrNull(bytes, 1);
}
void* operator new(size_t bytes, std::align_val_t alignment) {
  return tsdb::alloc::Allocate(bytes, static_cast<size_t>(alignment));
}
void* operator new[](size_t bytes, std::align_val_t alignment) {
  return tsdb::alloc::Allocate(bytes, static_cast<size_t>(alignment));
}
void* operator new(size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return tsdb::alloc::AllocateOrNull(bytes, static_cast<size_t>(alignment));
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, size_t) noexcept { std::free(block); }
void operator delete[](void* block, size_t) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete[](void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, size_t, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept {
  std::free(block);
}

extern "C" void* mmap(void* address, size_t bytes, int protection, int flags, int file,
                      off_t offset) noexcept {
  // Not the allocator's own: jemalloc crashes when it cannot map a new thread's first arena.
  const void* caller = __builtin_return_address(0);
  const bool ours = caller >= &__executable_start && caller < &etext;
  if (ours && (flags & MAP_ANONYMOUS) != 0 && tsdb::alloc::ShouldFail(tsdb::alloc::Source::kMap)) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  const long mapped = syscall(SYS_mmap, address, bytes, protection, flags, file, offset);
  return reinterpret_cast<void*>(mapped);
}

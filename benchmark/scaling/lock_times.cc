// A library to preload into a process, which counts where it takes mutexes, how often one was not
// free, and how long each is held. Nothing of ours is linked to it.
//
//   LOCK_TIMES   file for one JSON object per place, written when the process ends:
//                address    where it was called to lock, in the object
//                object     file that the address is in
//                locks      times a mutex was taken there
//                busy       of them, times it was not free at once
//                wait_ns    from the first try until it was ours, of those
//                held_ns    from then until it was let go, time in condition variables left out
//                held_p50_ns, held_p99_ns   of one holding, to a power of two
//                held_max_ns
//
// What it costs, some 20 ns a reading of the clock, is in the times. Mutexes taken in one thread
// and let go in another, and more than kHeldMax at once, are counted but not timed.
#include <dlfcn.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "benchmark/tick_clock.h"

extern "C" {
// As the C library has them beside the names that are replaced here.
int __pthread_mutex_lock(pthread_mutex_t* mutex);
int __pthread_mutex_trylock(pthread_mutex_t* mutex);
int __pthread_mutex_unlock(pthread_mutex_t* mutex);
}

namespace tsdb::benchmark {
namespace {

constexpr size_t kPlaces = 4096;  // a power of two
constexpr size_t kHeldMax = 16;   // by one thread at once
constexpr size_t kBits = 64;

struct Place {
  std::atomic<uintptr_t> address{0};  // 0: free
  std::atomic<uint64_t> locks{0}, busy{0}, wait_ticks{0}, held_ticks{0}, held_max{0};
  std::array<std::atomic<uint64_t>, kBits> held_by_bits{};
};

struct Held {
  pthread_mutex_t* mutex;
  Place* place;
  uint64_t since;
};

struct ThreadState {
  std::array<Held, kHeldMax> held;
  size_t held_count = 0;
  pthread_mutex_t* tried = nullptr;  // and found busy
  uint64_t tried_since = 0;
};

std::array<Place, kPlaces> places;
// Of the initial-exec kind: the first use allocates nothing, which could take a mutex.
__attribute__((tls_model("initial-exec"))) thread_local ThreadState thread_state;

Place* PlaceOf(const void* caller) {
  const auto address = reinterpret_cast<uintptr_t>(caller);
  for (size_t i = 0; i < kPlaces; ++i) {
    Place& place = places[((address * 0x9E3779B97F4A7C15u >> 40) + i) & (kPlaces - 1)];
    uintptr_t found = place.address.load(std::memory_order_relaxed);
    if (found == 0 && place.address.compare_exchange_strong(found, address)) return &place;
    if (found == address) return &place;
  }
  std::fputs("lock_times: more places than it has room for\n", stderr);
  std::abort();
}

void Add(std::atomic<uint64_t>& to, uint64_t what) {
  to.fetch_add(what, std::memory_order_relaxed);
}

void NoteBusy(pthread_mutex_t* mutex) {
  ThreadState& state = thread_state;
  if (state.tried == mutex) return;  // one of many tries
  state.tried = mutex;
  state.tried_since = Ticks();
}

void NoteTaken(pthread_mutex_t* mutex, const void* caller) {
  ThreadState& state = thread_state;
  Place* const place = PlaceOf(caller);
  const uint64_t now = Ticks();
  Add(place->locks, 1);
  if (state.tried == mutex) {
    Add(place->busy, 1);
    Add(place->wait_ticks, now - state.tried_since);
  }
  state.tried = nullptr;
  if (state.held_count < kHeldMax) state.held[state.held_count++] = {mutex, place, now};
}

// Takes the mutex out of what is held; a place that is null if it was not found.
Held Release(pthread_mutex_t* mutex) {
  ThreadState& state = thread_state;
  for (size_t i = state.held_count; i-- > 0;) {
    if (state.held[i].mutex != mutex) continue;
    const Held held = state.held[i];
    std::copy(&state.held[i] + 1, state.held.data() + state.held_count, &state.held[i]);
    --state.held_count;
    return held;
  }
  return {mutex, nullptr, 0};
}

void NoteReleased(const Held& held) {
  if (held.place == nullptr) return;
  const uint64_t ticks = Ticks() - held.since;
  Add(held.place->held_ticks, ticks);
  Add(held.place->held_by_bits[std::bit_width(ticks) % kBits], 1);
  uint64_t most = held.place->held_max.load(std::memory_order_relaxed);
  while (most < ticks && !held.place->held_max.compare_exchange_weak(most, ticks)) {
  }
}

// The ticks below which this part of all holdings were.
uint64_t Percentile(const Place& place, double part) {
  uint64_t all = 0;
  for (const auto& count : place.held_by_bits) all += count.load();
  uint64_t seen = 0;
  for (size_t bits = 0; bits < kBits; ++bits) {
    seen += place.held_by_bits[bits].load();
    if (static_cast<double>(seen) >= part * static_cast<double>(all)) return uint64_t{1} << bits;
  }
  return 0;
}

void Write(std::FILE* file) {
  const double ns = MeasureTicks().ns_per_tick;
  const auto in_ns = [ns](uint64_t ticks) { return static_cast<double>(ticks) * ns; };
  for (const Place& place : places) {
    const uintptr_t address = place.address.load();
    if (address == 0) continue;
    Dl_info info = {};
    dladdr(reinterpret_cast<void*>(address), &info);
    const auto base = reinterpret_cast<uintptr_t>(info.dli_fbase);
    std::fprintf(file,
                 "{\"object\": \"%s\", \"address\": %" PRIuPTR ", \"locks\": %" PRIu64
                 ", \"busy\": %" PRIu64
                 ", \"wait_ns\": %.0f, \"held_ns\": %.0f, "
                 "\"held_p50_ns\": %.0f, \"held_p99_ns\": %.0f, \"held_max_ns\": %.0f}\n",
                 info.dli_fname != nullptr ? info.dli_fname : "", address - base,
                 place.locks.load(), place.busy.load(), in_ns(place.wait_ticks.load()),
                 in_ns(place.held_ticks.load()), in_ns(Percentile(place, 0.5)),
                 in_ns(Percentile(place, 0.99)), in_ns(place.held_max.load()));
  }
}

__attribute__((destructor)) void WriteAtTheEnd() {
  const char* name = std::getenv("LOCK_TIMES");
  if (name == nullptr) return;
  std::FILE* file = std::fopen(name, "w");
  if (file == nullptr) {
    std::perror(name);
    return;
  }
  Write(file);
  if (std::fclose(file) != 0) std::perror(name);
}

template <typename Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// Runs a wait, which lets go of the mutex and takes it again.
template <typename Wait>
int Waiting(pthread_mutex_t* mutex, const void* caller, const Wait& wait) {
  NoteReleased(Release(mutex));
  const int result = wait();
  NoteTaken(mutex, caller);
  return result;
}

}  // namespace
}  // namespace tsdb::benchmark

using namespace tsdb::benchmark;  // NOLINT: the C library's names follow

extern "C" {

int pthread_mutex_lock(pthread_mutex_t* mutex) {
  if (__pthread_mutex_trylock(mutex) != 0) {
    NoteBusy(mutex);
    if (const int error = __pthread_mutex_lock(mutex); error != 0) return error;
  }
  NoteTaken(mutex, __builtin_return_address(0));
  return 0;
}

int pthread_mutex_trylock(pthread_mutex_t* mutex) {
  const int result = __pthread_mutex_trylock(mutex);
  if (result == 0) NoteTaken(mutex, __builtin_return_address(0));
  if (result == EBUSY) NoteBusy(mutex);
  return result;
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) {
  const Held held = Release(mutex);
  const int result = __pthread_mutex_unlock(mutex);
  NoteReleased(held);
  return result;
}

int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  static auto* const real = Real<decltype(pthread_cond_wait)>("pthread_cond_wait");
  return Waiting(mutex, __builtin_return_address(0), [&] { return real(condition, mutex); });
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                           const timespec* until) {
  static auto* const real = Real<decltype(pthread_cond_timedwait)>("pthread_cond_timedwait");
  return Waiting(mutex, __builtin_return_address(0), [&] { return real(condition, mutex, until); });
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* until) {
  static auto* const real = Real<decltype(pthread_cond_clockwait)>("pthread_cond_clockwait");
  return Waiting(mutex, __builtin_return_address(0),
                 [&] { return real(condition, mutex, clock, until); });
}
}

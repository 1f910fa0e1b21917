#include "benchmark/workload_kernels.h"

#include <bit>
#include <cstring>
#include <utility>

#include "benchmark/vector_clones.h"
#include "benchmark/workload.h"

namespace tsdb::benchmark {
namespace {

constexpr uint32_t kGolden = 0x9E3779B9u;

// As Mix, inlined for every instruction set.
[[gnu::always_inline]] inline uint32_t Mixed(uint32_t x) {
  x ^= x >> 16;
  x *= 0x85EBCA6Bu;
  x ^= x >> 13;
  x *= 0xC2B2AE35u;
  x ^= x >> 16;
  return x;
}

[[gnu::always_inline]] inline uint32_t SampleHash(uint32_t key, uint32_t sample) {
  return Mixed(key + sample * kGolden);
}

// cents / 100.0, bit for bit, at a third of the cost of a division: the first product is exact
// (0.01 to 22 bits), and what the second one's rounding leaves out is too little to matter, since
// the quotient lies at least a fiftieth of a unit away from the middle between two doubles. The
// loops here should not be what the stores wait for.
[[gnu::always_inline]] inline double Hundredths(int32_t cents) {
  constexpr double kMost = 0x1.47ae18p-7, kRest = -0x1.c28f5c28f6p-30;
  return cents * kMost + cents * kRest;
}

// -100..+100 from the upper half of the hash; the jitter comes from the lowest three bits.
[[gnu::always_inline]] inline int32_t Step(uint32_t hash) {
  return static_cast<int32_t>(((hash >> 16) * 201u) >> 16) - 100;
}

// Steps of a walk that are added up together.
template <size_t kLanes>
struct StepRow {
  typedef int32_t Vector __attribute__((vector_size(kLanes * sizeof(int32_t))));

  // To each step the sum of the kBy before it, if each is the sum of so many by now.
  template <size_t kBy, size_t... kIndex>
  [[gnu::always_inline]] static void AddBefore(Vector& row, std::index_sequence<kIndex...>) {
    if constexpr (kBy < kLanes) {
      row += __builtin_shufflevector(Vector{}, row,
                                     (kIndex < kBy ? kIndex : kLanes + kIndex - kBy)...);
    }
  }
  template <size_t... kIndex>
  [[gnu::always_inline]] static void SpreadLast(Vector& row, std::index_sequence<kIndex...>) {
    row = __builtin_shufflevector(row, row, ((void)kIndex, kLanes - 1)...);
  }
};

// Replaces steps by the walk after each; returns the walk after the last. One running total is a
// chain of dependent additions through memory; within a row they are added up in log2(kLanes) steps
// (Hillis and Steele, "Data parallel algorithms", CACM 1986).
template <size_t kLanes>
[[gnu::always_inline]] inline int32_t RunningTotals(int32_t walk, int32_t* steps, size_t count) {
  using Row = StepRow<kLanes>;
  constexpr std::make_index_sequence<kLanes> kAll;
  typename Row::Vector total = typename Row::Vector{} + walk;
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    typename Row::Vector row;
    std::memcpy(&row, steps + i, sizeof(row));
    Row::template AddBefore<1>(row, kAll);
    Row::template AddBefore<2>(row, kAll);
    Row::template AddBefore<4>(row, kAll);
    Row::template AddBefore<8>(row, kAll);
    total += row;
    std::memcpy(steps + i, &total, sizeof(total));
    Row::SpreadLast(total, kAll);
  }
  walk = total[0];
  for (; i < count; ++i) steps[i] = walk += steps[i];
  return walk;
}

template <size_t kLanes>
[[gnu::always_inline]] inline void MakeColumnBy(uint32_t key, int32_t& walk, uint64_t sample,
                                                size_t count, Timestamp* __restrict timestamps,
                                                double* __restrict values,
                                                int32_t* __restrict cents) {
  const Timestamp first_time = kTimeOrigin + static_cast<Timestamp>(sample) * kSampleIntervalMs;
  const uint32_t sample_low = static_cast<uint32_t>(sample);
  const int32_t interval = static_cast<int32_t>(kSampleIntervalMs);
  // As wide as the hash: with a 64-bit bound the compiler must allow for wrap-around and gives up.
  const int32_t count_low = static_cast<int32_t>(count);
  // Added up, as compilers multiply otherwise: 0.73 ns a sample instead of 0.83.
  uint32_t state = key + sample_low * kGolden;
  int32_t since_first = 0;
  for (int32_t i = 0; i < count_low; ++i) {
    const uint32_t hash = Mixed(state);
    cents[i] = Step(hash);
    timestamps[i] = first_time + (since_first + static_cast<int32_t>(hash & 7));
    state += kGolden;
    since_first += interval;
  }
  walk = RunningTotals<kLanes>(walk, cents, count);
  for (size_t i = 0; i < count; ++i) values[i] = Hundredths(cents[i]);
}

// Sixteen lanes cost less than four where one register holds them (0.54 ns a sample instead of
// 0.62), and many times as much where four must.
TSDB_VECTOR_CLONES
void MakeColumnBy4(uint32_t key, int32_t& walk, uint64_t sample, size_t count,
                   Timestamp* timestamps, double* values, int32_t* cents) {
  MakeColumnBy<4>(key, walk, sample, count, timestamps, values, cents);
}

using MakeColumnFunction = decltype(&MakeColumnBy4);

#if defined(__x86_64__)
__attribute__((target("avx512f"))) void MakeColumnBy16(uint32_t key, int32_t& walk, uint64_t sample,
                                                       size_t count, Timestamp* timestamps,
                                                       double* values, int32_t* cents) {
  MakeColumnBy<16>(key, walk, sample, count, timestamps, values, cents);
}
#endif

MakeColumnFunction ChooseMakeColumn() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return MakeColumnBy16;
#endif
  return MakeColumnBy4;
}

}  // namespace

TSDB_VECTOR_CLONES
void MakeRow(const uint32_t* __restrict keys, int32_t* __restrict walks, size_t count,
             uint64_t sample, Timestamp* __restrict timestamps, double* __restrict values) {
  const Timestamp row_time = kTimeOrigin + static_cast<Timestamp>(sample) * kSampleIntervalMs;
  const uint32_t sample_low = static_cast<uint32_t>(sample);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t hash = SampleHash(keys[i], sample_low);
    const int32_t cents = walks[i] + Step(hash);
    walks[i] = cents;
    timestamps[i] = row_time + static_cast<int32_t>(hash & 7);
    values[i] = Hundredths(cents);
  }
}

void MakeColumn(uint32_t key, int32_t& walk, uint64_t sample, size_t count, Timestamp* timestamps,
                double* values, int32_t* cents) {
  static const MakeColumnFunction make = ChooseMakeColumn();
  make(key, walk, sample, count, timestamps, values, cents);
}

TSDB_VECTOR_CLONES
int32_t SumSteps(uint32_t key, uint64_t begin, uint64_t end) {
  int32_t sum = 0;
  const uint32_t first = static_cast<uint32_t>(begin);
  const uint32_t count = static_cast<uint32_t>(end - begin);
  for (uint32_t i = 0; i < count; ++i) sum += Step(SampleHash(key, first + i));
  return sum;
}

TSDB_VECTOR_CLONES
void ExpandRecords(const uint32_t* __restrict offsets_ms, const int32_t* __restrict cents,
                   size_t count, Timestamp* __restrict timestamps, double* __restrict values) {
  for (size_t i = 0; i < count; ++i) {
    timestamps[i] = kTimeOrigin + offsets_ms[i];
    values[i] = Hundredths(cents[i]);
  }
}

TSDB_VECTOR_CLONES
double SumValues(const double* values, size_t count) {
  constexpr size_t kLanes = 32;  // four additions on the way at once, in the widest registers
  double lanes[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += values[i + lane];
  }
  double sum = 0;
  for (; i < count; ++i) sum += values[i];
  for (double lane : lanes) sum += lane;
  return sum;
}

uint64_t DigestRecords(uint64_t key, const Timestamp* timestamps, const double* values,
                       size_t count) {
  uint64_t digest = 0;
  for (size_t i = 0; i < count; ++i) {
    digest += Mix64(key ^ Mix64(static_cast<uint64_t>(timestamps[i]) ^
                                std::bit_cast<uint64_t>(values[i]) * 0x9E3779B97F4A7C15u));
  }
  return digest;
}

}  // namespace tsdb::benchmark

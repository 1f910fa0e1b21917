// The loops that make samples, written so that compilers turn them into vector code: the input must
// cost well under a nanosecond a record, or it hides the engine that it feeds.
//
// Thread safety: pure functions of their arguments.
#pragma once

#include <cstddef>
#include <cstdint>

#include "storage/base/types.h"

namespace tsdb::benchmark {

// A bijection of 32 bits (the finaliser of MurmurHash3): every input bit changes every output bit.
constexpr uint32_t Mix(uint32_t x) {
  x ^= x >> 16;
  x *= 0x85EBCA6Bu;
  x ^= x >> 13;
  x *= 0xC2B2AE35u;
  x ^= x >> 16;
  return x;
}

// A bijection of 64 bits (the output step of SplitMix64).
constexpr uint64_t Mix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// Sample `sample` of `count` neighbouring series: moves each walk on and writes the row's columns.
void MakeRow(const uint32_t* keys, int32_t* walks, size_t count, uint64_t sample,
             Timestamp* timestamps, double* values);

// `count` samples of one series from `sample` on; `walk` is the walk before them and is moved on.
void MakeColumn(uint32_t key, int32_t& walk, uint64_t sample, size_t count, Timestamp* timestamps,
                double* values, int32_t* cents);

// Sum of the steps of the samples [begin, end).
int32_t SumSteps(uint32_t key, uint64_t begin, uint64_t end);

// Columns of records from their compact form: milliseconds since kTimeOrigin, and cents.
void ExpandRecords(const uint32_t* offsets_ms, const int32_t* cents, size_t count,
                   Timestamp* timestamps, double* values);

// Sum with eight running totals, as a scan that uses the vector units would.
double SumValues(const double* values, size_t count);

// Sum of a hash of each (key, timestamp, value bits).
uint64_t DigestRecords(uint64_t key, const Timestamp* timestamps, const double* values,
                       size_t count);

}  // namespace tsdb::benchmark

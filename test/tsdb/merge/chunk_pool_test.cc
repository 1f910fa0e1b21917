// The pool of chunks: bounded, of sizes that fit, and what it does when all are out.

#include "tsdb/ingest/chunk_pool.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <vector>

namespace tsdb::ingest {
namespace {

std::unique_ptr<ChunkPool> MakePool(size_t bytes_max) {
  auto pool = ChunkPool::Create(bytes_max);
  REQUIRE(pool.ok());
  return *std::move(pool);
}

// Writes and reads a chunk's columns whole.
void UseWhole(Chunk& chunk) {
  for (uint32_t i = 0; i < chunk.capacity; ++i) {
    chunk.times[i] = i;
    chunk.values[i] = i;
    chunk.series[i] = i;
  }
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < chunk.capacity; ++i) {
    wrong += chunk.times[i] != i || chunk.values[i] != i || chunk.series[i] != i;
  }
  REQUIRE(wrong == 0);
}

TEST_CASE("chunk pool: hands out a power of two near what was asked for, empty, with one owner") {
  const auto pool = MakePool(64 << 20);
  for (const uint32_t records : {0u, 1u, 255u, 256u, 257u, 512u, 16'384u, 32'768u, 1'000'000u}) {
    Chunk* chunk = pool->TryAcquire(records);
    REQUIRE(chunk != nullptr);
    REQUIRE(chunk->capacity >= kChunkRecordsMin);
    REQUIRE(chunk->capacity <= kChunkRecordsMax);
    REQUIRE((chunk->capacity & (chunk->capacity - 1)) == 0);
    if (records >= kChunkRecordsMin && records <= kChunkRecordsMax) {
      REQUIRE(chunk->capacity <= records);
      REQUIRE(chunk->capacity * 2 > records);
    }
    REQUIRE(chunk->published.load() == 0);
    REQUIRE(chunk->references.load() == 1);
    UseWhole(*chunk);
    pool->Release(chunk);
  }
}

TEST_CASE("chunk pool: all together stay within the bound, apart from each other") {
  for (const size_t bytes_max : {size_t{64} << 10, size_t{1} << 20, size_t{5} << 20}) {
    for (const uint32_t records : {256u, 4'096u, 32'768u}) {
      const auto pool = MakePool(bytes_max);
      std::vector<Chunk*> chunks;
      while (Chunk* chunk = pool->TryAcquire(records)) {
        for (uint32_t i = 0; i < chunk->capacity; ++i) {
          chunk->times[i] = static_cast<Timestamp>(chunks.size());
        }
        chunks.push_back(chunk);
      }
      CAPTURE(bytes_max, records);
      REQUIRE(pool->bytes() <= bytes_max);
      REQUIRE(pool->chunks() == chunks.size());
      const uint32_t largest = std::min(records, pool->records_max());
      for (const Chunk* chunk : chunks) REQUIRE(chunk->capacity == largest);
      REQUIRE(chunks.size() * largest * kRecordBytes <= bytes_max);
      for (size_t at = 0; at < chunks.size(); ++at) {
        REQUIRE(chunks[at]->times[0] == static_cast<Timestamp>(at));
        REQUIRE(chunks[at]->times[chunks[at]->capacity - 1] == static_cast<Timestamp>(at));
      }
      const size_t bytes = pool->bytes();
      for (Chunk* chunk : chunks) pool->Release(chunk);
      for (size_t at = 0; at < chunks.size(); ++at) REQUIRE(pool->TryAcquire(records) != nullptr);
      REQUIRE(pool->TryAcquire(records) == nullptr);
      REQUIRE(pool->bytes() == bytes);
    }
  }
}

TEST_CASE(
    "chunk pool: at the bound a larger chunk serves in part, and a smaller one fills sooner") {
  const auto pool = MakePool(1 << 20);
  std::vector<Chunk*> chunks;
  while (Chunk* chunk = pool->TryAcquire(8'192)) chunks.push_back(chunk);
  REQUIRE(!chunks.empty());
  const size_t bytes = pool->bytes();
  // What is left of the bound goes first.
  while (Chunk* chunk = pool->TryAcquire(256)) REQUIRE(chunk->capacity == 256);
  pool->Release(chunks.back());
  Chunk* part = pool->TryAcquire(512);
  REQUIRE(part == chunks.back());
  REQUIRE(part->capacity == 512);
  UseWhole(*part);
  pool->Release(part);
  Chunk* whole = pool->TryAcquire(8'192);
  REQUIRE(whole == part);
  REQUIRE(whole->capacity == 8'192);
  UseWhole(*whole);
  pool->Release(whole);
  Chunk* smaller = pool->TryAcquire(32'768);
  REQUIRE(smaller == whole);
  REQUIRE(smaller->capacity == 8'192);
  REQUIRE(pool->bytes() <= (1 << 20));
  REQUIRE(pool->bytes() >= bytes);
}

TEST_CASE("chunk pool: past the bound there is a smallest chunk for who asks for it") {
  const auto pool = MakePool(64 << 10);
  std::set<Chunk*> chunks;
  while (Chunk* chunk = pool->TryAcquire(256)) chunks.insert(chunk);
  const size_t bytes = pool->bytes();
  Chunk* past = pool->AcquirePastBound();
  REQUIRE(past != nullptr);
  REQUIRE(chunks.count(past) == 0);
  REQUIRE(past->capacity == kChunkRecordsMin);
  REQUIRE(pool->bytes() - bytes <= kChunkRecordsMin * kRecordBytes + 256);
  UseWhole(*past);
  // It is recycled like the others.
  pool->Release(past);
  REQUIRE(pool->TryAcquire(256) == past);
}

}  // namespace
}  // namespace tsdb::ingest

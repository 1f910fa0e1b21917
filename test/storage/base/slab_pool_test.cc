// The slab pool: classes, alignment, recycling, accounting; from one thread and from many.

#include "storage/base/slab_pool.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/config.h"
#include "storage/base/memory.h"
#include "test/tsdb/threads.h"

namespace tsdb {
namespace {

// Sizes at the borders of classes and of kinds of classes.
std::vector<size_t> Sizes() {
  std::vector<size_t> sizes;
  for (const size_t border :
       {1, 16, 32, 64, 1'008, 1'024, 1'088, 4'096, 16'384, 20'480, 65'536, 262'144, 300'000}) {
    for (const size_t size : {border - 1, border, border + 1}) {
      if (size > 0) sizes.push_back(size);
    }
  }
  return sizes;
}

TEST_CASE("slab pool: blocks of every size are aligned, apart and as large as asked for") {
  SlabPool pool;
  struct Block {
    unsigned char* bytes;
    size_t size;
  };
  std::vector<Block> blocks;
  size_t total = 0;
  for (int copy = 0; copy < 3; ++copy) {
    for (const size_t size : Sizes()) {
      auto* bytes = static_cast<unsigned char*>(pool.Allocate(size));
      REQUIRE(reinterpret_cast<uintptr_t>(bytes) % (size >= 1'024 ? 64 : 16) == 0);
      REQUIRE(SlabPool::RoundUp(size) >= size);
      REQUIRE(SlabPool::RoundUp(size) - size < (size <= 16'384 ? 64 : 4'096));
      total += SlabPool::RoundUp(size);
      std::memset(bytes, static_cast<int>(blocks.size() % 251), SlabPool::RoundUp(size));
      blocks.push_back({bytes, size});
    }
  }
  REQUIRE(pool.allocated_bytes() == total);
  REQUIRE(pool.reserved_bytes() >= total);
  for (size_t i = 0; i < blocks.size(); ++i) {
    const size_t size = SlabPool::RoundUp(blocks[i].size);
    size_t whole = 0;
    while (whole < size && blocks[i].bytes[whole] == i % 251) ++whole;
    REQUIRE(whole == size);
  }
  for (const Block& block : blocks) pool.Free(block.bytes, block.size);
  REQUIRE(pool.allocated_bytes() == 0);
}

TEST_CASE("slab pool: a freed block is the next of its class, and takes nothing from the system") {
  SlabPool pool;
  for (const size_t size : {16, 100, 1'024, 5'000, 65'536}) {
    void* first = pool.Allocate(size);
    const size_t reserved = pool.reserved_bytes();
    pool.Free(first, size);
    REQUIRE(pool.Allocate(size) == first);
    REQUIRE(pool.reserved_bytes() == reserved);
    pool.Free(first, size);
  }
  REQUIRE(pool.allocated_bytes() == 0);
}

TEST_CASE("slab pool: threads that allocate, free and trim never share a block", "[concurrency]") {
#if defined(ABSL_HAVE_THREAD_SANITIZER) || defined(ABSL_HAVE_ADDRESS_SANITIZER)
  constexpr int kRounds = 5'000;
#else
  constexpr int kRounds = 100'000;
#endif
  const size_t thread_count = ThreadCount(8);
  SlabPool pool;
  std::vector<int> damaged(thread_count);
  std::vector<std::thread> threads;
  for (size_t number = 0; number < thread_count; ++number) {
    threads.emplace_back([&, number] {
      std::mt19937_64 random(number);
      struct Block {
        uint64_t* words;
        size_t size;
        uint64_t stamp;
      };
      std::vector<Block> held;
      auto free_one = [&](size_t at) {
        const Block block = held[at];
        damaged[number] += block.words[0] != block.stamp;
        damaged[number] += block.words[block.size / 8 - 1] != block.stamp;
        pool.Free(block.words, block.size);
        held[at] = held.back();
        held.pop_back();
      };
      for (int round = 0; round < kRounds; ++round) {
        const size_t size = 16 + random() % 8 * 200;
        auto* words = static_cast<uint64_t*>(pool.Allocate(size));
        const uint64_t stamp = random();
        words[0] = words[size / 8 - 1] = stamp;
        held.push_back({words, size, stamp});
        if (held.size() > 50) free_one(random() % held.size());
        if (round % 1'000 == 999) {
          while (held.size() > 5) free_one(0);
          pool.Trim();
        }
      }
      while (!held.empty()) free_one(0);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : damaged) REQUIRE(count == 0);
  REQUIRE(pool.allocated_bytes() == 0);
}

// Runs `body` on one processor; false if the system does not allow that.
template <typename Body>
bool OnProcessor(int processor, const Body& body) {
  bool pinned = false;
  std::thread([&] {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    pinned = pthread_setaffinity_np(pthread_self(), sizeof(set), &set) == 0;
    if (pinned) body();
  }).join();
  return pinned;
}

TEST_CASE("slab pool: what one processor frees another takes before it cuts a span") {
  SlabPool pool;
  constexpr size_t kSize = 1'000;
  // Few of the blocks, so that nobody looks for whole spans.
  std::vector<void*> blocks(8'000), freed(200), again(freed.size());
  const bool pinned = OnProcessor(0,
                                  [&] {
                                    for (void*& block : blocks) block = pool.Allocate(kSize);
                                  }) &&
                      OnProcessor(1,
                                  [&] {
                                    for (size_t i = 0; i < freed.size(); ++i) {
                                      freed[i] = blocks[i * 40];
                                      pool.Free(freed[i], kSize);
                                    }
                                  }) &&
                      OnProcessor(0, [&] {
                        for (void*& block : again) block = pool.Allocate(kSize);
                      });
  if (!pinned) return;  // a machine, or a container, with one processor
  const size_t same =
      static_cast<size_t>(std::count_if(again.begin(), again.end(), [&](void* block) {
        return std::find(freed.begin(), freed.end(), block) != freed.end();
      }));
  CHECK(same >= freed.size() - 16);  // and what was left to cut
}

TEST_CASE("slab pool: what blocks of one size leave serves other sizes") {
  SlabPool pool;
  constexpr size_t kTotal = size_t{16} << 20;
  size_t reserved_max = 0;
  // Each size by itself takes all; without taking over spans it would be nine times that.
  for (const size_t size : {1'024, 48, 5'056, 200, 16'384, 20'480, 2'112, 131'072, 1'008}) {
    std::vector<void*> blocks;
    for (size_t bytes = 0; bytes < kTotal; bytes += size) blocks.push_back(pool.Allocate(size));
    reserved_max = std::max(reserved_max, pool.reserved_bytes());
    for (void* block : blocks) pool.Free(block, size);
  }
  REQUIRE(reserved_max < kTotal * 5 / 4);
}

TEST_CASE("slab pool: the system has back what was not used between two trims, and only that") {
  SlabPool pool;
  constexpr size_t kSize = 1'024;
  constexpr size_t kRegion = size_t{2} << 20;
  std::vector<unsigned char*> blocks;
  auto allocate = [&](size_t count) {
    for (size_t i = 0; i < count; ++i) {
      blocks.push_back(static_cast<unsigned char*>(pool.Allocate(kSize)));
      std::memset(blocks.back(), static_cast<int>(blocks.size() % 251), kSize);
    }
  };
  auto free = [&](size_t count) {
    for (size_t i = 0; i < count; ++i) {
      pool.Free(blocks.back(), kSize);
      blocks.pop_back();
    }
  };
  // On one processor, as each cuts from a span of its own.
  const bool pinned = OnProcessor(0, [&] { allocate(16 * kRegion / kSize); });
  if (!pinned) return;  // processor 0 is not ours
  REQUIRE(pool.reserved_bytes() == 16 * kRegion);
  free(14 * kRegion / kSize);
  pool.Trim();
  REQUIRE(pool.reserved_bytes() == 16 * kRegion);  // used since the last trim
  REQUIRE(pool.free_page_bytes() == 14 * kRegion);
  OnProcessor(0, [&] { allocate(4 * kRegion / kSize); });
  free(4 * kRegion / kSize);
  pool.Trim();
  REQUIRE(pool.reserved_bytes() == 6 * kRegion);
  pool.Trim();
  REQUIRE(pool.reserved_bytes() == 2 * kRegion);
  REQUIRE(pool.free_page_bytes() == 0);
  for (size_t i = 0; i < blocks.size(); ++i) {
    REQUIRE(blocks[i][0] == (i + 1) % 251);
    REQUIRE(blocks[i][kSize - 1] == (i + 1) % 251);
  }
  free(blocks.size());
  pool.Trim();
  pool.Trim();
  REQUIRE(pool.reserved_bytes() == 0);
}

TEST_CASE("slab pool: regions of which little is out drain, and serve when blocks run out") {
  SlabPool pool;
  constexpr size_t kSize = 1'024;
  constexpr size_t kRegion = size_t{2} << 20;
  constexpr size_t kRegions = 64;
  std::vector<uint64_t*> blocks;
  auto allocate = [&] {
    auto* words = static_cast<uint64_t*>(pool.Allocate(kSize));
    words[0] = words[kSize / 8 - 1] = blocks.size();
    return words;
  };
  auto intact = [&](size_t i) { return blocks[i][0] == blocks[i][kSize / 8 - 1]; };
  const bool pinned = OnProcessor(0, [&] {
    for (size_t i = 0; i < kRegions * kRegion / kSize; ++i) blocks.push_back(allocate());
  });
  if (!pinned) return;  // processor 0 is not ours
  REQUIRE(pool.reserved_bytes() == kRegions * kRegion);
  // One of 64 stays, in every fourth span.
  size_t damaged = 0, kept = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    damaged += !intact(i);
    if (i % 64 == 0) {
      blocks[kept++] = blocks[i];
    } else {
      pool.Free(blocks[i], kSize);
    }
  }
  blocks.resize(kept);
  // Each is replaced in turn, and what it leaves would be the next one's.
  for (int trims = 0; trims < 3; ++trims) {
    pool.Trim();
    for (uint64_t*& block : blocks) {
      uint64_t* replaced = std::exchange(block, allocate());
      damaged += replaced[0] != replaced[kSize / 8 - 1];
      pool.Free(replaced, kSize);
    }
  }
  pool.Trim();
  CHECK(pool.reserved_bytes() <= 16 * kRegion);  // 2 MiB are out, 8 and a quarter more are kept
  // All is used before there is more.
  const size_t before = pool.reserved_bytes();
  OnProcessor(0, [&] {
    while (pool.allocated_bytes() < before - kRegion) blocks.push_back(allocate());
  });
  CHECK(pool.reserved_bytes() <= before);
  for (size_t i = 0; i < blocks.size(); ++i) damaged += !intact(i);
  REQUIRE(damaged == 0);
  std::ranges::sort(blocks);
  REQUIRE(std::ranges::adjacent_find(blocks) == blocks.end());
  for (uint64_t* block : blocks) pool.Free(block, kSize);
  REQUIRE(pool.allocated_bytes() == 0);
}

TEST_CASE("slab pool: while sizes change, memory stays near the most that was out at once") {
  SlabPool pool;
  struct Block {
    uint64_t* words;
    size_t size;
    uint64_t stamp;
  };
  std::mt19937_64 random(1);
  std::vector<Block> blocks;
  size_t allocated_max = 0;
  size_t damaged = 0;
  for (size_t round = 0; round < 60; ++round) {
    // As leaves are: of one size or nearly, until something changes; nine of ten go.
    const size_t typical = 256 + random() % 4'000;
    for (int i = 0; i < 5'000; ++i) {
      const size_t size = (typical + random() % 300) & ~size_t{7};
      auto* words = static_cast<uint64_t*>(pool.Allocate(size));
      const uint64_t stamp = random();
      words[0] = words[size / 8 - 1] = stamp;
      blocks.push_back({words, size, stamp});
    }
    allocated_max = std::max(allocated_max, pool.allocated_bytes());
    size_t kept = 0;
    for (const Block& block : blocks) {
      damaged += block.words[0] != block.stamp || block.words[block.size / 8 - 1] != block.stamp;
      if (random() % 1'000 == 0) {
        blocks[kept++] = block;
      } else {
        pool.Free(block.words, block.size);
      }
    }
    blocks.resize(kept);
    if (round % 7 == 0) pool.Trim();
  }
  REQUIRE(damaged == 0);
  REQUIRE(pool.reserved_bytes() < 2 * allocated_max);
  for (const Block& block : blocks) pool.Free(block.words, block.size);
  REQUIRE(pool.allocated_bytes() == 0);
}

TEST_CASE("slab pool: memory touched in advance is used before more is mapped", "[memory]") {
  SlabPool pool;
  constexpr size_t kRegion = size_t{2} << 20;
  REQUIRE(pool.Prefault(kRegion + 1).ok());
  REQUIRE(pool.spare_bytes() == 2 * kRegion);
  REQUIRE(pool.reserved_bytes() == 0);
  const size_t resident = ResidentBytes();
  std::vector<void*> blocks;
  for (size_t bytes = 0; bytes < kRegion; bytes += 4096) {
    blocks.push_back(pool.Allocate(4096));
    std::memset(blocks.back(), 1, 4096);
  }
  REQUIRE(pool.spare_bytes() == kRegion);
  REQUIRE(pool.reserved_bytes() == kRegion);
#ifndef ABSL_HAVE_THREAD_SANITIZER  // which keeps several bytes for each that is written
  REQUIRE(ResidentBytes() < resident + kRegion / 2);
#else
  (void)resident;
#endif
  blocks.push_back(pool.Allocate(4096));
  REQUIRE(pool.spare_bytes() == 0);
  blocks.push_back(pool.Allocate(4096));
  REQUIRE(pool.reserved_bytes() == 2 * kRegion);
  for (void* block : blocks) pool.Free(block, 4096);
}

}  // namespace
}  // namespace tsdb

// Reclamation: what a pin holds on to, and that everything is freed in the end.

#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "index/tree/epoch.h"
#include "test/tsdb/test_database.h"
#include "test/tsdb/threads.h"

namespace tsdb::tree {
namespace {

constexpr size_t kBytes = 64;

struct EpochFixture {
  void RetireOne() {
    std::vector<Retired> blocks = {{pool.Allocate(kBytes), kBytes}};
    epochs.Retire(blocks);
    REQUIRE(blocks.empty());
    epochs.Reclaim();
  }
  SlabPool pool;
  EpochDomain epochs{&pool};
};

TEST_CASE_METHOD(EpochFixture, "epochs: without readers what is retired is freed at once") {
  RetireOne();
  REQUIRE(epochs.retired_bytes() == 0);
  REQUIRE(pool.allocated_bytes() == 0);
  REQUIRE(epochs.OldestReaderAge() == 0);
}

TEST_CASE_METHOD(EpochFixture, "epochs: what is retired while a reader is pinned waits for it") {
  {
    const auto guard = epochs.Pin();
    RetireOne();
    RetireOne();
    REQUIRE(epochs.retired_bytes() == 2 * kBytes);
    REQUIRE(pool.allocated_bytes() == 2 * kBytes);
    REQUIRE(epochs.OldestReaderAge() == 2);
  }
  REQUIRE(epochs.OldestReaderAge() == 0);
  epochs.Reclaim();
  REQUIRE(epochs.retired_bytes() == 0);
  REQUIRE(pool.allocated_bytes() == 0);
}

TEST_CASE_METHOD(EpochFixture, "epochs: the room of long lists is given back") {
  constexpr size_t kLong = 100'000;
  std::vector<Retired> blocks;
  for (int list = 0; list < 12; ++list) {
    // Long ones and short ones by turns, as checkpoints and merges come.
    const size_t count = list % 2 == 0 ? kLong : 10;
    while (blocks.size() < count) blocks.push_back({pool.Allocate(16), 16});
    epochs.Retire(blocks);
    REQUIRE(blocks.empty());
    REQUIRE(blocks.capacity() < kLong / 10);
  }
  epochs.Reclaim();
  REQUIRE(pool.allocated_bytes() == 0);
}

TEST_CASE_METHOD(EpochFixture, "epochs: few retired blocks wait for more, or for being asked for") {
  std::vector<Retired> blocks;
  size_t most = 0;
  for (size_t retired = 1; retired <= 10'000; ++retired) {
    blocks.push_back({pool.Allocate(kBytes), kBytes});
    epochs.Retire(blocks);
    most = std::max(most, epochs.retired_bytes());
  }
  REQUIRE(most > 50 * kBytes);
  REQUIRE(most < 500 * kBytes);
  epochs.Reclaim();
  REQUIRE(epochs.retired_bytes() == 0);
  // Large ones wait in small numbers only.
  constexpr size_t kLarge = size_t{64} << 10;
  for (size_t retired = 1; retired <= 1'000; ++retired) {
    blocks.push_back({pool.Allocate(kLarge), kLarge});
    epochs.Retire(blocks);
    REQUIRE(epochs.retired_bytes() < 32 * kLarge);
  }
}

TEST_CASE_METHOD(EpochFixture, "epochs: a reader that pinned afterwards holds nothing back") {
  std::optional<EpochDomain::Guard> none;
  {
    const auto before = epochs.Pin();
    RetireOne();
    REQUIRE(epochs.retired_bytes() == kBytes);
  }
  const auto after = epochs.Pin();
  epochs.Reclaim();
  REQUIRE(epochs.retired_bytes() == 0);
}

TEST_CASE_METHOD(EpochFixture, "epochs: of nested pins the outermost counts") {
  {
    const auto outer = epochs.Pin();
    {
      const auto inner = epochs.Pin();
      RetireOne();
    }
    epochs.Reclaim();
    REQUIRE(epochs.retired_bytes() == kBytes);
    const auto again = epochs.Pin();
    RetireOne();
    REQUIRE(epochs.retired_bytes() == 2 * kBytes);
  }
  epochs.Reclaim();
  REQUIRE(epochs.retired_bytes() == 0);
}

TEST_CASE_METHOD(EpochFixture, "epochs: a domain frees what is left when it goes") {
  EpochDomain other(&pool);
  {
    EpochDomain domain(&pool);
    {
      const auto guard = domain.Pin();
      std::vector<Retired> blocks = {{pool.Allocate(kBytes), kBytes}};
      domain.Retire(blocks);
      domain.Reclaim();
    }
    REQUIRE(pool.allocated_bytes() == kBytes);
  }
  REQUIRE(pool.allocated_bytes() == 0);
}

TEST_CASE("epochs: pins of one domain hold nothing in another", "[concurrency]") {
  EpochFixture one;
  EpochFixture two;
  const auto guard = one.epochs.Pin();
  two.RetireOne();
  REQUIRE(two.epochs.retired_bytes() == 0);
}

// A value reached through a pointer that is replaced all the time; blocks that are freed go back
// to the pool, and are written anew.
struct Published {
  uint64_t low;
  uint64_t filler[6];
  uint64_t high;  // the same as low in a whole block
};

TEST_CASE("epochs: readers on many threads see whole blocks while they are replaced",
          "[concurrency]") {
  const size_t writers = ThreadCount(16) / 4;
  const size_t readers = ThreadCount(16) - writers;
  SlabPool pool;
  Findings findings;
  std::vector<std::atomic<Published*>> published(writers);
  auto make = [&pool](uint64_t number) {
    auto* block = new (pool.Allocate(sizeof(Published))) Published;
    block->low = block->high = number;
    return block;
  };
  for (auto& pointer : published) pointer.store(make(0));
  {
    EpochDomain epochs(&pool);
    std::atomic<size_t> writing{writers};
    RunThreads(readers + writers, [&](size_t number) {
      if (number < writers) {
        std::vector<Retired> retired;
        for (uint64_t i = 1; i <= ScaledFor(100'000, 16); ++i) {
          Published* old = published[number].exchange(make(i), std::memory_order_acq_rel);
          retired.push_back({old, sizeof(Published)});
          if (i % 4 != 0) continue;
          epochs.Retire(retired);
          epochs.Reclaim();
        }
        epochs.Retire(retired);
        writing.fetch_sub(1, std::memory_order_relaxed);
        return;
      }
      while (writing.load(std::memory_order_relaxed) > 0) {
        const auto guard = epochs.Pin();
        const Published* block = published[number % writers].load(std::memory_order_acquire);
        const uint64_t low = block->low;
        {
          const auto nested = epochs.Pin();
          findings.Expect(block->high == low, "a block of ", low, " and ", block->high);
        }
        findings.Expect(block->low == low, "a block changed under its reader");
      }
    });
    epochs.Reclaim();
    findings.Expect(epochs.retired_bytes() == 0, "something is left");
  }
  REQUIRE_NO_FINDINGS(findings);
  for (auto& pointer : published) pool.Free(pointer.load(), sizeof(Published));
  REQUIRE(pool.allocated_bytes() == 0);
}

TEST_CASE("epochs: a thread's very first pin in a domain holds, beside other threads' first",
          "[concurrency]") {
  constexpr size_t kThreads = 8;
  // Threads meet once a round and pin for the first time in one domain after the other.
  constexpr size_t kDomains = 32;
  const size_t rounds = Scaled(16'000) / kDomains;
  Findings findings;
  std::vector<std::unique_ptr<EpochFixture>> fixtures(kDomains);
  std::atomic<size_t> ready{0};
  std::atomic<size_t> round_open{0};
  std::array<std::atomic<size_t>, kDomains> pinned{};
  std::atomic<size_t> released{0};
  auto await = [](std::atomic<size_t>& value, size_t at_least) {
    while (value.load(std::memory_order_acquire) < at_least) std::this_thread::yield();
  };
  const std::function<void(size_t, size_t)> pin_from = [&](size_t round, size_t domain) {
    const auto guard = fixtures[domain]->epochs.Pin();
    pinned[domain].fetch_add(1, std::memory_order_acq_rel);
    if (domain + 1 < kDomains) {
      pin_from(round, domain + 1);
    } else {
      await(released, round);
    }
  };
  RunThreads(kThreads + 1, [&](size_t number) {
    for (size_t round = 1; round <= rounds; ++round) {
      if (number < kThreads) {
        await(round_open, round);
        pin_from(round, 0);
        ready.fetch_add(1, std::memory_order_acq_rel);
        continue;
      }
      await(ready, (round - 1) * kThreads);
      for (auto& fixture : fixtures) fixture = std::make_unique<EpochFixture>();
      round_open.store(round, std::memory_order_release);
      for (size_t i = 0; i < kDomains; ++i) {
        // As soon as one pins, what is retired must wait for it.
        await(pinned[i], (round - 1) * kThreads + 1);
        EpochFixture& fixture = *fixtures[i];
        std::vector<Retired> blocks = {{fixture.pool.Allocate(kBytes), kBytes}};
        fixture.epochs.Retire(blocks);
        fixture.epochs.Reclaim();
        findings.Expect(fixture.epochs.retired_bytes() == kBytes, "round ", round, ", domain ", i,
                        ": freed under a pin");
      }
      for (auto& count : pinned) await(count, round * kThreads);
      released.store(round, std::memory_order_release);
    }
  });
  REQUIRE_NO_FINDINGS(findings);
}

TEST_CASE("epochs: more threads than one block of reader slots, coming and going",
          "[concurrency]") {
  EpochFixture fixture;
  Findings findings;
  for (int round = 0; round < 4; ++round) {
    RunThreads(150, [&](size_t) {
      for (int i = 0; i < 20; ++i) {
        const auto guard = fixture.epochs.Pin();
        std::vector<Retired> blocks = {{fixture.pool.Allocate(kBytes), kBytes}};
        fixture.epochs.Retire(blocks);
        fixture.epochs.Reclaim();
        findings.Expect(fixture.epochs.retired_bytes() >= kBytes, "freed under its own pin");
      }
    });
  }
  REQUIRE_NO_FINDINGS(findings);
  fixture.epochs.Reclaim();
  REQUIRE(fixture.epochs.retired_bytes() == 0);
  REQUIRE(fixture.pool.allocated_bytes() == 0);
}

}  // namespace
}  // namespace tsdb::tree

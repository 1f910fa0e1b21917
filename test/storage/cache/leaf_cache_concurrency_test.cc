// Many readers of a cache that has room for few, beside segments that go.
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <random>
#include <thread>
#include <vector>

#include "index/tree/epoch.h"
#include "storage/cache/leaf_cache.h"
#include "test/storage/cache/frames.h"
#include "test/tsdb/threads.h"

namespace tsdb::cache {
namespace {

constexpr uint32_t kImages = 4;
constexpr uint32_t kGroups = 90;

struct Shared {
  SlabPool pool;
  tree::EpochDomain epochs{&pool};
  // The smallest there is: a sixth of the groups.
  LeafCache cache{{[this] { return epochs.Advance(); },
                   [this](uint64_t epoch) { return epochs.AllReadersAfter(epoch); }},
                  [] { return uint64_t{0}; }};
  std::array<FrameFile, kImages> files;
  std::array<std::unique_ptr<PackedImage>, kImages> images;
  std::array<std::atomic<const uint8_t*>, kImages> bases{};  // null once it is on its way out
  Findings findings;
};

struct Held {
  uint32_t image, group;
  uint64_t word;
  const uint8_t* base;
};

// Up to eight leaves under one pin, each looked at when it is found and again before the pin ends.
void ReadSome(Shared& shared, std::mt19937_64& random) {
  const auto guard = shared.epochs.Pin();
  std::vector<Held> held;
  for (uint64_t left = 1 + random() % 8; left > 0; --left) {
    Held leaf{static_cast<uint32_t>(random() % kImages), static_cast<uint32_t>(random() % kGroups),
              random() % (kGroupBytes / 8 - 16), nullptr};
    leaf.base = shared.bases[leaf.image].load(std::memory_order_acquire);
    if (leaf.base == nullptr) continue;
    LeafCache::MakeReadable(leaf.base + (uint64_t{leaf.group} << kGroupBits) + 8 * leaf.word);
    held.push_back(leaf);
    shared.findings.Expect(IsWhole(shared.files[leaf.image], leaf.base, leaf.group, leaf.word, 16),
                           "image ", leaf.image, ", group ", leaf.group, " is not what was packed");
  }
  for (const Held& leaf : held) {
    shared.findings.Expect(IsWhole(shared.files[leaf.image], leaf.base, leaf.group, leaf.word, 16),
                           "image ", leaf.image, ", group ", leaf.group, " went while it was read");
  }
}

// As a segment store does: out of sight, then gone once no reader can have seen it.
void Drop(Shared& shared, uint32_t image) {
  shared.bases[image].store(nullptr, std::memory_order_release);
  const uint64_t epoch = shared.epochs.Advance();
  while (!shared.epochs.AllReadersAfter(epoch)) std::this_thread::yield();
  shared.images[image].reset();
}

TEST_CASE("leaf cache: many readers, little room, and segments that go", "[cache]") {
  Shared shared;
  for (uint32_t i = 0; i < kImages; ++i) {
    shared.files[i] = MakeFrames(100 + i, kGroups);
    auto image =
        PackedImage::Create(&shared.cache, "s", shared.files[i].bytes, shared.files[i].offsets);
    REQUIRE(image.ok());
    shared.images[i] = *std::move(image);
    shared.bases[i].store(shared.images[i]->base(), std::memory_order_release);
  }
  const size_t reader_count = ThreadCount(6);
  const size_t rounds = ScaledFor(60'000, 6);
  std::atomic<size_t> reads{0};
  std::vector<std::thread> readers;
  for (size_t i = 0; i < reader_count; ++i) {
    readers.emplace_back([&, i] {
      std::mt19937_64 random(i);
      for (size_t round = 0; round < rounds && shared.findings.none(); ++round) {
        ReadSome(shared, random);
        reads.fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  // Two segments go in the middle of it; the cache is trimmed all the time.
  for (const uint32_t image : {1u, 3u}) {
    const size_t until = reader_count * rounds / 3 * (image == 1 ? 1 : 2);
    while (reads.load(std::memory_order_relaxed) < until && shared.findings.none()) {
      shared.cache.Trim();
      std::this_thread::yield();
    }
    Drop(shared, image);
  }
  for (std::thread& reader : readers) reader.join();
  INFO(shared.findings.first());
  REQUIRE(shared.findings.none());
  CHECK(shared.cache.counts().loads > kImages * kGroups);
  shared.cache.Trim();
  shared.cache.Trim();
  CHECK(shared.cache.counts().bytes <= uint64_t{64} << kGroupBits);
  for (const uint32_t image : {0u, 2u}) Drop(shared, image);
  CHECK(shared.cache.counts().bytes == 0);
}

}  // namespace
}  // namespace tsdb::cache

// Which entries stay.
#include <catch2/catch.hpp>
#include <cstdio>
#include <set>

#include "test/storage/cache/traces.h"
#include "test/tsdb/threads.h"

namespace tsdb::cache {
namespace {

TEST_CASE("s3-fifo: scans do not wash out what is used, as they do of LRU", "[cache]") {
  for (const size_t percent : {5, 10, 20}) {
    if (kSlowdown > 1 && percent != 10) continue;
    TraceShape shape;
    const size_t capacity = shape.entries * percent / 100;
    const auto plain = MakeTrace(shape, 1);
    shape.scan_every = 20'000;
    shape.scan_touches = 4;  // the leaves of a group
    const auto scanned = MakeTrace(shape, 1);
    const double fifo = HitRate<S3FifoCache>(plain, shape.entries, capacity);
    const double lru = HitRate<LruCache>(plain, shape.entries, capacity);
    const double fifo_scanned = HitRate<S3FifoCache>(scanned, shape.entries, capacity);
    const double lru_scanned = HitRate<LruCache>(scanned, shape.entries, capacity);
    std::printf(
        "%2zu %% of the entries: S3-FIFO %.1f %%, LRU %.1f %%; with scans %.1f %%, %.1f %%\n",
        percent, fifo, lru, fifo_scanned, lru_scanned);
    CHECK(fifo > lru - 1);
    CHECK(fifo_scanned > lru_scanned + 1.5);
  }
}

struct Few {
  explicit Few(size_t capacity) { policy.SetCapacity(capacity); }
  void AdmitFresh(size_t count) {
    for (size_t i = 0; i < count; ++i) policy.Admit(&entries[next++]);
  }
  size_t EvictOne() {
    CacheEntry* entry = policy.Evict();
    REQUIRE(entry != nullptr);
    return static_cast<size_t>(entry - &entries[0]);
  }
  S3Fifo policy;
  CacheEntry entries[400];
  size_t next = 0;
};

TEST_CASE("s3-fifo: empty it has nothing to give", "[cache]") {
  Few few(10);
  CHECK(few.policy.Evict() == nullptr);
  few.AdmitFresh(1);
  CHECK(few.EvictOne() == 0);
  CHECK(few.policy.Evict() == nullptr);
  CHECK(few.policy.size() == 0);
}

TEST_CASE("s3-fifo: what was used stays, the rest goes first come first", "[cache]") {
  Few few(10);
  few.AdmitFresh(10);
  few.policy.Touch(few.entries[1]);
  CHECK(few.EvictOne() == 0);
  CHECK(few.EvictOne() == 2);
  CHECK(few.policy.size() == 8);
}

TEST_CASE("s3-fifo: what comes back soon after it went is kept from then on", "[cache]") {
  Few few(20);
  few.AdmitFresh(20);
  REQUIRE(few.EvictOne() == 0);
  few.policy.Admit(&few.entries[0]);
  std::set<size_t> gone;
  for (size_t i = 0; i < 200; ++i) {
    gone.insert(few.EvictOne());
    few.AdmitFresh(1);
  }
  CHECK(gone.count(0) == 0);
  CHECK(gone.size() == 200);
}

TEST_CASE("s3-fifo: what comes back late is new again", "[cache]") {
  Few few(20);
  few.AdmitFresh(20);
  REQUIRE(few.EvictOne() == 0);
  for (size_t i = 0; i < 30; ++i) {
    few.AdmitFresh(1);
    REQUIRE(few.EvictOne() != 0);
  }
  few.policy.Admit(&few.entries[0]);
  bool gone = false;
  for (size_t i = 0; i < 40; ++i) {
    gone |= few.EvictOne() == 0;
    few.AdmitFresh(1);
  }
  CHECK(gone);
}

TEST_CASE("s3-fifo: a scan's touches of one entry are one, and there are at most three",
          "[cache]") {
  Few few(100);  // within 5 admissions uses are one
  few.AdmitFresh(1);
  CacheEntry& entry = few.entries[0];
  for (int i = 0; i < 50; ++i) few.policy.Touch(entry);
  CHECK(entry.uses == 0);
  for (uint8_t expected = 1; expected <= S3Fifo::kUsesMax + 2; ++expected) {
    few.AdmitFresh(5);
    for (int i = 0; i < 50; ++i) few.policy.Touch(entry);
    CHECK(entry.uses == std::min(expected, S3Fifo::kUsesMax));
  }
}

TEST_CASE("s3-fifo: what was forgotten never comes out", "[cache]") {
  Few few(40);
  few.AdmitFresh(40);
  // Some of both queues.
  for (size_t i = 0; i < 10; ++i) few.policy.Touch(few.entries[i]);
  for (size_t i = 0; i < 5; ++i) few.EvictOne();
  const size_t before = few.policy.size();
  few.policy.Forget(&few.entries[5], &few.entries[20]);
  CHECK(few.policy.size() < before);
  std::set<size_t> out;
  while (few.policy.size() > 0) out.insert(few.EvictOne());
  for (size_t i = 5; i < 20; ++i) CHECK(out.count(i) == 0);
  for (size_t i = 20; i < 40; ++i) CHECK(out.count(i) == 1);
}

}  // namespace
}  // namespace tsdb::cache

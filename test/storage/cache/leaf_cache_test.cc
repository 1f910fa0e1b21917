// What of packed segments is in memory, and until when. Readers are made up here: what they hold is
// decided by the test.
#include "storage/cache/leaf_cache.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "test/storage/cache/frames.h"

namespace tsdb::cache {
namespace {

// As many groups as every cache may hold.
constexpr uint32_t kLeast = 64;
constexpr uint64_t kNobody = UINT64_MAX;

class CacheFixture {
 public:
  std::unique_ptr<PackedImage> Image(const FrameFile& file) {
    auto image = PackedImage::Create(&cache, "some.segment", file.bytes, file.offsets);
    REQUIRE(image.ok());
    return *std::move(image);
  }
  static const uint8_t* Leaf(const PackedImage& image, uint32_t group, uint64_t word = 1) {
    return image.base() + (uint64_t{group} << kGroupBits) + 8 * word;
  }
  // Reads groups [begin, end) whole.
  void Read(const FrameFile& file, const PackedImage& image, uint32_t begin, uint32_t end) {
    for (uint32_t group = begin; group < end; ++group) {
      CAPTURE(group);
      LeafCache::MakeReadable(Leaf(image, group));
      REQUIRE(LeafCache::Resident(Leaf(image, group)));
      REQUIRE(IsWhole(file, image.base(), group, 0, kGroupBytes / 8));
    }
  }
  uint32_t CountResident(const PackedImage& image, uint32_t groups) const {
    uint32_t resident = 0;
    for (uint32_t i = 0; i < groups; ++i) resident += LeafCache::Resident(Leaf(image, i)) ? 1 : 0;
    return resident;
  }
  uint64_t GroupsInMemory() const { return cache.counts().bytes >> kGroupBits; }

  uint64_t epoch = 1;
  uint64_t oldest = kNobody;  // that a reader has pinned
  uint64_t capacity = 0;      // in groups
  std::function<void()> on_advance = [] {};
  LeafCache cache{{[this] {
                     on_advance();
                     return epoch++;
                   },
                   [this](uint64_t then) { return oldest > then; }},
                  [this] { return capacity << kGroupBits; }};
};

TEST_CASE_METHOD(CacheFixture, "leaf cache: a group is unpacked once, then found", "[cache]") {
  const FrameFile file = MakeFrames(1, 3);
  const auto image = Image(file);
  CHECK_FALSE(LeafCache::Resident(Leaf(*image, 1)));
  for (const uint64_t word : {0, 1, 777, 2047}) LeafCache::MakeReadable(Leaf(*image, 1, word));
  CHECK(cache.counts().loads == 1);
  CHECK(IsWhole(file, image->base(), 1, 0, kGroupBytes / 8));
  CHECK(GroupsInMemory() == 1);
  CHECK_FALSE(LeafCache::Resident(Leaf(*image, 0)));
  CHECK_FALSE(LeafCache::Resident(Leaf(*image, 2)));
  for (int i = 0; i < 5000; ++i) LeafCache::MakeReadable(Leaf(*image, 1));
  CHECK(cache.counts().hits >= 5000 - 1023);
  CHECK(cache.counts().hits <= 5000 + 1023 + 3);
}

TEST_CASE_METHOD(CacheFixture, "leaf cache: without readers it stays within its capacity",
                 "[cache]") {
  capacity = GENERATE(0u, 64u, 100u);
  const uint64_t bound = std::max<uint64_t>(capacity, kLeast);
  const FrameFile file = MakeFrames(2, 300);
  const auto image = Image(file);
  for (uint32_t group = 0; group < 300; ++group) {
    Read(file, *image, group, group + 1);
    // The one that has just been evicted goes with the next.
    REQUIRE(GroupsInMemory() <= bound + 1);
  }
  CHECK(GroupsInMemory() >= bound);
  CHECK(cache.counts().loads == 300);
  Read(file, *image, 0, 300);
}

TEST_CASE_METHOD(CacheFixture, "leaf cache: the epoch ends only once nobody new finds what leaves",
                 "[cache]") {
  const FrameFile file = MakeFrames(3, 200);
  const auto image = Image(file);
  uint32_t advances = 0, resident_max = 0;
  on_advance = [&] {
    ++advances;
    // A reader that pins now is not waited for: all that it finds must stay.
    resident_max = std::max(resident_max, CountResident(*image, 200));
  };
  Read(file, *image, 0, 200);
  CHECK(advances >= 200 - kLeast);
  CHECK(resident_max == kLeast - 1);
}

TEST_CASE_METHOD(CacheFixture, "leaf cache: what a reader may hold stays until it is done",
                 "[cache]") {
  const FrameFile file = MakeFrames(4, 300);
  const auto image = Image(file);
  oldest = epoch;
  Read(file, *image, 0, 300);
  CHECK(GroupsInMemory() == 300);
  for (uint32_t group = 0; group < 300; ++group) {
    REQUIRE(IsWhole(file, image->base(), group, 0, kGroupBytes / 8));
  }
  oldest = kNobody;
  cache.Trim();
  cache.Trim();
  CHECK(GroupsInMemory() <= kLeast);
  Read(file, *image, 0, 300);
}

TEST_CASE_METHOD(CacheFixture, "leaf cache: what is wanted while it leaves is not unpacked again",
                 "[cache]") {
  const FrameFile file = MakeFrames(5, 128);
  const auto image = Image(file);
  oldest = epoch;
  Read(file, *image, 0, 128);
  REQUIRE_FALSE(LeafCache::Resident(Leaf(*image, 20)));
  Read(file, *image, 20, 21);
  CHECK(cache.counts().loads == 128);
  // It stays although what waited to drop it gets its turn.
  oldest = kNobody;
  const uint64_t before = GroupsInMemory();
  cache.Trim();
  CHECK(GroupsInMemory() < before);
  CHECK(LeafCache::Resident(Leaf(*image, 20)));
  CHECK(IsWhole(file, image->base(), 20, 0, kGroupBytes / 8));
}

TEST_CASE_METHOD(CacheFixture, "leaf cache: what is wanted while it leaves needs room as well",
                 "[cache]") {
  const FrameFile file = MakeFrames(11, 300);
  const auto image = Image(file);
  oldest = epoch;
  Read(file, *image, 0, 300);
  oldest = kNobody;
  // Nothing has been dropped yet, so that each of these may only come back.
  for (uint32_t group = 0; group < 300; ++group) {
    Read(file, *image, group, group + 1);
    REQUIRE(CountResident(*image, 300) <= kLeast);
  }
  CHECK(GroupsInMemory() <= kLeast + 1);
}

TEST_CASE_METHOD(CacheFixture, "leaf cache: what left twice goes only after the second time",
                 "[cache]") {
  const FrameFile file = MakeFrames(6, 129);
  const auto image = Image(file);
  oldest = epoch;
  Read(file, *image, 0, 128);  // 0 to 63 leave
  Read(file, *image, 0, 64);   // and are back
  const uint64_t first_leavings = epoch;
  Read(file, *image, 128, 129);
  std::vector<uint32_t> twice;
  for (uint32_t group = 0; group < 64; ++group) {
    if (!LeafCache::Resident(Leaf(*image, group))) twice.push_back(group);
  }
  REQUIRE_FALSE(twice.empty());
  // A reader that pinned between the two.
  oldest = first_leavings;
  const uint64_t loads = cache.counts().loads;
  cache.Trim();
  for (const uint32_t group : twice) {
    CAPTURE(group);
    REQUIRE(IsWhole(file, image->base(), group, 0, kGroupBytes / 8));
    LeafCache::MakeReadable(Leaf(*image, group));
  }
  CHECK(cache.counts().loads == loads);
}

TEST_CASE_METHOD(CacheFixture, "leaf cache: when less may be used, trimming gives back",
                 "[cache]") {
  const FrameFile file = MakeFrames(7, 300);
  const auto image = Image(file);
  capacity = 300;
  Read(file, *image, 0, 300);
  cache.Trim();
  CHECK(GroupsInMemory() >= 299);
  capacity = 100;
  oldest = epoch;  // somebody reads
  cache.Trim();
  cache.Trim();
  CHECK(GroupsInMemory() >= 299);
  CHECK(CountResident(*image, 300) < 100);
  oldest = kNobody;
  cache.Trim();
  CHECK(GroupsInMemory() <= 100);
  Read(file, *image, 0, 300);
}

TEST_CASE_METHOD(CacheFixture, "leaf cache: a segment that goes takes its groups along",
                 "[cache]") {
  const FrameFile file = MakeFrames(8, 100), other = MakeFrames(9, 100);
  const auto stays = Image(other);
  {
    const auto goes = Image(file);
    REQUIRE(&PackedImage::Of(Leaf(*goes, 99)) == goes.get());
    oldest = epoch;
    for (uint32_t group = 0; group < 100; ++group) {
      Read(file, *goes, group, group + 1);
      Read(other, *stays, group, group + 1);
    }
    oldest = kNobody;
  }
  // Some of `stays` were leaving, as were some of the other.
  CHECK(GroupsInMemory() <= 100);
  cache.Trim();
  CHECK(GroupsInMemory() <= kLeast);
  for (uint32_t round = 0; round < 3; ++round) Read(other, *stays, 0, 100);
  const auto again = Image(file);
  Read(file, *again, 0, 100);
}

TEST_CASE_METHOD(CacheFixture, "leaf cache: images are aligned, of any size", "[cache]") {
  FrameFile file = MakeFrames(10, 1);
  for (const size_t groups : {size_t{1}, size_t{2}, PackedImage::kGroupsMax}) {
    // All of one frame: where it lies is not the image's to ask.
    file.offsets.assign(groups, 0);
    const auto image = Image(file);
    const auto base = reinterpret_cast<uintptr_t>(image->base());
    CHECK(base % PackedImage::kImageAlignment == kGroupBytes);
    const uint8_t* last = Leaf(*image, static_cast<uint32_t>(groups - 1), 2047);
    CHECK(&PackedImage::Of(last) == image.get());
    LeafCache::MakeReadable(last);
    uint64_t word;
    std::memcpy(&word, last, sizeof(word));
    CHECK(word == WordOf(10, 0, 2047));
  }
  CHECK(GroupsInMemory() == 0);
}

}  // namespace
}  // namespace tsdb::cache

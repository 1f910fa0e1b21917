// Frames: what was packed comes out, and nothing that was not.
#include <catch2/catch.hpp>
#include <cstring>
#include <random>

#include "storage/base/coding.h"
#include "storage/base/crc32c.h"
#include "storage/cache/leaf_group.h"
#include "test/tsdb/threads.h"

namespace tsdb::cache {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes Noise(size_t bytes, uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  Bytes noise(bytes);
  for (uint8_t& byte : noise) byte = static_cast<uint8_t>(random());
  return noise;
}

// Eight bytes of noise over and over.
Bytes Repeated(size_t bytes) {
  const Bytes unit = Noise(8);
  Bytes repeated(bytes);
  for (size_t i = 0; i < bytes; ++i) repeated[i] = unit[i % 8];
  return repeated;
}

Bytes FrameOf(const Bytes& group) {
  Bytes frame;
  AppendFrame(group, &frame);
  return frame;
}

// Room for a group between bytes that nobody may touch.
class Guarded {
 public:
  Guarded() : bytes_(kGroupBytes + 2 * kMargin, kUntouched) {}
  uint8_t* out() { return bytes_.data() + kMargin; }
  // Whether nothing but the first `used` bytes was written to.
  bool Kept(size_t used) const {
    for (size_t i = 0; i < bytes_.size(); ++i) {
      const bool inside = i >= kMargin && i < kMargin + used;
      if (!inside && bytes_[i] != kUntouched) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kMargin = 64;
  static constexpr uint8_t kUntouched = 0xa5;
  Bytes bytes_;
};

TEST_CASE("leaf group: what was packed comes out", "[cache]") {
  for (const size_t size : {size_t{1}, size_t{2}, size_t{12}, size_t{13}, size_t{40}, size_t{4095},
                            size_t{kGroupBytes} - 1, size_t{kGroupBytes}}) {
    for (const Bytes& group : {Noise(size), Repeated(size), Bytes(size)}) {
      CAPTURE(size, group[0]);
      const Bytes frame = FrameOf(group);
      REQUIRE(frame.size() % 8 == 0);
      REQUIRE(ParseFrameHead(frame).ok());
      REQUIRE(ParseFrameHead(frame)->frame_bytes() == frame.size());
      Guarded room;
      const auto used = UnpackFrame(frame, room.out());
      REQUIRE(used.ok());
      REQUIRE(*used == size);
      REQUIRE(room.Kept(size));
      REQUIRE(std::memcmp(room.out(), group.data(), size) == 0);
    }
  }
}

TEST_CASE("leaf group: packed if that is shorter, else as it is", "[cache]") {
  CHECK(FrameOf(Repeated(kGroupBytes)).size() < kGroupBytes / 50);
  const Bytes noise = Noise(kGroupBytes);
  const Bytes frame = FrameOf(noise);
  CHECK(frame.size() == kFramePrefixBytes + kGroupBytes);
  CHECK(ParseFrameHead(frame)->stored == kGroupBytes);
}

TEST_CASE("leaf group: frames stand one behind the other", "[cache]") {
  Bytes frames;
  const Bytes groups[] = {Noise(5), Repeated(kGroupBytes), Noise(333)};
  for (const Bytes& group : groups) AppendFrame(group, &frames);
  std::span<const uint8_t> rest = frames;
  Guarded room;
  for (const Bytes& group : groups) {
    REQUIRE(UnpackFrame(rest, room.out()).ok());
    REQUIRE(std::memcmp(room.out(), group.data(), group.size()) == 0);
    rest = rest.subspan(ParseFrameHead(rest)->frame_bytes());
  }
  CHECK(rest.empty());
}

TEST_CASE("leaf group: every flip of a bit is refused, and damage stays in its place", "[cache]") {
  for (const Bytes& group : {Noise(77), Repeated(3000), Bytes(1)}) {
    const Bytes intact = FrameOf(group);
    for (size_t bit = 0; bit < 8 * intact.size(); ++bit) {
      CAPTURE(group.size(), bit);
      Bytes frame = intact;
      frame[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      Guarded room;
      const auto used = UnpackFrame(frame, room.out());
      REQUIRE(absl::IsDataLoss(used.status()));
      REQUIRE(room.Kept(kGroupBytes));
      for (const size_t claimed : {group.size(), size_t{1}, group.size() / 2}) {
        Guarded damaged;
        UnpackDamagedFrame(frame, static_cast<uint32_t>(claimed), damaged.out());
        REQUIRE(damaged.Kept(claimed));
      }
    }
  }
}

TEST_CASE("leaf group: a flip late in a frame leaves what is before it", "[cache]") {
  // Compressed by less than half, so that a byte of it stands for few.
  Bytes group = Noise(kGroupBytes / 2, 2);
  const Bytes copy = group;
  group.insert(group.end(), copy.begin(), copy.end());
  Bytes frame = FrameOf(group);
  frame[frame.size() / 2] ^= 1;
  Guarded room;
  UnpackDamagedFrame(frame, kGroupBytes, room.out());
  CHECK(std::memcmp(room.out(), group.data(), kGroupBytes / 8) == 0);
}

TEST_CASE("leaf group: cut at any length it is refused", "[cache]") {
  const Bytes frame = FrameOf(Repeated(500));
  for (size_t length = 0; length < frame.size(); ++length) {
    CAPTURE(length);
    // A vector of its own: an address sanitizer sees reads past it.
    const Bytes cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length));
    Guarded room;
    REQUIRE(absl::IsDataLoss(UnpackFrame(cut, room.out()).status()));
    UnpackDamagedFrame(cut, 500, room.out());
    REQUIRE(room.Kept(500));
  }
}

TEST_CASE("leaf group: forged heads with fitting checksums stay in bounds", "[cache]") {
  const Bytes intact = FrameOf(Repeated(500));
  const uint32_t values[] = {0,          1,          7,           8,           499,
                             500,        501,        16383,       kGroupBytes, 0x4001,
                             0x7fffffff, 0x80000000, 0xfffffff0u, UINT32_MAX};
  size_t taken = 0;
  for (const uint32_t stored : values) {
    for (const uint32_t used : values) {
      for (const uint32_t reserved : {0u, 1u, 0x80000000u}) {
        CAPTURE(stored, used, reserved);
        Bytes frame = intact;
        PutFixed32(frame.data() + 4, stored);
        PutFixed32(frame.data() + 8, used);
        PutFixed32(frame.data() + 12, reserved);
        const uint64_t covered =
            std::min<uint64_t>(frame.size() - 4, uint64_t{kFramePrefixBytes} - 4 + stored);
        PutFixed32(frame.data(), crc32c::Compute({frame.data() + 4, covered}));
        const auto head = ParseFrameHead(frame);
        const bool possible = reserved == 0 && used > 0 && used <= kGroupBytes && stored > 0 &&
                              stored <= used &&
                              kFramePrefixBytes + uint64_t{stored} <= frame.size();
        REQUIRE(head.ok() == possible);
        Guarded room;
        const auto unpacked = UnpackFrame(frame, room.out());
        REQUIRE(room.Kept(unpacked.ok() ? *unpacked : kGroupBytes));
        REQUIRE((!unpacked.ok() || (possible && *unpacked == used)));
        taken += unpacked.ok() ? 1 : 0;
        Guarded damaged;
        UnpackDamagedFrame(frame, 100, damaged.out());
        REQUIRE(damaged.Kept(100));
      }
    }
  }
  CHECK(taken > 0);  // what is stored as it is
}

TEST_CASE("leaf group: any bytes with a fitting checksum stay in bounds", "[cache]") {
  std::mt19937_64 random(5);
  for (size_t round = 0; round < Scaled(20'000); ++round) {
    const auto used = static_cast<uint32_t>(1 + random() % kGroupBytes);
    const auto stored = static_cast<uint32_t>(1 + random() % std::min<uint32_t>(used, 300));
    Bytes frame = Noise((kFramePrefixBytes + stored + 7) / 8 * 8, random());
    // Tokens of LZ4 that copy much from little.
    if (round % 2 == 0) {
      for (size_t i = kFramePrefixBytes; i < frame.size(); ++i) {
        if (random() % 3 == 0) frame[i] = random() % 2 == 0 ? 0xff : 0x0f;
      }
    }
    std::fill(frame.begin() + static_cast<std::ptrdiff_t>(kFramePrefixBytes + stored), frame.end(),
              uint8_t{0});
    PutFixed32(frame.data() + 4, stored);
    PutFixed32(frame.data() + 8, used);
    PutFixed32(frame.data() + 12, 0);
    PutFixed32(frame.data(), crc32c::Compute({frame.data() + 4, kFramePrefixBytes - 4 + stored}));
    Guarded room;
    const auto unpacked = UnpackFrame(frame, room.out());
    REQUIRE(room.Kept(used));
    REQUIRE((!unpacked.ok() || *unpacked == used));
    Guarded damaged;
    UnpackDamagedFrame(frame, used / 2, damaged.out());
    REQUIRE(damaged.Kept(used / 2));
  }
}

}  // namespace
}  // namespace tsdb::cache

// Groups of leaves, compressed together: what a packed segment holds in the place of leaves one by
// one. Leaves of neighbouring series repeat each other (series scraped together share timestamps),
// which a block by itself cannot use. docs/formats/segment.md is the format.
//
//   frame:  crc u32 | stored u32 | used u32 | 0 u32 | `stored` bytes | padding to 8
//   group:  `used` bytes of leaves as they lie in a plain segment, at most kGroupBytes
//
// The stored bytes are LZ4 (block format), or the group itself where that would be no shorter.
//
// Thread safety: functions only; a LeafGroup one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tsdb::cache {

inline constexpr uint32_t kGroupBits = 14;
// Large enough for LZ4 to find what repeats (64 KiB would take 4 % fewer bytes, 4 KiB 10 % more),
// small enough for a lookup (some 3 us to unpack) and for damage.
inline constexpr uint32_t kGroupBytes = uint32_t{1} << kGroupBits;
inline constexpr size_t kFramePrefixBytes = 16;

// Of a frame, without what is stored.
struct FrameHead {
  uint32_t crc = 0;  // of everything after it, up to the padding
  uint32_t stored = 0;
  uint32_t used = 0;

  uint64_t frame_bytes() const { return (kFramePrefixBytes + uint64_t{stored} + 7) & ~uint64_t{7}; }
};

// Appends the frame of `group`. REQUIRES: 0 < group.size() <= kGroupBytes.
void AppendFrame(std::span<const uint8_t> group, std::vector<uint8_t>* to);

// The head of the frame that `bytes` begin with; kDataLoss if there can be none. The checksum is
// not looked at.
absl::StatusOr<FrameHead> ParseFrameHead(std::span<const uint8_t> bytes);

// Unpacks the frame that `bytes` begin with; `out` has room for kGroupBytes. Returns how many were
// used. kDataLoss says what is wrong; `out` then holds anything.
absl::StatusOr<uint32_t> UnpackFrame(std::span<const uint8_t> bytes, uint8_t* out);

// For a frame that UnpackFrame refuses: unpacks what can be had, and zeroes the rest, so that the
// leaves' own checksums can tell which of them are whole. REQUIRES: used <= kGroupBytes.
void UnpackDamagedFrame(std::span<const uint8_t> bytes, uint32_t used, uint8_t* out);

// Room for one unpacked group, and which it is.
struct LeafGroup {
  std::unique_ptr<uint64_t[]> bytes;
  const void* owner = nullptr;
  uint32_t number = 0;
  bool damaged = false;  // its frame is not what was written

  uint8_t* data() {
    if (bytes == nullptr) bytes = std::make_unique<uint64_t[]>(kGroupBytes / sizeof(uint64_t));
    return reinterpret_cast<uint8_t*>(bytes.get());
  }
};

}  // namespace tsdb::cache

// Files of frames whose bytes give away which group of which file they are, and what the cache
// tests ask of them. Thread safety: functions only.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "storage/cache/leaf_group.h"

namespace tsdb::cache {

struct FrameFile {
  uint64_t seed = 0;
  std::vector<uint8_t> bytes;
  std::vector<uint64_t> offsets;
};

inline uint64_t Mixed(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

// The word at `at` of group `group`: 64 bytes are alike, so that groups can be compressed.
inline uint64_t WordOf(uint64_t seed, uint64_t group, uint64_t at) {
  return Mixed(seed << 40 | group << 16 | at / 8);
}

inline FrameFile MakeFrames(uint64_t seed, uint32_t groups) {
  FrameFile file{seed, {}, {}};
  std::vector<uint64_t> words(kGroupBytes / 8);
  for (uint32_t group = 0; group < groups; ++group) {
    for (uint64_t at = 0; at < words.size(); ++at) words[at] = WordOf(seed, group, at);
    file.offsets.push_back(file.bytes.size());
    AppendFrame({reinterpret_cast<const uint8_t*>(words.data()), kGroupBytes}, &file.bytes);
  }
  return file;
}

// Whether `bytes`, of an image whose group 0 is at `base`, are what was packed from word `at` on.
inline bool IsWhole(const FrameFile& file, const uint8_t* base, uint32_t group, uint64_t at,
                    uint64_t words) {
  const uint8_t* const begin = base + (uint64_t{group} << kGroupBits) + 8 * at;
  for (uint64_t i = 0; i < words; ++i) {
    uint64_t word;
    std::memcpy(&word, begin + 8 * i, sizeof(word));
    if (word != WordOf(file.seed, group, at + i)) return false;
  }
  return true;
}

}  // namespace tsdb::cache

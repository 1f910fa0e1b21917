#include "index/label/id_set.h"

#include <cstring>
#include <string>

namespace tsdb::label {
namespace {

// Roaring's portable format, without run containers: the one way in that takes whole containers.
constexpr uint32_t kCookie = 12346;
constexpr uint32_t kArrayIdsMax = 4096;

template <typename Integer>
void Append(std::string& out, Integer value) {
  static_assert(std::endian::native == std::endian::little);
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

uint32_t CountBits(const uint64_t* words) {
  int count = 0;
  for (size_t i = 0; i < IdSet::kBlockWords; ++i) count += std::popcount(words[i]);
  return static_cast<uint32_t>(count);
}

void AppendArray(std::string& out, const uint64_t* words, uint32_t count) {
  const size_t begin = out.size();
  out.resize(begin + count * sizeof(uint16_t));
  char* position = out.data() + begin;
  for (size_t i = 0; i < IdSet::kBlockWords; ++i) {
    for (uint64_t word = words[i]; word != 0; word &= word - 1) {
      const auto id = static_cast<uint16_t>(i * 64 + static_cast<size_t>(std::countr_zero(word)));
      std::memcpy(position, &id, sizeof(id));
      position += sizeof(id);
    }
  }
}

}  // namespace

Roaring IdSet::ToRoaring() const {
  struct Container {
    uint16_t key;
    uint32_t count;
  };
  std::vector<Container> containers;
  size_t content = 0;
  for (size_t key = 0; key < blocks_.size(); ++key) {
    if (blocks_[key] == nullptr) continue;
    const uint32_t count = CountBits(blocks_[key].get());
    if (count == 0) continue;
    containers.push_back({static_cast<uint16_t>(key), count});
    content += count <= kArrayIdsMax ? count * sizeof(uint16_t) : kBlockIds / 8;
  }
  if (containers.empty()) return {};
  std::string bytes;
  bytes.reserve(8 + containers.size() * 8 + content);
  Append(bytes, kCookie);
  Append(bytes, static_cast<uint32_t>(containers.size()));
  for (const Container& container : containers) {
    Append(bytes, container.key);
    Append(bytes, static_cast<uint16_t>(container.count - 1));
  }
  size_t offset = bytes.size() + containers.size() * sizeof(uint32_t);
  for (const Container& container : containers) {
    Append(bytes, static_cast<uint32_t>(offset));
    offset += container.count <= kArrayIdsMax ? container.count * sizeof(uint16_t) : kBlockIds / 8;
  }
  for (const Container& container : containers) {
    const uint64_t* const words = blocks_[container.key].get();
    if (container.count <= kArrayIdsMax) {
      AppendArray(bytes, words, container.count);
    } else {
      bytes.append(reinterpret_cast<const char*>(words), kBlockIds / 8);
    }
  }
  return Roaring::readSafe(bytes.data(), bytes.size());
}

}  // namespace tsdb::label

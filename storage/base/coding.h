// Integers as bytes, for everything that is written to a file: little-endian fixed widths, varints
// (7 bits a byte, lowest first, the high bit says that another follows) and zigzag for signed ones.
//
// The Put and Get functions trust their pointers: they are for writers and for bytes whose length
// has been checked. Bytes that come from outside go through ByteReader, which checks every read.
//
// Thread safety: none is needed, nothing is shared.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace tsdb {

inline constexpr size_t kVarint32BytesMax = 5;
inline constexpr size_t kVarint64BytesMax = 10;

namespace internal {

template <typename Integer>
Integer LittleEndian(Integer value) {
  if constexpr (std::endian::native == std::endian::little) {
    return value;
  } else if constexpr (sizeof(Integer) == 4) {
    return __builtin_bswap32(value);
  } else {
    return __builtin_bswap64(value);
  }
}

}  // namespace internal

// Both need no alignment.
inline void PutFixed32(uint8_t* to, uint32_t value) {
  value = internal::LittleEndian(value);
  std::memcpy(to, &value, sizeof(value));
}
inline void PutFixed64(uint8_t* to, uint64_t value) {
  value = internal::LittleEndian(value);
  std::memcpy(to, &value, sizeof(value));
}
inline uint32_t GetFixed32(const uint8_t* from) {
  uint32_t value;
  std::memcpy(&value, from, sizeof(value));
  return internal::LittleEndian(value);
}
inline uint64_t GetFixed64(const uint8_t* from) {
  uint64_t value;
  std::memcpy(&value, from, sizeof(value));
  return internal::LittleEndian(value);
}

// Bytes that PutVarint64 would write: 1 to kVarint64BytesMax.
inline size_t VarintLength(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7;
}

// Returns the byte after the last one written. REQUIRES: room for VarintLength(value) bytes.
inline uint8_t* PutVarint64(uint8_t* to, uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<uint8_t>(value) | 0x80;
    value >>= 7;
  }
  *to++ = static_cast<uint8_t>(value);
  return to;
}
inline uint8_t* PutVarint32(uint8_t* to, uint32_t value) { return PutVarint64(to, value); }

// Small magnitudes of either sign to small unsigned values: 0, -1, 1, -2 -> 0, 1, 2, 3.
inline constexpr uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
inline constexpr int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ (0 - (value & 1)));
}

// The same for a container of bytes that grows at its end: std::vector<uint8_t>, std::string.
// (Resized, not inserted into: GCC 12 warns falsely about overflows in vector::insert.)
template <typename Container>
void AppendFixed32(Container* to, uint32_t value) {
  const size_t size = to->size();
  to->resize(size + sizeof(value));
  PutFixed32(reinterpret_cast<uint8_t*>(to->data()) + size, value);
}
template <typename Container>
void AppendFixed64(Container* to, uint64_t value) {
  const size_t size = to->size();
  to->resize(size + sizeof(value));
  PutFixed64(reinterpret_cast<uint8_t*>(to->data()) + size, value);
}
template <typename Container>
void AppendVarint64(Container* to, uint64_t value) {
  const size_t size = to->size();
  to->resize(size + VarintLength(value));
  PutVarint64(reinterpret_cast<uint8_t*>(to->data()) + size, value);
}

// Reads bytes nobody vouches for, from the front. Every read says whether there were enough (and
// well-formed) bytes; if not, the reader stays where it was and `*value` is unchanged.
//
// Invariant: position() + remaining() is the length given at the start.
class ByteReader {
 public:
  explicit ByteReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }
  bool empty() const { return remaining() == 0; }

  [[nodiscard]] bool ReadByte(uint8_t* value) {
    if (remaining() < 1) return false;
    *value = bytes_[position_++];
    return true;
  }
  [[nodiscard]] bool ReadFixed32(uint32_t* value) {
    if (remaining() < sizeof(*value)) return false;
    *value = GetFixed32(bytes_.data() + position_);
    position_ += sizeof(*value);
    return true;
  }
  [[nodiscard]] bool ReadFixed64(uint64_t* value) {
    if (remaining() < sizeof(*value)) return false;
    *value = GetFixed64(bytes_.data() + position_);
    position_ += sizeof(*value);
    return true;
  }
  // False, too, for what passes 64 bits or is longer than it need be: a value has one encoding.
  [[nodiscard]] bool ReadVarint64(uint64_t* value) {
    uint64_t result = 0;
    for (size_t i = 0; i < kVarint64BytesMax && i < remaining(); ++i) {
      const uint8_t byte = bytes_[position_ + i];
      if (i == kVarint64BytesMax - 1 && byte > 1) return false;
      result |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
      if (byte < 0x80) {
        if (byte == 0 && i > 0) return false;
        position_ += i + 1;
        *value = result;
        return true;
      }
    }
    return false;
  }
  [[nodiscard]] bool ReadVarint32(uint32_t* value) {
    const size_t start = position_;
    uint64_t wide = 0;
    if (!ReadVarint64(&wide)) return false;
    if (wide > UINT32_MAX) {
      position_ = start;
      return false;
    }
    *value = static_cast<uint32_t>(wide);
    return true;
  }
  // The next `length` bytes; they are the caller's bytes, not a copy.
  [[nodiscard]] bool ReadBytes(uint64_t length, std::span<const uint8_t>* bytes) {
    if (length > remaining()) return false;
    *bytes = bytes_.subspan(position_, static_cast<size_t>(length));
    position_ += static_cast<size_t>(length);
    return true;
  }
  [[nodiscard]] bool Skip(uint64_t length) {
    if (length > remaining()) return false;
    position_ += static_cast<size_t>(length);
    return true;
  }

 private:
  std::span<const uint8_t> bytes_;
  size_t position_ = 0;
};

}  // namespace tsdb
